/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "deploy/context.h"
#include "git/mirror.h"
#include "tests/tap.h"

static char top[64];

static void write_file(const char *path, const char *text, size_t n)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", top, path);
    FILE *f = fopen(full, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fwrite(text, 1, n, f);
    fclose(f);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static void make_dir(const char *path)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", top, path);
    mkdir(full, 0755);
}

static void make_link(const char *path, const char *target)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", top, path);
    CU_ASSERT_EQUAL(symlink(target, full), 0);
}

static void setup(void)
{
    strcpy(top, "/tmp/slipway-context.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(top));
    write_text("Dockerfile", "FROM scratch\n");
    write_text("a.txt", "a");
    make_dir("sub");
    write_text("sub/Dockerfile", "FROM scratch\n");
    write_text("sub/b.txt", "b");
    make_dir("sub/deep");
    write_text("sub/deep/c.txt", "c");
}

static void cleanup(void)
{
    struct err err;
    TAP_OK(repo_remove_tree(top, &err), &err);
}

/* The whole stream, read in pieces of CAP bytes. */
static int stream(const char *context_path, const char *dockerfile, size_t cap, struct buf *out,
                  struct err *err)
{
    AUTO_ARENA a = {0};
    struct context_paths paths;
    if (context_resolve(&a, top, context_path, dockerfile, &paths, err) < 0)
        return -1;
    AUTO_CONTEXT c;
    if (context_open(&c, &paths, 1000000000, err) < 0)
        return -1;
    char *piece = arena_alloc(&a, cap);
    ssize_t n;
    while ((n = context_read(&c, piece, cap, err)) > 0)
        buf_add(out, piece, (size_t)n);
    CU_ASSERT_EQUAL((size_t)c.bytes, out->len);
    return n < 0 ? -1 : 0;
}

/* The archive's names with their kind and size, a line each, in order. */
static void listing(const struct buf *tar, struct buf *out)
{
    struct archive *ar = archive_read_new();
    struct archive_entry *e;
    archive_read_support_format_tar(ar);
    CU_ASSERT_EQUAL(archive_read_open_memory(ar, tar->data, tar->len), ARCHIVE_OK);
    while (archive_read_next_header(ar, &e) == ARCHIVE_OK) {
        CU_ASSERT_EQUAL(archive_entry_mtime(e), 1000000000);
        CU_ASSERT_EQUAL(archive_entry_uid(e), 0);
        if (archive_entry_filetype(e) == AE_IFLNK)
            buf_addf(out, "%s -> %s\n", archive_entry_pathname(e), archive_entry_symlink(e));
        else
            buf_addf(out, "%s %lld\n", archive_entry_pathname(e), (long long)archive_entry_size(e));
    }
    archive_read_free(ar);
}

static void expect(const char *context_path, const char *dockerfile, const char *expected)
{
    static const size_t caps[] = {1, 100, 512, 65536};
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        AUTO_BUF tar = {0};
        AUTO_BUF list = {0};
        struct err err = {0};
        TAP_OK(stream(context_path, dockerfile, caps[i], &tar, &err), &err);
        listing(&tar, &list);
        TAP_STR(buf_str(&list), expected);
    }
}

static void whole(void)
{
    setup();
    expect(".", "Dockerfile",
           "Dockerfile 13\na.txt 1\nsub/ 0\nsub/Dockerfile 13\nsub/b.txt 1\nsub/deep/ 0\n"
           "sub/deep/c.txt 1\n");
    expect("sub", NULL, "Dockerfile 13\nb.txt 1\ndeep/ 0\ndeep/c.txt 1\n");
    cleanup();
}

static void ignored(void)
{
    setup();
    write_text(".dockerignore", "*\n!sub/deep\n");
    expect(".", "Dockerfile", ".dockerignore 12\nDockerfile 13\nsub/deep/ 0\nsub/deep/c.txt 1\n");
    /* the Dockerfile below a directory that is left out */
    write_text(".dockerignore", "sub\na.txt\n");
    expect(".", "sub/Dockerfile", ".dockerignore 10\nDockerfile 13\nsub/Dockerfile 13\n");
    /* the Dockerfile's own file comes first */
    write_text("Dockerfile.dockerignore", "sub\n");
    expect(".", "Dockerfile",
           ".dockerignore 10\nDockerfile 13\nDockerfile.dockerignore 4\na.txt 1\n");
    cleanup();
}

static void links(void)
{
    setup();
    make_link("etc", "/etc");
    make_link("up", "../..");
    make_link("loop", "loop");
    make_link("shadow", "/etc/shadow");
    expect(".", "Dockerfile",
           "Dockerfile 13\na.txt 1\netc -> /etc\nloop -> loop\nshadow -> /etc/shadow\nsub/ 0\n"
           "sub/Dockerfile 13\nsub/b.txt 1\nsub/deep/ 0\nsub/deep/c.txt 1\nup -> ../..\n");
    cleanup();
}

static void refuse(const char *context_path, const char *dockerfile, const char *msg)
{
    struct err err = {0};
    AUTO_BUF tar = {0};
    CU_ASSERT_EQUAL(stream(context_path, dockerfile, 512, &tar, &err), -1);
    CU_ASSERT(err.code == ERR_INVALID || err.code == ERR_NOT_FOUND);
    TAP_STR(err.msg, msg);
}

static void escapes(void)
{
    setup();
    make_link("out", "/");
    make_link("Passwd", "/etc/passwd");
    make_link("sub/Up", "../Dockerfile");
    make_link("inside", "sub");
    refuse(".", "../../etc/passwd",
           "dockerfile '../../etc/passwd' must be a path inside the repository, not absolute and "
           "without '..'");
    refuse(".", "/etc/passwd",
           "dockerfile '/etc/passwd' must be a path inside the repository, not absolute and "
           "without '..'");
    refuse("sub/../..", NULL,
           "contextPath 'sub/../..' must be a path inside the repository, not absolute and without "
           "'..'");
    refuse("out", "etc/passwd",
           "contextPath 'out' is a symbolic link that leads out of the repository");
    refuse(".", "out/etc/passwd",
           "dockerfile 'out/etc/passwd' is a symbolic link that leads out of the repository");
    refuse(".", "Passwd",
           "dockerfile 'Passwd' is a symbolic link that leads out of the repository");
    refuse("sub", "Up", "dockerfile 'Up' is a symbolic link that leads out of the context 'sub'");
    refuse(".", "Missing", "dockerfile 'Missing' is not there in this commit");
    refuse("missing", NULL, "contextPath 'missing' is not there in this commit");
    refuse("a.txt", NULL, "contextPath 'a.txt' is not a directory");
    refuse(".", "sub", "dockerfile 'sub' is not a file");
    expect("inside", NULL, "Dockerfile 13\nUp -> ../Dockerfile\nb.txt 1\ndeep/ 0\ndeep/c.txt 1\n");
    make_link(".dockerignore", "/etc/passwd");
    AUTO_BUF tar = {0};
    struct err err = {0};
    CU_ASSERT_EQUAL(stream(".", NULL, 512, &tar, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    cleanup();
}

static void contents(void)
{
    setup();
    size_t size = 300001;
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 251);
    write_file("sub/big", data, size);
    char name[200];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    write_text(name, "long name");
    AUTO_BUF tar = {0};
    struct err err = {0};
    TAP_OK(stream(".", NULL, 10000, &tar, &err), &err);
    struct archive *ar = archive_read_new();
    struct archive_entry *e;
    bool seen_big = false, seen_long = false;
    archive_read_support_format_tar(ar);
    CU_ASSERT_EQUAL(archive_read_open_memory(ar, tar.data, tar.len), ARCHIVE_OK);
    while (archive_read_next_header(ar, &e) == ARCHIVE_OK) {
        seen_long |= str_eq(archive_entry_pathname(e), name);
        if (!str_eq(archive_entry_pathname(e), "sub/big"))
            continue;
        seen_big = true;
        char *copy = malloc(size);
        CU_ASSERT_EQUAL(archive_read_data(ar, copy, size), (la_ssize_t)size);
        CU_ASSERT_EQUAL(memcmp(copy, data, size), 0);
        free(copy);
    }
    CU_ASSERT(seen_big && seen_long);
    archive_read_free(ar);
    free(data);
    cleanup();
}

const struct tap_test context_tests[] = {
    {"a directory as tar, in order", whole},
    {".dockerignore, and what is kept whatever it says", ignored},
    {"links go in as links", links},
    {"nothing leads out of the repository", escapes},
    {"contents and long names", contents},
    {NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
#include "deploy/context.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum { CHUNK = 64 * 1024, IGNORE_MAX = 1024 * 1024 };

static void free_text(char **p)
{
    free(*p);
}

static bool has_dotdot(const char *path)
{
    for (const char *p = path; (p = strstr(p, "..")); p += 2)
        if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
            return true;
    return false;
}

/* VALUE of the field FIELD below BASE, which must not lead out of LIMIT. */
static int resolve(struct arena *a, const char *field, const char *base, const char *value,
                   const char *limit, const char *limit_name, char **out, struct err *err)
{
    if (value[0] == '/' || has_dotdot(value))
        return err_set(err, ERR_INVALID,
                       "%s '%s' must be a path inside the %s, not absolute and without '..'", field,
                       value, limit_name);
    CLEANUP(free_text) char *real = realpath(arena_printf(a, "%s/%s", base, value), NULL);
    if (!real)
        return err_set(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_INVALID,
                       "%s '%s' is not there in this commit", field, value);
    size_t n = strlen(limit);
    if (strncmp(real, limit, n) != 0 || (real[n] && real[n] != '/'))
        return err_set(err, ERR_INVALID, "%s '%s' is a symbolic link that leads out of the %s",
                       field, value, limit_name);
    *out = arena_strdup(a, real);
    return 0;
}

int context_resolve(struct arena *a, const char *checkout, const char *context_path,
                    const char *dockerfile, struct context_paths *out, struct err *err)
{
    CLEANUP(free_text) char *top = realpath(checkout, NULL);
    if (!top)
        return err_set(err, ERR_INTERNAL, "the checkout %s is not there", checkout);
    char *root = NULL, *file = NULL;
    struct stat st;
    const char *where = str_empty(context_path) ? "." : context_path;
    const char *name = str_empty(dockerfile) ? "Dockerfile" : dockerfile;
    if (resolve(a, "contextPath", top, where, top, "repository", &root, err) < 0 || !root)
        return -1;
    if (stat(root, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_INVALID, "contextPath '%s' is not a directory", where);
    if (resolve(a, "dockerfile", root, name, top, "repository", &file, err) < 0 || !file)
        return -1;
    if (stat(file, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "dockerfile '%s' is not a file", name);
    size_t n = strlen(root);
    if (strncmp(file, root, n) != 0 || file[n] != '/')
        return err_set(err, ERR_INVALID,
                       "dockerfile '%s' is a symbolic link that leads out of the context '%s'",
                       name, where);
    out->root = root;
    out->dockerfile = file + n + 1;
    return 0;
}

static int read_ignore_file(struct context *c, const char *name, bool *found, struct err *err)
{
    const char *path = arena_printf(&c->arena, "%s/%s", c->paths.root, name);
    AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    *found = fd >= 0;
    if (fd < 0)
        return errno == ENOENT
                   ? 0
                   : err_set(err, ERR_INVALID, "%s cannot be read: %s", name, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > IGNORE_MAX)
        return err_set(err, ERR_INVALID, "%s is not a file of at most 1 MiB", name);
    char *text = arena_alloc(&c->arena, (size_t)st.st_size + 1);
    ssize_t n = read(fd, text, (size_t)st.st_size);
    if (n < 0)
        return err_set(err, ERR_INTERNAL, "%s cannot be read: %s", name, strerror(errno));
    return ignore_parse(&c->ignore, &c->arena, text, (size_t)n, err);
}

static la_ssize_t on_tar(struct archive *ar, void *arg, const void *p, size_t n)
{
    struct context *c = arg;
    (void)ar;
    buf_add(&c->ready, p, n);
    return (la_ssize_t)n;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

int context_open(struct context *c, const struct context_paths *paths, int64_t mtime_s,
                 struct err *err)
{
    *c = (struct context){.paths = *paths, .mtime_s = mtime_s, .file = -1};
    arena_init(&c->arena, 0);
    bool found;
    const char *own = arena_printf(&c->arena, "%s.dockerignore", paths->dockerfile);
    if (read_ignore_file(c, own, &found, err) < 0 ||
        (!found && read_ignore_file(c, ".dockerignore", &found, err) < 0))
        return -1;
    char *roots[] = {arena_strdup(&c->arena, paths->root), NULL};
    c->walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!c->walk)
        return err_set(err, ERR_INTERNAL, "could not read the context: %s", strerror(errno));
    struct archive *ar = archive_write_new();
    c->archive = ar;
    c->entry = archive_entry_new();
    if (!ar || !c->entry)
        base_oom(sizeof(*c));
    archive_write_set_format_pax_restricted(ar);
    archive_write_set_bytes_per_block(ar, 0);
    if (archive_write_open(ar, c, NULL, on_tar, NULL) != ARCHIVE_OK)
        return err_set(err, ERR_INTERNAL, "could not begin the context: %s",
                       archive_error_string(ar));
    return 0;
}

void context_close(struct context *c)
{
    if (c->walk)
        fts_close(c->walk);
    if (c->archive)
        archive_write_free(c->archive);
    if (c->entry)
        archive_entry_free(c->entry);
    base_close_fd(&c->file);
    c->file = -1;
    ignore_release(&c->ignore);
    buf_release(&c->ready);
    arena_release(&c->arena);
    c->walk = c->archive = c->entry = NULL;
}

/* The builder reads these two whatever .dockerignore says. */
static bool always_kept(const struct context *c, const char *path)
{
    return str_eq(path, c->paths.dockerfile) || str_eq(path, ".dockerignore");
}

static int add_header(struct context *c, const FTSENT *e, const char *path, struct err *err)
{
    struct archive_entry *entry = c->entry;
    archive_entry_clear(entry);
    archive_entry_set_pathname(entry, path);
    archive_entry_set_mtime(entry, c->mtime_s, 0);
    archive_entry_set_perm(entry, e->fts_statp->st_mode & 0777);
    if (e->fts_info == FTS_D) {
        archive_entry_set_filetype(entry, AE_IFDIR);
    } else if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE) {
        char target[PATH_MAX];
        ssize_t n = readlink(e->fts_accpath, target, sizeof(target) - 1);
        if (n < 0)
            return err_set(err, ERR_INTERNAL, "could not read the link '%s': %s", path,
                           strerror(errno));
        target[n] = '\0';
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, target);
    } else {
        c->file = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (c->file < 0 || fstat(c->file, &st) < 0)
            return err_set(err, ERR_INTERNAL, "could not read '%s': %s", path, strerror(errno));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_size(entry, st.st_size);
    }
    c->entries++;
    if (archive_write_header(c->archive, entry) < ARCHIVE_WARN)
        return err_set(err, ERR_INVALID, "could not put '%s' into the context: %s", path,
                       archive_error_string(c->archive));
    return 0;
}

static int next_entry(struct context *c, struct err *err)
{
    errno = 0;
    FTSENT *e = fts_read(c->walk);
    if (!e) {
        if (errno)
            return err_set(err, ERR_INTERNAL, "could not read the context: %s", strerror(errno));
        c->ended = true;
        if (archive_write_close(c->archive) != ARCHIVE_OK)
            return err_set(err, ERR_INTERNAL, "could not end the context: %s",
                           archive_error_string(c->archive));
        return 0;
    }
    if (e->fts_level == FTS_ROOTLEVEL || e->fts_info == FTS_DP)
        return 0;
    const char *path = e->fts_path + strlen(c->paths.root) + 1;
    switch (e->fts_info) {
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return err_set(err, ERR_INTERNAL, "could not read '%s': %s", path, strerror(e->fts_errno));
    case FTS_D:
    case FTS_F:
    case FTS_SL:
    case FTS_SLNONE:
        break;
    default:
        return 0;
    }
    if (ignore_match(&c->ignore, path) && !always_kept(c, path)) {
        size_t n = strlen(path);
        bool holds_dockerfile =
            strncmp(c->paths.dockerfile, path, n) == 0 && c->paths.dockerfile[n] == '/';
        if (e->fts_info == FTS_D && !c->ignore.keeps && !holds_dockerfile)
            fts_set(c->walk, e, FTS_SKIP);
        return 0;
    }
    return add_header(c, e, path, err);
}

static int copy_file(struct context *c, struct err *err)
{
    char chunk[CHUNK];
    ssize_t n = read(c->file, chunk, sizeof(chunk));
    if (n < 0)
        return err_set(err, ERR_INTERNAL, "could not read the context: %s", strerror(errno));
    if (n == 0) {
        close(c->file);
        c->file = -1;
        return 0;
    }
    if (archive_write_data(c->archive, chunk, (size_t)n) < 0)
        return err_set(err, ERR_INTERNAL, "could not write the context: %s",
                       archive_error_string(c->archive));
    return 0;
}

ssize_t context_read(void *arg, char *out, size_t cap, struct err *err)
{
    struct context *c = arg;
    while (!c->ready.len && !c->ended)
        if ((c->file >= 0 ? copy_file(c, err) : next_entry(c, err)) < 0)
            return -1;
    size_t n = c->ready.len < cap ? c->ready.len : cap;
    if (n)
        memcpy(out, c->ready.data, n);
    buf_shift(&c->ready, n);
    c->bytes += (int64_t)n;
    return (ssize_t)n;
}

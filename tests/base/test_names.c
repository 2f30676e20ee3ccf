/* SPDX-License-Identifier: MIT */
/* Images, kinds of databases, SSH keys: names and formats that others have laid down. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dbkind.h"
#include "base/exec.h"
#include "base/imageref.h"
#include "base/sshkey.h"
#include "base/str.h"
#include "tests/tap.h"

#define DIGEST "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void images(void)
{
    static const struct {
        const char *spelled, *normal;
    } rows[] = {
        {"nginx", "docker.io/library/nginx:latest"},
        {"nginx:latest", "docker.io/library/nginx:latest"},
        {"library/nginx", "docker.io/library/nginx:latest"},
        {"docker.io/nginx", "docker.io/library/nginx:latest"},
        {"docker.io/library/nginx:latest", "docker.io/library/nginx:latest"},
        {"Docker.IO/nginx", "docker.io/library/nginx:latest"},
        {"index.docker.io/nginx", "docker.io/library/nginx:latest"},
        {"registry-1.docker.io/library/nginx", "docker.io/library/nginx:latest"},
        {"nginx" DIGEST, "docker.io/library/nginx:latest"},
        {"nginx:1.25" DIGEST, "docker.io/library/nginx:1.25"},
        {"nginx:1.25-alpine", "docker.io/library/nginx:1.25-alpine"},
        {"acme/shop", "docker.io/acme/shop:latest"},
        {"acme/shop:v2", "docker.io/acme/shop:v2"},
        {"acme/team/shop", "docker.io/acme/team/shop:latest"},
        {"localhost/shop", "localhost/shop:latest"},
        {"localhost:5000/shop", "localhost:5000/shop:latest"},
        {"127.0.0.1:5000/shop:1a2b3c4", "127.0.0.1:5000/shop:1a2b3c4"},
        {"[::1]:5000/shop", "[::1]:5000/shop:latest"},
        {"Registry.Example.com/acme/shop", "registry.example.com/acme/shop:latest"},
        {"registry.example.com:5000/shop" DIGEST, "registry.example.com:5000/shop:latest"},
        {"registry.example.com:5000/a/b/c:v1" DIGEST, "registry.example.com:5000/a/b/c:v1"},
        /* the first part alone is a name, whatever it looks like */
        {"example.com", "docker.io/library/example.com:latest"},
        {"localhost:5000", "docker.io/library/localhost:5000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ARENA a = {0};
        const char *normal = imageref_normal(&a, rows[i].spelled);
        TAP_STR(normal, rows[i].normal);
        TAP_STR(imageref_normal(&a, normal), normal);
    }
}

static void kinds(void)
{
    AUTO_ARENA a = {0};
    for (char **word = str_split(&a, DBKIND_WORDS, '|'); *word; word++) {
        const struct dbkind *k = dbkind_find(*word);
        CU_ASSERT_PTR_NOT_NULL_FATAL(k);
        TAP_STR(k->name, *word);
    }
    CU_ASSERT_PTR_NULL(dbkind_find("oracle"));
    CU_ASSERT_PTR_NULL(dbkind_find("Postgres"));
    CU_ASSERT_PTR_NULL(dbkind_find(""));
}

static void database_addresses(void)
{
    static const struct {
        const char *kind, *user, *password, *name, *url;
    } rows[] = {
        {"postgres", "app", "s3cret", "shop", "postgresql://app:s3cret@db:5432/shop"},
        {"mariadb", "app", "aZ09-._~", "shop", "mysql://app:aZ09-._~@db:5432/shop"},
        {"mongodb", "a@b", "p:/?#[]@ %+&=", "my/db?x",
         "mongodb://a%40b:p%3A%2F%3F%23%5B%5D%40%20%25%2B%26%3D@db:5432/my%2Fdb%3Fx"},
        {"mysql", "app", "gr\xC3\xBC\xC3\x9F\x7F\x01", "shop",
         "mysql://app:gr%C3%BC%C3%9F%7F%01@db:5432/shop"},
        {"redis", NULL, "s3cret", NULL, "redis://:s3cret@db:5432/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ARENA a = {0};
        TAP_STR(dbkind_url(&a, dbkind_find(rows[i].kind), "db", 5432, rows[i].user,
                           rows[i].password, rows[i].name),
                rows[i].url);
    }
}

static void write_key(const char *path, const char *text)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Comments of every length modulo the cipher's block: the private part is padded to it. */
static void ssh_keys(void)
{
    static const char *const comments[] = {"",      "s",      "sl",      "sli",         "slip",
                                           "slipw", "slipwa", "slipway", "slipway shop"};
    char dir[] = "/tmp/slipway-ssh-XXXXXX", path[64];
    AUTO_ARENA a = {0};
    const char *before = "";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/key", dir);
    for (size_t i = 0; i < ARRAY_LEN(comments); i++) {
        AUTO_BUF out = {0};
        struct sshkey key;
        struct err err;
        int status = -1;
        sshkey_make(&a, comments[i], &key);
        write_key(path, key.private_key);
        TAP_OK(exec_run((const char *[]){"ssh-keygen", "-y", "-P", "", "-f", path, NULL}, 20000,
                        &out, &status, &err),
               &err);
        CU_ASSERT_EQUAL(status, 0);
        while (out.len && strchr("\n ", out.data[out.len - 1]))
            out.data[--out.len] = '\0';
        const char *line = *comments[i]
                               ? key.public_key
                               : arena_memdup(&a, key.public_key, strlen(key.public_key) - 1);
        TAP_STR(buf_str(&out), line);
        CU_ASSERT(strcmp(before, key.private_key) != 0);
        before = key.private_key;
        unlink(path);
    }
    rmdir(dir);
}

const struct tap_test names_tests[] = {
    {"spellings of one image have one normal name", images},
    {"every kind of database is found by its word", kinds},
    {"what stands in a database's address is encoded", database_addresses},
    {"OpenSSH reads a private key and finds its public one", ssh_keys},
    {NULL, NULL},
};

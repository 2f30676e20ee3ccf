/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/str.h"
#include "tests/tap.h"

static char dir[] = "/tmp/slipway-keys-XXXXXX";

static void make_keys(void)
{
    struct err err;
    strcpy(dir, "/tmp/slipway-keys-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    TAP_OK(keyring_create(dir, &err), &err);
}

static void drop_keys(void)
{
    static const char *const names[] = {"session.key", "web.key", "worker.key", "worker.pub"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void digests(void)
{
    AUTO_ARENA a = {0};
    TAP_STR(sha256_hex(&a, "abc", 3),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    unsigned char mac[SHA256_SIZE];
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac); /* RFC 4231, case 2 */
    TAP_STR(hex_encode(&a, mac, sizeof(mac)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    TAP_STR(base64_encode(&a, "a?>", 3), "YT8+");
    TAP_STR(base64url_encode(&a, "a?>x", 4), "YT8-eA==");
}

static void opens_its_own(void)
{
    make_keys();
    AUTO_ARENA a = {0};
    struct keyring web, worker;
    struct err err;
    char *out = NULL;
    TAP_OK(keyring_load(&web, dir, false, &err), &err);
    TAP_OK(keyring_load(&worker, dir, true, &err), &err);
    AUTO_BUF w = {0}, k = {0};
    secret_seal_w(&web, "row-1", "hook", &w);
    secret_seal_k(&web, "row-1", "s3cret", &k);
    CU_ASSERT_PTR_NULL(memmem(k.data, k.len, "s3cret", 6));
    TAP_OK(secret_open(&web, &a, "row-1", w.data, w.len, &out, &err), &err);
    TAP_STR(out, "hook");
    TAP_OK(secret_open(&worker, &a, "row-1", k.data, k.len, &out, &err), &err);
    TAP_STR(out, "s3cret");
    /* the web process cannot read what only the worker may */
    CU_ASSERT_EQUAL(secret_open(&web, &a, "row-1", k.data, k.len, &out, &err), -1);
    /* nor does a value open in another row, or when it was changed */
    CU_ASSERT_EQUAL(secret_open(&worker, &a, "row-2", k.data, k.len, &out, &err), -1);
    k.data[k.len - 1] ^= 1;
    CU_ASSERT_EQUAL(secret_open(&worker, &a, "row-1", k.data, k.len, &out, &err), -1);
    CU_ASSERT_EQUAL(secret_open(&worker, &a, "row-1", k.data, 5, &out, &err), -1);
    drop_keys();
}

static void keeps_keys(void)
{
    make_keys();
    struct keyring before, after;
    struct err err;
    TAP_OK(keyring_load(&before, dir, true, &err), &err);
    TAP_OK(keyring_create(dir, &err), &err);
    TAP_OK(keyring_load(&after, dir, true, &err), &err);
    CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/web.key", dir);
    chmod(path, 0644);
    CU_ASSERT_EQUAL(keyring_load(&after, dir, false, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "web.key"));
    drop_keys();
}

const struct tap_test crypto_tests[] = {
    {"digests and encodings match the published vectors", digests},
    {"each class of secret opens where it may, in its own row, unchanged", opens_its_own},
    {"keys are made once and must not be readable by all", keeps_keys},
    {NULL, NULL},
};

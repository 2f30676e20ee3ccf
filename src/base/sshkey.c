/* SPDX-License-Identifier: MIT */
#include "base/sshkey.h"

#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/rand.h"

static const char type[] = "ssh-ed25519";

enum { LINE = 70, BLOCK = 8 };

static void add_u32(struct buf *b, size_t n)
{
    buf_addc(b, (char)(n >> 24));
    buf_addc(b, (char)(n >> 16));
    buf_addc(b, (char)(n >> 8));
    buf_addc(b, (char)n);
}

static void add_string(struct buf *b, const void *p, size_t n)
{
    add_u32(b, n);
    buf_add(b, p, n);
}

static void add_public(struct buf *b, const unsigned char *pk)
{
    add_string(b, type, strlen(type));
    add_string(b, pk, crypto_sign_PUBLICKEYBYTES);
}

/* libsodium's secret key is the seed and the public key, as OpenSSH wants it. */
static void add_private(struct buf *b, const unsigned char *pk, const unsigned char *sk,
                        const char *comment)
{
    unsigned char check[4];
    rand_bytes(check, sizeof(check));
    buf_add(b, check, sizeof(check));
    buf_add(b, check, sizeof(check));
    add_public(b, pk);
    add_string(b, sk, crypto_sign_SECRETKEYBYTES);
    add_string(b, comment, strlen(comment));
    for (char pad = 1; b->len % BLOCK; pad++)
        buf_addc(b, pad);
}

void sshkey_make(struct arena *a, const char *comment, struct sshkey *out)
{
    unsigned char pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
    AUTO_BUF public = {0};
    AUTO_BUF secret = {0};
    AUTO_BUF whole = {0};
    AUTO_BUF text = {0};
    if (sodium_init() < 0 || crypto_sign_keypair(pk, sk) != 0)
        BUG("libsodium could not make a key pair");
    add_public(&public, pk);
    add_private(&secret, pk, sk, comment);
    buf_add(&whole, "openssh-key-v1", sizeof("openssh-key-v1")); /* with its NUL */
    add_string(&whole, "none", 4);                               /* cipher */
    add_string(&whole, "none", 4);                               /* key derivation */
    add_string(&whole, "", 0);
    add_u32(&whole, 1);
    add_string(&whole, public.data, public.len);
    add_string(&whole, secret.data, secret.len);

    const char *base64 = base64_encode(a, whole.data, whole.len);
    buf_adds(&text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for (size_t at = 0, n = strlen(base64); at < n; at += LINE)
        buf_addf(&text, "%.*s\n", (int)(n - at < LINE ? n - at : LINE), base64 + at);
    buf_adds(&text, "-----END OPENSSH PRIVATE KEY-----\n");
    out->private_key = buf_dup(&text, a);
    out->public_key =
        arena_printf(a, "%s %s %s", type, base64_encode(a, public.data, public.len), comment);
    sodium_memzero(sk, sizeof(sk));
    sodium_memzero(secret.data, secret.len);
    sodium_memzero(whole.data, whole.len);
    sodium_memzero(text.data, text.len);
}

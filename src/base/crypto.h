/* SPDX-License-Identifier: MIT */
/*
 * Hashes, encodings and the two classes of secrets.
 *
 * Class W: what the web process must read (webhook secrets). AES-256-GCM under a key that the web
 * and the worker have.
 * Class K: what only the worker may read (secret environment values, credentials). A fresh data
 * key encrypts the value by AES-256-GCM and is itself sealed to the worker's public key
 * (libsodium's sealed box), so the web process can write one and never read it back.
 *
 * A stored secret is the bytes
 *     W: 'W' 1 | key id, 4 bytes | nonce, 12 | ciphertext | tag, 16
 *     K: 'K' 1 | key id, 4 bytes | sealed data key, 80 | nonce, 12 | ciphertext | tag, 16
 * The additional data is the class, the version and the id of the row that owns it, so that a
 * value moved to another row does not open. A key's id is the first 4 bytes of the SHA-256 of the
 * (public) key.
 */
#ifndef SLIPWAY_BASE_CRYPTO_H
#define SLIPWAY_BASE_CRYPTO_H

#include "base/base.h"
#include "base/err.h"

struct arena;
struct buf;

enum { SHA256_SIZE = 32, KEY_SIZE = 32 };

void sha256(const void *p, size_t n, unsigned char out[SHA256_SIZE]);
char *sha256_hex(struct arena *a, const void *p, size_t n);
void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
                 unsigned char out[SHA256_SIZE]);

char *hex_encode(struct arena *a, const void *p, size_t n);
/* Exactly N bytes out of 2N digits; false otherwise. */
bool hex_decode(const char *s, void *out, size_t n);
char *base64_encode(struct arena *a, const void *p, size_t n);
/* base64url (RFC 4648, section 5) with padding, as the Engine wants in X-Registry-Auth. */
char *base64url_encode(struct arena *a, const void *p, size_t n);

/* The keys that a process holds; what it must not have is absent. Wiped by keyring_wipe(). */
struct keyring {
    bool has_session, has_w, has_k_public, has_k_secret;
    unsigned char session[KEY_SIZE]; /* signs session tokens and CSRF tokens */
    unsigned char w[KEY_SIZE];
    unsigned char k_public[KEY_SIZE];
    unsigned char k_secret[KEY_SIZE];
};

/* Reads DIR/web.key and DIR/worker.pub, and what else the process is to have: the web processes
 * DIR/session.key, the worker (FOR_WORKER) DIR/worker.key; 64 hexadecimal digits each. ERR_INVALID
 * names the file; a file that others may read is refused. */
int keyring_load(struct keyring *k, const char *dir, bool for_worker, struct err *err);

/* Makes the four files that are missing in DIR (mode 0600, worker.pub 0644); keeps those that are
 * there. ERR_INTERNAL: could not write. */
int keyring_create(const char *dir, struct err *err);

void keyring_wipe(struct keyring *k);

/* Appends the stored form of VALUE to OUT. ROW is the owning row's id. */
void secret_seal_w(const struct keyring *k, const char *row, const char *value, struct buf *out);
void secret_seal_k(const struct keyring *k, const char *row, const char *value, struct buf *out);

/* Opens either class. ERR_INTERNAL: wrong key, other row, damaged, or no key for that class. */
int secret_open(const struct keyring *k, struct arena *a, const char *row, const void *stored,
                size_t n, char **out, struct err *err);

#endif

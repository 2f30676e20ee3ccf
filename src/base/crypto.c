/* SPDX-License-Identifier: MIT */
#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rand.h"

enum { NONCE = 12, TAG = 16, KEY_ID = 4, HEAD = 2 + KEY_ID };
enum { SEALED_KEY = KEY_SIZE + crypto_box_SEALBYTES };

void sha256(const void *p, size_t n, unsigned char out[SHA256_SIZE])
{
    if (EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) != 1)
        BUG("SHA-256 is not there");
}

char *sha256_hex(struct arena *a, const void *p, size_t n)
{
    unsigned char digest[SHA256_SIZE];
    sha256(p, n, digest);
    return hex_encode(a, digest, sizeof(digest));
}

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
                 unsigned char out[SHA256_SIZE])
{
    unsigned len = SHA256_SIZE;
    if (!HMAC(EVP_sha256(), key, (int)key_len, p, n, out, &len))
        BUG("HMAC-SHA-256 is not there");
}

char *hex_encode(struct arena *a, const void *p, size_t n)
{
    char *out = arena_alloc(a, n * 2 + 1);
    sodium_bin2hex(out, n * 2 + 1, p, n);
    return out;
}

bool hex_decode(const char *s, void *out, size_t n)
{
    size_t got;
    const char *end;
    return sodium_hex2bin(out, n, s, strlen(s), NULL, &got, &end) == 0 && got == n && !*end;
}

static char *encode64(struct arena *a, const void *p, size_t n, int variant)
{
    size_t len = sodium_base64_encoded_len(n, variant);
    char *out = arena_alloc(a, len);
    return sodium_bin2base64(out, len, p, n, variant);
}

char *base64_encode(struct arena *a, const void *p, size_t n)
{
    return encode64(a, p, n, sodium_base64_VARIANT_ORIGINAL);
}

char *base64url_encode(struct arena *a, const void *p, size_t n)
{
    return encode64(a, p, n, sodium_base64_VARIANT_URLSAFE);
}

static int read_key(const char *dir, const char *name, bool is_public, unsigned char out[KEY_SIZE],
                    struct err *err)
{
    char path[512], text[2 * KEY_SIZE + 2] = "";
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(err, ERR_INVALID, "could not read the key %s: %s", path, strerror(errno));
    if (!is_public && st.st_mode & 0007)
        return err_set(err, ERR_INVALID, "the key %s may be read by everybody; chmod it to 0640",
                       path);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[strcspn(text, "\r\n")] = '\0';
    bool ok = n > 0 && hex_decode(text, out, KEY_SIZE);
    sodium_memzero(text, sizeof(text));
    if (!ok)
        return err_set(err, ERR_INVALID, "the key %s is not 64 hexadecimal digits", path);
    return 0;
}

int keyring_load(struct keyring *k, const char *dir, bool for_worker, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "could not start libsodium");
    *k = (struct keyring){0};
    if (read_key(dir, "web.key", false, k->w, err) < 0 ||
        read_key(dir, "worker.pub", true, k->k_public, err) < 0 ||
        read_key(dir, for_worker ? "worker.key" : "session.key", false,
                 for_worker ? k->k_secret : k->session, err) < 0)
        return -1;
    k->has_w = k->has_k_public = true;
    k->has_k_secret = for_worker;
    k->has_session = !for_worker;
    return 0;
}

static int write_key(const char *dir, const char *name, mode_t mode,
                     const unsigned char key[KEY_SIZE], struct err *err)
{
    char path[512], text[2 * KEY_SIZE + 2];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    sodium_bin2hex(text, sizeof(text) - 1, key, KEY_SIZE);
    text[2 * KEY_SIZE] = '\n';
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    ssize_t n = fd < 0 ? -1 : write(fd, text, 2 * KEY_SIZE + 1);
    int saved = errno;
    sodium_memzero(text, sizeof(text));
    if (n != 2 * KEY_SIZE + 1)
        return err_set(err, ERR_INTERNAL, "could not write the key %s: %s", path, strerror(saved));
    return 0;
}

static bool key_exists(const char *dir, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

int keyring_create(const char *dir, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "could not start libsodium");
    unsigned char key[KEY_SIZE], pub[KEY_SIZE];
    static const char *const plain[] = {"session.key", "web.key"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        rand_bytes(key, sizeof(key));
        if (!key_exists(dir, plain[i]) && write_key(dir, plain[i], 0600, key, err) < 0)
            return -1;
    }
    if (!key_exists(dir, "worker.key")) {
        crypto_box_keypair(pub, key);
        if (write_key(dir, "worker.key", 0600, key, err) < 0)
            return -1;
    } else if (read_key(dir, "worker.key", false, key, err) < 0) {
        return -1;
    }
    crypto_scalarmult_base(pub, key);
    sodium_memzero(key, sizeof(key));
    if (!key_exists(dir, "worker.pub"))
        return write_key(dir, "worker.pub", 0644, pub, err);
    return 0;
}

void keyring_wipe(struct keyring *k)
{
    sodium_memzero(k, sizeof(*k));
}

static void additional_data(struct buf *aad, char class, const char *row)
{
    buf_addc(aad, class);
    buf_addc(aad, 1);
    buf_adds(aad, row);
}

static void head(char class, const unsigned char key[KEY_SIZE], struct buf *out)
{
    unsigned char digest[SHA256_SIZE];
    sha256(key, KEY_SIZE, digest);
    buf_addc(out, class);
    buf_addc(out, 1);
    buf_add(out, digest, KEY_ID);
}

/* Appends nonce, ciphertext and tag. */
static void gcm_seal(const unsigned char key[KEY_SIZE], const struct buf *aad, const char *value,
                     struct buf *out)
{
    size_t n = strlen(value);
    unsigned char nonce[NONCE], tag[TAG];
    rand_bytes(nonce, sizeof(nonce));
    buf_add(out, nonce, sizeof(nonce));
    size_t at = out->len;
    buf_add(out, value, n);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    unsigned char *text = (unsigned char *)out->data + at;
    int len;
    if (!c || EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
        EVP_EncryptUpdate(c, NULL, &len, (unsigned char *)aad->data, (int)aad->len) != 1 ||
        (n && EVP_EncryptUpdate(c, text, &len, text, (int)n) != 1) ||
        EVP_EncryptFinal_ex(c, tag, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, tag) != 1)
        BUG("AES-256-GCM is not there");
    EVP_CIPHER_CTX_free(c);
    buf_add(out, tag, sizeof(tag));
}

static bool gcm_open(const unsigned char key[KEY_SIZE], const struct buf *aad,
                     const unsigned char *p, size_t n, char *out)
{
    unsigned char tag[TAG];
    size_t text = n - NONCE - TAG;
    memcpy(tag, p + n - TAG, TAG);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len;
    bool ok =
        c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, p) == 1 &&
        EVP_DecryptUpdate(c, NULL, &len, (unsigned char *)aad->data, (int)aad->len) == 1 &&
        (!text || EVP_DecryptUpdate(c, (unsigned char *)out, &len, p + NONCE, (int)text) == 1) &&
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
        EVP_DecryptFinal_ex(c, (unsigned char *)out + text, &len) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

void secret_seal_w(const struct keyring *k, const char *row, const char *value, struct buf *out)
{
    if (!k->has_w)
        BUG("no key of class W in this process");
    AUTO_BUF aad = {0};
    additional_data(&aad, 'W', row);
    head('W', k->w, out);
    gcm_seal(k->w, &aad, value, out);
}

void secret_seal_k(const struct keyring *k, const char *row, const char *value, struct buf *out)
{
    if (!k->has_k_public)
        BUG("no key of class K in this process");
    AUTO_BUF aad = {0};
    additional_data(&aad, 'K', row);
    unsigned char data_key[KEY_SIZE], sealed[SEALED_KEY];
    rand_bytes(data_key, sizeof(data_key));
    if (crypto_box_seal(sealed, data_key, sizeof(data_key), k->k_public) != 0)
        BUG("could not seal a data key");
    head('K', k->k_public, out);
    buf_add(out, sealed, sizeof(sealed));
    gcm_seal(data_key, &aad, value, out);
    sodium_memzero(data_key, sizeof(data_key));
}

int secret_open(const struct keyring *k, struct arena *a, const char *row, const void *stored,
                size_t n, char **out, struct err *err)
{
    const unsigned char *p = stored;
    unsigned char key[KEY_SIZE], digest[SHA256_SIZE];
    if (n < HEAD + NONCE + TAG || (p[0] != 'W' && p[0] != 'K') || p[1] != 1)
        return err_set(err, ERR_INTERNAL, "a stored secret of row %s is damaged", row);
    bool is_k = p[0] == 'K';
    if (is_k ? !k->has_k_secret : !k->has_w)
        return err_set(err, ERR_INTERNAL, "this process has no key for the secret of row %s", row);
    sha256(is_k ? k->k_public : k->w, KEY_SIZE, digest);
    if (memcmp(digest, p + 2, KEY_ID) != 0)
        return err_set(err, ERR_INTERNAL, "the secret of row %s was sealed with another key", row);
    size_t at = HEAD;
    if (is_k) {
        if (n < HEAD + SEALED_KEY + NONCE + TAG ||
            crypto_box_seal_open(key, p + at, SEALED_KEY, k->k_public, k->k_secret) != 0)
            return err_set(err, ERR_INTERNAL, "the data key of row %s does not open", row);
        at += SEALED_KEY;
    } else {
        memcpy(key, k->w, KEY_SIZE);
    }
    AUTO_BUF aad = {0};
    additional_data(&aad, is_k ? 'K' : 'W', row);
    char *text = arena_alloc(a, n - at - NONCE - TAG + 1);
    bool ok = gcm_open(key, &aad, p + at, n - at, text);
    sodium_memzero(key, sizeof(key));
    if (!ok)
        return err_set(err, ERR_INTERNAL, "the secret of row %s does not open", row);
    *out = text;
    return 0;
}

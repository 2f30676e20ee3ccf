/* SPDX-License-Identifier: MIT */
#include "auth/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"

enum { RECOVERY_BYTES = 10, WINDOW = 1 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

char *totp_base32(struct arena *a, const void *p, size_t n)
{
    const unsigned char *in = p;
    char *out = arena_alloc(a, (n * 8 + 4) / 5 + 1);
    size_t len = 0;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        held = held << 8 | in[i];
        for (bits += 8; bits >= 5; bits -= 5)
            out[len++] = alphabet[held >> (bits - 5) & 31];
    }
    if (bits)
        out[len++] = alphabet[held << (5 - bits) & 31];
    return out;
}

void totp_code(const unsigned char *secret, size_t n, int64_t step, int digits, char out[9])
{
    static const unsigned powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    unsigned char counter[8], mac[20];
    unsigned len = sizeof(mac);
    for (int i = 0; i < 8; i++)
        counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    if (!HMAC(EVP_sha1(), secret, (int)n, counter, sizeof(counter), mac, &len))
        BUG("HMAC-SHA-1 is not there");
    /* dynamic truncation, RFC 4226, section 5.3 */
    const unsigned char *at = mac + (mac[19] & 15);
    unsigned v = (at[0] & 127U) << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
    snprintf(out, 9, "%0*u", digits, v % powers[digits]);
}

bool totp_match(const unsigned char *secret, size_t n, const char *code, int64_t now, int64_t *step)
{
    bool found = false;
    int64_t current = now / TOTP_STEP_MS;
    for (int64_t i = current - WINDOW; i <= current + WINDOW; i++) {
        char right[9];
        totp_code(secret, n, i, TOTP_DIGITS, right);
        if (str_eq_secret(right, TOTP_DIGITS, code, strlen(code))) {
            found = true;
            *step = i;
        }
    }
    return found;
}

static void add_encoded(struct buf *b, const char *s)
{
    for (; *s; s++)
        if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
            strchr("-._~", *s))
            buf_addc(b, *s);
        else
            buf_addf(b, "%%%02X", (unsigned char)*s);
}

char *totp_uri(struct arena *a, const char *issuer, const char *account, const char *base32)
{
    AUTO_BUF b = {0};
    buf_adds(&b, "otpauth://totp/");
    add_encoded(&b, issuer);
    buf_adds(&b, ":");
    add_encoded(&b, account);
    buf_addf(&b, "?secret=%s&issuer=", base32);
    add_encoded(&b, issuer);
    buf_addf(&b, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP_MS / 1000);
    return buf_dup(&b, a);
}

void totp_recovery_make(char out[TOTP_RECOVERY_TEXT])
{
    unsigned char random[RECOVERY_BYTES];
    AUTO_ARENA a = {0};
    rand_bytes(random, sizeof(random));
    const char *t = totp_base32(&a, random, sizeof(random));
    snprintf(out, TOTP_RECOVERY_TEXT, "%.4s-%.4s-%.4s-%.4s", t, t + 4, t + 8, t + 12);
}

const char *totp_recovery_hash(struct arena *a, const char *user_id, const char *code)
{
    char plain[RECOVERY_BYTES * 8 / 5 + 1];
    size_t n = 0;
    for (; *code; code++) {
        char c = (char)(*code >= 'a' && *code <= 'z' ? *code - 'a' + 'A' : *code);
        if (c == '-' || c == ' ')
            continue;
        if (!strchr(alphabet, c) || n == sizeof(plain) - 1)
            return NULL;
        plain[n++] = c;
    }
    if (n != sizeof(plain) - 1)
        return NULL;
    plain[n] = '\0';
    const char *text = arena_printf(a, "recovery:%s:%s", user_id, plain);
    return sha256_hex(a, text, strlen(text));
}

static int open_secret(const struct session_deps *d, struct arena *a, const char *user_id,
                       const struct store_totp *t, unsigned char out[TOTP_SECRET], struct err *err)
{
    char *hex;
    if (secret_open(d->keys, a, user_id, t->secret, t->secret_len, &hex, err) < 0)
        return -1;
    bool ok = hex_decode(hex, out, TOTP_SECRET);
    memset(hex, 0, strlen(hex));
    return ok ? 0 : err_set(err, ERR_INTERNAL, "the second factor of user %s is damaged", user_id);
}

static void describe(struct arena *a, const struct store_user *user, const char *issuer,
                     const unsigned char secret[TOTP_SECRET], struct totp_enrolment *out)
{
    out->secret = totp_base32(a, secret, TOTP_SECRET);
    out->uri = totp_uri(a, issuer, user->username, out->secret);
}

int totp_begin(const struct session_deps *d, struct arena *a, const struct store_user *user,
               const char *issuer, struct totp_enrolment *out, struct err *err)
{
    unsigned char secret[TOTP_SECRET];
    const char *hashes[TOTP_RECOVERY_CODES];
    AUTO_BUF sealed = {0};
    *out = (struct totp_enrolment){0};
    rand_bytes(secret, sizeof(secret));
    secret_seal_w(d->keys, user->id, hex_encode(a, secret, sizeof(secret)), &sealed);
    for (int i = 0; i < TOTP_RECOVERY_CODES; i++) {
        char *code = arena_alloc(a, TOTP_RECOVERY_TEXT);
        totp_recovery_make(code);
        out->codes[i] = code;
        hashes[i] = totp_recovery_hash(a, user->id, code);
    }
    describe(a, user, issuer, secret, out);
    return store_totp_begin(d->pg, a, user->id, sealed.data, sealed.len, hashes,
                            TOTP_RECOVERY_CODES, err);
}

/* The factor of the user that waits for its first code. */
static int waiting(const struct session_deps *d, struct arena *a, const char *user_id,
                   unsigned char secret[TOTP_SECRET], struct err *err)
{
    struct store_totp t;
    int rc = store_totp_get(d->pg, a, user_id, &t, err);
    if (rc < 0 && err->code != ERR_NOT_FOUND)
        return -1;
    if (rc < 0 || t.confirmed_at)
        return err_set(err, ERR_NOT_FOUND, "no second factor waits for its first code");
    return open_secret(d, a, user_id, &t, secret, err);
}

int totp_begun(const struct session_deps *d, struct arena *a, const struct store_user *user,
               const char *issuer, struct totp_enrolment *out, struct err *err)
{
    unsigned char secret[TOTP_SECRET] = {0};
    *out = (struct totp_enrolment){0};
    if (waiting(d, a, user->id, secret, err) < 0)
        return -1;
    describe(a, user, issuer, secret, out);
    return 0;
}

int totp_confirm(const struct session_deps *d, struct arena *a, const char *user_id,
                 const char *code, bool *right, struct err *err)
{
    unsigned char secret[TOTP_SECRET] = {0};
    int64_t step;
    if (waiting(d, a, user_id, secret, err) < 0)
        return -1;
    *right = totp_match(secret, sizeof(secret), code, time_now(), &step);
    return *right ? store_totp_confirm(d->pg, a, user_id, step, err) : 0;
}

int totp_in_force(const struct session_deps *d, struct arena *a, const char *user_id, bool *out,
                  struct err *err)
{
    struct store_totp t;
    *out = false;
    if (store_totp_get(d->pg, a, user_id, &t, err) < 0)
        return err->code == ERR_NOT_FOUND ? 0 : -1;
    *out = t.confirmed_at != 0;
    return 0;
}

int totp_take(const struct session_deps *d, struct arena *a, const char *user_id, const char *code,
              enum totp_verdict *out, struct err *err)
{
    struct store_totp t;
    unsigned char secret[TOTP_SECRET] = {0};
    int64_t step;
    bool fresh = false;
    *out = TOTP_WRONG;
    if (store_totp_get(d->pg, a, user_id, &t, err) < 0 ||
        open_secret(d, a, user_id, &t, secret, err) < 0)
        return -1;
    if (totp_match(secret, sizeof(secret), code, time_now(), &step)) {
        if (store_totp_use_step(d->pg, a, user_id, step, &fresh, err) < 0)
            return -1;
        *out = fresh ? TOTP_RIGHT : TOTP_WRONG;
        return 0;
    }
    const char *hash = totp_recovery_hash(a, user_id, code);
    if (!hash)
        return 0;
    if (store_totp_use_code(d->pg, a, user_id, hash, &fresh, err) < 0)
        return -1;
    *out = fresh ? TOTP_RECOVERED : TOTP_WRONG;
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The second factor: time-based one-time passwords (RFC 6238 over RFC 4226: HMAC-SHA-1, 6 digits,
 * steps of 30 s), and recovery codes for whoever has lost the device.
 *
 * A code is good within its step and the one before and after it (clocks differ), and once. Stored
 * is the secret, sealed (class W) with the user's id as its row, and the recovery codes' hashes: a
 * code has 80 random bits, so that a plain hash cannot be searched.
 */
#ifndef SLIPWAY_AUTH_TOTP_H
#define SLIPWAY_AUTH_TOTP_H

#include "base/buf.h"
#include "auth/session.h"
#include "store/totp.h"

enum {
    TOTP_SECRET = 20, /* bytes; RFC 4226, section 4 */
    TOTP_STEP_MS = 30000,
    TOTP_DIGITS = 6,
    TOTP_RECOVERY_CODES = 10,
    TOTP_RECOVERY_TEXT = 20, /* "ABCD-EFGH-IJKL-MNOP" */
};

/* base32 (RFC 4648, section 6) without padding, as authenticators read it. */
char *totp_base32(struct arena *a, const void *p, size_t n);

/* The code of a step (milliseconds since 1970 / TOTP_STEP_MS), DIGITS long (up to 8). */
void totp_code(const unsigned char *secret, size_t n, int64_t step, int digits, char out[9]);

/* Whether CODE is good at NOW; *step is the step that it belongs to. The time that this takes does
 * not tell which step, or how much of the code, was right. */
bool totp_match(const unsigned char *secret, size_t n, const char *code, int64_t now,
                int64_t *step);

/* otpauth://totp/… as the QR code of an authenticator holds it. */
char *totp_uri(struct arena *a, const char *issuer, const char *account, const char *base32);

/* A new recovery code. */
void totp_recovery_make(char out[TOTP_RECOVERY_TEXT]);
/* Its stored form, whatever case and separators it was typed with; NULL: it is none. */
const char *totp_recovery_hash(struct arena *a, const char *user_id, const char *code);

struct totp_enrolment {
    const char *secret, *uri; /* base32; otpauth */
    const char *codes[TOTP_RECOVERY_CODES];
};

/* Begins a second factor for the user. ERR_CONFLICT: one is in force. */
int totp_begin(const struct session_deps *d, struct arena *a, const struct store_user *user,
               const char *issuer, struct totp_enrolment *out, struct err *err);

/* Says a begun factor again: secret and address, without the recovery codes. ERR_NOT_FOUND: none
 * waits. */
int totp_begun(const struct session_deps *d, struct arena *a, const struct store_user *user,
               const char *issuer, struct totp_enrolment *out, struct err *err);

/* Puts a begun factor in force by its first code. ERR_NOT_FOUND: none waits. *right false: wrong
 * code, and nothing happened. */
int totp_confirm(const struct session_deps *d, struct arena *a, const char *user_id,
                 const char *code, bool *right, struct err *err);

/* Whether the user must give a code at login. */
int totp_in_force(const struct session_deps *d, struct arena *a, const char *user_id, bool *out,
                  struct err *err);

enum totp_verdict { TOTP_WRONG, TOTP_RIGHT, TOTP_RECOVERED };

/* Takes CODE, of the authenticator or for recovery; a right one is good no more afterwards. The
 * user has a factor in force. */
int totp_take(const struct session_deps *d, struct arena *a, const char *user_id, const char *code,
              enum totp_verdict *out, struct err *err);

#endif

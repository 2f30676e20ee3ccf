/* SPDX-License-Identifier: MIT */
/*
 * One's own account: sessions, password, second factor.
 */
#ifndef SLIPWAY_API_ACCOUNT_H
#define SLIPWAY_API_ACCOUNT_H

#include "api/api.h"
#include "auth/totp.h"

/* The caller's living sessions, the newest first. */
int api_account_sessions(struct api_call *c, const struct store_page *page,
                         struct store_sessions *out, struct err *err);
/* Ends one of the caller's. ERR_NOT_FOUND. */
int api_account_end_session(struct api_call *c, const char *id, struct err *err);

/* {current, new}: ends every other session of the user. ERR_INVALID on `current` when it is wrong,
 * which counts as a login; ERR_CONFLICT: the account has no password, its logins are an issuer's.
 */
int api_account_password(struct api_call *c, struct json_object *in, struct err *err);

/* What the caller's account has. */
struct api_account {
    bool has_password;
    bool totp;       /* a second factor is in force */
    bool totp_begun; /* one waits for its first code */
    int64_t codes_left;
};
int api_account_read(struct api_call *c, struct api_account *out, struct err *err);

/* Begins a second factor. ERR_CONFLICT: one is in force. */
int api_account_totp_begin(struct api_call *c, struct totp_enrolment *out, struct err *err);
/* The begun one again, without its recovery codes. */
int api_account_totp_begun(struct api_call *c, struct totp_enrolment *out, struct err *err);
/* {code}: puts it in force. ERR_INVALID on `code`; ERR_NOT_FOUND: none was begun. */
int api_account_totp_confirm(struct api_call *c, struct json_object *in, struct err *err);
/* {code}, or a recovery code: removes it. ERR_INVALID on `code`; ERR_NOT_FOUND: there is none. */
int api_account_totp_remove(struct api_call *c, struct json_object *in, struct err *err);

extern const struct route_table api_account_routes;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Logging in through an OpenID Connect issuer: OpenID Connect Core 1.0 (authorization code flow),
 * Discovery 1.0, RP-Initiated Logout 1.0; PKCE (RFC 7636, S256), issuer identification (RFC 9207).
 *
 * What a login needs between its two requests (nonce, PKCE verifier, the browser that began it) is
 * in Redis for ten minutes under the hash of its `state`, and is taken out by the first callback
 * that names it. The issuer's configuration and keys are kept in Redis for an hour; a key id that
 * is not among the keys has them fetched again, at most once a minute.
 *
 * Failures: ERR_UNAUTHORIZED says what is not as it must be, in words that a log may keep and a
 * person may read. ERR_UNAVAILABLE: the issuer or Redis does not answer.
 */
#ifndef SLIPWAY_AUTH_OIDC_H
#define SLIPWAY_AUTH_OIDC_H

#include "auth/session.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/json.h"

enum {
    OIDC_LOGIN_SECONDS = 600,
    OIDC_SKEW_SECONDS = 60, /* by which clocks may differ */
};

/* One login or logout: whose settings, where the browser comes back to. */
struct oidc {
    const struct session_deps *deps;
    const struct conf *conf;
    struct arena *arena;
    const char *redirect_uri; /* of the callback, as the issuer has it registered */
};

/* Whether an issuer and a client id are set. */
bool oidc_configured(const struct conf *conf);
/* How the login page calls the issuer: oidc.name, or its host. */
const char *oidc_name(const struct conf *conf, struct arena *a);

/* Begins a login. BROWSER is a random value that the browser keeps in a cookie, NEXT a path of
 * ours to go to afterwards. *location is where the browser is sent. */
int oidc_begin(const struct oidc *o, const char *browser, const char *next, const char **location,
               struct err *err);

/* What the issuer's redirect brought; all may be NULL. */
struct oidc_answer {
    const char *state, *code, *issuer, *error;
    const char *browser; /* the cookie */
};

/* Who somebody is by the issuer's word. */
struct oidc_person {
    const char *subject;
    const char *email, *name, *picture, *username; /* NULL: not said */
    bool email_verified;
    const char *roles; /* a JSON array of the role names that the claim gives; NULL: it is not
                        * asked for */
    const char *id_token;
    const char *next;
};

/* Ends a login: takes the state, exchanges the code, checks the ID token, reads the claims. */
int oidc_finish(const struct oidc *o, const struct oidc_answer *in, struct oidc_person *out,
                struct err *err);

/* Where a browser ends its login at the issuer, coming back to BACK (an address); *url is NULL
 * where the issuer offers that not. ID_TOKEN may be NULL. */
int oidc_logout_url(const struct oidc *o, const char *id_token, const char *back, const char **url,
                    struct err *err);

/* ---- the checks, apart from the network (auth/oidc_claims.c) */

struct oidc_expected {
    const char *issuer, *client_id, *nonce;
    const char *access_token; /* whose at_hash is checked where the token has one; may be NULL */
    int64_t now;              /* ms */
};

/* An ID token's payload (OpenID Connect Core, section 3.1.3.7). ERR_UNAUTHORIZED. */
int oidc_check_claims(struct arena *a, struct json_object *payload, const struct oidc_expected *x,
                      struct err *err);

/* Reads the claims that we use out of an ID token's payload and the answer of the userinfo
 * endpoint (may be NULL), the token's first. */
void oidc_read_person(const struct conf *conf, struct arena *a, struct json_object *payload,
                      struct json_object *userinfo, struct oidc_person *out);

/* An address that may be asked: https, or http on this machine when ISSUER is such, too. */
bool oidc_url_allowed(const char *url, const char *issuer);

#endif

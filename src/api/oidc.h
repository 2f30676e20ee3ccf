/* SPDX-License-Identifier: MIT */
/*
 * Logging in through an OpenID Connect issuer (auth/oidc.h), and whose account that is.
 *
 * An account is found by issuer and subject. Where there is none: by the e-mail address, when the
 * issuer says that it is verified, the account has no other subject there, and web.registration is
 * closed (with open registration anybody may have an account with anybody's address). Else one is
 * made, when oidc.registration is open and the address is verified. Where oidc.roles_claim is set
 * the issuer's word on roles counts at each login; other roles end the account's other sessions.
 * A second factor kept here is not asked for: it is the issuer's to ask for one.
 */
#ifndef SLIPWAY_API_OIDC_H
#define SLIPWAY_API_OIDC_H

#include "api/api.h"

/* How the issuer is called on the login page; NULL: none is set up. */
const char *api_oidc_name(const struct api_call *c);

/* Where the browser ends the call's session at the issuer that began it; NULL: nowhere. Asked
 * before the session is ended; an issuer that does not answer is NULL, too. */
const char *api_oidc_logout_url(struct api_call *c);

/* A path of ours, for a redirect; anything else, an address elsewhere above all, is FALLBACK. */
const char *api_local_path(const char *path, const char *fallback);

extern const struct route_table api_oidc_routes;

#endif

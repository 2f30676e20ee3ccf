/* SPDX-License-Identifier: MIT */
/*
 * Whom an OpenID Connect issuer means by a subject, and what it says of people.
 */
#ifndef SLIPWAY_STORE_IDENTITY_H
#define SLIPWAY_STORE_IDENTITY_H

#include "store/user.h"

/* The account of a subject, and notes that it was used. ERR_NOT_FOUND: there is none. *deleted:
 * there was one; then only its id is filled in. */
int store_identity_find(struct pg *pg, struct arena *a, const char *issuer, const char *subject,
                        struct store_user *out, bool *deleted, struct err *err);

/* Makes it a user's. ERR_CONFLICT: it is another living user's, or the user has another at the
 * issuer. */
int store_identity_add(struct pg *pg, struct arena *a, const char *issuer, const char *subject,
                       const char *user_id, struct err *err);

/* Name and picture as the issuer says them; NULL leaves what is there. */
int store_identity_profile(struct pg *pg, struct arena *a, const char *user_id, const char *name,
                           const char *picture, struct err *err);

/* Gives a user the roles (a JSON array of words) that the issuer says. The last living owner stays
 * one. *changed: they were others; *out is the row then. */
int store_identity_roles(struct pg *pg, struct arena *a, const char *user_id, const char *roles,
                         bool *changed, struct store_user *out, struct err *err);

#endif

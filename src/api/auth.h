/* SPDX-License-Identifier: MIT */
/*
 * Registering, logging in and out.
 */
#ifndef SLIPWAY_API_AUTH_H
#define SLIPWAY_API_AUTH_H

#include "api/api.h"

/* {username, email, password}. The first user ever becomes owner; afterwards ERR_FORBIDDEN unless
 * registration is open, and then a viewer is made. */
int api_register(struct api_call *c, struct json_object *in, struct store_user *out,
                 struct err *err);

/* {username, password}: sets the cookie and fills c->session's place *out. ERR_UNAUTHORIZED in one
 * wording and in the same time for an unknown user and a wrong password. */
int api_login(struct api_call *c, struct json_object *in, struct session *out, const char **token,
              struct err *err);

/* Ends the call's session and takes the cookie away. */
int api_logout(struct api_call *c, struct err *err);

/* Makes a user with a role without a request (slipway user add). PROBLEMS says what is wrong. */
int api_user_add(struct pg *pg, struct arena *a, const char *username, const char *email,
                 const char *password, const char *role, struct store_user *out,
                 struct problems *problems, struct err *err);

extern const struct route_table api_auth_routes;

#endif

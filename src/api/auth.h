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

/* {username, password, code?}: sets the cookie and fills c->session's place *out. ERR_UNAUTHORIZED
 * in one wording and in the same time for an unknown user and a wrong password; with c->code_due
 * set when the password is right and the second factor's code is missing or wrong. */
int api_login(struct api_call *c, struct json_object *in, struct session *out, const char **token,
              struct err *err);

/* The second half of a login in two steps. The ticket says that the password of c->code_due was
 * right; it is good for some minutes in the browser that has the cookie value BROWSER. */
const char *api_login_ticket(struct api_call *c, const char *browser);
/* ERR_FORBIDDEN: the ticket is no good. ERR_UNAUTHORIZED: the code is not, and c->code_due is
 * set. */
int api_login_code(struct api_call *c, const char *ticket, const char *browser, const char *code,
                   struct session *out, const char **token, struct err *err);

/* Makes a session of a user who has proved to be one, sets the cookie, and turns ENTRY of the
 * audit log into a success. */
int api_open_session(struct api_call *c, struct api_audit *entry, const struct store_user *user,
                     struct session *out, const char **token, struct err *err);
struct session_deps api_session_deps(const struct api_call *c);

/* Ends the call's session and takes the cookie away. */
int api_logout(struct api_call *c, struct err *err);

/* Makes a user with a role without a request (slipway user add). PROBLEMS says what is wrong. */
int api_user_add(struct pg *pg, struct arena *a, const char *username, const char *email,
                 const char *password, const char *role, struct store_user *out,
                 struct problems *problems, struct err *err);

extern const struct route_table api_auth_routes;

#endif

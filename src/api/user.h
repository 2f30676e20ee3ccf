/* SPDX-License-Identifier: MIT */
/*
 * Users and teams, as administrators see them: operations and routes.
 */
#ifndef SLIPWAY_API_USER_H
#define SLIPWAY_API_USER_H

#include "api/api.h"
#include "store/team.h"
#include "store/user.h"

int api_user_list(struct api_call *c, const struct store_page *page, struct store_users *out,
                  struct err *err);
int api_user_get(struct api_call *c, const char *id, struct store_user *out, struct err *err);
/* {username, email, password?, name?, roles, disabled?}. Making an owner takes an owner. */
int api_user_create(struct api_call *c, struct json_object *in, struct store_user *out,
                    struct err *err);
/* Other roles, another password and disabling end the user's sessions. Whoever is an owner is
 * changed by an owner only, and the last one stays. ERR_CONFLICT. */
int api_user_update(struct api_call *c, const char *id, struct json_object *in,
                    struct store_user *out, struct err *err);
int api_user_delete(struct api_call *c, const char *id, struct err *err);

int api_team_list(struct api_call *c, const struct store_page *page, struct store_teams *out,
                  struct err *err);
int api_team_get(struct api_call *c, const char *id, struct store_team *out, struct err *err);
int api_team_create(struct api_call *c, struct json_object *in, struct store_team *out,
                    struct err *err);
int api_team_update(struct api_call *c, const char *id, struct json_object *in,
                    struct store_team *out, struct err *err);
int api_team_delete(struct api_call *c, const char *id, struct err *err);
int api_team_put_member(struct api_call *c, const char *id, const char *user_id,
                        struct json_object *in, struct store_team *out, struct err *err);
int api_team_drop_member(struct api_call *c, const char *id, const char *user_id, struct err *err);

extern const struct valid_table api_user_table;
extern const struct route_table api_user_routes, api_team_routes;

#endif

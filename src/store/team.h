/* SPDX-License-Identifier: MIT */
/*
 * Teams: users who share projects, each with a role in them.
 */
#ifndef SLIPWAY_STORE_TEAM_H
#define SLIPWAY_STORE_TEAM_H

#include "store/pg.h"

/* members: [{"userId","username","role"}], by name */
#define STORE_TEAM_FIELDS(X)                                                                      \
    X(STR, id, "t.id", "id")                                                                      \
    X(STR, name, "t.name", "name")                                                                \
    X(JSON, members,                                                                              \
      "(SELECT coalesce(json_agg(json_build_object('userId', m.user_id, 'username', u.username, " \
      "'role', m.role) ORDER BY u.username), '[]') FROM team_members m "                          \
      "JOIN users u ON u.id = m.user_id WHERE m.team_id = t.id AND u.deleted_at IS NULL)",        \
      "members")                                                                                  \
    X(TIME, created_at, "t.created_at", "createdAt")                                              \
    X(TIME, updated_at, "t.updated_at", "updatedAt")

struct store_team {
    STORE_TEAM_FIELDS(STORE_MEMBER)
};

struct store_teams {
    struct store_team *list;
    size_t n;
    bool more;
};

/* ERR_CONFLICT: the name is taken. */
int store_team_insert(struct pg *pg, struct arena *a, const char *id, const char *name,
                      struct err *err);
int store_team_rename(struct pg *pg, struct arena *a, const char *id, const char *name,
                      struct err *err);
int store_team_get(struct pg *pg, struct arena *a, const char *id, struct store_team *out,
                   struct err *err);
int store_team_list(struct pg *pg, struct arena *a, const struct store_page *page,
                    struct store_teams *out, struct err *err);
/* Its projects stay, shared with nobody. */
int store_team_delete(struct pg *pg, struct arena *a, const char *id, struct err *err);
/* Adds USER or gives another role. ERR_NOT_FOUND: no such user. */
int store_team_put_member(struct pg *pg, struct arena *a, const char *id, const char *user_id,
                          const char *role, struct err *err);
/* ERR_NOT_FOUND: not a member. */
int store_team_drop_member(struct pg *pg, struct arena *a, const char *id, const char *user_id,
                           struct err *err);

void store_team_json(const struct store_team *t, struct jw *w);

#endif

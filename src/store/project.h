/* SPDX-License-Identifier: MIT */
/*
 * Projects.
 */
#ifndef SLIPWAY_STORE_PROJECT_H
#define SLIPWAY_STORE_PROJECT_H

#include "store/pg.h"

#define STORE_PROJECT_FIELDS(X)                         \
    X(STR, id, "p.id", "id")                            \
    X(STR, name, "p.name", "name")                      \
    X(STR, description, "p.description", "description") \
    X(STR, owner_id, "p.owner_id", "ownerId")           \
    X(STR, team_id, "p.team_id", "teamId")              \
    X(TIME, created_at, "p.created_at", "createdAt")    \
    X(TIME, updated_at, "p.updated_at", "updatedAt")

struct store_project {
    STORE_PROJECT_FIELDS(STORE_MEMBER)
};

/* The condition "the project p is visible to the scope in $1, $2", for WHERE clauses. */
#define STORE_PROJECT_VISIBLE                                                        \
    " p.deleted_at IS NULL AND ($1::uuid[] IS NULL OR p.id = ANY ($1::uuid[])) AND " \
    "($2::uuid IS NULL OR p.owner_id = $2::uuid OR EXISTS ("                         \
    "SELECT 1 FROM team_members m JOIN teams t ON t.id = m.team_id "                 \
    "WHERE m.team_id = p.team_id AND m.user_id = $2::uuid AND t.deleted_at IS NULL)) "

/* The role that the scope's user has by the project itself: "admin" for its owner, else the one of
 * the team membership, else NULL. */
#define STORE_PROJECT_ROLE                                                                   \
    "CASE WHEN p.owner_id = $2::uuid THEN 'admin' ELSE (SELECT m.role FROM team_members m "  \
    "JOIN teams t ON t.id = m.team_id WHERE m.team_id = p.team_id AND m.user_id = $2::uuid " \
    "AND t.deleted_at IS NULL) END"

struct store_projects {
    struct store_project *list;
    size_t n;
    bool more; /* there is another page */
};

int store_project_insert(struct pg *pg, struct arena *a, const struct store_project *in,
                         struct store_project *out, struct err *err);

/* *role gets STORE_PROJECT_ROLE's word (may be NULL, role itself too). ERR_NOT_FOUND: none, or not
 * visible. */
int store_project_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                      const char *id, struct store_project *out, const char **role,
                      struct err *err);
int store_project_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                       const struct store_page *page, struct store_projects *out, struct err *err);

/* Writes name, description and team, when the row is still as it was at BEFORE->updated_at;
 * ERR_PRECONDITION otherwise. */
int store_project_update(struct pg *pg, struct arena *a, const struct store_project *in,
                         struct store_project *out, struct err *err);

/* Soft delete of the project and of the applications and databases in it. Without FORCE,
 * ERR_CONFLICT while one of them runs or has a deployment that has not ended. *removed gets the
 * ids of the applications (NULL-terminated), whose services the worker is to take away. */
int store_project_delete(struct pg *pg, struct arena *a, const char *id, bool force,
                         const char ***removed, struct err *err);

void store_project_json(const struct store_project *p, struct jw *w);

#endif

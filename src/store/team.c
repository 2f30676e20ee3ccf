/* SPDX-License-Identifier: MIT */
#include "store/team.h"

#define STORE_T struct store_team
STORE_TABLE(team_fields, STORE_TEAM_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_TEAM_FIELDS)

static int gone(const struct pg_rows *rows, const char *what, struct err *err)
{
    return rows->affected ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such %s", what);
}

int store_team_insert(struct pg *pg, struct arena *a, const char *id, const char *name,
                      struct err *err)
{
    return pg_run(pg, a, "INSERT INTO teams (id, name) VALUES ($1, $2)",
                  PG_PARAMS(PG_TEXT(id), PG_TEXT(name)), NULL, err);
}

int store_team_rename(struct pg *pg, struct arena *a, const char *id, const char *name,
                      struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE teams SET name = $2, updated_at = greatest(now(), updated_at + "
               "interval '1 ms') WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(name)), &rows, err) < 0)
        return -1;
    return gone(&rows, "team", err);
}

int store_team_get(struct pg *pg, struct arena *a, const char *id, struct store_team *out,
                   struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM teams t WHERE t.id = $1::uuid AND t.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such team");
    store_read(team_fields, ARRAY_LEN(team_fields), &rows, 0, 0, out);
    return 0;
}

int store_team_list(struct pg *pg, struct arena *a, const struct store_page *page,
                    struct store_teams *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM teams t WHERE t.deleted_at IS NULL "
               "AND ($1::uuid IS NULL OR t.id < $1::uuid) ORDER BY t.id DESC LIMIT $2",
               PG_PARAMS(PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows, err) < 0)
        return -1;
    STORE_TAKE(a, team_fields, &rows, page->limit, out);
    return 0;
}

int store_team_delete(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "UPDATE teams SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0 ||
        pg_run(pg, a, "DELETE FROM team_members WHERE team_id = $1", PG_PARAMS(PG_TEXT(id)), NULL,
               err) < 0 ||
        pg_run(pg, a, "UPDATE projects SET team_id = NULL WHERE team_id = $1",
               PG_PARAMS(PG_TEXT(id)), NULL, err) < 0)
        return -1;
    return gone(&rows, "team", err);
}

int store_team_put_member(struct pg *pg, struct arena *a, const char *id, const char *user_id,
                          const char *role, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "INSERT INTO team_members (team_id, user_id, role) "
               "SELECT $1::uuid, u.id, $3 FROM users u WHERE u.id = $2 AND u.deleted_at IS NULL "
               "ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(user_id), PG_TEXT(role)), &rows, err) < 0)
        return -1;
    return gone(&rows, "user", err);
}

int store_team_drop_member(struct pg *pg, struct arena *a, const char *id, const char *user_id,
                           struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(user_id)), &rows, err) < 0)
        return -1;
    return gone(&rows, "member", err);
}

void store_team_json(const struct store_team *t, struct jw *w)
{
    store_write(team_fields, ARRAY_LEN(team_fields), t, w);
}

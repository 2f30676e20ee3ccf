/* SPDX-License-Identifier: MIT */
/* The half of store/user.h that administrators use. */
#include "store/user.h"

#define COLUMNS STORE_COLUMNS(STORE_USER_FIELDS)

int store_user_list(struct pg *pg, struct arena *a, const struct store_page *page,
                    struct store_users *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM users u WHERE u.deleted_at IS NULL "
               "AND ($1::uuid IS NULL OR u.id < $1::uuid) ORDER BY u.id DESC LIMIT $2",
               PG_PARAMS(PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows, err) < 0)
        return -1;
    out->more = rows.n > (size_t)page->limit;
    out->n = out->more ? (size_t)page->limit : rows.n;
    out->list = ARENA_ARRAY(a, out->n, struct store_user);
    for (size_t i = 0; i < out->n; i++)
        store_user_read(&rows, i, 0, &out->list[i]);
    return 0;
}

/* ERR_CONFLICT when nobody would be left who can do everything. The lock makes two such changes
 * at once see each other. */
static int owner_remains(struct pg *pg, struct arena *a, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT 1 FROM users WHERE 'owner' = ANY (roles) AND NOT disabled "
               "AND deleted_at IS NULL LIMIT 1",
               PG_NONE, &rows, err) < 0)
        return -1;
    return rows.n ? 0
                  : err_set(err, ERR_CONFLICT, "this is the last owner; make another one first");
}

int store_user_lock(struct pg *pg, struct arena *a, const char *id, struct store_user *out,
                    struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT pg_advisory_xact_lock(hashtext('slipway owners'))", PG_NONE, NULL,
               err) < 0 ||
        pg_run(pg, a,
               "SELECT " COLUMNS
               " FROM users u WHERE u.id = $1 AND u.deleted_at IS NULL FOR UPDATE",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    store_user_read(&rows, 0, 0, out);
    return 0;
}

int store_user_update(struct pg *pg, struct arena *a, const struct store_user *in,
                      struct store_user *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(
            pg, a,
            "UPDATE users u SET email = $2, name = $3, "
            "roles = ARRAY(SELECT jsonb_array_elements_text($4::jsonb)), disabled = $5::boolean, "
            "password_hash = $6, updated_at = now() "
            "WHERE u.id = $1 AND u.deleted_at IS NULL RETURNING " COLUMNS,
            PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->email), PG_TEXT(in->name), PG_TEXT(in->roles),
                      PG_BOOL(in->disabled), PG_TEXT(in->password_hash)),
            &rows, err) < 0 ||
        owner_remains(pg, a, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    store_user_read(&rows, 0, 0, out);
    return 0;
}

int store_user_strongest(struct pg *pg, struct arena *a, const char *id, const char **role,
                         struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT r FROM (SELECT 'admin' AS r FROM projects WHERE owner_id = $1 "
               "AND deleted_at IS NULL UNION ALL SELECT m.role FROM team_members m JOIN teams t "
               "ON t.id = m.team_id WHERE m.user_id = $1 AND t.deleted_at IS NULL) x "
               "ORDER BY array_position(ARRAY['admin', 'developer', 'viewer'], r) LIMIT 1",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    *role = rows.n ? pg_cell(&rows, 0, 0) : NULL;
    return 0;
}

int store_user_delete(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    struct pg_rows owned;
    if (pg_run(pg, a,
               "SELECT name FROM projects WHERE owner_id = $1 AND deleted_at IS NULL ORDER BY name",
               PG_PARAMS(PG_TEXT(id)), &owned, err) < 0)
        return -1;
    if (owned.n)
        return err_set(
            err, ERR_CONFLICT,
            "the user owns the project '%s'%s; give it to somebody else or delete it, or "
            "disable the user",
            pg_cell(&owned, 0, 0), owned.n > 1 ? " and others" : "");
    if (pg_run(pg, a, "UPDATE users SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), NULL, err) < 0 ||
        pg_run(pg, a, "DELETE FROM team_members WHERE user_id = $1", PG_PARAMS(PG_TEXT(id)), NULL,
               err) < 0 ||
        pg_run(pg, a,
               "UPDATE api_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), NULL, err) < 0)
        return -1;
    return owner_remains(pg, a, err);
}

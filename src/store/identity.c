/* SPDX-License-Identifier: MIT */
#include "store/identity.h"

int store_identity_find(struct pg *pg, struct arena *a, const char *issuer, const char *subject,
                        struct store_user *out, bool *deleted, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "WITH used AS (UPDATE user_identities SET last_used_at = now() "
               "WHERE issuer = $1 AND subject = $2 RETURNING user_id) "
               "SELECT " STORE_COLUMNS(
                   STORE_USER_FIELDS) ", u.deleted_at IS NOT NULL "
                                      "FROM users u JOIN used ON used.user_id = u.id",
               PG_PARAMS(PG_TEXT(issuer), PG_TEXT(subject)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "nobody here is known by that subject");
    store_user_read(&rows, 0, 0, out);
    *deleted = *pg_cell(&rows, 0, rows.columns - 1) == 't';
    return 0;
}

int store_identity_add(struct pg *pg, struct arena *a, const char *issuer, const char *subject,
                       const char *user_id, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "INSERT INTO user_identities AS i (issuer, subject, user_id) "
               "VALUES ($1, $2, $3::uuid) "
               "ON CONFLICT (issuer, subject) DO UPDATE SET user_id = excluded.user_id, "
               "created_at = now() WHERE EXISTS (SELECT 1 FROM users u "
               "WHERE u.id = i.user_id AND u.deleted_at IS NOT NULL)",
               PG_PARAMS(PG_TEXT(issuer), PG_TEXT(subject), PG_TEXT(user_id)), &rows, err) < 0)
        return -1;
    return rows.affected ? 0 : err_set(err, ERR_CONFLICT, "the subject is another account's");
}

int store_identity_profile(struct pg *pg, struct arena *a, const char *user_id, const char *name,
                           const char *picture, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE users SET name = coalesce($2, name), picture = coalesce($3, picture), "
                  "updated_at = now() WHERE id = $1::uuid AND (name, picture) IS DISTINCT FROM "
                  "(coalesce($2, name), coalesce($3, picture))",
                  PG_PARAMS(PG_TEXT(user_id), PG_TEXT(name), PG_TEXT(picture)), NULL, err);
}

int store_identity_roles(struct pg *pg, struct arena *a, const char *user_id, const char *roles,
                         bool *changed, struct store_user *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_begin(pg, err) < 0)
        return -1;
    /* under a lock, so that no two owners stop being one because of the other */
    if (pg_run(pg, a, "SELECT pg_advisory_xact_lock(hashtext('slipway owners'))", PG_NONE, NULL,
               err) < 0 ||
        pg_run(
            pg, a,
            "WITH said AS (SELECT ARRAY(SELECT jsonb_array_elements_text($2::jsonb)) AS roles), "
            "wanted AS (SELECT CASE WHEN 'owner' = ANY (u.roles) "
            "AND NOT 'owner' = ANY (said.roles) AND NOT EXISTS (SELECT 1 FROM users o "
            "WHERE 'owner' = ANY (o.roles) AND o.id <> u.id AND NOT o.disabled "
            "AND o.deleted_at IS NULL) THEN said.roles || 'owner'::text ELSE said.roles END AS roles "
            "FROM users u, said WHERE u.id = $1::uuid) "
            "UPDATE users u SET roles = wanted.roles, updated_at = now() FROM wanted "
            "WHERE u.id = $1::uuid "
            "AND NOT (u.roles @> wanted.roles AND u.roles <@ wanted.roles) "
            "RETURNING " STORE_COLUMNS(STORE_USER_FIELDS),
            PG_PARAMS(PG_TEXT(user_id), PG_TEXT(roles)), &rows, err) < 0 ||
        pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    *changed = rows.n > 0;
    if (rows.n)
        store_user_read(&rows, 0, 0, out);
    return 0;
}

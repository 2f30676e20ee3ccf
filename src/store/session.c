/* SPDX-License-Identifier: MIT */
#include "store/session.h"

#define STORE_T struct store_session
STORE_TABLE(session_fields, STORE_SESSION_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_SESSION_FIELDS)
/* of s, without a look at the user */
#define LIVING "s.ended_at IS NULL AND s.expires_at > now() "

int store_session_create(struct pg *pg, struct arena *a, const struct store_session *in,
                         const struct store_user *user, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "INSERT INTO sessions (id, user_id, address, agent, created_at, expires_at) "
               "SELECT $1::uuid, u.id, $3, $4, to_timestamp($5::float8 / 1000), "
               "to_timestamp($6::float8 / 1000) FROM users u "
               "WHERE u.id = $2::uuid AND NOT u.disabled AND u.deleted_at IS NULL "
               "AND to_json(u.roles)::text = $7 AND u.password_hash IS NOT DISTINCT FROM $8 "
               "FOR SHARE",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->user_id), PG_TEXT(in->address),
                         PG_TEXT(in->agent), PG_TIME(a, in->created_at), PG_TIME(a, in->expires_at),
                         PG_TEXT(user->roles), PG_TEXT(user->password_hash)),
               &rows, err) < 0)
        return -1;
    if (!rows.affected)
        return err_set(err, ERR_UNAUTHORIZED,
                       "the account was changed in this moment; log in again");
    return 0;
}

int store_session_alive(struct pg *pg, struct arena *a, const char *id, struct store_session *out,
                        struct store_user *user, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS ", " STORE_COLUMNS(
                   STORE_USER_FIELDS) " FROM sessions s JOIN users u ON u.id = s.user_id "
                                      "WHERE s.id = $1::uuid AND " LIVING
                                      "AND NOT u.disabled AND u.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "the session has ended");
    store_read(session_fields, ARRAY_LEN(session_fields), &rows, 0, 0, out);
    store_user_read(&rows, 0, ARRAY_LEN(session_fields) + 1, user);
    return 0;
}

int store_session_list(struct pg *pg, struct arena *a, const char *user_id,
                       const struct store_page *page, struct store_sessions *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM sessions s WHERE s.user_id = $1::uuid AND " LIVING
               "AND ($2::uuid IS NULL OR s.id < $2::uuid) ORDER BY s.id DESC LIMIT $3::bigint + 1",
               PG_PARAMS(PG_TEXT(user_id), PG_TEXT(page->cursor), PG_INT(a, page->limit)), &rows,
               err) < 0)
        return -1;
    out->more = (int64_t)rows.n > page->limit;
    out->n = out->more ? (size_t)page->limit : rows.n;
    out->list = ARENA_ARRAY(a, out->n + 1, struct store_session);
    for (size_t i = 0; i < out->n; i++)
        store_read(session_fields, ARRAY_LEN(session_fields), &rows, i, 0, &out->list[i]);
    return 0;
}

int store_session_check_owner(struct pg *pg, struct arena *a, const char *id, const char *user_id,
                              struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT s.id FROM sessions s "
               "WHERE s.id = $1::uuid AND s.user_id = $2::uuid AND " LIVING,
               PG_PARAMS(PG_TEXT(id), PG_TEXT(user_id)), &rows, err) < 0)
        return -1;
    return rows.n ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such session");
}

int store_session_end(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE sessions SET ended_at = coalesce(ended_at, now()), id_token = NULL "
                  "WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

int store_session_end_all(struct pg *pg, struct arena *a, const char *user_id, const char *except,
                          struct pg_rows *out, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE sessions SET ended_at = now(), id_token = NULL "
                  "WHERE user_id = $1::uuid AND ended_at IS NULL AND expires_at > now() "
                  "AND ($2::uuid IS NULL OR id <> $2::uuid) RETURNING id",
                  PG_PARAMS(PG_TEXT(user_id), PG_TEXT(except)), out, err);
}

int store_session_seen(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE sessions SET last_seen_at = now() WHERE id = $1::uuid "
                  "AND ended_at IS NULL AND last_seen_at < now() - interval '1 minute'",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

int store_session_set_issuer(struct pg *pg, struct arena *a, const char *id, const char *issuer,
                             const void *id_token, size_t n, struct err *err)
{
    return pg_run(pg, a, "UPDATE sessions SET issuer = $2, id_token = $3 WHERE id = $1::uuid",
                  PG_PARAMS(PG_TEXT(id), PG_TEXT(issuer), PG_BYTES(id_token, n)), NULL, err);
}

int store_session_issuer(struct pg *pg, struct arena *a, const char *id, const char **issuer,
                         const void **id_token, size_t *n, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT issuer, id_token FROM sessions WHERE id = $1::uuid",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    *issuer = rows.n ? pg_cell(&rows, 0, 0) : NULL;
    *id_token = rows.n ? pg_cell(&rows, 0, 1) : NULL;
    *n = rows.n ? rows.lengths[1] : 0;
    return 0;
}

void store_session_json(const struct store_session *s, struct jw *w)
{
    store_write(session_fields, ARRAY_LEN(session_fields), s, w);
}

/* SPDX-License-Identifier: MIT */
#include "store/user.h"

#define STORE_T struct store_user
STORE_TABLE(user_fields, STORE_USER_FIELDS);
#undef STORE_T
#define STORE_T struct store_session
STORE_TABLE(session_fields, STORE_SESSION_FIELDS);
#undef STORE_T

#define USER_COLUMNS STORE_COLUMNS(STORE_USER_FIELDS)

int store_user_create(struct pg *pg, struct arena *a, const struct store_user *in, bool first_only,
                      struct store_user *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_run(pg, a, "SELECT pg_advisory_xact_lock(hashtext('slipway first user'))", PG_NONE, NULL,
               err) < 0 ||
        pg_run(pg, a,
               "INSERT INTO users AS u (id, username, email, name, password_hash, roles) "
               "SELECT $1::uuid, $2, $3, $4, $5, "
               "ARRAY(SELECT jsonb_array_elements_text($6::jsonb)) "
               "WHERE NOT $7::boolean OR NOT EXISTS (SELECT 1 FROM users) "
               "RETURNING " USER_COLUMNS,
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->username), PG_TEXT(in->email),
                         PG_TEXT(in->name), PG_TEXT(in->password_hash), PG_TEXT(in->roles),
                         PG_BOOL(first_only)),
               &rows, err) < 0 ||
        pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    if (!rows.n)
        return err_set(err, ERR_FORBIDDEN, "registration is closed");
    store_read(user_fields, ARRAY_LEN(user_fields), &rows, 0, 0, out);
    return 0;
}

static int one_user(const struct pg_rows *rows, const char *what, struct store_user *out,
                    struct err *err)
{
    if (!rows->n)
        return err_set(err, ERR_NOT_FOUND, "there is no user '%s'", what);
    store_read(user_fields, ARRAY_LEN(user_fields), rows, 0, 0, out);
    return 0;
}

int store_user_by_name(struct pg *pg, struct arena *a, const char *username, struct store_user *out,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " USER_COLUMNS
               " FROM users u WHERE lower(u.username) = lower($1) AND u.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(username)), &rows, err) < 0)
        return -1;
    return one_user(&rows, username, out, err);
}

int store_user_by_id(struct pg *pg, struct arena *a, const char *id, struct store_user *out,
                     struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " USER_COLUMNS
               " FROM users u WHERE u.id = $1::uuid AND u.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    return one_user(&rows, id, out, err);
}

int store_user_any(struct pg *pg, struct arena *a, bool *any, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT EXISTS (SELECT 1 FROM users)", PG_NONE, &rows, err) < 0)
        return -1;
    *any = *pg_cell(&rows, 0, 0) == 't';
    return 0;
}

void store_user_json(const struct store_user *u, struct jw *w)
{
    store_write(user_fields, ARRAY_LEN(user_fields), u, w);
}

int store_session_create(struct pg *pg, struct arena *a, const struct store_session *in,
                         struct err *err)
{
    return pg_run(pg, a,
                  "INSERT INTO sessions (id, user_id, address, agent, created_at, expires_at) "
                  "VALUES ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), "
                  "to_timestamp($6::float8 / 1000))",
                  PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->user_id), PG_TEXT(in->address),
                            PG_TEXT(in->agent), PG_TIME(a, in->created_at),
                            PG_TIME(a, in->expires_at)),
                  NULL, err);
}

int store_session_alive(struct pg *pg, struct arena *a, const char *id, struct store_session *out,
                        struct store_user *user, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(
            pg, a,
            "SELECT " STORE_COLUMNS(
                STORE_SESSION_FIELDS) ", " USER_COLUMNS
                                      " FROM sessions s JOIN users u ON u.id = s.user_id "
                                      "WHERE s.id = $1::uuid AND s.ended_at IS NULL AND s.expires_at > now() "
                                      "AND NOT u.disabled AND u.deleted_at IS NULL",
            PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "the session has ended");
    store_read(session_fields, ARRAY_LEN(session_fields), &rows, 0, 0, out);
    store_read(user_fields, ARRAY_LEN(user_fields), &rows, 0, ARRAY_LEN(session_fields) + 1, user);
    return 0;
}

int store_session_end(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a, "UPDATE sessions SET ended_at = coalesce(ended_at, now()) WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

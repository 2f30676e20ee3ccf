/* SPDX-License-Identifier: MIT */
#include "store/user.h"

#define STORE_T struct store_user
STORE_TABLE(user_fields, STORE_USER_FIELDS);
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

int store_user_by_email(struct pg *pg, struct arena *a, const char *email, struct store_user *out,
                        struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " USER_COLUMNS
               " FROM users u WHERE lower(u.email) = lower($1) AND u.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(email)), &rows, err) < 0)
        return -1;
    return one_user(&rows, email, out, err);
}

int store_user_set_password(struct pg *pg, struct arena *a, const char *id, const char *old_hash,
                            const char *new_hash, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE users SET password_hash = $3, updated_at = now() "
               "WHERE id = $1::uuid AND password_hash = $2",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(old_hash), PG_TEXT(new_hash)), &rows, err) < 0)
        return -1;
    return rows.affected ? 0
                         : err_set(err, ERR_CONFLICT, "the password was changed in this moment");
}

int store_user_any(struct pg *pg, struct arena *a, bool *any, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT EXISTS (SELECT 1 FROM users)", PG_NONE, &rows, err) < 0)
        return -1;
    *any = *pg_cell(&rows, 0, 0) == 't';
    return 0;
}

void store_user_read(const struct pg_rows *rows, size_t row, size_t column, struct store_user *out)
{
    store_read(user_fields, ARRAY_LEN(user_fields), rows, row, column, out);
}

void store_user_json(const struct store_user *u, struct jw *w)
{
    store_write(user_fields, ARRAY_LEN(user_fields), u, w);
}

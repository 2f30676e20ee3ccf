/* SPDX-License-Identifier: MIT */
#include "store/totp.h"

#include <stdlib.h>

int store_totp_get(struct pg *pg, struct arena *a, const char *user_id, struct store_totp *out,
                   struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT t.secret, (extract(epoch FROM t.confirmed_at) * 1000)::bigint, "
               "(SELECT count(*) FROM recovery_codes r "
               "WHERE r.user_id = t.user_id AND r.used_at IS NULL) "
               "FROM user_totp t WHERE t.user_id = $1::uuid",
               PG_PARAMS(PG_TEXT(user_id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no second factor");
    const char *confirmed = pg_cell(&rows, 0, 1);
    *out = (struct store_totp){
        .secret = pg_cell(&rows, 0, 0),
        .secret_len = rows.lengths[0],
        .confirmed_at = confirmed ? strtoll(confirmed, NULL, 10) : 0,
        .codes_left = strtoll(pg_cell(&rows, 0, 2), NULL, 10),
    };
    return 0;
}

static int add_codes(struct pg *pg, struct arena *a, const char *user_id, const char *const *hashes,
                     size_t n, struct err *err)
{
    if (pg_run(pg, a, "DELETE FROM recovery_codes WHERE user_id = $1::uuid",
               PG_PARAMS(PG_TEXT(user_id)), NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (pg_run(pg, a, "INSERT INTO recovery_codes (user_id, hash) VALUES ($1::uuid, $2)",
                   PG_PARAMS(PG_TEXT(user_id), PG_TEXT(hashes[i])), NULL, err) < 0)
            return -1;
    return 0;
}

int store_totp_begin(struct pg *pg, struct arena *a, const char *user_id, const void *secret,
                     size_t secret_len, const char *const *hashes, size_t n, struct err *err)
{
    struct pg_rows rows;
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "INSERT INTO user_totp AS t (user_id, secret) VALUES ($1::uuid, $2) "
               "ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0, "
               "created_at = now() WHERE t.confirmed_at IS NULL",
               PG_PARAMS(PG_TEXT(user_id), PG_BYTES(secret, secret_len)), &rows, err) < 0 ||
        (rows.affected && add_codes(pg, a, user_id, hashes, n, err) < 0) ||
        pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    if (!rows.affected)
        return err_set(err, ERR_CONFLICT,
                       "a second factor is in force already; remove it to set up another");
    return 0;
}

int store_totp_confirm(struct pg *pg, struct arena *a, const char *user_id, int64_t step,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE user_totp SET confirmed_at = now(), last_step = $2::bigint "
               "WHERE user_id = $1::uuid AND confirmed_at IS NULL",
               PG_PARAMS(PG_TEXT(user_id), PG_INT(a, step)), &rows, err) < 0)
        return -1;
    if (!rows.affected)
        return err_set(err, ERR_NOT_FOUND, "no second factor waits for its first code");
    return 0;
}

int store_totp_use_step(struct pg *pg, struct arena *a, const char *user_id, int64_t step,
                        bool *fresh, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE user_totp SET last_step = $2::bigint "
               "WHERE user_id = $1::uuid AND last_step < $2::bigint",
               PG_PARAMS(PG_TEXT(user_id), PG_INT(a, step)), &rows, err) < 0)
        return -1;
    *fresh = rows.affected > 0;
    return 0;
}

int store_totp_use_code(struct pg *pg, struct arena *a, const char *user_id, const char *hash,
                        bool *fresh, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE recovery_codes SET used_at = now() "
               "WHERE user_id = $1::uuid AND hash = $2 AND used_at IS NULL",
               PG_PARAMS(PG_TEXT(user_id), PG_TEXT(hash)), &rows, err) < 0)
        return -1;
    *fresh = rows.affected > 0;
    return 0;
}

int store_totp_remove(struct pg *pg, struct arena *a, const char *user_id, struct err *err)
{
    return pg_run(pg, a, "DELETE FROM user_totp WHERE user_id = $1::uuid",
                  PG_PARAMS(PG_TEXT(user_id)), NULL, err);
}

/* SPDX-License-Identifier: MIT */
#include "store/token.h"

#include "base/time.h"

#define STORE_T struct store_token
STORE_TABLE(token_fields, STORE_TOKEN_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_TOKEN_FIELDS)
#define NFIELDS ARRAY_LEN(token_fields)
#define ALIVE "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) "

enum { HASH_SIZE = 32, SEEN_MS = 60000 };

int store_token_insert(struct pg *pg, struct arena *a, const struct store_token *in,
                       const void *hash, struct err *err)
{
    return pg_run(pg, a,
                  "INSERT INTO api_tokens (id, user_id, name, role, project_ids, expires_at, hash) "
                  "VALUES ($1, $2, $3, $4, CASE WHEN $5::jsonb IS NOT NULL THEN "
                  "ARRAY(SELECT jsonb_array_elements_text($5::jsonb)::uuid) END, "
                  "to_timestamp($6::float8 / 1000), $7)",
                  PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->user_id), PG_TEXT(in->name),
                            PG_TEXT(in->role), PG_TEXT(in->project_ids), PG_TIME(a, in->expires_at),
                            PG_BYTES(hash, HASH_SIZE)),
                  NULL, err);
}

int store_token_find(struct pg *pg, struct arena *a, const void *hash, struct store_token *out,
                     struct store_user *user, const char **projects, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS ", k.project_ids, " STORE_COLUMNS(
                   STORE_USER_FIELDS) " FROM api_tokens k JOIN users u ON u.id = k.user_id "
                                      "WHERE k.hash = $1 AND " ALIVE
                                      "AND NOT u.disabled AND u.deleted_at IS NULL",
               PG_PARAMS(PG_BYTES(hash, HASH_SIZE)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such token");
    store_read(token_fields, NFIELDS, &rows, 0, 0, out);
    *projects = pg_cell(&rows, 0, NFIELDS + 1);
    store_user_read(&rows, 0, NFIELDS + 2, user);
    if (time_now() - out->last_used_at < SEEN_MS)
        return 0;
    return pg_run(pg, a, "UPDATE api_tokens SET last_used_at = now() WHERE id = $1",
                  PG_PARAMS(PG_TEXT(out->id)), NULL, err);
}

int store_token_list(struct pg *pg, struct arena *a, const char *user_id,
                     const struct store_page *page, struct store_tokens *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM api_tokens k WHERE " ALIVE
               "AND ($1::uuid IS NULL OR k.user_id = $1::uuid) "
               "AND ($2::uuid IS NULL OR k.id < $2::uuid) ORDER BY k.id DESC LIMIT $3",
               PG_PARAMS(PG_TEXT(user_id), PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, token_fields, &rows, page->limit, out);
    return 0;
}

int store_token_get(struct pg *pg, struct arena *a, const char *id, struct store_token *out,
                    struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS " FROM api_tokens k WHERE k.id = $1::uuid AND " ALIVE,
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such token");
    store_read(token_fields, NFIELDS, &rows, 0, 0, out);
    return 0;
}

int store_token_revoke(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

void store_token_json(const struct store_token *t, struct jw *w)
{
    store_write(token_fields, NFIELDS, t, w);
}

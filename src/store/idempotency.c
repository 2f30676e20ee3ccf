/* SPDX-License-Identifier: MIT */
#include "store/idempotency.h"

#include <stdlib.h>
#include <string.h>

int store_repeat_take(struct pg *pg, struct arena *a, struct store_repeat *r,
                      enum store_repeat_state *state, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "INSERT INTO idempotency_keys AS k (caller, path, key, request) "
               "VALUES ($1, $2, $3, $4) ON CONFLICT (caller, path, key) DO UPDATE "
               "SET request = excluded.request, status = NULL, headers = NULL, body = NULL, "
               "created_at = now() WHERE k.created_at < now() - interval '24 hours' RETURNING 1",
               PG_PARAMS(PG_TEXT(r->caller), PG_TEXT(r->path), PG_TEXT(r->key),
                         PG_BYTES(r->request, sizeof(r->request))),
               &rows, err) < 0)
        return -1;
    *state = STORE_REPEAT_FIRST;
    if (rows.n)
        return 0;
    if (pg_run(pg, a,
               "SELECT request, status, headers, body FROM idempotency_keys "
               "WHERE caller = $1 AND path = $2 AND key = $3",
               PG_PARAMS(PG_TEXT(r->caller), PG_TEXT(r->path), PG_TEXT(r->key)), &rows, err) < 0)
        return -1;
    if (!rows.n || !pg_cell(&rows, 0, 1))
        return err_set(err, ERR_UNAVAILABLE,
                       "the first request with this Idempotency-Key is still at work");
    *state = memcmp(pg_cell(&rows, 0, 0), r->request, sizeof(r->request)) == 0 ? STORE_REPEAT_SAME
                                                                               : STORE_REPEAT_OTHER;
    r->status = strtoll(pg_cell(&rows, 0, 1), NULL, 10);
    r->headers = pg_cell(&rows, 0, 2);
    r->body = pg_cell(&rows, 0, 3);
    return 0;
}

int store_repeat_keep(struct pg *pg, struct arena *a, const struct store_repeat *r, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE idempotency_keys SET status = $4::integer, headers = $5, body = $6 "
                  "WHERE caller = $1 AND path = $2 AND key = $3",
                  PG_PARAMS(PG_TEXT(r->caller), PG_TEXT(r->path), PG_TEXT(r->key),
                            PG_INT(a, r->status), PG_TEXT(r->headers), PG_TEXT(r->body)),
                  NULL, err);
}

int store_repeat_clean(struct pg *pg, struct arena *a, struct err *err)
{
    return pg_run(pg, a,
                  "DELETE FROM idempotency_keys WHERE created_at < now() - interval '25 hours'",
                  PG_NONE, NULL, err);
}

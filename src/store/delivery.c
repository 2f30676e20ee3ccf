/* SPDX-License-Identifier: MIT */
#include "store/delivery.h"

#include "base/buf.h"

static int insert(struct pg *pg, struct arena *a, const struct store_delivery *in,
                  const struct store_deployment *starts, size_t n, bool *fresh, struct err *err)
{
    struct pg_rows rows;
    AUTO_BUF ids = {0};
    buf_addc(&ids, '{');
    for (size_t i = 0; i < n; i++)
        buf_addf(&ids, "%s%s", i ? "," : "", starts[i].id);
    buf_addc(&ids, '}');
    if (pg_run(pg, a,
               "INSERT INTO webhook_deliveries (id, provider, delivery_id, event, repository, "
               "outcome, reason, address, request_id, deployments, application_id) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
               "ON CONFLICT (provider, delivery_id, application_id) DO NOTHING",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->provider), PG_TEXT(in->delivery_id),
                         PG_TEXT(in->event), PG_TEXT(in->repository), PG_TEXT(in->outcome),
                         PG_TEXT(in->reason), PG_TEXT(in->address), PG_TEXT(in->request_id),
                         PG_TEXT(buf_str(&ids)), PG_TEXT(in->application_id)),
               &rows, err) < 0)
        return -1;
    *fresh = rows.affected > 0;
    for (size_t i = 0; *fresh && i < n; i++)
        if (store_deployment_insert(pg, a, &starts[i], err) < 0)
            return -1;
    return 0;
}

int store_delivery_insert(struct pg *pg, struct arena *a, const struct store_delivery *in,
                          const struct store_deployment *starts, size_t n, bool *fresh,
                          struct err *err)
{
    if (pg_begin(pg, err) < 0)
        return -1;
    if (insert(pg, a, in, starts, n, fresh, err) < 0 || pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    return 0;
}

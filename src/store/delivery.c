/* SPDX-License-Identifier: MIT */
#include "store/delivery.h"

#include "base/buf.h"
#include "base/json.h"
#include "store/project.h"

#define STORE_T struct store_delivery
STORE_TABLE(delivery_fields, STORE_DELIVERY_FIELDS);
STORE_TABLE(content_fields, STORE_DELIVERY_CONTENT);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_DELIVERY_FIELDS)
#define NFIELDS ARRAY_LEN(delivery_fields)
/* What names no application of ours is for those who see everything. */
#define VISIBLE                                                                  \
    " FROM webhook_deliveries y "                                                \
    "LEFT JOIN applications a ON a.id = coalesce(y.application_id, y.named_id) " \
    "LEFT JOIN projects p ON p.id = a.project_id WHERE "                         \
    "((a.id IS NULL AND $1::uuid[] IS NULL AND $2::uuid IS NULL) OR (" STORE_PROJECT_VISIBLE ")) "

static int insert(struct pg *pg, struct arena *a, const struct store_delivery *in,
                  const struct store_deployment *starts, size_t n, bool *fresh, struct err *err)
{
    struct pg_rows rows;
    AUTO_BUF ids = {0};
    buf_addc(&ids, '{');
    for (size_t i = 0; i < n; i++)
        buf_addf(&ids, "%s%s", i ? "," : "", starts[i].id);
    buf_addc(&ids, '}');
    if (pg_run(
            pg, a,
            "INSERT INTO webhook_deliveries (id, provider, delivery_id, event, repository, "
            "outcome, reason, address, request_id, deployments, application_id, named_id, ref, "
            "commit_sha, commit_message, redelivery_of, headers, body) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
            "CASE WHEN $17::boolean THEN $11::uuid END, $11::uuid, $12, $13, $14, $15, $16, $18) "
            "ON CONFLICT (provider, delivery_id, application_id) DO NOTHING",
            PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->provider), PG_TEXT(in->delivery_id),
                      PG_TEXT(in->event), PG_TEXT(in->repository), PG_TEXT(in->outcome),
                      PG_TEXT(in->reason), PG_TEXT(in->address), PG_TEXT(in->request_id),
                      PG_TEXT(buf_str(&ids)), PG_TEXT(in->application_id), PG_TEXT(in->ref),
                      PG_TEXT(in->commit_sha), PG_TEXT(in->commit_message),
                      PG_TEXT(in->redelivery_of), PG_TEXT(in->headers ? in->headers : "{}"),
                      PG_BOOL(in->proved), PG_TEXT(in->body ? in->body : "")),
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

int store_delivery_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                        const struct store_delivery_filter *f, const struct store_page *page,
                        struct store_deliveries *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS VISIBLE "AND ($3::uuid IS NULL OR a.id = $3::uuid) "
               "AND ($4::text IS NULL OR y.outcome = $4) "
               "AND ($5::uuid IS NULL OR y.id < $5::uuid) ORDER BY y.id DESC LIMIT $6",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(f->application_id), PG_TEXT(f->outcome),
                         PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, delivery_fields, &rows, page->limit, out);
    return 0;
}

int store_delivery_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                       const char *id, struct store_delivery *out, const char **role,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS ", " STORE_PROJECT_ROLE ", " STORE_COLUMNS(STORE_DELIVERY_CONTENT)
                   VISIBLE "AND y.id = $3::uuid",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such delivery");
    store_read(delivery_fields, NFIELDS, &rows, 0, 0, out);
    *role = pg_cell(&rows, 0, NFIELDS + 1);
    store_read(content_fields, ARRAY_LEN(content_fields), &rows, 0, NFIELDS + 2, out);
    return 0;
}

int store_delivery_clean(struct pg *pg, struct arena *a, int64_t days, struct err *err)
{
    return pg_run(pg, a,
                  "DELETE FROM webhook_deliveries y WHERE y.id IN (SELECT id FROM "
                  "webhook_deliveries WHERE at < now() - $1::float8 * interval '1 day' * "
                  "CASE outcome WHEN 'refused' THEN 0.1 ELSE 1 END "
                  "AND NOT EXISTS (SELECT 1 FROM webhook_deliveries r WHERE r.redelivery_of = "
                  "webhook_deliveries.id) LIMIT 1000)",
                  PG_PARAMS(PG_INT(a, days)), NULL, err);
}

void store_delivery_json(const struct store_delivery *d, bool content, struct jw *w)
{
    store_write(delivery_fields, NFIELDS, d, w);
    if (content)
        store_write(content_fields, ARRAY_LEN(content_fields), d, w);
}

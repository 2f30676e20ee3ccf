/* SPDX-License-Identifier: MIT */
#include "store/deployment.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "store/project.h"

#define STORE_T struct store_deployment
STORE_TABLE(deployment_fields, STORE_DEPLOYMENT_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_DEPLOYMENT_FIELDS)
#define NFIELDS ARRAY_LEN(deployment_fields)
#define FROM_VISIBLE                                                      \
    " FROM deployments d JOIN applications a ON a.id = d.application_id " \
    "JOIN projects p ON p.id = a.project_id WHERE a.deleted_at IS NULL AND" STORE_PROJECT_VISIBLE

int store_deployment_insert(struct pg *pg, struct arena *a, const struct store_deployment *in,
                            struct err *err)
{
    struct pg_rows rows;
    /* the row lock orders us against a deletion of the application */
    if (pg_run(pg, a,
               "INSERT INTO deployments (id, application_id, trigger, commit_sha, commit_message, "
               "branch, created_by) SELECT $1, a.id, $3, $4, $5, $6, $7 FROM applications a "
               "WHERE a.id = $2 AND a.deleted_at IS NULL FOR SHARE",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->application_id), PG_TEXT(in->trigger),
                         PG_TEXT(in->commit_sha), PG_TEXT(in->commit_message), PG_TEXT(in->branch),
                         PG_TEXT(in->created_by)),
               &rows, err) < 0)
        return -1;
    return rows.affected ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such application");
}

int store_deployment_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                         const char *id, struct store_deployment *out, const char **role,
                         struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS ", " STORE_PROJECT_ROLE FROM_VISIBLE "AND d.id = $3::uuid",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such deployment");
    store_read(deployment_fields, NFIELDS, &rows, 0, 0, out);
    if (role)
        *role = pg_cell(&rows, 0, NFIELDS + 1);
    return 0;
}

int store_deployment_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                          const struct store_deployment_filter *f, const struct store_page *page,
                          struct store_deployments *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS FROM_VISIBLE
               "AND ($3::uuid IS NULL OR d.application_id = $3::uuid) "
               "AND ($4::uuid IS NULL OR a.project_id = $4::uuid) "
               "AND ($5::text IS NULL OR d.status = $5) "
               "AND ($6::uuid IS NULL OR d.id < $6::uuid) ORDER BY d.id DESC LIMIT $7",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(f->application_id), PG_TEXT(f->project_id),
                         PG_TEXT(f->status), PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, deployment_fields, &rows, page->limit, out);
    return 0;
}

int store_deployment_newest(struct pg *pg, struct arena *a, const char *const *app_ids, size_t n,
                            int64_t per, struct store_deployments *out, struct err *err)
{
    struct pg_rows rows;
    AUTO_BUF ids = {0};
    buf_addc(&ids, '{');
    for (size_t i = 0; i < n; i++)
        buf_addf(&ids, "%s%s", i ? "," : "", app_ids[i]);
    buf_addc(&ids, '}');
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM unnest($1::uuid[]) AS w(id) CROSS JOIN LATERAL ("
               "SELECT * FROM deployments x WHERE x.application_id = w.id "
               "ORDER BY x.id DESC LIMIT $2) d ORDER BY d.id DESC",
               PG_PARAMS(PG_TEXT(buf_str(&ids)), PG_INT(a, per)), &rows, err) < 0)
        return -1;
    STORE_TAKE(a, deployment_fields, &rows, (int64_t)rows.n, out);
    return 0;
}

void store_deployment_json(const struct store_deployment *d, struct jw *w)
{
    store_write(deployment_fields, NFIELDS, d, w);
}

int store_deployment_get_any(struct pg *pg, struct arena *a, const char *id,
                             struct store_deployment *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS " FROM deployments d WHERE d.id = $1::uuid",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no deployment %s", id);
    store_read(deployment_fields, NFIELDS, &rows, 0, 0, out);
    return 0;
}

int store_deployment_last_success(struct pg *pg, struct arena *a, const char *app_id,
                                  struct store_deployment *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM deployments d "
               "WHERE d.application_id = $1 AND d.status = 'success' "
               "ORDER BY d.finished_at DESC, d.id DESC LIMIT 1",
               PG_PARAMS(PG_TEXT(app_id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "the application was never deployed");
    store_read(deployment_fields, NFIELDS, &rows, 0, 0, out);
    return 0;
}

int store_deployment_releases(struct pg *pg, struct arena *a, const char *app_id,
                              const struct store_page *page, struct store_deployments *out,
                              struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM deployments d WHERE d.application_id = $1 "
               "AND d.status IN ('success', 'rolled_back') AND d.image IS NOT NULL "
               "AND ($2::uuid IS NULL OR d.id < $2::uuid) ORDER BY d.id DESC LIMIT $3",
               PG_PARAMS(PG_TEXT(app_id), PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows,
               err) < 0)
        return -1;
    STORE_TAKE(a, deployment_fields, &rows, page->limit, out);
    return 0;
}

int store_deployment_before(struct pg *pg, struct arena *a, const char *id,
                            struct store_deployment *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM deployments x "
               "JOIN deployments b ON b.id = coalesce(x.rollback_to, x.id) "
               "JOIN deployments d ON d.application_id = b.application_id "
               "WHERE x.id = $1 AND d.status = 'success' AND d.image IS NOT NULL "
               "AND d.rollback_to IS NULL AND (d.finished_at, d.id) < (b.finished_at, b.id) "
               "ORDER BY d.finished_at DESC, d.id DESC LIMIT 1",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no release before %s", id);
    store_read(deployment_fields, NFIELDS, &rows, 0, 0, out);
    return 0;
}

int store_deployment_orphans(struct pg *pg, struct arena *a, int64_t grace_ms,
                             struct store_deployments *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM deployments d WHERE d.finished_at IS NULL "
               "AND (d.lease_until IS NULL OR d.lease_until <= now()) "
               "AND d.created_at < now() - $1::float8 * interval '1 ms' ORDER BY d.id LIMIT 200",
               PG_PARAMS(PG_INT(a, grace_ms)), &rows, err) < 0)
        return -1;
    STORE_TAKE(a, deployment_fields, &rows, (int64_t)rows.n, out);
    return 0;
}

int store_deployment_counts(struct pg *pg, struct arena *a, struct store_counts *out,
                            struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT status, count(*) FROM deployments GROUP BY status ORDER BY status",
               PG_NONE, &rows, err) < 0)
        return -1;
    out->n = rows.n;
    out->list = ARENA_ARRAY(a, rows.n, struct store_count);
    for (size_t i = 0; i < rows.n; i++)
        out->list[i] =
            (struct store_count){pg_cell(&rows, i, 0), strtoll(pg_cell(&rows, i, 1), NULL, 10)};
    return 0;
}

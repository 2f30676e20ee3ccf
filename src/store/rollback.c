/* SPDX-License-Identifier: MIT */
/* Cancelling and going back: store/deployment.h. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "store/deployment.h"

static char *why(struct arena *a, const char *message)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    jw_kstr(&w, "step", NULL);
    jw_kstr(&w, "message", message);
    jw_kstr(&w, "task", NULL);
    jw_kstr(&w, "node", NULL);
    jw_key(&w, "exitCode");
    jw_null(&w);
    jw_kstr(&w, "output", NULL);
    jw_end(&w);
    return buf_dup(&text, a);
}

int store_deployment_cancel(struct pg *pg, struct arena *a, const char *id, const char *by,
                            const char *message, struct err *err)
{
    struct pg_rows rows;
    /* one that waits between two attempts may have touched the service: a worker ends it */
    if (pg_run(pg, a,
               "UPDATE deployments SET status = 'cancelled', finished_at = now(), "
               "lease_until = NULL, cancel_at = now(), cancel_by = $2, error = $3 "
               "WHERE id = $1 AND status = 'pending' AND touched_at IS NULL "
               "AND (lease_until IS NULL OR lease_until <= now())",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(by), PG_TEXT(why(a, message))), &rows, err) < 0)
        return -1;
    if (rows.affected)
        return 0;
    if (pg_run(pg, a,
               "UPDATE deployments SET cancel_at = coalesce(cancel_at, now()), "
               "cancel_by = coalesce(cancel_by, $2::uuid) WHERE id = $1 AND finished_at IS NULL",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(by)), &rows, err) < 0)
        return -1;
    return rows.affected ? 0 : err_set(err, ERR_CONFLICT, "the deployment has ended already");
}

int store_deployment_cancelling(struct pg *pg, struct arena *a, const char *worker,
                                const char ***ids, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT id FROM deployments WHERE worker = $1 AND cancel_at IS NOT NULL "
               "AND finished_at IS NULL",
               PG_PARAMS(PG_TEXT(worker)), &rows, err) < 0)
        return -1;
    *ids = ARENA_ARRAY(a, rows.n + 1, const char *);
    for (size_t i = 0; i < rows.n; i++)
        (*ids)[i] = pg_cell(&rows, i, 0);
    return 0;
}

int store_deployment_settings(struct pg *pg, struct arena *a, const char *id, const char **json,
                              struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT settings FROM deployment_settings WHERE deployment_id = $1",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    *json = rows.n ? pg_cell(&rows, 0, 0) : NULL;
    return 0;
}

int store_deployment_insert_rollback(struct pg *pg, struct arena *a, const char *new,
                                     const char *from, const char *to, const char *by,
                                     struct err *err)
{
    struct pg_rows rows;
    if (pg_run(
            pg, a,
            "WITH made AS (INSERT INTO deployments (id, application_id, trigger, commit_sha, commit_message, "
            "branch, image, image_id, rollback_to, rolls_back, created_by) "
            "SELECT $1, t.application_id, 'rollback', t.commit_sha, t.commit_message, t.branch, "
            "t.image, t.image_id, coalesce(t.rollback_to, t.id), f.id, $4 "
            "FROM deployments t JOIN deployments f ON f.application_id = t.application_id "
            "JOIN applications a ON a.id = t.application_id "
            "WHERE t.id = $3 AND f.id = $2 AND t.image IS NOT NULL "
            "AND t.status IN ('success', 'rolled_back') AND a.deleted_at IS NULL "
            "FOR SHARE OF a RETURNING id), kept AS (INSERT INTO deployment_settings "
            "SELECT m.id, s.settings FROM made m JOIN deployment_settings s ON s.deployment_id = $3) "
            "SELECT id FROM made",
            PG_PARAMS(PG_TEXT(new), PG_TEXT(from), PG_TEXT(to), PG_TEXT(by)), &rows, err) < 0) {
        if (err->code == ERR_CONFLICT)
            return err_set(err, ERR_CONFLICT, "the deployment is being rolled back already");
        return -1;
    }
    return rows.n ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such release");
}

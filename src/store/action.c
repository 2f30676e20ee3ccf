/* SPDX-License-Identifier: MIT */
#include "store/action.h"

#include <stdlib.h>

static int why_not(struct pg *pg, struct arena *a, const char *app_id, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT 1 FROM applications WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(app_id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such application");
    return err_set(err, ERR_CONFLICT,
                   "the application was never deployed with success; deploy it first");
}

int store_action_ask(struct pg *pg, struct arena *a, const char *app_id, enum store_act act,
                     struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE applications SET action_asked = action_asked + 1, "
               "restart_asked = CASE WHEN $3::boolean THEN action_asked + 1 "
               "ELSE restart_asked END, "
               "stopped_at = CASE WHEN $2::boolean THEN coalesce(stopped_at, now()) END "
               "WHERE id = $1 AND deleted_at IS NULL AND deployed_version IS NOT NULL",
               PG_PARAMS(PG_TEXT(app_id), PG_BOOL(act == STORE_ACT_STOP),
                         PG_BOOL(act == STORE_ACT_RESTART)),
               &rows, err) < 0)
        return -1;
    return rows.affected ? 0 : why_not(pg, a, app_id, err);
}

int store_action_get(struct pg *pg, struct arena *a, const char *app_id, struct store_action *out,
                     struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT stopped_at IS NOT NULL, action_asked, action_done, restart_asked, replicas, "
               "service_name FROM applications WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(app_id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no application %s", app_id);
    *out = (struct store_action){
        .stopped = *pg_cell(&rows, 0, 0) == 't',
        .asked = atoll(pg_cell(&rows, 0, 1)),
        .done = atoll(pg_cell(&rows, 0, 2)),
        .restart = atoll(pg_cell(&rows, 0, 3)),
        .replicas = atoll(pg_cell(&rows, 0, 4)),
        .service = pg_cell(&rows, 0, 5),
    };
    return 0;
}

int store_action_done(struct pg *pg, struct arena *a, const char *app_id, int64_t asked,
                      struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE applications SET action_done = greatest(action_done, $2), "
                  "status = CASE WHEN stopped_at IS NOT NULL AND action_asked = $2 "
                  "THEN 'stopped' ELSE status END WHERE id = $1",
                  PG_PARAMS(PG_TEXT(app_id), PG_INT(a, asked)), NULL, err);
}

int store_action_open(struct pg *pg, struct arena *a, const char ***ids, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT id FROM applications WHERE action_done <> action_asked "
               "AND deleted_at IS NULL ORDER BY id LIMIT 200",
               PG_NONE, &rows, err) < 0)
        return -1;
    *ids = ARENA_ARRAY(a, rows.n + 1, const char *);
    for (size_t i = 0; i < rows.n; i++)
        (*ids)[i] = pg_cell(&rows, i, 0);
    return 0;
}

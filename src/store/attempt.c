/* SPDX-License-Identifier: MIT */
/* The worker's side of store/deployment.h: leases, the fence, steps and output. */
#include "store/deployment.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

/* The condition that a write of attempt $2 on deployment $1 must meet. */
#define FENCE " d.id = $1::uuid AND d.attempt = $2::integer AND d.finished_at IS NULL "

static int stale(const struct pg_rows *rows, const char *id, int64_t attempt, struct err *err)
{
    if (rows->affected)
        return 0;
    return err_set(err, ERR_STALE, "attempt %lld of deployment %s is not the present one",
                   (long long)attempt, id);
}

int store_deployment_claim(struct pg *pg, struct arena *a, const char *id, const char *worker,
                           int64_t lease_ms, enum store_claim *result, struct store_deployment *out,
                           struct err *err)
{
    struct pg_rows rows;
    if (pg_run(
            pg, a,
            "UPDATE deployments d SET attempt = attempt + 1, "
            "failures = failures + (lease_until IS NOT NULL)::integer, "
            "last_failure = CASE WHEN lease_until IS NOT NULL "
            "THEN 'the worker ended in the middle of it' ELSE last_failure END, worker = $3, "
            "lease_until = now() + $2::float8 * interval '1 ms', "
            "started_at = coalesce(started_at, now()) "
            "WHERE d.id = $1::uuid AND d.finished_at IS NULL "
            "AND (d.lease_until IS NULL OR d.lease_until <= now()) "
            "AND NOT EXISTS (SELECT 1 FROM deployments o "
            "WHERE o.application_id = d.application_id AND o.finished_at IS NULL "
            "AND o.id <> d.id AND (o.lease_until > now() OR (o.id < d.id AND d.trigger <> 'rollback')))",
            PG_PARAMS(PG_TEXT(id), PG_INT(a, lease_ms), PG_TEXT(worker)), &rows, err) < 0)
        return -1;
    bool claimed = rows.affected > 0;
    if (store_deployment_get_any(pg, a, id, out, err) < 0) {
        if (err->code != ERR_NOT_FOUND)
            return -1;
        *result = STORE_CLAIM_ENDED;
        return 0;
    }
    *result = claimed ? STORE_CLAIMED : out->finished_at ? STORE_CLAIM_ENDED : STORE_CLAIM_BUSY;
    return 0;
}

int store_deployment_renew(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                           int64_t lease_ms, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE deployments d SET lease_until = now() + $3::float8 * interval '1 ms' "
               "WHERE" FENCE,
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_INT(a, lease_ms)), &rows, err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

int store_deployment_disown(struct pg *pg, struct arena *a, const char *worker, int64_t *n,
                            struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE deployments SET lease_until = least(lease_until, now()) "
               "WHERE worker = $1 AND finished_at IS NULL AND lease_until IS NOT NULL",
               PG_PARAMS(PG_TEXT(worker)), &rows, err) < 0)
        return -1;
    *n = rows.affected;
    return 0;
}

int store_deployment_release(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                             const char *failure, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE deployments d SET lease_until = NULL, "
                  "failures = failures + ($3::text IS NOT NULL)::integer, "
                  "last_failure = coalesce($3, last_failure), "
                  "started_at = CASE WHEN $3::text IS NULL AND status = 'pending' "
                  "AND failures = 0 THEN NULL ELSE started_at END "
                  "WHERE lease_until IS NOT NULL AND" FENCE,
                  PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(failure)), NULL, err);
}

int store_deployment_advance(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                             const char *status, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE deployments d SET status = CASE WHEN deployment_progress($3) > "
               "deployment_progress(d.status) THEN $3 ELSE d.status END WHERE" FENCE,
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(status)), &rows, err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

int store_deployment_set_commit(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                                const char *sha, const char *message, const char *branch,
                                struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE deployments d SET commit_sha = $3, commit_message = $4, branch = $5 "
               "WHERE" FENCE,
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(sha), PG_TEXT(message),
                         PG_TEXT(branch)),
               &rows, err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

int store_deployment_set_image(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                               const char *image, const char *image_id, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "UPDATE deployments d SET image = $3, image_id = $4 WHERE" FENCE,
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(image), PG_TEXT(image_id)), &rows,
               err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

int store_deployment_touch(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                           int64_t config_version, const char *settings, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(
            pg, a,
            "WITH touched AS (UPDATE deployments d SET "
            "touched_at = coalesce(touched_at, now()), config_version = $3 WHERE EXISTS (SELECT 1 FROM applications a "
            "WHERE a.id = d.application_id AND a.deleted_at IS NULL) AND" FENCE
            "RETURNING d.id) INSERT INTO deployment_settings (deployment_id, settings) "
            "SELECT id, $4::jsonb FROM touched ON CONFLICT (deployment_id) "
            "DO UPDATE SET settings = excluded.settings",
            PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_INT(a, config_version),
                      PG_TEXT(settings)),
            &rows, err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

/* What the end of a deployment does to its application. One that was stopped is started by a later
 * deployment alone; an earlier one that has touched the service leaves work behind. */
static int follow(struct pg *pg, struct arena *a, const char *id, const char *status,
                  struct err *err)
{
    return pg_run(
        pg, a,
        "UPDATE applications a SET "
        "status = CASE WHEN $2 = 'success' AND coalesce(a.stopped_at < d.created_at, true) "
        "THEN 'running' WHEN a.deployed_version IS NULL AND $2 = 'failed' THEN 'failed' "
        "ELSE a.status END, "
        "deployed_version = CASE WHEN $2 = 'success' "
        "THEN coalesce(d.config_version, a.config_version) ELSE a.deployed_version END, "
        "action_done = CASE WHEN a.stopped_at IS NOT NULL AND d.touched_at IS NOT NULL "
        "AND NOT ($2 = 'success' AND a.stopped_at < d.created_at) "
        "THEN a.action_asked - 1 ELSE a.action_done END, "
        "stopped_at = CASE WHEN $2 = 'success' AND a.stopped_at < d.created_at "
        "THEN NULL ELSE a.stopped_at END "
        "FROM deployments d WHERE d.id = $1 AND a.id = d.application_id",
        PG_PARAMS(PG_TEXT(id), PG_TEXT(status)), NULL, err);
}

static int finish(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                  const char *status, const char *error_json, const char *newer, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE deployments d SET status = $3, error = $4::jsonb, finished_at = now(), "
               "superseded_by = (SELECT o.id FROM deployments o WHERE o.id::text = $5), "
               "lease_until = NULL, previous_id = CASE WHEN $3 = 'success' THEN "
               "(SELECT o.id FROM deployments o WHERE o.application_id = d.application_id "
               "AND o.status = 'success' ORDER BY o.finished_at DESC, o.id DESC LIMIT 1) END "
               "WHERE" FENCE,
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(status), PG_TEXT(error_json),
                         PG_TEXT(newer)),
               &rows, err) < 0 ||
        stale(&rows, id, attempt, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "UPDATE deployment_steps SET finished_at = now(), "
               "outcome = CASE WHEN $2 = 'superseded' THEN 'cancelled' ELSE $2 END "
               "WHERE deployment_id = $1 AND finished_at IS NULL",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(status)), NULL, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "UPDATE deployments o SET status = 'rolled_back' FROM deployments d "
               "WHERE d.id = $1 AND d.status = 'success' AND o.id = d.rolls_back "
               "AND o.status = 'success'",
               PG_PARAMS(PG_TEXT(id)), NULL, err) < 0)
        return -1;
    return follow(pg, a, id, status, err);
}

static int finish_whole(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                        const char *status, const char *error_json, const char *newer,
                        struct err *err)
{
    if (pg_begin(pg, err) < 0)
        return -1;
    if (finish(pg, a, id, attempt, status, error_json, newer, err) < 0 || pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    return 0;
}

int store_deployment_finish(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                            const char *status, const char *error_json, struct err *err)
{
    return finish_whole(pg, a, id, attempt, status, error_json, NULL, err);
}

int store_deployment_supersede(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                               const char *newer, struct err *err)
{
    return finish_whole(pg, a, id, attempt, "superseded", NULL, newer, err);
}

int store_step_begin(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                     const char *name, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "INSERT INTO deployment_steps AS s (deployment_id, name) "
               "SELECT d.id, $3 FROM deployments d WHERE" FENCE
               "ON CONFLICT (deployment_id, name) DO UPDATE "
               "SET started_at = CASE WHEN s.finished_at IS NULL THEN s.started_at ELSE now() END, "
               "finished_at = NULL, outcome = NULL",
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(name)), &rows, err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

int store_step_end(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                   const char *name, const char *outcome, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE deployment_steps s SET finished_at = now(), outcome = $4 "
               "FROM deployments d WHERE s.deployment_id = d.id AND s.name = $3 AND" FENCE,
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(name), PG_TEXT(outcome)), &rows,
               err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

int store_log_append(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                     const struct store_log_line *lines, size_t n, struct err *err)
{
    struct pg_rows rows;
    AUTO_BUF text = {0};
    struct jw w;
    if (!n)
        return 0;
    jw_init(&w, &text);
    jw_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        jw_begin(&w);
        jw_kint(&w, "n", (int64_t)i + 1);
        jw_kint(&w, "at", lines[i].at);
        jw_kstr(&w, "step", lines[i].step);
        jw_kstr(&w, "stream", lines[i].stream);
        jw_kstr(&w, "text", lines[i].text);
        jw_end(&w);
    }
    jw_end_array(&w);
    if (pg_run(pg, a,
               "INSERT INTO deployment_logs (deployment_id, line, at, step, stream, text) "
               "SELECT d.id, x.n + coalesce((SELECT max(l.line) FROM deployment_logs l "
               "WHERE l.deployment_id = d.id), 0), to_timestamp(x.at::float8 / 1000), x.step, "
               "x.stream, x.text FROM deployments d, jsonb_to_recordset($3::jsonb) "
               "AS x(n integer, at bigint, step text, stream text, text text) "
               "WHERE d.id = $1::uuid AND d.attempt = $2::integer",
               PG_PARAMS(PG_TEXT(id), PG_INT(a, attempt), PG_TEXT(buf_str(&text))), &rows, err) < 0)
        return -1;
    return stale(&rows, id, attempt, err);
}

#define LOG_COLUMNS "line, (extract(epoch FROM at) * 1000)::bigint, step, stream, text"

static void take_lines(struct arena *a, const struct pg_rows *rows, struct store_log_line **lines,
                       size_t *n)
{
    *n = rows->n;
    *lines = ARENA_ARRAY(a, rows->n, struct store_log_line);
    for (size_t i = 0; i < rows->n; i++)
        (*lines)[i] = (struct store_log_line){
            .line = atoll(pg_cell(rows, i, 0)),
            .at = atoll(pg_cell(rows, i, 1)),
            .step = pg_cell(rows, i, 2),
            .stream = pg_cell(rows, i, 3),
            .text = pg_cell(rows, i, 4),
        };
}

int store_log_read(struct pg *pg, struct arena *a, const char *id, int64_t after, int64_t limit,
                   struct store_log_line **lines, size_t *n, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " LOG_COLUMNS " FROM deployment_logs "
               "WHERE deployment_id = $1 AND line > $2 ORDER BY line LIMIT $3",
               PG_PARAMS(PG_TEXT(id), PG_INT(a, after), PG_INT(a, limit)), &rows, err) < 0)
        return -1;
    take_lines(a, &rows, lines, n);
    return 0;
}

int store_log_tail(struct pg *pg, struct arena *a, const char *id, int64_t limit,
                   struct store_log_line **lines, size_t *n, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " LOG_COLUMNS " FROM (SELECT * FROM deployment_logs "
               "WHERE deployment_id = $1 ORDER BY line DESC LIMIT $2) last ORDER BY line",
               PG_PARAMS(PG_TEXT(id), PG_INT(a, limit)), &rows, err) < 0)
        return -1;
    take_lines(a, &rows, lines, n);
    return 0;
}

/* The same rule twice: a page marks its lines, and the first one is looked for among all. */
bool store_log_is_error(const struct store_log_line *l, const char *failed_step)
{
    if (str_eq(l->stream, "system") && str_starts(l->text, "failed: "))
        return true;
    if (!str_eq(l->step, failed_step))
        return false;
    const char *space = *l->text == '#' ? strchr(l->text, ' ') : NULL;
    return str_eq(l->stream, "stderr") || (space && str_starts(space, " ERROR"));
}

int store_log_first_error(struct pg *pg, struct arena *a, const char *id, const char *failed_step,
                          int64_t *line, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT coalesce(min(line), 0) FROM deployment_logs WHERE deployment_id = $1 AND "
               "(stream = 'system' AND text LIKE 'failed: %' OR "
               "step = $2 AND (stream = 'stderr' OR text ~ '^#[^ ]* ERROR'))",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(failed_step)), &rows, err) < 0)
        return -1;
    *line = atoll(pg_cell(&rows, 0, 0));
    return 0;
}

int store_deployment_waiting(struct pg *pg, struct arena *a, int64_t *n, int64_t *oldest_ms,
                             struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)) * 1000, "
               "0)::bigint FROM deployments WHERE finished_at IS NULL "
               "AND (lease_until IS NULL OR lease_until <= now())",
               PG_NONE, &rows, err) < 0)
        return -1;
    *n = atoll(pg_cell(&rows, 0, 0));
    *oldest_ms = atoll(pg_cell(&rows, 0, 1));
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Deployments: the row that is the truth about one, its steps and its output.
 *
 * Whoever works on one holds a lease and an attempt number. The number is a fence: a write that
 * carries an older one is refused with ERR_STALE.
 */
#ifndef SLIPWAY_STORE_DEPLOYMENT_H
#define SLIPWAY_STORE_DEPLOYMENT_H

#include "store/pg.h"

#define STORE_ISO(t) "to_char(" t ", 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* JSON members: error is null or {"step","message","task","node","exitCode","output"}; steps is
 * [{"name","startedAt","finishedAt","outcome"}], names as clone, build, push, deploy, verdict. */
#define STORE_DEPLOYMENT_FIELDS(X)                                                                          \
    X(STR, id, "d.id", "id")                                                                                \
    X(STR, deployment_id, "d.id", "deploymentId")                                                           \
    X(STR, application_id, "d.application_id", "applicationId")                                             \
    X(STR, status, "d.status", "status")                                                                    \
    X(INT, progress, "deployment_progress(d.status)", "progress")                                           \
    X(STR, trigger, "d.trigger", "trigger")                                                                 \
    X(STR, commit_sha, "d.commit_sha", "commitSha")                                                         \
    X(STR, commit_message, "d.commit_message", "commitMessage")                                             \
    X(STR, branch, "d.branch", "branch")                                                                    \
    X(STR, image, "d.image", "image")                                                                       \
    X(STR, image_id, "d.image_id", NULL)                                                                    \
    X(STR, previous_id, "d.previous_id", "previousId")                                                      \
    X(STR, superseded_by, "d.superseded_by", "supersededBy")                                                \
    X(JSON, error, "d.error", "error")                                                                      \
    X(JSON, steps,                                                                                          \
      "(SELECT coalesce(json_agg(json_build_object('name', s.name, "                                        \
      "'startedAt', " STORE_ISO("s.started_at") ", 'finishedAt', " STORE_ISO(                               \
          "s.finished_at") ", 'outcome', s.outcome) ORDER BY s.started_at), '[]') FROM deployment_steps s " \
                           "WHERE s.deployment_id = d.id)",                                                 \
      "steps")                                                                                              \
    X(INT, attempt, "d.attempt", "attempt")                                                                 \
    X(INT, failures, "d.failures", NULL)                                                                    \
    X(STR, last_failure, "d.last_failure", NULL)                                                            \
    X(INT, config_version, "d.config_version", NULL)                                                        \
    X(BOOL, touched, "d.touched_at IS NOT NULL", NULL)                                                      \
    X(BOOL, cancelling, "d.cancel_at IS NOT NULL", NULL)                                                    \
    X(STR, cancel_by, "(SELECT u.username FROM users u WHERE u.id = d.cancel_by)", NULL)                    \
    X(STR, rollback_to, "d.rollback_to", NULL)                                                              \
    X(STR, created_by, "d.created_by", NULL)                                                                \
    X(TIME, created_at, "d.created_at", "createdAt")                                                        \
    X(TIME, started_at, "d.started_at", "startedAt")                                                        \
    X(TIME, finished_at, "d.finished_at", "finishedAt")

struct store_deployment {
    STORE_DEPLOYMENT_FIELDS(STORE_MEMBER)
};

struct store_deployments {
    struct store_deployment *list;
    size_t n;
    bool more;
};

/* ---- what the API asks */

/* Inserts a pending one. ERR_NOT_FOUND: the application was deleted meanwhile. */
int store_deployment_insert(struct pg *pg, struct arena *a, const struct store_deployment *in,
                            struct err *err);
/* *role as in store_project_get(). */
int store_deployment_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                         const char *id, struct store_deployment *out, const char **role,
                         struct err *err);

struct store_deployment_filter {
    const char *application_id, *project_id, *status; /* NULL: any */
};
int store_deployment_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                          const struct store_deployment_filter *filter,
                          const struct store_page *page, struct store_deployments *out,
                          struct err *err);
/* The newest PER of each of the N applications whose ids are given; newest first. */
int store_deployment_newest(struct pg *pg, struct arena *a, const char *const *app_ids, size_t n,
                            int64_t per, struct store_deployments *out, struct err *err);
void store_deployment_json(const struct store_deployment *d, struct jw *w);

/* Ends a pending one that nobody works on, or writes the wish for the end of one at work, which its
 * worker sees. MESSAGE is what the row says of its end; BY may be NULL. ERR_CONFLICT: it has
 * ended. */
int store_deployment_cancel(struct pg *pg, struct arena *a, const char *id, const char *by,
                            const char *message, struct err *err);

/* Releases: deployments that were a success and have an image, also those that a rollback took
 * away since; newest first. */
int store_deployment_releases(struct pg *pg, struct arena *a, const char *app_id,
                              const struct store_page *page, struct store_deployments *out,
                              struct err *err);
/* The newest release before ID's that no rollback took away; for one that is a rollback itself,
 * before the release that it brought back. ERR_NOT_FOUND: there is none. */
int store_deployment_before(struct pg *pg, struct arena *a, const char *id,
                            struct store_deployment *out, struct err *err);
/* Inserts the pending rollback NEW from FROM to the release TO, whose image, commit and settings it
 * takes over. ERR_CONFLICT: FROM is being rolled back already. ERR_NOT_FOUND: TO is no release of
 * the application, or that was deleted. */
int store_deployment_insert_rollback(struct pg *pg, struct arena *a, const char *new,
                                     const char *from, const char *to, const char *by,
                                     struct err *err);

/* ---- what the worker asks */

/* The ids, ended by NULL, of those that WORKER has at work and somebody asked the end of. */
int store_deployment_cancelling(struct pg *pg, struct arena *a, const char *worker,
                                const char ***ids, struct err *err);
/* What was kept by store_deployment_touch(), JSON; NULL when nothing was. */
int store_deployment_settings(struct pg *pg, struct arena *a, const char *id, const char **json,
                              struct err *err);

int store_deployment_get_any(struct pg *pg, struct arena *a, const char *id,
                             struct store_deployment *out, struct err *err);

enum store_claim { STORE_CLAIMED, STORE_CLAIM_BUSY, STORE_CLAIM_ENDED };

/* Takes the deployment for LEASE_MS in the name of WORKER: CLAIMED with a new attempt in *out.
 * BUSY: somebody works on it or on its application, or an earlier one of the application waits (a
 * rollback does not wait for those).
 * ENDED: it is final, or there is none. A lease that ran out counts as a failure of its holder. */
int store_deployment_claim(struct pg *pg, struct arena *a, const char *id, const char *worker,
                           int64_t lease_ms, enum store_claim *result, struct store_deployment *out,
                           struct err *err);
/* For a worker that starts: whatever it held when it ended is free. *n is how many. */
int store_deployment_disown(struct pg *pg, struct arena *a, const char *worker, int64_t *n,
                            struct err *err);
/* Makes the lease last LEASE_MS from now. ERR_STALE: it is somebody else's. */
int store_deployment_renew(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                           int64_t lease_ms, struct err *err);
/* Gives it back without a verdict. FAILURE (may be NULL) counts the attempt as a failure and says
 * of what kind. One that had not begun is as if it had never been taken. */
int store_deployment_release(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                             const char *failure, struct err *err);

/* All of these: ERR_STALE when ATTEMPT is not the present one, or the deployment has ended. */

/* Moves the status forward; to go backward (a later attempt repeats a step) changes nothing. */
int store_deployment_advance(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                             const char *status, struct err *err);
int store_deployment_set_commit(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                                const char *sha, const char *message, const char *branch,
                                struct err *err);
int store_deployment_set_image(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                               const char *image, const char *image_id, struct err *err);
/* To be called before the service is changed. CONFIG_VERSION is the application's that is put
 * in force, SETTINGS (JSON) what the service is made of. ERR_STALE also when the application was
 * deleted meanwhile. */
int store_deployment_touch(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                           int64_t config_version, const char *settings, struct err *err);
/* The end: STATUS is success, failed or cancelled; ERROR_JSON is NULL for success. Steps that are
 * still open get the outcome. The application's status and deployed version follow: a success that
 * was asked for after the application was stopped starts it; and the release that a rollback took
 * away reads rolled_back. */
int store_deployment_finish(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                            const char *status, const char *error_json, struct err *err);
/* The end of one whose service runs the release NEWER; steps that are still open were cancelled. */
int store_deployment_supersede(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                               const char *newer, struct err *err);

/* Begins a step, again when an earlier attempt had begun it. */
int store_step_begin(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                     const char *name, struct err *err);
int store_step_end(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                   const char *name, const char *outcome, struct err *err);

/* The newest success of the application, which is what its service should run. ERR_NOT_FOUND. */
int store_deployment_last_success(struct pg *pg, struct arena *a, const char *app_id,
                                  struct store_deployment *out, struct err *err);

/* Deployments that have not ended and that nobody works on, oldest first, older than GRACE_MS. */
int store_deployment_orphans(struct pg *pg, struct arena *a, int64_t grace_ms,
                             struct store_deployments *out, struct err *err);

/* How many deployments wait to be taken, and for how long the oldest has, in milliseconds. */
int store_deployment_waiting(struct pg *pg, struct arena *a, int64_t *n, int64_t *oldest_ms,
                             struct err *err);

/* ---- output */

struct store_log_line {
    int64_t line; /* from 1; set when read */
    int64_t at;   /* milliseconds */
    const char *step, *stream, *text;
};

/* Appends N lines behind those that are there, numbering them. */
int store_log_append(struct pg *pg, struct arena *a, const char *id, int64_t attempt,
                     const struct store_log_line *lines, size_t n, struct err *err);
/* Lines behind AFTER, at most LIMIT. */
int store_log_read(struct pg *pg, struct arena *a, const char *id, int64_t after, int64_t limit,
                   struct store_log_line **lines, size_t *n, struct err *err);
/* The last LIMIT lines, in their order. */
int store_log_tail(struct pg *pg, struct arena *a, const char *id, int64_t limit,
                   struct store_log_line **lines, size_t *n, struct err *err);

/* Whether L says why the deployment failed in FAILED_STEP: the verdict's own line, BuildKit's
 * "#12 ERROR …", and what that step printed on stderr. FAILED_STEP may be NULL. */
bool store_log_is_error(const struct store_log_line *l, const char *failed_step);
/* *line gets the first such line, or 0. */
int store_log_first_error(struct pg *pg, struct arena *a, const char *id, const char *failed_step,
                          int64_t *line, struct err *err);

/* How many there are by status. */
struct store_counts {
    struct store_count {
        const char *name;
        int64_t count;
    } * list;
    size_t n;
};
int store_deployment_counts(struct pg *pg, struct arena *a, struct store_counts *out,
                            struct err *err);

#endif

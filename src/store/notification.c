/* SPDX-License-Identifier: MIT */
#include "store/notification.h"

#include "store/project.h"

#define STORE_T struct store_notification
STORE_TABLE(notification_fields, STORE_NOTIFICATION_FIELDS);
#undef STORE_T
#define STORE_T struct store_alert
STORE_TABLE(alert_fields, STORE_ALERT_FIELDS);
#undef STORE_T

#define NOTIFICATION STORE_COLUMNS(STORE_NOTIFICATION_FIELDS)
#define ALERT STORE_COLUMNS(STORE_ALERT_FIELDS)
#define MANAGED " ($2::uuid IS NULL OR " STORE_PROJECT_ROLE " = 'admin') "

int store_notification_insert(struct pg *pg, struct arena *a, const struct store_notification *in,
                              const void *secret, size_t secret_len, struct err *err)
{
    struct pg_param sealed = secret ? PG_BYTES(secret, secret_len) : PG_TEXT(NULL);
    return pg_run(pg, a,
                  "INSERT INTO notifications (id, project_id, kind, target, events, secret) "
                  "VALUES ($1, $2, $3, $4, ARRAY(SELECT jsonb_array_elements_text($5::jsonb)), $6)",
                  PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->project_id), PG_TEXT(in->kind),
                            PG_TEXT(in->target), PG_TEXT(in->events), sealed),
                  NULL, err);
}

int store_notification_update(struct pg *pg, struct arena *a, const struct store_notification *in,
                              struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE notifications SET target = $2, "
               "events = ARRAY(SELECT jsonb_array_elements_text($3::jsonb)), "
               "updated_at = greatest(now(), updated_at + interval '1 ms') WHERE id = $1 "
               "AND (extract(epoch FROM updated_at) * 1000)::bigint = $4",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->target), PG_TEXT(in->events),
                         PG_INT(a, in->updated_at)),
               &rows, err) < 0)
        return -1;
    return store_fresh(&rows, "notification", err);
}

int store_notification_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                            const char *project_id, const struct store_page *page,
                            struct store_notifications *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " NOTIFICATION
               " FROM notifications n JOIN projects p ON p.id = n.project_id "
               "WHERE n.deleted_at IS NULL AND" STORE_PROJECT_VISIBLE "AND" MANAGED
               "AND ($3::uuid IS NULL OR n.project_id = $3::uuid) "
               "AND ($4::uuid IS NULL OR n.id < $4::uuid) ORDER BY n.id DESC LIMIT $5",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(project_id), PG_TEXT(page->cursor),
                         PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, notification_fields, &rows, page->limit, out);
    return 0;
}

int store_notification_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                           const char *id, struct store_notification *out, const char **role,
                           struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " NOTIFICATION ", " STORE_PROJECT_ROLE
               " FROM notifications n JOIN projects p ON p.id = n.project_id "
               "WHERE n.deleted_at IS NULL AND n.id = $3::uuid AND" STORE_PROJECT_VISIBLE,
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such notification");
    store_read(notification_fields, ARRAY_LEN(notification_fields), &rows, 0, 0, out);
    *role = pg_cell(&rows, 0, ARRAY_LEN(notification_fields) + 1);
    return 0;
}

int store_notification_delete(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a, "UPDATE notifications SET deleted_at = now(), secret = NULL WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

void store_notification_json(const struct store_notification *n, struct jw *w)
{
    store_write(notification_fields, ARRAY_LEN(notification_fields), n, w);
}

/* ---- alerts */

/* The project of an alert on an application is the application's. */
#define ALERTS                                                             \
    " FROM alerts l LEFT JOIN applications a ON a.id = l.application_id "  \
    "LEFT JOIN projects p ON p.id = coalesce(l.project_id, a.project_id) " \
    "WHERE l.deleted_at IS NULL AND a.deleted_at IS NULL AND "             \
    "((p.id IS NULL AND $1::uuid[] IS NULL AND $2::uuid IS NULL) OR (" STORE_PROJECT_VISIBLE ")) "

int store_alert_insert(struct pg *pg, struct arena *a, const struct store_alert *in,
                       struct err *err)
{
    return pg_run(pg, a,
                  "INSERT INTO alerts (id, project_id, application_id, metric, threshold, "
                  "for_seconds) VALUES ($1, $2, $3, $4, $5::float8, $6::integer)",
                  PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->project_id), PG_TEXT(in->application_id),
                            PG_TEXT(in->metric), PG_NUM(a, in->threshold),
                            PG_INT(a, in->for_seconds)),
                  NULL, err);
}

int store_alert_update(struct pg *pg, struct arena *a, const struct store_alert *in,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE alerts SET metric = $2, threshold = $3::float8, for_seconds = $4::integer, "
               "state = 'ok', updated_at = greatest(now(), updated_at + interval '1 ms') "
               "WHERE id = $1 AND (extract(epoch FROM updated_at) * 1000)::bigint = $5",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->metric), PG_NUM(a, in->threshold),
                         PG_INT(a, in->for_seconds), PG_INT(a, in->updated_at)),
               &rows, err) < 0)
        return -1;
    return store_fresh(&rows, "alert", err);
}

int store_alert_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                     const struct store_page *page, struct store_alerts *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " ALERT ALERTS "AND" MANAGED
               "AND ($3::uuid IS NULL OR l.id < $3::uuid) ORDER BY l.id DESC LIMIT $4",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows,
               err) < 0)
        return -1;
    STORE_TAKE(a, alert_fields, &rows, page->limit, out);
    return 0;
}

int store_alert_get(struct pg *pg, struct arena *a, const struct store_scope *scope, const char *id,
                    struct store_alert *out, const char **role, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " ALERT ", " STORE_PROJECT_ROLE ALERTS "AND l.id = $3::uuid",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such alert");
    store_read(alert_fields, ARRAY_LEN(alert_fields), &rows, 0, 0, out);
    *role = pg_cell(&rows, 0, ARRAY_LEN(alert_fields) + 1);
    return 0;
}

int store_alert_delete(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a, "UPDATE alerts SET deleted_at = now() WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

void store_alert_json(const struct store_alert *l, struct jw *w)
{
    store_write(alert_fields, ARRAY_LEN(alert_fields), l, w);
}

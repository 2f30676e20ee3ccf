/* SPDX-License-Identifier: MIT */
#include "store/project.h"

#include "base/json.h"

#define STORE_T struct store_project
STORE_TABLE(project_fields, STORE_PROJECT_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_PROJECT_FIELDS)
#define NFIELDS ARRAY_LEN(project_fields)

static int one(const struct pg_rows *rows, enum err_code code, const char *message,
               struct store_project *out, struct err *err)
{
    if (!rows->n)
        return err_set(err, code, "%s", message);
    store_read(project_fields, NFIELDS, rows, 0, 0, out);
    return 0;
}

int store_project_insert(struct pg *pg, struct arena *a, const struct store_project *in,
                         struct store_project *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "INSERT INTO projects AS p (id, name, description, owner_id, team_id) "
               "VALUES ($1, $2, $3, $4, $5) RETURNING " COLUMNS,
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->name), PG_TEXT(in->description),
                         PG_TEXT(in->owner_id), PG_TEXT(in->team_id)),
               &rows, err) < 0)
        return -1;
    return one(&rows, ERR_INTERNAL, "the project was not written", out, err);
}

int store_project_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                      const char *id, struct store_project *out, const char **role, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS ", " STORE_PROJECT_ROLE " FROM projects p WHERE p.id = $3::uuid "
               "AND" STORE_PROJECT_VISIBLE,
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (one(&rows, ERR_NOT_FOUND, "there is no such project", out, err) < 0)
        return -1;
    if (role)
        *role = pg_cell(&rows, 0, NFIELDS + 1);
    return 0;
}

int store_project_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                       const struct store_page *page, struct store_projects *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM projects p WHERE" STORE_PROJECT_VISIBLE
               "AND ($3::uuid IS NULL OR p.id < $3::uuid) ORDER BY p.id DESC LIMIT $4",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows,
               err) < 0)
        return -1;
    STORE_TAKE(a, project_fields, &rows, page->limit, out);
    return 0;
}

int store_project_update(struct pg *pg, struct arena *a, const struct store_project *in,
                         struct store_project *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE projects p SET name = $2, description = $3, team_id = $4, "
               "updated_at = greatest(now(), updated_at + interval '1 ms') "
               "WHERE id = $1 AND deleted_at IS NULL AND "
               "(extract(epoch FROM updated_at) * 1000)::bigint = $5 RETURNING " COLUMNS,
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->name), PG_TEXT(in->description),
                         PG_TEXT(in->team_id), PG_INT(a, in->updated_at)),
               &rows, err) < 0)
        return -1;
    return one(&rows, ERR_PRECONDITION, "the project was changed by somebody else meanwhile", out,
               err);
}

static int delete_in_transaction(struct pg *pg, struct arena *a, const char *id, bool force,
                                 struct pg_rows *apps, struct err *err)
{
    struct pg_rows busy;
    if (pg_run(pg, a, "SELECT 1 FROM projects WHERE id = $1 FOR UPDATE", PG_PARAMS(PG_TEXT(id)),
               NULL, err) < 0 ||
        pg_run(pg, a,
               "SELECT 'application', a.name FROM applications a "
               "WHERE a.project_id = $1 AND a.deleted_at IS NULL "
               "AND (a.status IN ('running', 'degraded') OR EXISTS (SELECT 1 FROM deployments d "
               "WHERE d.application_id = a.id AND d.finished_at IS NULL)) "
               "UNION ALL SELECT 'database', b.name FROM databases b "
               "WHERE b.project_id = $1 AND b.deleted_at IS NULL "
               "AND b.status IN ('running', 'degraded') ORDER BY 1, 2",
               PG_PARAMS(PG_TEXT(id)), &busy, err) < 0)
        return -1;
    if (busy.n && !force)
        return err_set(err, ERR_CONFLICT,
                       "the %s '%s' in it still runs; stop it first, or repeat with ?force=true",
                       pg_cell(&busy, 0, 0), pg_cell(&busy, 0, 1));
    if (pg_run(pg, a,
               "UPDATE applications SET deleted_at = now() "
               "WHERE project_id = $1 AND deleted_at IS NULL RETURNING id",
               PG_PARAMS(PG_TEXT(id)), apps, err) < 0 ||
        pg_run(pg, a,
               "DELETE FROM domains WHERE application_id IN "
               "(SELECT id FROM applications WHERE project_id = $1)",
               PG_PARAMS(PG_TEXT(id)), NULL, err) < 0 ||
        pg_run(pg, a,
               "UPDATE databases SET deleted_at = now(), "
               "removed_at = CASE WHEN status = 'pending' THEN now() END "
               "WHERE project_id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), NULL, err) < 0)
        return -1;
    return pg_run(pg, a,
                  "UPDATE projects SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

int store_project_delete(struct pg *pg, struct arena *a, const char *id, bool force,
                         const char ***removed, struct err *err)
{
    struct pg_rows apps = {0};
    if (pg_begin(pg, err) < 0)
        return -1;
    if (delete_in_transaction(pg, a, id, force, &apps, err) < 0 || pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    *removed = ARENA_ARRAY(a, apps.n + 1, const char *);
    for (size_t i = 0; i < apps.n; i++)
        (*removed)[i] = pg_cell(&apps, i, 0);
    return 0;
}

void store_project_json(const struct store_project *p, struct jw *w)
{
    store_write(project_fields, NFIELDS, p, w);
}

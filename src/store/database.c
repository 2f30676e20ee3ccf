/* SPDX-License-Identifier: MIT */
#include "store/database.h"

#include "base/json.h"
#include "store/project.h"

#define STORE_T struct store_database
STORE_TABLE(database_fields, STORE_DATABASE_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_DATABASE_FIELDS)
#define NFIELDS ARRAY_LEN(database_fields)
#define VISIBLE                                                 \
    " FROM databases b JOIN projects p ON p.id = b.project_id " \
    "WHERE b.deleted_at IS NULL AND" STORE_PROJECT_VISIBLE

static int touched(const struct pg_rows *rows, struct err *err)
{
    return rows->affected ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such database");
}

static struct pg_param port_of(struct arena *a, const struct store_database *d)
{
    return d->published_port ? PG_INT(a, d->published_port) : PG_TEXT(NULL);
}

int store_database_insert(struct pg *pg, struct arena *a, const struct store_database *in,
                          const void *password, size_t n, struct err *err)
{
    /* a transaction of its own, so that another name can be tried */
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "INSERT INTO databases (id, project_id, name, kind, version, image, service_name, "
               "memory_limit, cpu_limit, published_port, database_name, username, password) "
               "VALUES ($1, $2, $3, $4, $5, $6, $7, $8::integer, $9::float8, $10::integer, $11, "
               "$12, $13)",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->project_id), PG_TEXT(in->name),
                         PG_TEXT(in->kind), PG_TEXT(in->version), PG_TEXT(in->image),
                         PG_TEXT(in->service_name), PG_INT(a, in->memory_limit),
                         PG_NUM(a, in->cpu_limit), port_of(a, in), PG_TEXT(in->database_name),
                         PG_TEXT(in->username), PG_BYTES(password, n)),
               NULL, err) < 0 ||
        pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    return 0;
}

int store_database_update(struct pg *pg, struct arena *a, const struct store_database *in,
                          struct err *err)
{
    struct pg_rows rows;
    if (pg_run(
            pg, a,
            "UPDATE databases SET name = $2, version = $3, image = $4, memory_limit = $5::integer, "
            "cpu_limit = $6::float8, published_port = $7::integer, "
            "config_version = config_version + 1, "
            "updated_at = greatest(now(), updated_at + interval '1 ms') "
            "WHERE id = $1 AND deleted_at IS NULL "
            "AND (extract(epoch FROM updated_at) * 1000)::bigint = $8",
            PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->name), PG_TEXT(in->version), PG_TEXT(in->image),
                      PG_INT(a, in->memory_limit), PG_NUM(a, in->cpu_limit), port_of(a, in),
                      PG_INT(a, in->updated_at)),
            &rows, err) < 0)
        return -1;
    return store_fresh(&rows, "database", err);
}

int store_database_get(struct pg *pg, struct arena *a, const struct store_scope *scope,
                       const char *id, struct store_database *out, const char **role,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS ", " STORE_PROJECT_ROLE VISIBLE "AND b.id = $3::uuid",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such database");
    store_read(database_fields, NFIELDS, &rows, 0, 0, out);
    *role = pg_cell(&rows, 0, NFIELDS + 1);
    return 0;
}

int store_database_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                        const char *project_id, const struct store_page *page,
                        struct store_databases *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS VISIBLE "AND ($3::uuid IS NULL OR b.project_id = $3::uuid) "
               "AND ($4::uuid IS NULL OR b.id < $4::uuid) ORDER BY b.id DESC LIMIT $5",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(project_id), PG_TEXT(page->cursor),
                         PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, database_fields, &rows, page->limit, out);
    return 0;
}

int store_database_delete(struct pg *pg, struct arena *a, const char *id, bool volumes,
                          struct err *err)
{
    struct pg_rows bound, rows;
    if (pg_run(pg, a,
               "SELECT a.name FROM bindings i JOIN applications a ON a.id = i.application_id "
               "WHERE i.database_id = $1 AND a.deleted_at IS NULL LIMIT 1",
               PG_PARAMS(PG_TEXT(id)), &bound, err) < 0)
        return -1;
    if (bound.n)
        return err_set(
            err, ERR_CONFLICT,
            "the application '%s' is bound to this database; take the binding away first",
            pg_cell(&bound, 0, 0));
    /* one that no worker has made yet is gone with its row */
    if (pg_run(pg, a,
               "UPDATE databases SET deleted_at = now(), remove_volumes = $2::boolean, "
               "removed_at = CASE WHEN status = 'pending' THEN now() END "
               "WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id), PG_BOOL(volumes)), &rows, err) < 0)
        return -1;
    return touched(&rows, err);
}

int store_database_want(struct pg *pg, struct arena *a, const char *id, const char *wanted,
                        struct err *err)
{
    return pg_run(pg, a, "UPDATE databases SET wanted = $2 WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id), PG_TEXT(wanted)), NULL, err);
}

int store_database_set_password(struct pg *pg, struct arena *a, const char *id,
                                const void *password, size_t n, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE databases SET password = $2, config_version = config_version + 1, "
                  "updated_at = greatest(now(), updated_at + interval '1 ms') WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id), PG_BYTES(password, n)), NULL, err);
}

int store_database_secret(struct pg *pg, struct arena *a, const char *id,
                          struct store_database *out, const void **password, size_t *n,
                          struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS ", b.password FROM databases b "
               "WHERE b.id = $1::uuid AND b.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such database");
    store_read(database_fields, NFIELDS, &rows, 0, 0, out);
    *password = pg_cell(&rows, 0, NFIELDS + 1);
    *n = rows.lengths[NFIELDS + 1];
    return 0;
}

static int changed(struct pg *pg, struct arena *a, const char *app_id, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE applications SET config_version = config_version + 1, "
                  "updated_at = greatest(now(), updated_at + interval '1 ms') WHERE id = $1",
                  PG_PARAMS(PG_TEXT(app_id)), NULL, err);
}

int store_binding_put(struct pg *pg, struct arena *a, const char *app_id, const char *database_id,
                      const char *variable, struct err *err)
{
    if (pg_run(
            pg, a,
            "INSERT INTO bindings (application_id, database_id, variable) VALUES ($1, $2, $3) "
            "ON CONFLICT (application_id, database_id) DO UPDATE SET variable = excluded.variable",
            PG_PARAMS(PG_TEXT(app_id), PG_TEXT(database_id), PG_TEXT(variable)), NULL, err) < 0)
        return -1;
    return changed(pg, a, app_id, err);
}

int store_binding_drop(struct pg *pg, struct arena *a, const char *app_id, const char *database_id,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "DELETE FROM bindings WHERE application_id = $1 AND database_id = $2",
               PG_PARAMS(PG_TEXT(app_id), PG_TEXT(database_id)), &rows, err) < 0)
        return -1;
    if (!rows.affected)
        return err_set(err, ERR_NOT_FOUND, "the application is not bound to this database");
    return changed(pg, a, app_id, err);
}

void store_database_json(const struct store_database *d, struct jw *w)
{
    store_write(database_fields, NFIELDS, d, w);
    jw_key(w, "publishedPort");
    if (d->published_port)
        jw_int(w, d->published_port);
    else
        jw_null(w);
}

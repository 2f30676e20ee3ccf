/* SPDX-License-Identifier: MIT */
#include "store/app.h"

#include "base/buf.h"
#include "base/imageref.h"
#include "base/json.h"
#include "base/rand.h"
#include "store/project.h"

enum { SECRET_HASH = 32 };

#define STORE_T struct store_app
STORE_TABLE(app_fields, STORE_APP_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_APP_FIELDS)
#define NFIELDS ARRAY_LEN(app_fields)
#define FROM_VISIBLE                                               \
    " FROM applications a JOIN projects p ON p.id = a.project_id " \
    "WHERE a.deleted_at IS NULL AND" STORE_PROJECT_VISIBLE

const char *store_env_row(struct arena *a, const char *app_id, const char *key)
{
    return arena_printf(a, "%s:%s", app_id, key);
}

static int write_env(struct pg *pg, struct arena *a, const char *app_id,
                     const struct store_env_list *env, struct err *err)
{
    if (pg_run(pg, a, "DELETE FROM env_vars WHERE application_id = $1", PG_PARAMS(PG_TEXT(app_id)),
               NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < env->n; i++) {
        const struct store_env *e = &env->list[i];
        struct pg_param secret = e->secret ? PG_BYTES(e->secret, e->secret_len) : PG_TEXT(NULL);
        if (pg_run(pg, a,
                   "INSERT INTO env_vars (application_id, key, value, secret, position) "
                   "VALUES ($1, $2, $3, $4, $5)",
                   PG_PARAMS(PG_TEXT(app_id), PG_TEXT(e->key), PG_TEXT(e->value), secret,
                             PG_INT(a, i)),
                   NULL, err) < 0)
            return -1;
    }
    return 0;
}

static int write_domains(struct pg *pg, struct arena *a, const char *app_id,
                         const struct store_app_parts *parts, struct err *err)
{
    if (pg_run(pg, a, "DELETE FROM domains WHERE application_id = $1", PG_PARAMS(PG_TEXT(app_id)),
               NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < parts->n_domains; i++)
        if (pg_run(pg, a,
                   "INSERT INTO domains (id, application_id, host, path, position) "
                   "VALUES ($1, $2, $3, $4, $5)",
                   PG_PARAMS(PG_TEXT(uuid_new(a)), PG_TEXT(app_id), PG_TEXT(parts->domains[i].host),
                             PG_TEXT(parts->domains[i].path), PG_INT(a, i)),
                   NULL, err) < 0)
            return -1;
    return 0;
}

/* The fields that a person may set, as $1 … $27. */
#define WRITABLE                                                                                   \
    "name, repo_url, repo_normal, branch, image, dockerfile, context_path, target, build_args, "   \
    "pull, replicas, memory_limit, cpu_limit, port, health_check, restart_policy, update_config, " \
    "volumes, ports, labels, auto_deploy, run_user, read_only, capabilities, credential_id, registry_id, image_normal"
#define WRITABLE_VALUES                                                                           \
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10::boolean, $11::integer, $12::integer, $13::float8, " \
    "$14::integer, $15, $16, $17, $18, $19, $20, $21::boolean, $22, $23::boolean, $24, $25::uuid, $26::uuid, $27"
#define WRITABLE_PARAMS(a, in)                                                                   \
    PG_TEXT((in)->name), PG_TEXT((in)->repo_url), PG_TEXT((in)->repo_normal),                    \
        PG_TEXT((in)->branch), PG_TEXT((in)->image), PG_TEXT((in)->dockerfile),                  \
        PG_TEXT((in)->context_path), PG_TEXT((in)->target), PG_TEXT((in)->build_args),           \
        PG_BOOL((in)->pull), PG_INT(a, (in)->replicas), PG_INT(a, (in)->memory_limit),           \
        PG_NUM(a, (in)->cpu_limit), PG_INT(a, (in)->port), PG_TEXT((in)->health_check),          \
        PG_TEXT((in)->restart_policy), PG_TEXT((in)->update_config_raw), PG_TEXT((in)->volumes), \
        PG_TEXT((in)->ports), PG_TEXT((in)->labels), PG_BOOL((in)->auto_deploy),                 \
        PG_TEXT((in)->run_user), PG_BOOL((in)->read_only), PG_TEXT((in)->capabilities),          \
        PG_TEXT((in)->credential_id), PG_TEXT((in)->registry_id),                                \
        PG_TEXT((in)->image ? imageref_normal(a, (in)->image) : NULL)

static int write_parts(struct pg *pg, struct arena *a, const char *id,
                       const struct store_app_parts *parts, struct err *err)
{
    if (parts->env && write_env(pg, a, id, parts->env, err) < 0)
        return -1;
    if (parts->domains && write_domains(pg, a, id, parts, err) < 0)
        return -1;
    return 0;
}

int store_app_insert(struct pg *pg, struct arena *a, const struct store_app *in,
                     const struct store_app_parts *parts, struct err *err)
{
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "INSERT INTO applications (" WRITABLE ", id, project_id, service_name, "
               "webhook_secret, webhook_secret_hash) VALUES (" WRITABLE_VALUES
               ", $28, $29, $30, $31, $32)",
               PG_PARAMS(WRITABLE_PARAMS(a, in), PG_TEXT(in->id), PG_TEXT(in->project_id),
                         PG_TEXT(in->service_name),
                         PG_BYTES(parts->webhook_secret, parts->webhook_secret_len),
                         PG_BYTES(parts->webhook_secret_hash, SECRET_HASH)),
               NULL, err) < 0 ||
        write_parts(pg, a, in->id, parts, err) < 0 || pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    return 0;
}

int store_app_update(struct pg *pg, struct arena *a, const struct store_app *in,
                     const struct store_app_parts *parts, bool redeploy, struct err *err)
{
    struct pg_rows rows;
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "UPDATE applications SET (" WRITABLE ") = (" WRITABLE_VALUES "), "
               "updated_at = greatest(now(), updated_at + interval '1 ms'), "
               "config_version = config_version + 1, "
               "deployed_version = CASE WHEN $30::boolean OR deployed_version IS NULL "
               "OR deployed_version <> config_version "
               "THEN deployed_version ELSE config_version + 1 END "
               "WHERE id = $28 AND config_version = $29 AND deleted_at IS NULL",
               PG_PARAMS(WRITABLE_PARAMS(a, in), PG_TEXT(in->id), PG_INT(a, in->config_version),
                         PG_BOOL(redeploy)),
               &rows, err) < 0)
        goto fail;
    if (!rows.affected) {
        err_set(err, ERR_PRECONDITION, "the application was changed by somebody else meanwhile");
        goto fail;
    }
    if (write_parts(pg, a, in->id, parts, err) < 0 || pg_commit(pg, err) < 0)
        goto fail;
    return 0;
fail:
    pg_rollback(pg);
    return -1;
}

int store_app_get(struct pg *pg, struct arena *a, const struct store_scope *scope, const char *id,
                  struct store_app *out, const char **role, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS ", " STORE_PROJECT_ROLE FROM_VISIBLE "AND a.id = $3::uuid",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such application");
    store_read(app_fields, NFIELDS, &rows, 0, 0, out);
    if (role)
        *role = pg_cell(&rows, 0, NFIELDS + 1);
    return 0;
}

int store_app_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                   const char *project_id, const struct store_page *page, struct store_apps *out,
                   struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS FROM_VISIBLE "AND ($3::uuid IS NULL OR a.project_id = $3::uuid) "
               "AND ($4::uuid IS NULL OR a.id < $4::uuid) ORDER BY a.id DESC LIMIT $5",
               PG_PARAMS(PG_SCOPE(scope), PG_TEXT(project_id), PG_TEXT(page->cursor),
                         PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, app_fields, &rows, page->limit, out);
    return 0;
}

int store_app_get_any(struct pg *pg, struct arena *a, const char *id, struct store_app *out,
                      bool *deleted, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS ", a.deleted_at IS NOT NULL FROM applications a "
               "WHERE a.id = $1::uuid",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no application %s", id);
    store_read(app_fields, NFIELDS, &rows, 0, 0, out);
    *deleted = *pg_cell(&rows, 0, NFIELDS + 1) == 't';
    return 0;
}

int store_app_all(struct pg *pg, struct arena *a, struct store_apps *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM applications a WHERE a.deleted_at IS NULL "
               "AND (EXISTS (SELECT 1 FROM domains o WHERE o.application_id = a.id) OR "
               "EXISTS (SELECT 1 FROM deployments d WHERE d.application_id = a.id)) ORDER BY a.id",
               PG_NONE, &rows, err) < 0)
        return -1;
    STORE_TAKE(a, app_fields, &rows, (int64_t)rows.n, out);
    return 0;
}

int store_env_read(struct pg *pg, struct arena *a, const char *app_id, struct store_env_list *out,
                   struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT key, value, secret FROM env_vars WHERE application_id = $1 "
               "ORDER BY position",
               PG_PARAMS(PG_TEXT(app_id)), &rows, err) < 0)
        return -1;
    out->n = rows.n;
    out->list = ARENA_ARRAY(a, rows.n, struct store_env);
    for (size_t i = 0; i < rows.n; i++)
        out->list[i] = (struct store_env){
            .key = pg_cell(&rows, i, 0),
            .value = pg_cell(&rows, i, 1),
            .secret = pg_cell(&rows, i, 2),
            .secret_len = rows.lengths[i * rows.columns + 2],
        };
    return 0;
}

int store_app_delete(struct pg *pg, struct arena *a, const char *id, bool volumes, struct err *err)
{
    struct pg_rows rows;
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_run(pg, a,
               "UPDATE applications SET deleted_at = now(), remove_volumes = $2::boolean "
               "WHERE id = $1 AND deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id), PG_BOOL(volumes)), &rows, err) < 0 ||
        pg_run(pg, a, "DELETE FROM domains WHERE application_id = $1", PG_PARAMS(PG_TEXT(id)), NULL,
               err) < 0 ||
        pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    return rows.affected ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such application");
}

int store_app_removing(struct pg *pg, struct arena *a, const char ***ids, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT id FROM applications WHERE deleted_at IS NOT NULL AND removed_at IS NULL "
               "ORDER BY deleted_at LIMIT 100",
               PG_NONE, &rows, err) < 0)
        return -1;
    *ids = ARENA_ARRAY(a, rows.n + 1, const char *);
    for (size_t i = 0; i < rows.n; i++)
        (*ids)[i] = pg_cell(&rows, i, 0);
    return 0;
}

int store_app_removed(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a,
                  "WITH gone AS (DELETE FROM env_vars WHERE application_id = $1), "
                  "kept AS (DELETE FROM deployment_settings s USING deployments d "
                  "WHERE d.id = s.deployment_id AND d.application_id = $1) "
                  "UPDATE applications SET removed_at = now(), status = 'stopped', "
                  "webhook_secret = '', webhook_secret_old = NULL, webhook_secret_hash = NULL, "
                  "webhook_secret_old_hash = NULL "
                  "WHERE id = $1 AND deleted_at IS NOT NULL",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

int store_app_set_status(struct pg *pg, struct arena *a, const char *id, const char *status,
                         bool *changed, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "UPDATE applications SET status = $2 WHERE id = $1 AND status <> $2",
               PG_PARAMS(PG_TEXT(id), PG_TEXT(status)), &rows, err) < 0)
        return -1;
    if (changed)
        *changed = rows.affected > 0;
    return 0;
}

#define HOOK_COLUMNS                                                            \
    COLUMNS ", a.webhook_secret, CASE WHEN a.webhook_secret_old_until > now() " \
            "THEN a.webhook_secret_old END FROM applications a "

static void take_hook(const struct pg_rows *rows, size_t i, struct store_hook *h)
{
    const size_t *lengths = &rows->lengths[i * rows->columns + NFIELDS];
    store_read(app_fields, NFIELDS, rows, i, 0, &h->app);
    h->secret = pg_cell(rows, i, NFIELDS + 1);
    h->secret_len = lengths[1];
    h->old_secret = pg_cell(rows, i, NFIELDS + 2);
    h->old_secret_len = lengths[2];
}

static void take_hooks(struct arena *a, const struct pg_rows *rows, struct store_hook **out,
                       size_t *n)
{
    *n = rows->n;
    *out = ARENA_ARRAY(a, rows->n, struct store_hook);
    for (size_t i = 0; i < rows->n; i++)
        take_hook(rows, i, &(*out)[i]);
}

int store_app_secret_hooks(struct pg *pg, struct arena *a, const void *hash,
                           struct store_hook **out, size_t *n, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " HOOK_COLUMNS "WHERE (a.webhook_secret_hash = $1 OR "
               "(a.webhook_secret_old_hash = $1 AND a.webhook_secret_old_until > now())) "
               "AND a.deleted_at IS NULL ORDER BY a.id",
               PG_PARAMS(PG_BYTES(hash, SECRET_HASH)), &rows, err) < 0)
        return -1;
    take_hooks(a, &rows, out, n);
    return 0;
}

int store_app_image_hooks(struct pg *pg, struct arena *a, const char **images,
                          struct store_hook **out, size_t *n, struct err *err)
{
    struct pg_rows rows;
    AUTO_BUF list = {0};
    struct jw w;
    jw_init(&w, &list);
    jw_begin_array(&w);
    for (; *images; images++)
        jw_str(&w, *images);
    jw_end_array(&w);
    if (pg_run(pg, a,
               "SELECT " HOOK_COLUMNS "WHERE a.image_normal IN "
               "(SELECT jsonb_array_elements_text($1::jsonb)) AND a.deleted_at IS NULL "
               "ORDER BY a.id",
               PG_PARAMS(PG_TEXT(buf_str(&list))), &rows, err) < 0)
        return -1;
    take_hooks(a, &rows, out, n);
    return 0;
}

int store_app_hooks(struct pg *pg, struct arena *a, const char *repo_normal,
                    struct store_hook **out, size_t *n, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " HOOK_COLUMNS "WHERE a.repo_normal = $1 AND a.deleted_at IS NULL "
               "ORDER BY a.id",
               PG_PARAMS(PG_TEXT(repo_normal)), &rows, err) < 0)
        return -1;
    take_hooks(a, &rows, out, n);
    return 0;
}

int store_app_hook_of(struct pg *pg, struct arena *a, const char *app_id, struct store_hook *out,
                      struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " HOOK_COLUMNS "WHERE a.id = $1 AND a.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(app_id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such application");
    take_hook(&rows, 0, out);
    return 0;
}

int store_app_rotate_hook(struct pg *pg, struct arena *a, const char *id, const char *secret,
                          size_t len, const void *hash, struct err *err)
{
    return pg_run(pg, a,
                  "UPDATE applications SET webhook_secret_old = webhook_secret, "
                  "webhook_secret_old_hash = webhook_secret_hash, "
                  "webhook_secret_old_until = now() + interval '24 h', webhook_secret = $2, "
                  "webhook_secret_hash = $3 WHERE id = $1 AND deleted_at IS NULL",
                  PG_PARAMS(PG_TEXT(id), PG_BYTES(secret, len), PG_BYTES(hash, SECRET_HASH)), NULL,
                  err);
}

static void source_json(const struct store_app *app, struct jw *w)
{
    if (!app->repo_url) {
        jw_kstr(w, "image", app->image);
        jw_kstr(w, "registryId", app->registry_id);
        return;
    }
    jw_key(w, "gitSource");
    jw_begin(w);
    jw_kstr(w, "repoUrl", app->repo_url);
    jw_kstr(w, "branch", app->branch);
    jw_kstr(w, "credentialId", app->credential_id);
    jw_end(w);
}

void store_app_json(const struct store_app *app, struct jw *w)
{
    store_write(app_fields, NFIELDS, app, w);
    source_json(app, w);
}

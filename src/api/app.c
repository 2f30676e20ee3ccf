/* SPDX-License-Identifier: MIT */
#include "api/app.h"

#include <stdio.h>
#include <string.h>

#include "api/project.h"
#include "api/rules.h"
#include "base/giturl.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/queue.h"
#include "store/credential.h"

/* The part of PARTS that the body brought, and what must hold between fields. */

static struct json_object *reparse(const char *text)
{
    struct json_object *o = NULL;
    struct err err;
    if (json_parse(text, strlen(text), &o, &err) < 0)
        BUG("normalised JSON does not parse: %s", err.msg);
    return o;
}

static void take_source(struct api_call *c, struct app_in *in)
{
    bool git = valid_has(&app_table, in, "gitSource") && in->git_source;
    bool image = valid_has(&app_table, in, "image") && in->app.image;
    if (git && image) {
        problem_add(&c->problems, "image", "cannot be set together with gitSource");
        return;
    }
    if (git) {
        AUTO_JSON *o = reparse(in->git_source);
        in->app.repo_url = arena_strdup(c->arena, json_str_at(o, "repoUrl"));
        in->app.branch = arena_strdup(c->arena, json_str_at(o, "branch"));
        in->app.repo_normal = giturl_normal(c->arena, in->app.repo_url);
        in->app.image = NULL;
        in->app.credential_id = arena_strdup(c->arena, json_str_at(o, "credentialId"));
        in->app.registry_id = NULL;
    } else if (image) {
        in->app.repo_url = in->app.branch = in->app.repo_normal = in->app.credential_id = NULL;
    } else if (valid_has(&app_table, in, "gitSource") && !in->app.image) {
        in->app.repo_url = NULL;
    }
    if (!in->app.repo_url && !in->app.image)
        problem_add(&c->problems, "gitSource", "is required, unless image is set");
}

/* Credentials and registries are in no project: to those who may not read them they are not there.
 * One that is in use here already may stay. */
static int may_use(struct api_call *c, enum permission p, const char *id, const char *before,
                   struct err *err)
{
    struct err hidden;
    if (str_eq(id, before) || api_require(c, NULL, p, &hidden) == 0)
        return 0;
    return err_set(err, ERR_NOT_FOUND, "there is no such thing");
}

static int check_credential(struct api_call *c, const struct app_in *in,
                            const struct store_app *old, struct err *err)
{
    struct store_credential credential;
    const char *id = in->app.credential_id;
    /* with another address it would be shown to another host */
    const char *before = str_eq(in->app.repo_url, old->repo_url) ? old->credential_id : NULL;
    if (!id || (may_use(c, PERM_CREDENTIAL_READ, id, before, err) == 0 &&
                store_credential_get(c->api->pg, c->arena, id, &credential, err) == 0))
        return 0;
    if (err->code != ERR_NOT_FOUND)
        return -1;
    api_add_problem(c, "gitSource.credentialId", "names no credential");
    return 0;
}

/* The credential and the registry must be there, and mean something. OLD is as it was before. */
static int check_doors(struct api_call *c, const struct app_in *in, const struct store_app *old,
                       struct err *err)
{
    struct store_registry registry;
    const char *id = in->app.registry_id;
    if (check_credential(c, in, old, err) < 0)
        return -1;
    if (id && !in->app.image)
        api_add_problem(c, "registryId", "means nothing without image");
    else if (id && (may_use(c, PERM_REGISTRY_READ, id, old->registry_id, err) < 0 ||
                    store_registry_get(c->api->pg, c->arena, id, &registry, err) < 0)) {
        if (err->code != ERR_NOT_FOUND)
            return -1;
        api_add_problem(c, "registryId", "names no registry");
    }
    return 0;
}

static const struct store_env *find_env(const struct store_env_list *list, const char *key)
{
    for (size_t i = 0; list && i < list->n; i++)
        if (str_eq(list->list[i].key, key))
            return &list->list[i];
    return NULL;
}

/* The variables as they are stored; OLD are the present ones, whose secrets null keeps. */
static void take_env(struct api_call *c, const struct app_in *in, const struct store_env_list *old,
                     struct store_env_list *out)
{
    AUTO_JSON *list = reparse(in->env_vars);
    out->n = json_len(list);
    out->list = ARENA_ARRAY(c->arena, out->n, struct store_env);
    for (size_t i = 0; i < out->n; i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        struct store_env *e = &out->list[i];
        const char *field = arena_printf(c->arena, "envVars[%zu].value", i);
        const char *value = json_str_at(v, "value");
        struct store_env_list before = {.list = out->list, .n = i};
        e->key = arena_strdup(c->arena, json_str_at(v, "key"));
        if (find_env(&before, e->key))
            problem_add(&c->problems, arena_printf(c->arena, "envVars[%zu].key", i),
                        "'%s' stands twice", e->key);
        const struct store_env *kept = find_env(old, e->key);
        if (!json_bool_at(v, "isSecret", false)) {
            e->value = arena_strdup(c->arena, value);
            if (!value)
                problem_add(&c->problems, field, "must not be null: '%s' is no secret", e->key);
        } else if (value) {
            AUTO_BUF sealed = {0};
            secret_seal_k(&c->api->keys, store_env_row(c->arena, in->app.id, e->key), value,
                          &sealed);
            e->secret = buf_dup(&sealed, c->arena);
            e->secret_len = sealed.len;
        } else if (kept && kept->secret) {
            e->secret = kept->secret;
            e->secret_len = kept->secret_len;
        } else {
            problem_add(&c->problems, field, "must not be null: there is no secret '%s' yet",
                        e->key);
        }
    }
}

/* "/api/" and "/api" lead to the same place, so they are one. */
static const char *without_slash(struct arena *a, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_memdup(a, path, n);
}

static void take_domains(struct api_call *c, const struct app_in *in, struct store_app_parts *parts)
{
    AUTO_JSON *list = reparse(in->domains);
    struct store_domain *out = ARENA_ARRAY(c->arena, json_len(list) + 1, struct store_domain);
    parts->n_domains = json_len(list);
    for (size_t i = 0; i < parts->n_domains; i++) {
        struct json_object *d = json_object_array_get_idx(list, i);
        out[i].host = arena_strdup(c->arena, json_str_at(d, "host"));
        out[i].path = without_slash(c->arena, json_str_at(d, "path"));
        for (size_t k = 0; k < i; k++)
            if (str_eq(out[k].host, out[i].host) && str_eq(out[k].path, out[i].path))
                problem_add(&c->problems, arena_printf(c->arena, "domains[%zu]", i),
                            "stands twice");
    }
    parts->domains = out;
}

static int taken(struct api_call *c, struct err *err)
{
    if (err->code != ERR_CONFLICT)
        return -1;
    if (str_eq(err->msg, "domains_host_path_key")) {
        problem_add(&c->problems, "domains", "one of them belongs to another application");
        return err_set(err, ERR_CONFLICT, "one of the domains belongs to another application");
    }
    return err_set(err, ERR_CONFLICT,
                   "the project has an application of this name already; choose another name");
}

static const char *new_secret(struct api_call *c, const char *app_id, struct buf *sealed,
                              unsigned char hash[SHA256_SIZE])
{
    const char *secret = rand_hex(c->arena, 32);
    secret_seal_w(&c->api->keys, app_id, secret, sealed);
    sha256(secret, strlen(secret), hash);
    return secret;
}

static int insert(struct api_call *c, struct app_in *in, const struct store_app_parts *parts,
                  struct err *err)
{
    const char *base = api_slug(c->arena, in->app.name);
    in->app.service_name = base;
    for (int n = 0;; n++) {
        if (store_app_insert(c->api->pg, c->arena, &in->app, parts, err) == 0)
            return 0;
        if (n == 5 || err->code != ERR_CONFLICT || !str_eq(err->msg, "applications_service"))
            return taken(c, err);
        in->app.service_name = arena_printf(c->arena, "%s-%s", base, rand_hex(c->arena, 3));
    }
}

int api_app_create(struct api_call *c, struct json_object *body, struct app_view *out,
                   const char **secret, struct err *err)
{
    struct app_in in;
    struct store_project project;
    struct store_env_list env;
    unsigned char hash[SHA256_SIZE];
    AUTO_BUF sealed = {0};
    app_defaults(&in);
    in.app.id = uuid_new(c->arena);
    api_audit(c, "application.create", in.app.id);
    if (api_valid(c, &app_table, body, false, &in, err) < 0)
        return -1;
    struct err hidden;
    if (api_project_get(c, in.app.project_id, PERM_APPLICATION_CREATE, &project, NULL, &hidden) <
        0) {
        if (hidden.code == ERR_NOT_FOUND)
            return api_bad_field(c, "projectId", "names no project", err);
        *err = hidden;
        return -1;
    }
    struct store_app_parts parts = {.env = &env};
    take_source(c, &in);
    if (check_doors(c, &in, &(struct store_app){0}, err) < 0)
        return -1;
    take_env(c, &in, NULL, &env);
    take_domains(c, &in, &parts);
    if (api_refuse(c, err) < 0)
        return -1;
    *secret = new_secret(c, in.app.id, &sealed, hash);
    parts.webhook_secret_hash = hash;
    parts.webhook_secret = sealed.data;
    parts.webhook_secret_len = sealed.len;
    if (insert(c, &in, &parts, err) < 0)
        return -1;
    return api_app_get(c, in.app.id, out, err);
}

int api_app_load(struct api_call *c, const char *id, enum permission p, struct store_app *out,
                 const char **role, struct err *err)
{
    const char *own_role;
    if (api_check_id(id, "application", err) < 0 ||
        store_app_get(c->api->pg, c->arena, &c->scope, id, out, &own_role, err) < 0)
        return -1;
    if (role)
        *role = own_role;
    c->depends = out->project_id;
    return api_require(c, own_role, p, err);
}

int api_app_get(struct api_call *c, const char *id, struct app_view *out, struct err *err)
{
    const char *role;
    if (api_app_load(c, id, PERM_APPLICATION_READ, &out->app, &role, err) < 0)
        return -1;
    out->role = role;
    return store_deployment_newest(c->api->pg, c->arena, &out->app.id, 1, 5, &out->deployments,
                                   err);
}

int api_app_list(struct api_call *c, const char *project_id, const struct store_page *page,
                 struct app_views *out, struct err *err)
{
    struct store_apps apps;
    struct store_deployments all;
    if (store_app_list(c->api->pg, c->arena, &c->scope, project_id, page, &apps, err) < 0)
        return -1;
    const char **ids = ARENA_ARRAY(c->arena, apps.n + 1, const char *);
    for (size_t i = 0; i < apps.n; i++)
        ids[i] = apps.list[i].id;
    if (store_deployment_newest(c->api->pg, c->arena, ids, apps.n, 1, &all, err) < 0)
        return -1;
    *out = (struct app_views){.n = apps.n, .more = apps.more};
    out->list = ARENA_ARRAY(c->arena, apps.n, struct app_view);
    for (size_t i = 0; i < apps.n; i++) {
        out->list[i].app = apps.list[i];
        for (size_t k = 0; k < all.n; k++)
            if (str_eq(all.list[k].application_id, apps.list[i].id))
                out->list[i].deployments = (struct store_deployments){&all.list[k], 1, false};
    }
    return 0;
}

/* Whether the body touches what only a deployment puts in force. */
static bool needs_deployment(const struct app_in *in)
{
    static const char *const at_once[] = {"name", "domains", "autoDeploy"};
    uint64_t rest = in->set;
    for (size_t i = 0; i < app_table.n; i++)
        for (size_t k = 0; k < ARRAY_LEN(at_once); k++)
            if (str_eq(app_table.fields[i].name, at_once[k]))
                rest &= ~(1ULL << i);
    return rest != 0;
}

static int check_version(const struct store_app *app, int64_t version, struct err *err)
{
    if (version < 0 || version == app->config_version)
        return 0;
    return err_set(err, ERR_PRECONDITION,
                   "it was changed since you read it; read it again and repeat the change");
}

int api_app_update(struct api_call *c, const char *id, int64_t version, struct json_object *body,
                   struct app_view *out, struct err *err)
{
    struct app_in in = {0};
    struct store_app before;
    struct store_env_list env, old;
    struct store_app_parts parts = {0};
    api_audit(c, "application.update", id);
    if (api_app_load(c, id, PERM_APPLICATION_UPDATE, &in.app, NULL, err) < 0 ||
        check_version(&in.app, version, err) < 0)
        return -1;
    before = in.app;
    if (api_valid(c, &app_table, body, true, &in, err) < 0)
        return -1;
    take_source(c, &in);
    if (check_doors(c, &in, &before, err) < 0)
        return -1;
    if (valid_has(&app_table, &in, "envVars")) {
        if (store_env_read(c->api->pg, c->arena, id, &old, err) < 0)
            return -1;
        take_env(c, &in, &old, &env);
        parts.env = &env;
    }
    if (valid_has(&app_table, &in, "domains"))
        take_domains(c, &in, &parts);
    if (api_refuse(c, err) < 0)
        return -1;
    if (in.set &&
        store_app_update(c->api->pg, c->arena, &in.app, &parts, needs_deployment(&in), err) < 0)
        return taken(c, err);
    return api_app_get(c, id, out, err);
}

int api_app_delete(struct api_call *c, const char *id, int64_t version, bool volumes,
                   struct err *err)
{
    struct store_app app;
    struct api_audit *entry = api_audit(c, "application.delete", id);
    entry->change = volumes ? "{\"volumes\":true}" : NULL;
    if (api_app_load(c, id, PERM_APPLICATION_DELETE, &app, NULL, err) < 0 ||
        check_version(&app, version, err) < 0 ||
        store_app_delete(c->api->pg, c->arena, id, volumes, err) < 0)
        return -1;
    api_job(c, QUEUE_ACTION, "remove", id);
    return 0;
}

int api_app_webhook_secret(struct api_call *c, const char *id, const char **secret, struct err *err)
{
    struct store_app app;
    unsigned char hash[SHA256_SIZE];
    AUTO_BUF sealed = {0};
    api_audit(c, "application.webhook_secret", id);
    if (api_app_load(c, id, PERM_APPLICATION_UPDATE, &app, NULL, err) < 0)
        return -1;
    *secret = new_secret(c, id, &sealed, hash);
    return store_app_rotate_hook(c->api->pg, c->arena, id, sealed.data, sealed.len, hash, err);
}

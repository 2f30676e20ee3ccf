/* SPDX-License-Identifier: MIT */
/*
 * Applications, with their environment variables and domains.
 */
#ifndef SLIPWAY_STORE_APP_H
#define SLIPWAY_STORE_APP_H

#include "store/pg.h"

/*
 * JSON members are raw JSON text:
 *   build_args, labels     {"KEY": "value"}
 *   health_check           null or {"command","interval","timeout","retries"} (seconds)
 *   restart_policy         {"condition","maxAttempts","window"}
 *   update_config          {"parallelism","delay","monitor","failureAction","order"}; where order
 *                          was left out, what ports and volumes allow. update_config_raw is what
 *                          was written
 *   volumes                [{"source","target"}]
 *   ports                  [{"published","target"}]
 *   capabilities           ["NET_BIND_SERVICE"]
 *   env_vars               [{"key","value","isSecret"}], a secret's value is null
 *   domains                [{"host","path"}]
 */
#define STORE_APP_FIELDS(X)                                                                      \
    X(STR, id, "a.id", "id")                                                                     \
    X(STR, project_id, "a.project_id", "projectId")                                              \
    X(STR, name, "a.name", "name")                                                               \
    X(STR, service_name, "a.service_name", "serviceName")                                        \
    X(STR, status, "a.status", "status")                                                         \
    X(BOOL, pending_changes,                                                                     \
      "a.deployed_version IS NOT NULL AND a.deployed_version <> a.config_version",               \
      "pendingChanges")                                                                          \
    X(STR, repo_url, "a.repo_url", NULL)                                                         \
    X(STR, repo_normal, "a.repo_normal", NULL)                                                   \
    X(STR, branch, "a.branch", NULL)                                                             \
    X(STR, image, "a.image", NULL)                                                               \
    X(STR, credential_id, "a.credential_id", NULL)                                               \
    X(STR, registry_id, "a.registry_id", NULL)                                                   \
    X(STR, dockerfile, "a.dockerfile", "dockerfile")                                             \
    X(STR, context_path, "a.context_path", "contextPath")                                        \
    X(STR, target, "a.target", "target")                                                         \
    X(JSON, build_args, "a.build_args", "buildArgs")                                             \
    X(BOOL, pull, "a.pull", "pull")                                                              \
    X(JSON, env_vars,                                                                            \
      "(SELECT coalesce(json_agg(json_build_object('key', e.key, 'value', e.value, 'isSecret', " \
      "e.secret IS NOT NULL) ORDER BY e.position), '[]') FROM env_vars e "                       \
      "WHERE e.application_id = a.id)",                                                          \
      "envVars")                                                                                 \
    X(INT, replicas, "a.replicas", "replicas")                                                   \
    X(INT, memory_limit, "a.memory_limit", "memoryLimit")                                        \
    X(NUM, cpu_limit, "a.cpu_limit", "cpuLimit")                                                 \
    X(INT, port, "a.port", "port")                                                               \
    X(JSON, health_check, "a.health_check", "healthCheck")                                       \
    X(JSON, restart_policy, "a.restart_policy", "restartPolicy")                                 \
    X(JSON, update_config_raw, "a.update_config", NULL)                                          \
    X(JSON, update_config,                                                                       \
      "(jsonb_build_object('order', CASE WHEN a.ports = '[]' AND a.volumes = '[]' "              \
      "THEN 'start-first' ELSE 'stop-first' END) || a.update_config)",                           \
      "updateConfig")                                                                            \
    X(JSON, volumes, "a.volumes", "volumes")                                                     \
    X(JSON, ports, "a.ports", "ports")                                                           \
    X(JSON, domains,                                                                             \
      "(SELECT coalesce(json_agg(json_build_object('host', o.host, 'path', o.path) "             \
      "ORDER BY o.position), '[]') FROM domains o WHERE o.application_id = a.id)",               \
      "domains")                                                                                 \
    X(JSON, labels, "a.labels", "labels")                                                        \
    X(BOOL, auto_deploy, "a.auto_deploy", "autoDeploy")                                          \
    X(STR, run_user, "a.run_user", "user")                                                       \
    X(BOOL, read_only, "a.read_only", "readOnly")                                                \
    X(JSON, capabilities, "a.capabilities", "capabilities")                                      \
    X(INT, config_version, "a.config_version", NULL)                                             \
    X(BOOL, deployed, "a.deployed_version IS NOT NULL", NULL)                                    \
    X(BOOL, stopped, "a.stopped_at IS NOT NULL", NULL)                                           \
    X(BOOL, remove_volumes, "a.remove_volumes", NULL)                                            \
    X(TIME, created_at, "a.created_at", "createdAt")                                             \
    X(TIME, updated_at, "a.updated_at", "updatedAt")

struct store_app {
    STORE_APP_FIELDS(STORE_MEMBER)
};

struct store_apps {
    struct store_app *list;
    size_t n;
    bool more;
};

/* One variable as it is stored: a plain value, or a sealed secret of class K that is bound to
 * store_env_row(). */
struct store_env {
    const char *key;
    const char *value; /* NULL for a secret */
    const char *secret;
    size_t secret_len;
};

struct store_env_list {
    struct store_env *list;
    size_t n;
};

/* A domain before it is written. */
struct store_domain {
    const char *host, *path;
};

/* What is written together with an application; a NULL list leaves the present one alone. */
struct store_app_parts {
    const struct store_env_list *env;
    const struct store_domain *domains;
    size_t n_domains;
    const char *webhook_secret; /* sealed, class W, bound to the application's id */
    size_t webhook_secret_len;
    const void *webhook_secret_hash; /* SHA-256 of the secret itself */
};

/* The name of the row that a secret variable is bound to (crypto.h). */
const char *store_env_row(struct arena *a, const char *app_id, const char *key);

/* ERR_CONFLICT: msg "applications_name", "applications_service" or "domains_host_path_key". */
int store_app_insert(struct pg *pg, struct arena *a, const struct store_app *in,
                     const struct store_app_parts *parts, struct err *err);

/* Writes every field that a person may change, when the row is still at IN->config_version and
 * not deleted; ERR_PRECONDITION otherwise. REDEPLOY says that the change takes a deployment to
 * take effect. */
int store_app_update(struct pg *pg, struct arena *a, const struct store_app *in,
                     const struct store_app_parts *parts, bool redeploy, struct err *err);

/* *role as in store_project_get(). ERR_NOT_FOUND: none, or not visible. */
int store_app_get(struct pg *pg, struct arena *a, const struct store_scope *scope, const char *id,
                  struct store_app *out, const char **role, struct err *err);
/* PROJECT_ID may be NULL. */
int store_app_list(struct pg *pg, struct arena *a, const struct store_scope *scope,
                   const char *project_id, const struct store_page *page, struct store_apps *out,
                   struct err *err);

/* For the worker: also a deleted one (*deleted says so). */
int store_app_get_any(struct pg *pg, struct arena *a, const char *id, struct store_app *out,
                      bool *deleted, struct err *err);
/* For the worker: every application that is not deleted and was ever deployed or has domains. */
int store_app_all(struct pg *pg, struct arena *a, struct store_apps *out, struct err *err);

int store_env_read(struct pg *pg, struct arena *a, const char *app_id, struct store_env_list *out,
                   struct err *err);

/* Soft delete; its domains are free at once. VOLUMES says that its named volumes are to go too.
 * ERR_NOT_FOUND when it was deleted already. */
int store_app_delete(struct pg *pg, struct arena *a, const char *id, bool volumes, struct err *err);

/* Applications that are deleted and whose service is not yet taken away. */
int store_app_removing(struct pg *pg, struct arena *a, const char ***ids, struct err *err);
/* The worker took everything away. Its secrets go too. */
int store_app_removed(struct pg *pg, struct arena *a, const char *id, struct err *err);

/* Writes the status when it is another one. *changed may be NULL. */
int store_app_set_status(struct pg *pg, struct arena *a, const char *id, const char *status,
                         bool *changed, struct err *err);

/* The applications that a push to a repository concerns, whatever their branch, with the sealed
 * webhook secrets: the one in force and the one before, while that is still good. */
struct store_hook {
    struct store_app app;
    const char *secret, *old_secret; /* old_secret may be NULL */
    size_t secret_len, old_secret_len;
};
int store_app_hooks(struct pg *pg, struct arena *a, const char *repo_normal,
                    struct store_hook **out, size_t *n, struct err *err);
/* The same for applications that run one of the images, which are normal names
 * (base/imageref.h), NULL-terminated. */
int store_app_image_hooks(struct pg *pg, struct arena *a, const char **images,
                          struct store_hook **out, size_t *n, struct err *err);
/* The same for the applications whose secret, or the one before while it is good, has this SHA-256.
 */
int store_app_secret_hooks(struct pg *pg, struct arena *a, const void *hash,
                           struct store_hook **out, size_t *n, struct err *err);
int store_app_hook_of(struct pg *pg, struct arena *a, const char *app_id, struct store_hook *out,
                      struct err *err);
/* Makes SECRET the one in force; the one before stays good for 24 h. */
int store_app_rotate_hook(struct pg *pg, struct arena *a, const char *id, const char *secret,
                          size_t len, const void *hash, struct err *err);

/* The members of the application's JSON object, without "deployments". */
void store_app_json(const struct store_app *app, struct jw *w);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Configuration: one file of `key = value` lines plus environment overrides.
 *
 * Every setting is one row in conf.c: key, type, default, bounds, meaning. `slipway config`
 * prints the rows. An environment variable SLIPWAY_A_B overrules the key a.b; a few settings are
 * also read from a second, customary name (REDIS_HOST). Strings live in the conf's own arena.
 */
#ifndef SLIPWAY_BASE_CONF_H
#define SLIPWAY_BASE_CONF_H

#include "base/arena.h"
#include "base/err.h"

struct buf;

struct conf {
    /* what the processes talk to */
    const char *database_url;
    const char *redis_host;
    int64_t redis_port;
    const char *redis_password;
    const char *redis_prefix;
    const char *docker_host;
    const char *docker_tls_ca;
    const char *docker_tls_cert;
    const char *docker_tls_key;
    const char *registry_address;
    const char *registry_username;
    const char *registry_password_file;
    /* secrets */
    const char *keys_directory;
    /* web */
    const char *web_socket;
    const char *web_socket_group;
    int64_t web_workers;
    const char *web_public_url;
    const char *web_registration;
    /* an OpenID Connect issuer */
    const char *oidc_issuer;
    const char *oidc_client_id;
    const char *oidc_client_secret;
    const char *oidc_name;
    const char *oidc_ca;
    const char *oidc_scope;
    const char *oidc_registration;
    const char *oidc_role;
    const char *oidc_roles_claim;
    const char *oidc_roles;
    /* worker */
    const char *worker_directory;
    const char *worker_probe;
    /* swarm */
    const char *swarm_network;
    /* router */
    const char *router_kind;
    const char *router_listen;
    const char *router_nginx_file;
    const char *router_nginx_program;
    const char *router_nginx_config;
    /* limits */
    int64_t limit_requests_per_minute;
    int64_t limit_webhooks_per_minute;
    int64_t limit_logins_per_minute;
    int64_t limit_deployments_per_minute;
    int64_t limit_concurrent_deployments;
    int64_t limit_request_seconds;
    int64_t limit_deployment_seconds;
    int64_t limit_deployment_attempts;
    /* log */
    const char *log_level;
    int64_t log_queries;

    const char *origin[64]; /* by row: "default", "FILE:LINE" or the variable's name */
    struct arena arena;
};

/* Where the file is when neither --config nor SLIPWAY_CONFIG names one. */
#define CONF_DEFAULT_FILE SYSCONFDIR "/slipway/slipway.conf"

/* Defaults, then FILE, then the environment. FILE may be NULL: then SLIPWAY_CONFIG, else the
 * default file, which may be missing. ERR_INVALID names the key, the line (or the variable) and
 * what would be right. On failure *c is released. */
int conf_load(struct conf *c, const char *file, struct err *err);
void conf_release(struct conf *c);

/* Appends every setting with value, origin and meaning; secrets and passwords in addresses are
 * masked. */
void conf_print(const struct conf *c, struct buf *out);

/* ADDRESS without the password of its user part, for showing. */
char *conf_mask_url(struct arena *a, const char *address);

#endif

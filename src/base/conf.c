/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum conf_type { TYPE_TEXT, TYPE_INT, TYPE_SECRET, TYPE_URL };

struct setting {
    const char *key;
    enum conf_type type;
    size_t offset;
    const char *fallback;
    int64_t min, max;    /* TYPE_INT */
    const char *choices; /* TYPE_TEXT: the allowed words, joined by '|'; NULL is any text */
    const char *also;    /* a second environment variable */
    const char *doc;
};

#define TEXT(key, field, fallback, doc)                                               \
    {                                                                                 \
        key, TYPE_TEXT, offsetof(struct conf, field), fallback, 0, 0, NULL, NULL, doc \
    }
#define CHOICE(key, field, fallback, choices, doc)                                       \
    {                                                                                    \
        key, TYPE_TEXT, offsetof(struct conf, field), fallback, 0, 0, choices, NULL, doc \
    }
#define INT(key, field, fallback, min, max, doc)                                         \
    {                                                                                    \
        key, TYPE_INT, offsetof(struct conf, field), fallback, min, max, NULL, NULL, doc \
    }

static const struct setting settings[] = {
    {"database.url", TYPE_URL, offsetof(struct conf, database_url), "postgresql:///slipway", 0, 0,
     NULL, NULL, "PostgreSQL, as a libpq connection address"},
    {"redis.host", TYPE_TEXT, offsetof(struct conf, redis_host), "127.0.0.1", 0, 0, NULL,
     "REDIS_HOST", "Redis: host name or address, or the path of a unix socket"},
    {"redis.port", TYPE_INT, offsetof(struct conf, redis_port), "6379", 1, 65535, NULL,
     "REDIS_PORT", "Redis: TCP port"},
    {"redis.password", TYPE_SECRET, offsetof(struct conf, redis_password), "", 0, 0, NULL,
     "REDIS_PASSWORD", "Redis: password; empty for none"},
    TEXT("redis.prefix", redis_prefix, "slipway:", "what every key and channel starts with"),
    TEXT("docker.host", docker_host, "unix:///var/run/docker.sock",
         "Docker Engine of a swarm manager: unix:///path or tcp://host:port (worker only)"),
    TEXT("docker.tls_ca", docker_tls_ca, "",
         "file of the authority that signed the engine's "
         "certificate; set, it makes tcp:// use TLS"),
    TEXT("docker.tls_cert", docker_tls_cert, "", "file of our certificate for the engine"),
    TEXT("docker.tls_key", docker_tls_key, "", "file of our certificate's key"),
    TEXT(
        "registry.address", registry_address, "",
        "registry that images are pushed to, host[:port][/path]; empty: images stay in the engine"),
    TEXT("registry.username", registry_username, "", "user at the registry; empty for none"),
    TEXT("registry.password_file", registry_password_file, "",
         "file whose first line is the password at the registry (worker only)"),
    TEXT("keys.directory", keys_directory, SYSCONFDIR "/slipway/keys",
         "where session.key, web.key, worker.pub and (worker only) worker.key are"),
    TEXT("web.socket", web_socket, "/run/slipway/web.sock",
         "FastCGI socket that the web server connects to; used when none is inherited"),
    TEXT("web.socket_group", web_socket_group, "",
         "group that may connect to the socket (mode 0660); empty: the process's own"),
    INT("web.workers", web_workers, "8", 1, 256, "web processes; about four for each core"),
    TEXT("web.public_url", web_public_url, "",
         "address of the dashboard as browsers see it; empty: taken from each request"),
    CHOICE("web.registration", web_registration, "closed", "closed|open",
           "who may register once the first owner exists: closed (by invitation) or open"),
    {"oidc.issuer", TYPE_TEXT, offsetof(struct conf, oidc_issuer), "", 0, 0, NULL, "OIDC_ISSUER",
     "OpenID Connect issuer, exactly as it names itself (https://…); empty: none"},
    {"oidc.client_id", TYPE_TEXT, offsetof(struct conf, oidc_client_id), "", 0, 0, NULL,
     "OIDC_CLIENT_ID", "our client id at the issuer"},
    {"oidc.client_secret", TYPE_SECRET, offsetof(struct conf, oidc_client_secret), "", 0, 0, NULL,
     "OIDC_CLIENT_SECRET", "our client secret at the issuer; empty: a public client"},
    TEXT("oidc.name", oidc_name, "", "what the login page calls the issuer; empty: its host"),
    TEXT("oidc.ca", oidc_ca, "",
         "file of the authority that signed the issuer's certificate; empty: the system's"),
    TEXT("oidc.scope", oidc_scope, "openid email profile", "scopes that are asked for"),
    CHOICE("oidc.registration", oidc_registration, "closed", "closed|open",
           "whether an account is made for a person of the issuer who has none"),
    CHOICE("oidc.role", oidc_role, "viewer", "none|viewer|developer|admin",
           "role of a person whom the claim gives none; none: they may not log in"),
    TEXT("oidc.roles_claim", oidc_roles_claim, "",
         "claim that gives roles at each login, a name or a path (realm_access.roles); empty: "
         "roles are managed here"),
    TEXT("oidc.roles", oidc_roles, "owner=owner,admin=admin,developer=developer,viewer=viewer",
         "which value of the claim gives which role, as VALUE=ROLE,VALUE=ROLE"),
    TEXT("worker.directory", worker_directory, "/var/lib/slipway",
         "where mirrors and checkouts are kept"),
    TEXT("worker.probe", worker_probe, LIBEXECDIR "/slipway/slipway-probe",
         "static TCP probe, the health check of images that bring none"),
    TEXT("swarm.network", swarm_network, "dokploy-network",
         "overlay network that every application joins; made when missing"),
    CHOICE("router.kind", router_kind, "none", "none|nginx",
           "who routes domains to applications: nginx (we write its file) or none"),
    TEXT("router.listen", router_listen, "80", "what the applications' nginx servers listen on"),
    TEXT("router.nginx_file", router_nginx_file, "/etc/nginx/conf.d/slipway-applications.conf",
         "file that we write; the nginx configuration must include it inside http { }"),
    TEXT("router.nginx_program", router_nginx_program, "nginx", "the nginx program"),
    TEXT("router.nginx_config", router_nginx_config, "/etc/nginx/nginx.conf",
         "nginx's main file, for nginx -t and nginx -s reload"),
    INT("limit.requests_per_minute", limit_requests_per_minute, "100", 1, 1000000,
        "API requests a minute for each user"),
    INT("limit.webhooks_per_minute", limit_webhooks_per_minute, "300", 1, 1000000,
        "webhook deliveries a minute for each source address"),
    INT("limit.logins_per_minute", limit_logins_per_minute, "10", 1, 1000000,
        "login attempts a minute for each account and for each source address"),
    INT("limit.deployments_per_minute", limit_deployments_per_minute, "10", 1, 1000000,
        "deployments started a minute; rollbacks do not count"),
    INT("limit.concurrent_deployments", limit_concurrent_deployments, "3", 1, 256,
        "deployments running at once on this worker"),
    INT("limit.request_seconds", limit_request_seconds, "30", 1, 3600,
        "seconds that a request may take"),
    INT("limit.deployment_seconds", limit_deployment_seconds, "1800", 5, 86400,
        "seconds that a deployment may take"),
    INT("limit.deployment_attempts", limit_deployment_attempts, "5", 1, 100,
        "times that a deployment is tried when something beside the application fails"),
    CHOICE("log.level", log_level, "info", "debug|info|warn|error", "least level that is logged"),
    INT("log.queries", log_queries, "-1", -1, 3600000,
        "log queries that take at least this many milliseconds; 0 all, -1 none"),
};

_Static_assert(ARRAY_LEN(settings) <= ARRAY_LEN(((struct conf *)0)->origin),
               "struct conf needs more origins");

/* Texts of which not every one is right: says what it must be instead, or NULL. */
static const char *issuer_wrong(struct arena *a, const char *value)
{
    static const char *const starts[] = {"https://", "http://127.0.0.1", "http://localhost",
                                         "http://[::1]"};
    (void)a;
    bool good = !*value;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        good |= str_starts(value, starts[i]) && value[strlen(starts[i])];
    return good && !strpbrk(value, " ?#@") ? NULL : "an https address without a query";
}

static const char *roles_wrong(struct arena *a, const char *value)
{
    static const char *const roles[] = {"owner", "admin", "developer", "viewer"};
    for (char **pair = str_split(a, value, ','); *pair; pair++) {
        const char *eq = strrchr(*pair, '=');
        bool good = false;
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
            good |= eq && eq > *pair && str_eq(eq + 1, roles[i]);
        if (!good)
            return "VALUE=ROLE,VALUE=ROLE with the roles owner, admin, developer and viewer";
    }
    return NULL;
}

static const struct {
    size_t offset;
    const char *(*wrong)(struct arena *a, const char *value);
} checks[] = {
    {offsetof(struct conf, oidc_issuer), issuer_wrong},
    {offsetof(struct conf, oidc_roles), roles_wrong},
};

static int refuse(const struct setting *s, const char *origin, const char *value, const char *right,
                  struct err *err)
{
    const char *shown = s->type == TYPE_SECRET || s->type == TYPE_URL ? "(hidden)" : value;
    return err_set(err, ERR_INVALID, "%s: %s is '%s', but must be %s", origin, s->key, shown,
                   right);
}

static int set(struct conf *c, size_t i, const char *value, const char *origin, struct err *err)
{
    const struct setting *s = &settings[i];
    void *field = (char *)c + s->offset;
    if (!str_utf8(value, strlen(value)))
        return refuse(s, origin, "(not UTF-8)", "UTF-8 text", err);
    if (s->type == TYPE_INT) {
        int64_t v;
        if (!str_to_int(value, s->min, s->max, &v))
            return refuse(s, origin, value,
                          arena_printf(&c->arena, "a whole number from %lld to %lld",
                                       (long long)s->min, (long long)s->max),
                          err);
        *(int64_t *)field = v;
    } else {
        if (s->choices) {
            bool found = false;
            for (char **w = str_split(&c->arena, s->choices, '|'); *w; w++)
                found |= str_eq(*w, value);
            if (!found)
                return refuse(s, origin, value, arena_printf(&c->arena, "one of %s", s->choices),
                              err);
        }
        for (size_t k = 0; k < ARRAY_LEN(checks); k++) {
            const char *right =
                checks[k].offset == s->offset ? checks[k].wrong(&c->arena, value) : NULL;
            if (right)
                return refuse(s, origin, value, right, err);
        }
        *(const char **)field = arena_strdup(&c->arena, value);
    }
    c->origin[i] = origin;
    return 0;
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int read_file(struct conf *c, const char *file, bool may_miss, struct err *err)
{
    FILE *f = fopen(file, "re");
    if (!f) {
        if (may_miss && errno == ENOENT)
            return 0;
        return err_set(err, ERR_INVALID, "could not read the configuration %s: %s", file,
                       strerror(errno));
    }
    char line[4096];
    int number = 0, rc = 0;
    while (rc == 0 && fgets(line, sizeof(line), f)) {
        char *origin = arena_printf(&c->arena, "%s:%d", file, ++number);
        char *key = trim(line);
        if (!*key || *key == '#')
            continue;
        char *eq = strchr(key, '=');
        if (!eq) {
            rc = err_set(err, ERR_INVALID, "%s: '%s' is not of the form key = value", origin, key);
            break;
        }
        *eq = '\0';
        key = trim(key);
        size_t i = 0;
        while (i < ARRAY_LEN(settings) && !str_eq(settings[i].key, key))
            i++;
        if (i == ARRAY_LEN(settings))
            rc = err_set(err, ERR_INVALID, "%s: there is no setting '%s'; see slipway config",
                         origin, key);
        else
            rc = set(c, i, trim(eq + 1), origin, err);
    }
    fclose(f);
    return rc;
}

static int read_environment(struct conf *c, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        char *name = arena_printf(&c->arena, "SLIPWAY_%s", settings[i].key);
        for (char *p = name; *p; p++)
            *p = *p == '.' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        const char *value = getenv(name);
        if (!value && settings[i].also) {
            name = arena_strdup(&c->arena, settings[i].also);
            value = getenv(name);
        }
        if (value && set(c, i, value, name, err) < 0)
            return -1;
    }
    return 0;
}

int conf_load(struct conf *c, const char *file, struct err *err)
{
    *c = (struct conf){0};
    arena_init(&c->arena, 0);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (set(c, i, settings[i].fallback, "default", err) < 0)
            BUG("the default of %s is bad: %s", settings[i].key, err->msg);
    bool may_miss = false;
    if (!file)
        file = getenv("SLIPWAY_CONFIG");
    if (!file) {
        file = CONF_DEFAULT_FILE;
        may_miss = true;
    }
    if (read_file(c, file, may_miss, err) < 0 || read_environment(c, err) < 0) {
        conf_release(c);
        return -1;
    }
    return 0;
}

void conf_release(struct conf *c)
{
    arena_release(&c->arena);
}

char *conf_mask_url(struct arena *a, const char *address)
{
    const char *scheme = strstr(address, "://");
    if (!scheme)
        return arena_strdup(a, strstr(address, "password=") ? "(hidden)" : address);
    const char *user = scheme + 3;
    size_t auth = strcspn(user, "/?");
    const char *at = memchr(user, '@', auth);
    const char *colon = at ? memchr(user, ':', (size_t)(at - user)) : NULL;
    if (strstr(address, "password="))
        return arena_printf(a, "%.*s(hidden)", (int)(user - address), address);
    if (!colon)
        return arena_strdup(a, address);
    return arena_printf(a, "%.*s:***%s", (int)(colon - address), address, at);
}

void conf_print(const struct conf *c, struct buf *out)
{
    AUTO_ARENA a = {0};
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *s = &settings[i];
        const void *field = (const char *)c + s->offset;
        buf_addf(out, "# %s\n", s->doc);
        if (s->type == TYPE_INT)
            buf_addf(out, "# default %s, from %lld to %lld; set by: %s\n", s->fallback,
                     (long long)s->min, (long long)s->max, c->origin[i]);
        else if (s->choices)
            buf_addf(out, "# default %s, one of %s; set by: %s\n", s->fallback, s->choices,
                     c->origin[i]);
        else
            buf_addf(out, "# default %s; set by: %s\n", *s->fallback ? s->fallback : "empty",
                     c->origin[i]);
        if (s->type == TYPE_INT) {
            buf_addf(out, "%s = %lld\n\n", s->key, (long long)*(const int64_t *)field);
            continue;
        }
        const char *value = *(const char *const *)field;
        if (s->type == TYPE_SECRET && *value)
            value = "***";
        if (s->type == TYPE_URL)
            value = conf_mask_url(&a, value);
        buf_addf(out, "%s = %s\n\n", s->key, value);
    }
}

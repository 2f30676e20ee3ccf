/* SPDX-License-Identifier: MIT */
#include "docker/client.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

enum { IDLE_MS = 30000, TOTAL_MS = 60000, PING_MS = 10000 };

int docker_open(struct docker *d, const struct docker_options *o, struct err *err)
{
    *d = (struct docker){0};
    arena_init(&d->arena, 0);
    struct net_target *t = &d->target;
    if (str_starts(o->host, "unix:///")) {
        t->unix_path = arena_strdup(&d->arena, o->host + strlen("unix://"));
        t->base = "http://docker";
    } else if (str_starts(o->host, "tcp://") && o->host[strlen("tcp://")]) {
        t->base = arena_printf(&d->arena, "%s://%s", str_empty(o->tls_ca) ? "http" : "https",
                               o->host + strlen("tcp://"));
    } else {
        return err_set(err, ERR_INVALID,
                       "the Docker Engine's address '%s' must be unix:///path or tcp://host:port",
                       o->host);
    }
    t->ca = arena_strdup(&d->arena, o->tls_ca);
    t->cert = arena_strdup(&d->arena, o->tls_cert);
    t->key = arena_strdup(&d->arena, o->tls_key);
    t->name = arena_printf(&d->arena, "the Docker Engine at %s", o->host);
    net_open(&d->http, t);
    return 0;
}

void docker_close(struct docker *d)
{
    net_close(&d->http);
    arena_release(&d->arena);
}

/* "1.41" as 1041; -1 when it is no version */
static int version_number(const char *s)
{
    int major, minor, used = 0;
    if (!s || sscanf(s, "%d.%d%n", &major, &minor, &used) != 2 || s[used] || major < 0 ||
        minor < 0 || minor > 999)
        return -1;
    return major * 1000 + minor;
}

bool docker_version_at_least(const char *version, const char *least)
{
    return version_number(version) >= version_number(least);
}

int docker_negotiate(const char *api, const char *min_api, char out[16], struct err *err)
{
    int theirs = version_number(api);
    int least = version_number(min_api);
    int ours = version_number(DOCKER_API_MOST);
    if (theirs < 0)
        return err_set(err, ERR_INVALID, "the Docker Engine named no API version");
    if (theirs < version_number(DOCKER_API_LEAST))
        return err_set(err, ERR_INVALID,
                       "the Docker Engine is too old: it speaks API %s at most, and %s "
                       "(Engine 20.10) is needed",
                       api, DOCKER_API_LEAST);
    if (least > ours)
        return err_set(err, ERR_INVALID,
                       "the Docker Engine is too new: it speaks API %s at least, and this program "
                       "%s at most",
                       min_api, DOCKER_API_MOST);
    snprintf(out, 16, "%s", theirs < ours ? api : DOCKER_API_MOST);
    return 0;
}

static enum err_code status_code(int status, const char *message)
{
    static const char *const away[] = {
        "context deadline exceeded", "DeadlineExceeded",  "code = Unavailable",
        "transport is closing",      "has no leader",     "does not have a leader",
        "connection refused",        "the swarm manager", "context canceled",
    };
    switch (status) {
    case 400:
        return ERR_INVALID;
    case 401:
        return ERR_UNAUTHORIZED;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_CONFLICT;
    case 502:
    case 503:
    case 504:
        return ERR_UNAVAILABLE;
    default:
        break;
    }
    if (strstr(message, "update out of sequence"))
        return ERR_PRECONDITION;
    for (size_t i = 0; i < ARRAY_LEN(away); i++)
        if (strstr(message, away[i]))
            return ERR_UNAVAILABLE;
    return ERR_INTERNAL;
}

int docker_status_error(int status, const char *body, size_t len, struct err *err)
{
    AUTO_JSON *tree = NULL;
    struct err ignored;
    AUTO_ARENA scratch = {0};
    const char *message = NULL;
    if (json_parse(body, len, &tree, &ignored) == 0)
        message = json_str_at(tree, "message");
    char *text =
        str_utf8_scrub(&scratch, message ? message : body, message ? strlen(message) : len);
    size_t n = strlen(text);
    while (n && strchr(" \r\n\t", text[n - 1]))
        text[--n] = '\0';
    if (!n)
        return err_set(err, status_code(status, ""), "the Docker Engine answered %d", status);
    return err_set(err, status_code(status, text), "the Docker Engine answered %d: %s", status,
                   text);
}

static int run(struct docker *d, const struct net_request *req, struct net_response *res,
               struct err *err)
{
    int rc = net_run(&d->http, req, res, err);
    /* the Engine that comes back may be another version */
    if (rc < 0)
        d->version[0] = '\0';
    return rc;
}

int docker_connect(struct docker *d, struct err *err)
{
    if (d->version[0])
        return 0;
    struct net_request req = {.method = "GET",
                              .path = "/_ping",
                              .total_ms = PING_MS,
                              .should_stop = d->should_stop,
                              .stop_arg = d->stop_arg};
    AUTO_RESPONSE ping = {0};
    if (run(d, &req, &ping, err) < 0)
        return -1;
    if (ping.status != 200)
        return docker_status_error(ping.status, buf_str(&ping.body), ping.body.len, err);
    req.path = "/version";
    AUTO_RESPONSE version = {0};
    if (run(d, &req, &version, err) < 0)
        return -1;
    if (version.status != 200)
        return docker_status_error(version.status, buf_str(&version.body), version.body.len, err);
    AUTO_JSON *tree = NULL;
    if (json_parse(buf_str(&version.body), version.body.len, &tree, err) < 0)
        return err_wrap(err, "could not read the Docker Engine's version");
    const char *api = json_str_at(tree, "ApiVersion");
    return docker_negotiate(api ? api : ping.api_version, json_str_at(tree, "MinAPIVersion"),
                            d->version, err);
}

static int64_t limit(int64_t asked, int64_t fallback)
{
    return asked < 0 ? 0 : asked ? asked : fallback;
}

int docker_call(struct docker *d, const struct docker_request *req, struct json_object **out,
                struct err *err)
{
    if (out)
        *out = NULL;
    if (docker_connect(d, err) < 0)
        return -1;
    AUTO_ARENA scratch = {0};
    const char *headers[3] = {NULL};
    size_t n = 0;
    const char *type = req->type ? req->type : req->body ? "application/json" : NULL;
    if (type)
        headers[n++] = arena_printf(&scratch, "Content-Type: %s", type);
    if (req->auth)
        headers[n] = arena_printf(&scratch, "X-Registry-Auth: %s", req->auth);
    struct net_request http = {
        .method = req->method,
        .path = arena_printf(&scratch, "/v%s%s", d->version, req->path),
        .headers = headers,
        .body = req->body,
        .body_len = req->body ? strlen(req->body) : 0,
        .source = req->source,
        .source_arg = req->source_arg,
        .sink = req->sink,
        .sink_arg = req->sink_arg,
        .should_stop = d->should_stop,
        .stop_arg = d->stop_arg,
        .body_cap = 64 * 1024 * 1024,
        .idle_ms = limit(req->idle_ms, IDLE_MS),
        .total_ms = limit(req->total_ms, TOTAL_MS),
    };
    AUTO_RESPONSE res = {0};
    if (run(d, &http, &res, err) < 0)
        return -1;
    if (res.status < 200 || res.status > 299)
        return docker_status_error(res.status, buf_str(&res.body), res.body.len, err);
    if (!out || !res.body.len)
        return 0;
    if (json_parse(buf_str(&res.body), res.body.len, out, err) < 0)
        return err_wrap(err, "could not read the Docker Engine's answer to %s %s", req->method,
                        req->path);
    return 0;
}

int docker_get(struct docker *d, const char *path, struct json_object **out, struct err *err)
{
    return docker_call(d, &(struct docker_request){.method = "GET", .path = path}, out, err);
}

char *docker_registry_auth(struct arena *a, const char *server, const char *username,
                           const char *password)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    if (!str_empty(username)) {
        jw_kstr(&w, "username", username);
        jw_kstr(&w, "password", password ? password : "");
        jw_kstr(&w, "serveraddress", server);
    }
    jw_end(&w);
    return base64url_encode(a, text.data, text.len);
}

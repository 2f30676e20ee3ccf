/* SPDX-License-Identifier: MIT */
/*
 * slipway-web: prefork FastCGI workers that render the dashboard and answer the API. It has
 * PostgreSQL, Redis and the keys it needs, and no way to the Docker Engine.
 */
#include <systemd/sd-daemon.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/serve.h"
#include "auth/gate.h"
#include "base/log.h"
#include "base/program.h"
#include "cache/redis.h"
#include "http/fcgi.h"
#include "pages/pages.h"

struct web {
    const char *config_file;
    struct conf conf;
    int fd;
};

/* The rest of a process that hangs in a call that no timeout of ours ends: the master starts
 * another. */
static void arm_watchdog(int64_t seconds)
{
    alarm((unsigned)seconds + 10);
}

static const struct route_table *const *const tables[] = {api_routes, pages_routes, NULL};

struct worker {
    struct serve serve;
    int64_t request_seconds;
};

static void serve_one(void *arg, struct http_request *req, const struct err *request_err,
                      struct http_response *res)
{
    struct worker *w = arg;
    arm_watchdog(w->request_seconds);
    serve_request(&w->serve, req, request_err, res);
    alarm(0);
}

static size_t body_cap(void *arg, struct http_request *req)
{
    struct worker *w = arg;
    return serve_body_cap(&w->serve, req);
}

static int work(void *arg)
{
    struct web *web = arg;
    const struct conf *conf = &web->conf;
    struct err err;
    struct api api = {.conf = conf};
    if (keyring_load(&api.keys, conf->keys_directory, false, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "could not load the keys", &err);
        return 1;
    }
    struct pg_config pg = {.url = conf->database_url,
                           .name = "slipway-web",
                           .timeout_ms = conf->limit_request_seconds * 1000,
                           .log_queries_ms = conf->log_queries};
    struct redis_config redis = {.host = conf->redis_host,
                                 .port = conf->redis_port,
                                 .password = conf->redis_password,
                                 .prefix = conf->redis_prefix};
    api.pg = pg_open_lazy(&pg);
    api.redis = redis_open(&redis);
    cache_init(&api.cache, api.redis);
    cache_follow(&api.cache, api.pg);
    struct worker w = {
        .serve = {.api = &api, .tables = tables, .error_page = pages_error},
        .request_seconds = conf->limit_request_seconds,
    };
    struct fcgi_handler handler = {.serve = serve_one, .body_cap = body_cap, .arg = &w};
    int rc = fcgi_loop(web->fd, &handler);
    pg_close(api.pg);
    cache_release(&api.cache);
    redis_close(api.redis);
    keyring_wipe(&api.keys);
    conf_release(&web->conf);
    return rc < 0 ? 1 : 0;
}

static int reload(void *arg)
{
    struct web *web = arg;
    struct conf fresh;
    struct err err;
    if (conf_load(&fresh, web->config_file, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "the configuration stays as it was", &err);
        return -1;
    }
    conf_release(&web->conf);
    web->conf = fresh;
    program_log("slipway-web", &fresh);
    log_info("read the configuration again");
    return 0;
}

/* A socket made for us: by systemd, or on fd 0 (spawn-fcgi). -1 when there is none. */
static int inherited_socket(void)
{
    if (sd_listen_fds(1) >= 1)
        return SD_LISTEN_FDS_START;
    return sd_is_socket(STDIN_FILENO, AF_UNSPEC, SOCK_STREAM, 1) > 0 ? STDIN_FILENO : -1;
}

static int listen_socket(struct web *web, struct err *err)
{
    web->fd = inherited_socket();
    if (web->fd >= 0)
        return 0;
    return fcgi_listen(web->conf.web_socket, web->conf.web_socket_group, &web->fd, err);
}

static const char what[] =
    "Serves the dashboard and the API over FastCGI on web.socket, on the socket on standard input,\n"
    "or on the one systemd passes. SIGHUP reads the configuration again, SIGTERM ends it when the\n"
    "requests at hand are answered.\n";

int main(int argc, char **argv)
{
    struct web web = {.config_file = program_arguments(argc, argv, "slipway-web", what)};
    struct err err;
    log_init("slipway-web", LOG_LEVEL_INFO);
    if (conf_load(&web.conf, web.config_file, &err) < 0 || listen_socket(&web, &err) < 0 ||
        gate_open((int)web.conf.web_workers, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "could not start", &err);
        return 1;
    }
    program_log("slipway-web", &web.conf);
    log_info("serving with %lld processes", (long long)web.conf.web_workers);
    sd_notify(0, "READY=1");
    struct prefork p = {
        .n = (int)web.conf.web_workers, .work = work, .reload = reload, .arg = &web};
    int rc = prefork_run(&p);
    sd_notify(0, "STOPPING=1");
    conf_release(&web.conf);
    return rc;
}

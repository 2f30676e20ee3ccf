/* SPDX-License-Identifier: MIT */
/*
 * slipway-web: prefork FastCGI workers that render the dashboard and answer the API. It has
 * PostgreSQL, Redis and the keys it needs, and no way to the Docker Engine.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/serve.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/redis.h"
#include "http/fcgi.h"
#include "pages/pages.h"

struct web {
    const char *config_file;
    struct conf conf;
    int fd;
};

static enum log_level level_of(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++)
        if (str_eq(name, names[i]))
            return (enum log_level)i;
    return LOG_LEVEL_INFO;
}

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
    struct worker w = {
        .serve = {.api = &api, .tables = tables, .error_page = pages_error},
        .request_seconds = conf->limit_request_seconds,
    };
    struct fcgi_handler handler = {.serve = serve_one, .body_cap = body_cap, .arg = &w};
    int rc = fcgi_loop(web->fd, &handler);
    pg_close(api.pg);
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
    log_init("slipway-web", level_of(fresh.log_level));
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

static const char *parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    int o;
    while ((o = getopt_long(argc, argv, "c:hV", options, NULL)) != -1)
        switch (o) {
        case 'c':
            file = optarg;
            break;
        case 'V':
            printf("slipway-web %s\n", PACKAGE_VERSION);
            exit(0);
        default:
            printf("usage: slipway-web [--config FILE]\n"
                   "Serves the dashboard and the API over FastCGI on web.socket, on the socket on\n"
                   "standard input, or on the one systemd passes. SIGHUP reads the configuration\n"
                   "again, SIGTERM ends it when the requests at hand are answered.\n");
            exit(o == 'h' ? 0 : 2);
        }
    return file;
}

int main(int argc, char **argv)
{
    struct web web = {.config_file = parse_arguments(argc, argv)};
    struct err err;
    log_init("slipway-web", LOG_LEVEL_INFO);
    if (conf_load(&web.conf, web.config_file, &err) < 0 || listen_socket(&web, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, "could not start", &err);
        return 1;
    }
    log_init("slipway-web", level_of(web.conf.log_level));
    log_info("serving with %lld processes", (long long)web.conf.web_workers);
    sd_notify(0, "READY=1");
    struct prefork p = {
        .n = (int)web.conf.web_workers, .work = work, .reload = reload, .arg = &web};
    int rc = prefork_run(&p);
    sd_notify(0, "STOPPING=1");
    conf_release(&web.conf);
    return rc;
}

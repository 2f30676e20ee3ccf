/* SPDX-License-Identifier: MIT */
#include "worker/tools.h"

#include "cache/redis.h"

enum { STATEMENT_MS = 60000 };

struct redis *tools_redis(const struct worker *w)
{
    struct redis_config config = {.host = w->conf.redis_host,
                                  .port = w->conf.redis_port,
                                  .password = w->conf.redis_password,
                                  .prefix = w->conf.redis_prefix};
    return redis_open(&config);
}

int tools_open(struct worker *w, struct tools *t, const char *name, struct err *err)
{
    const struct conf *c = &w->conf;
    struct docker_options docker = {.host = c->docker_host,
                                    .tls_ca = c->docker_tls_ca,
                                    .tls_cert = c->docker_tls_cert,
                                    .tls_key = c->docker_tls_key};
    struct pg_config pg = {.url = c->database_url,
                           .name = name,
                           .timeout_ms = STATEMENT_MS,
                           .log_queries_ms = c->log_queries};
    *t = (struct tools){.pg = pg_open_lazy(&pg), .redis = tools_redis(w)};
    cache_init(&t->cache, t->redis);
    cache_follow(&t->cache, t->pg);
    return docker_open(&t->docker, &docker, err);
}

void tools_close(struct tools *t)
{
    docker_close(&t->docker);
    pg_close(t->pg);
    cache_release(&t->cache);
    redis_close(t->redis);
}

int tools_check(struct worker *w, struct err *err)
{
    struct tools t;
    int rc = tools_open(w, &t, "slipway-worker", err);
    tools_close(&t);
    return rc;
}

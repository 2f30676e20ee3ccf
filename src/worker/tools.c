/* SPDX-License-Identifier: MIT */
#include "worker/tools.h"

enum { STATEMENT_MS = 60000 };

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
    *t = (struct tools){.pg = pg_open_lazy(&pg)};
    return docker_open(&t->docker, &docker, err);
}

void tools_close(struct tools *t)
{
    docker_close(&t->docker);
    pg_close(t->pg);
}

int tools_check(struct worker *w, struct err *err)
{
    struct tools t;
    int rc = tools_open(w, &t, "slipway-worker", err);
    tools_close(&t);
    return rc;
}

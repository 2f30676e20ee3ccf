/* SPDX-License-Identifier: MIT */
/* Is the process up; do PostgreSQL and Redis answer. */
#include "api/routes.h"
#include "cache/redis.h"

static int handle_health(struct api_call *c, struct err *err)
{
    (void)err;
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    jw_kstr(&w, "status", "ok");
    jw_end(&w);
    api_send(c, 200, NULL);
    c->res->no_log = true;
    return 0;
}

static int handle_ready(struct api_call *c, struct err *err)
{
    struct err pg_err, redis_err;
    bool pg = pg_ping(c->api->pg, &pg_err) == 0;
    bool redis = redis_ping(c->api->redis, &redis_err) == 0;
    if (!pg || !redis)
        return err_set(err, ERR_UNAVAILABLE, "%s%s%s", pg ? "" : pg_err.msg,
                       pg || redis ? "" : "; ", redis ? "" : redis_err.msg);
    return handle_health(c, err);
}

static const struct valid_field health_fields[] = {
    {.name = "status", .type = VALID_ENUM, .choices = "ok", .doc = "that it is so"},
};
static const struct valid_table health_table = {"Health", health_fields, ARRAY_LEN(health_fields),
                                                0};

static const struct route routes[] = {
    ROUTE(GET, "/healthz", handle_health, NOBODY_NEEDED, NONE, .doc = "Whether the process is up",
          .out = &health_table),
    ROUTE(GET, "/readyz", handle_ready, NOBODY_NEEDED, NONE,
          .doc = "Whether PostgreSQL and Redis answer", .out = &health_table),
};
const struct route_table api_health_routes = {routes, ARRAY_LEN(routes)};

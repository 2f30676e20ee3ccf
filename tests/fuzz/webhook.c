/* SPDX-License-Identifier: MIT */
/* Webhook bodies, up to the question whether anybody deploys from there. The first byte chooses the
 * host and the event. */
#include "api/hook.h"
#include "cache/redis.h"
#include "http/request.h"
#include "tests/fuzz/fuzz.h"

static struct api api;

static void set_up(void)
{
    static const struct redis_config off = {.host = "/nonexistent", .password = "", .prefix = ""};
    struct pg_config nowhere = {.url = "host=/nonexistent", .log_queries_ms = -1};
    if (api.pg)
        return;
    api.pg = pg_open_lazy(&nowhere);
    api.redis = redis_open(&off);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct route_table *const hosts[] = {&api_github_routes, &api_gitlab_routes,
                                                      &api_docker_routes};
    static const char *const events[] = {"HTTP_X_GITHUB_EVENT=push", "HTTP_X_GITHUB_EVENT=ping",
                                         "HTTP_X_GITLAB_EVENT=Push Hook",
                                         "HTTP_X_GITLAB_EVENT=Tag Push Hook", "HTTP_X_NOTHING=x"};
    AUTO_ARENA a = {0};
    struct err err = {0};
    struct http_request r;
    struct http_response res;
    if (!size)
        return 0;
    bool form = data[0] & 0x80;
    const char *const env[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/api/webhooks/x?token=x",
                               events[(data[0] >> 3 & 15) % ARRAY_LEN(events)],
                               form ? "CONTENT_TYPE=application/x-www-form-urlencoded"
                                    : "CONTENT_TYPE=application/json",
                               NULL};
    set_up();
    if (http_request_init(&r, &a, env, &err) < 0)
        __builtin_trap();
    r.body = arena_memdup(&a, data + 1, size - 1);
    r.body_len = size - 1;
    http_response_init(&res);
    struct api_call c = {.api = &api, .arena = &a, .req = &r, .res = &res};
    problems_init(&c.problems, &a);
    const struct route_table *host = hosts[(data[0] & 7) % ARRAY_LEN(hosts)];
    if (host->routes[0].handler(&c, &err) == 0 || !err.code)
        __builtin_trap(); /* there is no database: nothing can come of it */
    http_response_release(&res);
    return 0;
}

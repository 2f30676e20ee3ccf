/* SPDX-License-Identifier: MIT */
/* Request lines and headers: the first line is REQUEST_URI, each other one a FastCGI parameter. */
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "http/request.h"
#include "pages/pages.h"
#include "tests/fuzz/fuzz.h"

static void match(const struct route_table *const *tables, struct http_request *r)
{
    for (; *tables; tables++)
        for (size_t i = 0; i < (*tables)->n; i++) {
            if (!http_match((*tables)->routes[i].pattern, r))
                continue;
            for (size_t k = 0; k < HTTP_PARAMS; k++)
                if (r->params[k] && !str_utf8(r->params[k], strlen(r->params[k])))
                    __builtin_trap();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA a = {0};
    struct err err;
    struct http_request r;
    const char *env[34] = {"REQUEST_METHOD=GET"};
    size_t n = 1;
    char **lines = str_split(&a, arena_memdup(&a, data, size), '\n');
    env[n++] = arena_printf(&a, "REQUEST_URI=%s", lines[0]);
    for (size_t i = 1; lines[0] && lines[i] && n < ARRAY_LEN(env) - 1; i++)
        env[n++] = lines[i];
    if (http_request_init(&r, &a, env, &err) < 0)
        return 0;
    match(api_routes, &r);
    match(pages_routes, &r);
    http_query(&r, "cursor");
    http_query(&r, "");
    http_cookie(&r, "slipway_session");
    http_header(&r, "X-CSRF-Token");
    return 0;
}

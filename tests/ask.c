/* SPDX-License-Identifier: MIT */
#include "tests/ask.h"

#include <ctype.h>
#include <string.h>

#include "tests/rig.h"

struct answer ask_serve(struct serve *s, struct arena *a, const char *method, const char *uri,
                        const char *body, const char *const *env)
{
    struct http_request req;
    struct http_response res;
    struct err err;
    bool form = body && (isalpha((unsigned char)*body) || *body == '_');
    const char *all[40] = {
        arena_printf(a, "REQUEST_METHOD=%s", method),
        arena_printf(a, "REQUEST_URI=%s", uri),
        "REMOTE_ADDR=192.0.2.1",
        "HTTP_HOST=slipway.example",
        form ? "CONTENT_TYPE=application/x-www-form-urlencoded" : "CONTENT_TYPE=application/json",
    };
    for (size_t n = 5; env && *env && n < ARRAY_LEN(all) - 1; n++)
        all[n] = *env++;
    http_response_init(&res);
    bool bad = http_request_init(&req, a, all, &err) < 0;
    req.body = body ? body : "";
    req.body_len = strlen(req.body);
    serve_request(s, &req, bad ? &err : NULL, &res);
    struct answer answer = {
        .status = res.status, .headers = buf_dup(&res.headers, a), .body = buf_dup(&res.body, a)};
    http_response_release(&res);
    return answer;
}

const char *ask_text(struct arena *a, const struct answer *answer, const char *path)
{
    AUTO_JSON *o = NULL;
    struct err err;
    rig_must(json_parse(answer->body, strlen(answer->body), &o, &err), &err);
    return arena_strdup(a, json_str_at(o, path));
}

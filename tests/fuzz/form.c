/* SPDX-License-Identifier: MIT */
/* Forms, cookies and percent-encoding: the first line is a Cookie header, the rest a form. */
#include <string.h>

#include "base/str.h"
#include "http/request.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"slipway_session", "a", "", "payload"};
    AUTO_ARENA a = {0};
    struct err err;
    struct http_pairs pairs;
    struct http_request r;
    const char *text = arena_memdup(&a, data, size);
    const uint8_t *line = memchr(data, '\n', size);
    size_t head = line ? (size_t)(line - data) : size;
    const char *const env[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/",
                               "CONTENT_TYPE=application/x-www-form-urlencoded",
                               arena_printf(&a, "HTTP_COOKIE=%.*s", (int)head, text), NULL};
    if (http_request_init(&r, &a, env, &err) < 0)
        return 0;
    r.body = line ? text + head + 1 : "";
    r.body_len = line ? size - head - 1 : 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        http_cookie(&r, names[i]);
        http_form(&r, names[i]);
    }
    if (http_pairs(&a, r.body, r.body_len, &pairs, &err) == 0)
        for (size_t i = 0; i < pairs.n; i++) {
            if (!str_utf8(pairs.names[i], strlen(pairs.names[i])) ||
                !str_utf8(pairs.values[i], strlen(pairs.values[i])))
                __builtin_trap();
            const char *again = http_encode(&a, pairs.values[i]);
            if (!str_eq(http_decode(&a, again, strlen(again), false), pairs.values[i]))
                __builtin_trap();
        }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Answers of routes that say for how long one may be kept (cache/cache.h). */
#include <string.h>

#include "api/serve.h"
#include "base/str.h"

enum { ANSWER_MAX = 1024 * 1024 }; /* what is larger would fill Redis */

static const char *or_dash(const char *s)
{
    return s ? s : "-";
}

/* Who sees the same at the same address: everybody who sees everything with the same roles, else
 * the user alone. */
static const char *key_of(struct api_call *c)
{
    const struct session *s = c->session;
    const char *text =
        arena_printf(c->arena, "%s\n%s\n%s\n%u\n%u", or_dash(http_env(c->req, "REQUEST_URI")),
                     s->scope.everything ? "*" : s->scope.user_id, or_dash(s->scope.projects),
                     s->role, s->token_name ? s->token_role : 0);
    return sha256_hex(c->arena, text, strlen(text));
}

/* The handler's own headers, an empty line, the body. */
static void take(struct api_call *c, const struct buf *kept)
{
    const char *end = strstr(buf_str(kept), "\r\n\r\n");
    if (!end)
        BUG("a cached answer without its headers");
    size_t head = (size_t)(end - kept->data) + 2;
    buf_add(&c->res->headers, kept->data, head);
    buf_add(&c->res->body, kept->data + head + 2, kept->len - head - 2);
}

static void keep(struct api_call *c, const char *key, const char *clock, size_t from, int seconds)
{
    AUTO_BUF value = {0};
    const char *names[] = {"access", c->depends ? c->depends : "all", NULL};
    const struct http_response *res = c->res;
    buf_add(&value, res->headers.data + from, res->headers.len - from);
    buf_adds(&value, "\r\n");
    buf_add(&value, buf_str(&res->body), res->body.len);
    cache_set(&c->api->cache, key, clock, names, seconds, value.data, value.len);
}

int mw_cache(struct api_call *c, const struct route *route, struct err *err)
{
    char clock[32];
    AUTO_BUF value = {0};
    size_t from = c->res->headers.len;
    if (!route->cache || !c->session || !c->api->cache.redis)
        return route->handler(c, err);
    const char *key = key_of(c);
    enum cache_found found = cache_get(&c->api->cache, key, &value, clock);
    if (found == CACHE_HIT) {
        take(c, &value);
        return 0;
    }
    int rc = route->handler(c, err);
    if (found != CACHE_MAKE)
        return rc;
    if (rc == 0 && c->res->status == 200 && c->res->headers.len > from &&
        c->res->body.len <= ANSWER_MAX)
        keep(c, key, clock, from, route->cache);
    else
        cache_abandon(&c->api->cache, key);
    return rc;
}

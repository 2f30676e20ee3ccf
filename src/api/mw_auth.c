/* SPDX-License-Identifier: MIT */
/* Who is calling, and whether a browser was tricked into it. */
#include <string.h>
#include <strings.h>

#include "api/serve.h"
#include "auth/token.h"
#include "base/str.h"

int mw_auth(struct api_call *c, struct session *space, struct err *err)
{
    struct session_deps deps = {.pg = c->api->pg, .redis = c->api->redis, .keys = &c->api->keys};
    const char *authorization = http_header(c->req, "Authorization");
    const char *token = http_cookie(c->req, "slipway_session");
    c->by_cookie = true;
    c->scope = (struct store_scope){.user_id = "00000000-0000-0000-0000-000000000000"};
    if (authorization) {
        if (strncasecmp(authorization, "Bearer ", 7) != 0)
            return err_set(err, ERR_UNAUTHORIZED, "only the Bearer scheme is known");
        token = authorization + 7;
        c->by_cookie = false;
    }
    if (str_empty(token))
        return 0;
    if (!c->by_cookie && token_looks_like(token)) {
        if (token_find(&deps, c->arena, token, space, err) < 0)
            return -1;
    } else {
        if (session_find(&deps, c->arena, token, space, err) < 0)
            return -1;
        session_seen(&deps, c->arena, space);
    }
    c->session = space;
    c->scope = space->scope;
    return 0;
}

/* Some web servers' Host has lost its port (nginx: fastcgi_param HTTP_HOST $host); then the name
 * alone is compared. */
static bool same_host(const char *origin, const char *host)
{
    size_t n = strlen(host);
    if (!n || strncasecmp(origin, host, n) != 0)
        return false;
    bool has_port = host[0] == '[' ? strstr(host, "]:") != NULL : strchr(host, ':') != NULL;
    return !origin[n] || (!has_port && origin[n] == ':');
}

bool mw_same_origin(const struct api_call *c)
{
    const char *origin = http_header(c->req, "Origin");
    if (!origin)
        return true;
    const char *ours = c->api->conf->web_public_url;
    if (*ours && str_starts(ours, origin) && strchr("/", ours[strlen(origin)]))
        return true;
    const char *host = strstr(origin, "://");
    return host && same_host(host + 3, c->req->host);
}

int mw_csrf(const struct api_call *c, const struct route *route, struct err *err)
{
    if (c->req->method == HTTP_GET || c->req->method == HTTP_HEAD || route->flags & ROUTE_NO_CSRF ||
        !c->session || !c->by_cookie)
        return 0;
    if (!mw_same_origin(c))
        return err_set(err, ERR_FORBIDDEN, "the request comes from another site");
    const char *token = http_header(c->req, "X-CSRF-Token");
    if (!token)
        token = http_form(c->req, "_csrf");
    if (!session_csrf_ok(c->session, token))
        return err_set(err, ERR_FORBIDDEN,
                       "the CSRF token is missing or of another session; load the page again");
    return 0;
}

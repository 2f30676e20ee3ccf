/* SPDX-License-Identifier: MIT */
/* Token buckets: per user, and per source address where nobody is logged in. */
#include "api/serve.h"
#include "cache/ratelimit.h"

static void set_headers(struct api_call *c, const struct ratelimit *l)
{
    http_set(c->res, "RateLimit-Limit", "%lld", (long long)l->limit);
    http_set(c->res, "RateLimit-Remaining", "%lld", (long long)l->remaining);
    http_set(c->res, "RateLimit-Reset", "%lld", (long long)l->reset);
}

static int take(struct api_call *c, const char *bucket, int64_t per_minute, bool show,
                struct err *err)
{
    struct ratelimit l;
    if (ratelimit_take(c->api->redis, bucket, per_minute, &l, err) < 0)
        return -1;
    if (l.allowed) {
        if (show)
            set_headers(c, &l);
        return 0;
    }
    http_response_reset(c->res);
    set_headers(c, &l);
    http_set(c->res, "Retry-After", "%lld", (long long)l.retry);
    return err_set(err, ERR_LIMIT, "more than %lld requests a minute; try again in %lld s",
                   (long long)per_minute, (long long)l.retry);
}

int mw_ratelimit(struct api_call *c, const struct route *route, struct err *err)
{
    const struct conf *conf = c->api->conf;
    const char *who = c->session ? c->session->user.id : c->req->address;
    int rc = 0;
    switch (route->rate) {
    case RATE_NONE:
        return 0;
    case RATE_LOGIN:
        if (c->req->method == HTTP_GET || c->req->method == HTTP_HEAD)
            return 0;
        rc = take(c, arena_printf(c->arena, "login:%s", c->req->address),
                  conf->limit_logins_per_minute, true, err);
        if (rc < 0 && err->code == ERR_UNAVAILABLE)
            return err_set(err, ERR_UNAVAILABLE,
                           "logins wait for Redis, which does not answer; try again in a moment");
        return rc;
    case RATE_USER:
        rc = take(c, arena_printf(c->arena, "user:%s", who), conf->limit_requests_per_minute, true,
                  err);
        break;
    case RATE_PAGE:
        rc = take(c, arena_printf(c->arena, "page:%s", who), 4 * conf->limit_requests_per_minute,
                  true, err);
        break;
    case RATE_WEBHOOK:
        rc = take(c, arena_printf(c->arena, "webhook:%s", c->req->address),
                  conf->limit_webhooks_per_minute, true, err);
        break;
    }
    /* without Redis nothing is counted: reading goes on, and what changes asks for the queue */
    return rc < 0 && err->code == ERR_UNAVAILABLE ? 0 : rc;
}

int mw_ratelimit_account(struct api_call *c, const char *account, struct err *err)
{
    return take(c, arena_printf(c->arena, "account:%s", account),
                c->api->conf->limit_logins_per_minute, false, err);
}

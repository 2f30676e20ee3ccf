/* SPDX-License-Identifier: MIT */
/* One line a request. The query is left out: it may carry a token. */
#include "api/serve.h"
#include "base/log.h"

void mw_log(const struct api_call *c, int64_t took_ms)
{
    log_info("%s %.200s status=%d ms=%lld user=%s address=%s request=%s",
             http_method_name(c->req->method), c->req->path, c->res->status, (long long)took_ms,
             c->session ? c->session->user.username : "-", c->req->address, c->req->id);
}

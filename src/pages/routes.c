/* SPDX-License-Identifier: MIT */
#include "pages/pages.h"

const struct route_table *const pages_routes[] = {NULL};

void pages_error(struct api_call *c, const struct err *err)
{
    c->res->status = err_http_status(err->code);
    http_set(c->res, "Content-Type", "text/plain; charset=utf-8");
    buf_addf(&c->res->body, "%s\n", err->msg);
}

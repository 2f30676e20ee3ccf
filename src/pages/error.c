/* SPDX-License-Identifier: MIT */
/* An error as a page. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "pages/page.h"
#include "pages/pages.h"

static const char *title_of(int status)
{
    switch (status) {
    case 401:
        return "Sign-in refused";
    case 403:
        return "Not allowed";
    case 404:
        return "Not found";
    case 405:
        return "Not possible here";
    case 412:
        return "Changed meanwhile";
    case 422:
        return "Not accepted";
    case 429:
        return "Too many requests";
    case 503:
        return "Not available at the moment";
    default:
        return status >= 500 ? "Failed" : "Not accepted";
    }
}

/* The login page, and back to what was asked for. */
static void to_login(struct api_call *c)
{
    const char *next = "";
    if (c->req->method == HTTP_GET && !str_eq(c->req->path, "/"))
        next = arena_printf(c->arena, "?next=%s", http_encode(c->arena, c->req->path));
    page_redirect(c, TOAST_NONE, arena_printf(c->arena, "/login%s", next));
}

void pages_error(struct api_call *c, const struct err *err)
{
    struct view_error v = {0};
    bool called = str_starts(c->req->path, "/api/"); /* by another site, which is to know why */
    if (err->code == ERR_UNAUTHORIZED && !called) {
        to_login(c);
        return;
    }
    page_begin(c, &v.page, title_of(err_http_status(err->code)), NULL);
    v.title = v.page.title;
    v.status = err_http_status(err->code);
    v.request = c->req->id;
    v.again = v.status >= 500 && c->req->method == HTTP_GET;
    char *message = arena_printf(c->arena, "%s.", err->msg);
    if (*message >= 'a' && *message <= 'z')
        *message = (char)(*message - 'a' + 'A');
    v.message = message;
    if (err->code == ERR_UNAVAILABLE)
        http_set(c->res, "Retry-After", "2");
    if (c->session)
        tpl_error(&c->res->body, &v);
    else
        tpl_error_plain(&c->res->body, &v);
    page_send(c, v.status);
}

/* SPDX-License-Identifier: MIT */
#include "api/crud.h"

static void *space(struct api_call *c, const struct crud *r)
{
    return arena_alloc(c->arena, r->size);
}

static const char *id_of(const void *element)
{
    return *(const char *const *)element;
}

int crud_list(struct api_call *c, struct err *err)
{
    const struct crud *r = c->route->crud;
    struct store_page page;
    struct crud_list list;
    if (api_page(c, &page, err) < 0 || r->list(c, &page, &list, err) < 0)
        return -1;
    const char *last = list.n ? id_of((const char *)list.list + (list.n - 1) * r->size) : NULL;
    api_send_list(c, list.list, list.n, r->size, r->write, list.more, last);
    return 0;
}

void crud_made(struct api_call *c, const struct crud *r, const void *made, const char *name,
               const char *secret)
{
    struct jw w;
    http_set(c->res, "Location", "%s/%s", r->path, id_of(made));
    if (!secret) {
        api_send_one(c, 201, made, r->write);
        return;
    }
    api_begin(c, &w);
    jw_begin(&w);
    r->write(made, &w);
    api_once(c, &w, name, secret);
    jw_end(&w);
    api_send(c, 201, NULL);
}

int crud_create(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    const struct crud *r = c->route->crud;
    void *made = space(c, r);
    if (api_body(c, false, &in, err) < 0 || r->create(c, in, made, err) < 0)
        return -1;
    crud_made(c, r, made, NULL, NULL);
    return 0;
}

int crud_get(struct api_call *c, struct err *err)
{
    const struct crud *r = c->route->crud;
    void *one = space(c, r);
    if (r->get(c, c->req->params[0], one, err) < 0)
        return -1;
    api_send_one(c, 200, one, r->write);
    return 0;
}

static int check_match(struct api_call *c, const struct crud *r, struct err *err)
{
    void *present = space(c, r);
    if (!http_header(c->req, "If-Match"))
        return 0;
    if (r->get(c, c->req->params[0], present, err) < 0)
        return -1;
    return api_match_one(c, present, r->write, err);
}

int crud_update(struct api_call *c, struct err *err)
{
    AUTO_JSON *in = NULL;
    const struct crud *r = c->route->crud;
    void *changed = space(c, r);
    if (api_body(c, false, &in, err) < 0 || check_match(c, r, err) < 0 ||
        r->update(c, c->req->params[0], in, changed, err) < 0)
        return -1;
    api_send_one(c, 200, changed, r->write);
    return 0;
}

int crud_delete(struct api_call *c, struct err *err)
{
    const struct crud *r = c->route->crud;
    if (check_match(c, r, err) < 0 || r->remove(c, c->req->params[0], err) < 0)
        return -1;
    api_no_content(c);
    return 0;
}

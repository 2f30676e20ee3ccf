/* SPDX-License-Identifier: MIT */
/* Idempotency-Key: the first answer again, less what is shown once. */
#include <string.h>

#include "api/serve.h"
#include "base/str.h"

enum { KEY_MAX = 255 };

static int read_key(struct api_call *c, const char *key, struct err *err)
{
    size_t n = strlen(key);
    bool good = n > 0 && n <= KEY_MAX;
    for (; *key; key++)
        good &= *key > 0x20 && *key < 0x7F;
    return good ? 0
                : api_bad_field(c, "Idempotency-Key", "must have 1 to 255 visible ASCII characters",
                                err);
}

static void answer_again(struct api_call *c, const struct store_repeat *r)
{
    c->res->status = (int)r->status;
    buf_adds(&c->res->headers, r->headers ? r->headers : "");
    buf_adds(&c->res->body, r->body ? r->body : "");
    http_set(c->res, "Idempotency-Replayed", "true");
}

/* An API token is a caller of its own: it may do less than its user. */
static const char *caller_of(struct api_call *c)
{
    if (!c->session)
        return arena_printf(c->arena, "nobody at %s", c->req->address);
    return c->session->token_name ? arena_printf(c->arena, "token %s", c->session->row.id)
                                  : c->session->user.id;
}

int mw_repeat_take(struct api_call *c, const struct route *route, struct store_repeat *r,
                   bool *again, struct err *err)
{
    const char *key = http_header(c->req, "Idempotency-Key");
    const char *uri = http_env(c->req, "REQUEST_URI");
    enum store_repeat_state state;
    *again = false;
    r->key = NULL;
    if (!key || c->req->method != HTTP_POST || route->flags & (ROUTE_PAGE | ROUTE_BIG))
        return 0;
    if (read_key(c, key, err) < 0)
        return -1;
    r->key = key;
    /* hashed: an index takes no address of any length */
    uri = uri ? uri : c->req->path;
    r->path = sha256_hex(c->arena, uri, strlen(uri));
    r->caller = caller_of(c);
    sha256(c->req->body, c->req->body_len, r->request);
    if (store_repeat_take(c->api->pg, c->arena, r, &state, err) < 0)
        return -1;
    if (state == STORE_REPEAT_OTHER)
        return err_set(err, ERR_CONFLICT,
                       "this Idempotency-Key was used with another body in the last 24 hours");
    *again = state == STORE_REPEAT_SAME;
    if (*again)
        answer_again(c, r);
    return 0;
}

/* The lines of the handler's own headers that belong to the answer. */
static const char *kept_headers(struct api_call *c)
{
    static const char *const kept[] = {"Location: ", "Content-Type: ", "ETag: "};
    AUTO_BUF out = {0};
    for (char **line = str_split(c->arena, buf_str(&c->res->headers), '\n'); *line; line++)
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            if (str_starts(*line, kept[i]))
                buf_addf(&out, "%s\n", *line); /* its \r is still there */
    return buf_dup(&out, c->arena);
}

static const char *without_secrets(struct api_call *c)
{
    AUTO_JSON *o = NULL;
    struct err err;
    const char *body = buf_str(&c->res->body);
    if (!c->once[0])
        return body;
    if (json_parse(body, c->res->body.len, &o, &err) < 0)
        BUG("an answer with a secret is no JSON");
    for (size_t i = 0; i < ARRAY_LEN(c->once) && c->once[i]; i++)
        json_object_object_add(o, c->once[i], NULL);
    return arena_strdup(c->arena, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

int mw_repeat_keep(struct api_call *c, struct store_repeat *r, struct err *err)
{
    if (!r->key)
        return 0;
    r->status = c->res->status;
    r->headers = kept_headers(c);
    r->body = without_secrets(c);
    return store_repeat_keep(c->api->pg, c->arena, r, err);
}

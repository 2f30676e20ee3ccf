/* SPDX-License-Identifier: MIT */
#include "api/api.h"

#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 200 };

int api_require_token(const struct api_call *c, enum permission p, struct err *err)
{
    const struct session *s = c->session;
    if (!s || !s->token_name ||
        (rbac_allows(s->token_role, NULL, p) && !(rbac_is_global(p) && s->scope.projects)))
        return 0;
    return err_set(err, ERR_FORBIDDEN, "this API token does not have the permission %s here",
                   rbac_permission_name(p));
}

int api_require(const struct api_call *c, const char *project_role, enum permission p,
                struct err *err)
{
    if (!c->session)
        return err_set(err, ERR_UNAUTHORIZED, "log in first");
    if (api_require_token(c, p, err) < 0)
        return -1;
    if (!rbac_allows(c->session->role, project_role, p))
        return err_set(err, ERR_FORBIDDEN, "your role does not have the permission %s here",
                       rbac_permission_name(p));
    return 0;
}

void api_say_invalid(const struct api_call *c, struct err *err)
{
    const struct problem *p = c->problems.first;
    if (!p)
        BUG("input is refused without a problem");
    err_set(err, ERR_INVALID, "%s%s%s", p->field, *p->field ? " " : "", p->message);
}

int api_refuse(const struct api_call *c, struct err *err)
{
    return c->problems.n ? api_invalid(c, err) : 0;
}

void api_add_problem(struct api_call *c, const char *field, const char *message)
{
    problem_add(&c->problems, field, "%s", message);
}

const char *api_slug(struct arena *a, const char *name)
{
    AUTO_BUF b = {0};
    for (; *name && b.len < 48; name++) {
        char ch = (char)(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9'))
            buf_addc(&b, ch);
        else if (b.len && b.data[b.len - 1] != '-')
            buf_addc(&b, '-');
    }
    while (b.len && b.data[b.len - 1] == '-')
        b.data[--b.len] = '\0';
    return b.len ? buf_dup(&b, a) : "app";
}

struct api_audit *api_audit(struct api_call *c, const char *action, const char *id)
{
    struct api_audit *entry = ARENA_NEW(c->arena, struct api_audit);
    *entry = (struct api_audit){.action = action, .next = c->audit};
    if (id)
        entry->resource = arena_printf(c->arena, "%.*s:%s", (int)strcspn(action, "."), action, id);
    c->audit = entry;
    return entry;
}

int api_valid(struct api_call *c, const struct valid_table *table, struct json_object *in,
              bool partial, void *out, struct err *err)
{
    if (!valid_object(table, in, partial, out, &c->problems))
        return api_invalid(c, err);
    if (c->audit)
        c->audit->change = valid_redacted(c->arena, table, in);
    return 0;
}

void api_job(struct api_call *c, int lane, const char *kind, const char *id)
{
    struct api_job *job = ARENA_NEW(c->arena, struct api_job);
    *job = (struct api_job){.lane = lane, .kind = kind, .id = id};
    if (!c->last_job)
        c->last_job = &c->jobs;
    *c->last_job = job;
    c->last_job = &job->next;
}

int api_check_id(const char *id, const char *what, struct err *err)
{
    return uuid_valid(id) ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such %s", what);
}

int api_need_queue(const struct api_call *c, struct err *err)
{
    if (redis_ping(c->api->redis, err) == 0)
        return 0;
    return err_set(err, ERR_UNAVAILABLE,
                   "the queue does not answer; nothing was changed, try again in a moment");
}

int api_body(struct api_call *c, bool may_be_empty, struct json_object **out, struct err *err)
{
    const struct http_request *r = c->req;
    if (!r->body_len && may_be_empty) {
        *out = json_object_new_object();
        return 0;
    }
    if (*r->content_type && !str_eq(r->content_type, "application/json") &&
        !str_ends(r->content_type, "+json"))
        return err_set(err, ERR_MALFORMED, "the body must be application/json, not %.100s",
                       r->content_type);
    return json_parse(r->body, r->body_len, out, err);
}

static void check_number(struct api_call *c, const char *name, int64_t min, int64_t max,
                         int64_t *out)
{
    const char *text = http_query(c->req, name);
    if (text && !str_to_int(text, min, max, out))
        problem_add(&c->problems, name, "must be a whole number from %lld to %lld, not '%.40s'",
                    (long long)min, (long long)max, text);
}

int api_number(struct api_call *c, const char *name, int64_t min, int64_t max, int64_t *out,
               struct err *err)
{
    check_number(c, name, min, max, out);
    return api_refuse(c, err);
}

int api_choice(struct api_call *c, const char *name, const char *choices, const char **out,
               struct err *err)
{
    *out = http_query(c->req, name);
    if (!*out)
        return 0;
    for (char **word = str_split(c->arena, choices, '|'); *word; word++)
        if (str_eq(*word, *out))
            return 0;
    return api_bad_field(
        c, name, arena_printf(c->arena, "must be one of %s, not '%.40s'", choices, *out), err);
}

int api_page(struct api_call *c, struct store_page *page, struct err *err)
{
    const char *cursor = http_query(c->req, "cursor");
    *page = (struct store_page){.limit = PAGE_DEFAULT, .cursor = cursor};
    check_number(c, "limit", 1, PAGE_MOST, &page->limit);
    if (cursor && !uuid_valid(cursor))
        problem_add(&c->problems, "cursor", "is not one that a Link header gave");
    return api_refuse(c, err);
}

int api_id_filter(struct api_call *c, const char *name, const char **out, struct err *err)
{
    *out = http_query(c->req, name);
    if (*out && !uuid_valid(*out))
        return api_bad_field(c, name, "is not an id", err);
    return 0;
}

int api_flag(struct api_call *c, const char *name, bool *out, struct err *err)
{
    const char *text = http_query(c->req, name);
    *out = str_eq(text, "true");
    if (!text || *out || str_eq(text, "false"))
        return 0;
    return api_bad_field(c, name,
                         arena_printf(c->arena, "must be true or false, not '%.40s'", text), err);
}

int api_moment(struct api_call *c, const char *name, int64_t *out, struct err *err)
{
    const char *text = http_query(c->req, name);
    *out = 0;
    if (!text || time_parse(text, out))
        return 0;
    return api_bad_field(
        c, name,
        arena_printf(c->arena, "must be a time like 2026-01-31T12:00:00Z, not '%.40s'", text), err);
}

void api_next_page(struct api_call *c, const char *last)
{
    struct http_pairs pairs;
    struct err err;
    AUTO_BUF url = {0};
    buf_addf(&url, "%s?", c->req->path);
    if (http_pairs(c->arena, c->req->query, strlen(c->req->query), &pairs, &err) == 0)
        for (size_t i = 0; i < pairs.n; i++)
            if (!str_eq(pairs.names[i], "cursor"))
                buf_addf(&url, "%s=%s&", http_encode(c->arena, pairs.names[i]),
                         http_encode(c->arena, pairs.values[i]));
    http_set(c->res, "Link", "<%scursor=%s>; rel=\"next\"", buf_str(&url), last);
}

const char *api_public_url(const struct api_call *c)
{
    const char *base = c->api->conf->web_public_url;
    if (str_empty(base))
        return arena_printf(c->arena, "%s://%s", c->req->https ? "https" : "http", c->req->host);
    size_t n = strlen(base);
    return arena_printf(c->arena, "%.*s", (int)(base[n - 1] == '/' ? n - 1 : n), base);
}

void api_begin(struct api_call *c, struct jw *w)
{
    jw_init(w, &c->res->body);
}

static const char *etag_of(const struct api_call *c, const char *version, const struct buf *body)
{
    char *hex = sha256_hex(c->arena, buf_str(body), body->len);
    hex[32] = '\0';
    return arena_printf(c->arena, "\"%s%s\"", version, hex);
}

/* Whether the list in the header has the tag; weak comparison (RFC 9110, section 8.8.3.2). */
static bool lists_tag(const char *header, const char *tag)
{
    return header && (str_eq(header, "*") || strstr(header, tag));
}

void api_send(struct api_call *c, int status, const char *version)
{
    c->res->status = status;
    if (version)
        http_set(c->res, "ETag", "%s", etag_of(c, version, &c->res->body));
    http_set(c->res, "Content-Type", "application/json");
}

void api_condition(struct api_call *c)
{
    const char *wanted = http_header(c->req, "If-None-Match");
    const char *line = strstr(buf_str(&c->res->headers), "ETag: ");
    bool reads = c->req->method == HTTP_GET || c->req->method == HTTP_HEAD;
    if (!wanted || !line || !reads || c->res->status != 200)
        return;
    line += strlen("ETag: ");
    if (!lists_tag(wanted, arena_memdup(c->arena, line, strcspn(line, "\r"))))
        return;
    c->res->status = 304;
    buf_clear(&c->res->body);
}

void api_send_list(struct api_call *c, const void *list, size_t n, size_t size, api_writer *write,
                   bool more, const char *last)
{
    struct jw w;
    api_begin(c, &w);
    jw_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        jw_begin(&w);
        write((const char *)list + i * size, &w);
        jw_end(&w);
    }
    jw_end_array(&w);
    if (more)
        api_next_page(c, last);
    api_send(c, 200, NULL);
}

static void write_one(struct buf *out, const void *element, api_writer *write)
{
    struct jw w;
    jw_init(&w, out);
    jw_begin(&w);
    write(element, &w);
    jw_end(&w);
}

void api_send_one(struct api_call *c, int status, const void *element, api_writer *write)
{
    write_one(&c->res->body, element, write);
    api_send(c, status, "");
}

int api_match_one(const struct api_call *c, const void *element, api_writer *write, struct err *err)
{
    AUTO_BUF text = {0};
    if (!http_header(c->req, "If-Match"))
        return 0;
    write_one(&text, element, write);
    return api_check_match(c, &text, err);
}

void api_once(struct api_call *c, struct jw *w, const char *name, const char *value)
{
    size_t i = 0;
    while (i < ARRAY_LEN(c->once) && c->once[i])
        i++;
    if (i == ARRAY_LEN(c->once))
        BUG("more than %zu secrets in an answer", i);
    c->once[i] = name;
    jw_kstr(w, name, value);
}

void api_no_content(struct api_call *c)
{
    c->res->status = 204;
}

int api_check_match(const struct api_call *c, const struct buf *current, struct err *err)
{
    const char *wanted = http_header(c->req, "If-Match");
    if (!wanted || lists_tag(wanted, etag_of(c, "", current)))
        return 0;
    return err_set(err, ERR_PRECONDITION,
                   "it was changed since you read it; read it again and repeat the change");
}

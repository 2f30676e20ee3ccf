/* SPDX-License-Identifier: MIT */
#include "api/openapi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/openapi_schema.h"
#include "base/str.h"

static const struct valid_field problem_entry_fields[] = {
    {.name = "field", .type = VALID_STR, .doc = "path of the field, as in envVars[2].key"},
    {.name = "message", .type = VALID_STR, .doc = "what is wrong with it"},
};
static const struct valid_table problem_entry_table = {"FieldProblem", problem_entry_fields,
                                                       ARRAY_LEN(problem_entry_fields), 0};
static const struct valid_field problem_fields[] = {
    {.name = "type", .type = VALID_STR, .doc = "about:blank: the status says it all"},
    {.name = "title", .type = VALID_STR, .doc = "the status in words"},
    {.name = "status", .type = VALID_INT, .doc = "the HTTP status"},
    {.name = "detail", .type = VALID_STR, .doc = "what happened, in a sentence"},
    {.name = "requestId", .type = VALID_STR, .doc = "the log has more under this id"},
    {.name = "errors",
     .type = VALID_LIST,
     .flags = VALID_MAYBE,
     .sub = &problem_entry_table,
     .doc = "with 422: every bad field, all of them at once"},
    {.name = "totpRequired",
     .type = VALID_BOOL,
     .flags = VALID_MAYBE,
     .doc = "with 401 at a login: the password is right and a code is due"},
};
const struct valid_table api_problem_table = {"Problem", problem_fields, ARRAY_LEN(problem_fields),
                                              0};

static bool unsafe(const struct route *r)
{
    return r->method != HTTP_GET;
}

int openapi_success(const struct route *r)
{
    return r->status ? r->status : r->out || r->media || !unsafe(r) ? 200 : 204;
}

/* Whether its answer carries an ETag. */
static bool conditional(const struct route *r)
{
    return r->method == HTTP_GET && r->out && strchr(r->pattern, ':') &&
           !(r->flags & (ROUTE_LIST | ROUTE_ARRAY));
}

const char *openapi_refusals(struct arena *a, const struct route *r)
{
    AUTO_BUF out = {0};
    bool login = r->permission != PERM_NOBODY_NEEDED;
    bool body = r->in || r->flags & ROUTE_BIG;
    if (conditional(r))
        buf_adds(&out, "304 ");
    if (body || r->method == HTTP_GET)
        buf_adds(&out, "400 ");
    if (login || r->rate == RATE_LOGIN || r->rate == RATE_WEBHOOK)
        buf_adds(&out, "401 ");
    if (login || r->rate == RATE_LOGIN)
        buf_adds(&out, "403 ");
    if (strchr(r->pattern, ':'))
        buf_adds(&out, "404 ");
    if (unsafe(r))
        buf_adds(&out, "409 ");
    if (r->flags & ROUTE_MATCH)
        buf_adds(&out, "412 ");
    if (unsafe(r))
        buf_adds(&out, "413 ");
    if (r->in || r->query || r->flags & ROUTE_LIST)
        buf_adds(&out, "422 ");
    if (r->rate != RATE_NONE)
        buf_adds(&out, "429 ");
    for (char **word = str_split(a, r->also ? r->also : "", ' '); *word; word++)
        if (**word && !strstr(buf_str(&out), *word))
            buf_addf(&out, "%s ", *word);
    if (!strstr(buf_str(&out), "503"))
        buf_adds(&out, "503 ");
    out.data[out.len - 1] = '\0';
    return arena_strdup(a, out.data);
}

static void parameter(struct openapi *p, const char *in, const char *name, const char *doc,
                      const struct valid_field *f)
{
    struct jw *w = &p->w;
    jw_begin(w);
    jw_kstr(w, "name", name);
    jw_kstr(w, "in", in);
    if (str_eq(in, "path") || (f && f->flags & VALID_REQUIRED))
        jw_kbool(w, "required", true);
    jw_kstr(w, "description", doc);
    jw_key(w, "schema");
    if (f) {
        openapi_field(p, f, INPUT);
    } else {
        jw_begin(w);
        jw_kstr(w, "type", "string");
        jw_end(w);
    }
    jw_end(w);
}

static void path_parameters(struct openapi *p, const char *pattern)
{
    for (const char *at = strchr(pattern, ':'); at; at = strchr(at + 1, ':')) {
        size_t n = strcspn(at + 1, "/");
        parameter(p, "path", arena_printf(&p->a, "%.*s", (int)n, at + 1), "an id", NULL);
    }
}

static void parameters(struct openapi *p, const struct route *r)
{
    static const struct valid_field limit = {
        .type = VALID_INT, .min = 1, .max = 200, .fallback = "50", .doc = "how many at most"};
    jw_key(&p->w, "parameters");
    jw_begin_array(&p->w);
    path_parameters(p, r->pattern);
    for (size_t i = 0; r->query && i < r->query->n; i++)
        parameter(p, "query", r->query->fields[i].name, r->query->fields[i].doc,
                  &r->query->fields[i]);
    if (r->flags & ROUTE_LIST) {
        parameter(p, "query", "limit", limit.doc, &limit);
        parameter(p, "query", "cursor", "out of the Link header of the page before", NULL);
    }
    if (conditional(r))
        parameter(p, "header", "If-None-Match", "an ETag: 304 when it is still so", NULL);
    if (r->flags & ROUTE_MATCH)
        parameter(p, "header", "If-Match", "an ETag: 412 when it is no longer so", NULL);
    if (r->method == HTTP_POST && !(r->flags & ROUTE_BIG))
        parameter(p, "header", "Idempotency-Key",
                  "the same key, caller and body within 24 hours give the first answer again",
                  NULL);
    jw_end_array(&p->w);
}

static void body(struct openapi *p, const struct route *r)
{
    struct jw *w = &p->w;
    if (!r->in)
        return;
    jw_key(w, "requestBody");
    jw_begin(w);
    jw_kbool(w, "required", !(r->flags & ROUTE_EMPTY));
    jw_key(w, "content");
    jw_begin(w);
    jw_key(w, "application/json");
    jw_begin(w);
    jw_key(w, "schema");
    jw_begin(w);
    openapi_refer(p, r->in, r->method == HTTP_PATCH ? CHANGE : INPUT);
    jw_end(w);
    jw_end(w);
    jw_end(w);
    jw_end(w);
}

static void header(struct openapi *p, const char *name, const char *doc)
{
    struct jw *w = &p->w;
    jw_key(w, name);
    jw_begin(w);
    jw_kstr(w, "description", doc);
    jw_key(w, "schema");
    jw_begin(w);
    jw_kstr(w, "type", "string");
    jw_end(w);
    jw_end(w);
}

static void headers(struct openapi *p, const struct route *r, int status)
{
    struct jw *w = &p->w;
    jw_key(w, "headers");
    jw_begin(w);
    header(p, "X-Request-Id", "the request's id, in the log and the audit log as well");
    if (status == 302)
        header(p, "Location", "where to go on");
    if (status == 201)
        header(p, "Location", "the new resource");
    if (r->flags & ROUTE_LIST)
        header(p, "Link", "rel=\"next\": the page behind this one");
    jw_end(w);
}

static void answer(struct openapi *p, const struct route *r, int status)
{
    struct jw *w = &p->w;
    jw_key(w, arena_printf(&p->a, "%d", status));
    jw_begin(w);
    jw_kstr(w, "description", http_status_text(status));
    headers(p, r, status);
    if ((r->out || r->media) && status < 300) {
        jw_key(w, "content");
        jw_begin(w);
        jw_key(w, r->media ? r->media : "application/json");
        jw_begin(w);
        jw_key(w, "schema");
        jw_begin(w);
        if (r->media) {
            jw_kstr(w, "type", "string");
        } else if (r->flags & (ROUTE_LIST | ROUTE_ARRAY)) {
            jw_kstr(w, "type", "array");
            jw_key(w, "items");
            jw_begin(w);
            openapi_refer(p, r->out, ANSWER);
            jw_end(w);
        } else {
            openapi_refer(p, r->out, ANSWER);
        }
        jw_end(w);
        jw_end(w);
        jw_end(w);
    }
    jw_end(w);
}

static void responses(struct openapi *p, const struct route *r)
{
    struct jw *w = &p->w;
    jw_key(w, "responses");
    jw_begin(w);
    answer(p, r, openapi_success(r));
    for (char **word = str_split(&p->a, openapi_refusals(&p->a, r), ' '); *word; word++) {
        if (**word < '4') {
            answer(p, r, (int)strtol(*word, NULL, 10));
            continue;
        }
        jw_key(w, *word);
        jw_begin(w);
        jw_kstr(w, "$ref", "#/components/responses/Problem");
        jw_end(w);
    }
    jw_end(w);
}

/* "getApplicationsByIdLogs" */
static const char *operation_id(struct openapi *p, const struct route *r)
{
    AUTO_BUF id = {0};
    buf_adds(&id, str_lower(&p->a, http_method_name(r->method)));
    char **part = str_split(&p->a, r->pattern + 1, '/');
    for (part += str_eq(*part, "api"); *part; part++) {
        const char *word = *part;
        bool up = true;
        if (*word == ':') {
            buf_adds(&id, "By");
            word++;
        }
        for (; *word; word++) {
            if (isalnum((unsigned char)*word))
                buf_addc(&id, (char)(up ? toupper((unsigned char)*word) : *word));
            up = !isalnum((unsigned char)*word);
        }
    }
    return buf_dup(&id, &p->a);
}

static const char *tag_of(struct openapi *p, const struct route *r)
{
    char **part = str_split(&p->a, r->pattern + 1, '/');
    return str_eq(*part, "api") && part[1] ? part[1] : "health";
}

static void operation(struct openapi *p, const struct route *r)
{
    struct jw *w = &p->w;
    bool open = r->permission == PERM_NOBODY_NEEDED;
    jw_key(w, str_lower(&p->a, http_method_name(r->method)));
    jw_begin(w);
    jw_kstr(w, "operationId", operation_id(p, r));
    jw_kstr(w, "summary", r->doc);
    jw_kstr(w, "description",
            arena_printf(&p->a, "%s%s%s", r->note ? r->note : "", r->note ? " " : "",
                         open ? "No login is needed."
                              : arena_printf(&p->a, "Permission: %s.",
                                             rbac_permission_name(r->permission))));
    jw_key(w, "tags");
    jw_begin_array(w);
    jw_str(w, tag_of(p, r));
    jw_end_array(w);
    if (open)
        jw_kraw(w, "security", "[]");
    parameters(p, r);
    body(p, r);
    responses(p, r);
    jw_end(w);
}

/* "/api/projects/{id}" */
static const char *braced(struct openapi *p, const char *pattern)
{
    AUTO_BUF out = {0};
    for (; *pattern; pattern++) {
        if (*pattern != ':') {
            buf_addc(&out, *pattern);
            continue;
        }
        size_t n = strcspn(pattern + 1, "/");
        buf_addf(&out, "{%.*s}", (int)n, pattern + 1);
        pattern += n;
    }
    return buf_dup(&out, &p->a);
}

static bool described(const struct route *r)
{
    return r->doc && !(r->flags & ROUTE_PAGE);
}

/* Every operation of R's pattern, when R is the first route that has it. */
static void path(struct openapi *p, const struct route_table *const *tables, const struct route *r)
{
    bool open = false;
    for (const struct route_table *const *t = tables; *t; t++)
        for (size_t i = 0; i < (*t)->n; i++) {
            const struct route *other = &(*t)->routes[i];
            if (!described(other) || !str_eq(other->pattern, r->pattern))
                continue;
            if (!open && other != r)
                return;
            if (!open) {
                jw_key(&p->w, braced(p, r->pattern));
                jw_begin(&p->w);
                open = true;
            }
            operation(p, other);
        }
    jw_end(&p->w);
}

static void components(struct openapi *p)
{
    struct jw *w = &p->w;
    jw_key(w, "components");
    jw_begin(w);
    jw_kraw(w, "securitySchemes",
            "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"a session's "
            "token or an API token\"},\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":"
            "\"slipway_session\",\"description\":\"unsafe requests also carry the session's "
            "csrfToken in X-CSRF-Token\"}}");
    jw_key(w, "responses");
    jw_begin(w);
    jw_key(w, "Problem");
    jw_begin(w);
    jw_kstr(w, "description", "refused; the body says why (RFC 9457)");
    jw_key(w, "content");
    jw_begin(w);
    jw_key(w, "application/problem+json");
    jw_begin(w);
    jw_key(w, "schema");
    jw_begin(w);
    openapi_refer(p, &api_problem_table, ANSWER);
    jw_end(w);
    jw_end(w);
    jw_end(w);
    jw_end(w);
    jw_end(w);
    jw_key(w, "schemas");
    openapi_schemas(p);
    jw_end(w);
}

void openapi_print(const struct route_table *const *tables, struct buf *out)
{
    struct openapi p = {.n = 0};
    jw_init(&p.w, out);
    jw_begin(&p.w);
    jw_kstr(&p.w, "openapi", "3.1.0");
    jw_key(&p.w, "info");
    jw_begin(&p.w);
    jw_kstr(&p.w, "title", "Slipway");
    jw_kstr(&p.w, "version", PACKAGE_VERSION);
    jw_kstr(&p.w, "description",
            "Builds what a git repository holds, runs it as a Docker Swarm service, watches it and "
            "puts the last good release back.");
    jw_kraw(&p.w, "license", "{\"name\":\"MIT\",\"identifier\":\"MIT\"}");
    jw_end(&p.w);
    jw_kraw(&p.w, "servers", "[{\"url\":\"/\",\"description\":\"this server\"}]");
    jw_kraw(&p.w, "security", "[{\"bearer\":[]},{\"cookie\":[]}]");
    jw_key(&p.w, "paths");
    jw_begin(&p.w);
    for (const struct route_table *const *t = tables; *t; t++)
        for (size_t i = 0; i < (*t)->n; i++)
            if (described(&(*t)->routes[i]))
                path(&p, tables, &(*t)->routes[i]);
    jw_end(&p.w);
    components(&p);
    jw_end(&p.w);
    arena_release(&p.a);
}

static int handle_openapi(struct api_call *c, struct err *err)
{
    (void)err;
    openapi_print(api_routes, &c->res->body);
    api_send(c, 200, "");
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/openapi.json", handle_openapi, NOBODY_NEEDED, PAGE, .doc = "This description",
          .media = "application/json"),
};
const struct route_table api_openapi_routes = {routes, ARRAY_LEN(routes)};

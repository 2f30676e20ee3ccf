/* SPDX-License-Identifier: MIT */
/* Reading the audit log. */
#include <string.h>

#include "api/routes.h"
#include "base/str.h"
#include "store/audit.h"

enum { EXPORT_PAGE = 1000, EXPORT_MOST = 100000, FILTER_MOST = 300 };

#define DERIVED(name_, type_, flags_, doc_)                                                      \
    {                                                                                            \
        .name = (name_), .type = VALID_##type_, .flags = VALID_DERIVED | (flags_), .doc = (doc_) \
    }
static const struct valid_field fields[] = {
    FIELD_ID,
    DERIVED("at", TIME, 0, "when it happened"),
    DERIVED("actorId", STR, VALID_NULLABLE, "the user's id; null where nobody was logged in"),
    DERIVED("actor", STR, 0, "the name at that time"),
    DERIVED("action", STR, 0, "what was done, as application.create or auth.failed"),
    DERIVED("resource", STR, VALID_NULLABLE, "to what, as application:ID"),
    {.name = "outcome",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "success|denied|failed",
     .doc = "denied: the caller was not allowed to"},
    DERIVED("address", STR, 0, "from where"),
    DERIVED("requestId", STR, 0, "the request, as in the log"),
    {.name = "change",
     .type = VALID_OBJECT,
     .flags = VALID_DERIVED | VALID_NULLABLE | VALID_ANY,
     .doc = "what was sent, secrets masked"},
};
static const struct valid_table table = {"AuditEntry", fields, ARRAY_LEN(fields), 0};

static const struct valid_field query_fields[] = {
    {.name = "actor", .type = VALID_STR, .max = FILTER_MOST, .doc = "a user's id or name"},
    {.name = "action",
     .type = VALID_STR,
     .max = FILTER_MOST,
     .doc = "an action, or with a point at its end every action that begins so"},
    {.name = "resource", .type = VALID_STR, .max = FILTER_MOST, .doc = "as application:ID"},
    {.name = "from", .type = VALID_TIME, .doc = "from this moment on"},
    {.name = "to", .type = VALID_TIME, .doc = "before this moment"},
};
static const struct valid_table query = {"AuditFilter", query_fields, ARRAY_LEN(query_fields), 0};

static const char *text_filter(struct api_call *c, const char *name)
{
    const char *text = http_query(c->req, name);
    if (text && str_utf8_len(text) > FILTER_MOST)
        problem_add(&c->problems, name, "must have at most %d characters", FILTER_MOST);
    return text && *text ? text : NULL;
}

static int read_filter(struct api_call *c, struct store_audit_filter *f, struct err *err)
{
    *f = (struct store_audit_filter){.actor = text_filter(c, "actor"),
                                     .action = text_filter(c, "action"),
                                     .resource = text_filter(c, "resource")};
    if (api_moment(c, "from", &f->from, err) < 0 || api_moment(c, "to", &f->to, err) < 0)
        return -1;
    return api_refuse(c, err);
}

static void write_entry(const void *e, struct jw *w)
{
    store_audit_json(e, w);
}

static int send_list(struct api_call *c, const struct store_audit_filter *f, struct err *err)
{
    struct store_page page;
    struct store_audits list;
    if (api_page(c, &page, err) < 0 ||
        store_audit_list(c->api->pg, c->arena, f, &page, &list, err) < 0)
        return -1;
    api_send_list(c, list.list, list.n, sizeof(*list.list), write_entry, list.more,
                  list.n ? list.list[list.n - 1].id : NULL);
    return 0;
}

/* An entry a line (https://github.com/ndjson/ndjson-spec), the newest first. */
static int send_export(struct api_call *c, const struct store_audit_filter *f, struct err *err)
{
    AUTO_ARENA turn = {0};
    struct store_audits list;
    struct store_page page = {.limit = EXPORT_PAGE, .cursor = http_query(c->req, "cursor")};
    struct store_page checked;
    size_t n = 0;
    if (api_page(c, &checked, err) < 0)
        return -1;
    api_audit(c, "audit.export", NULL);
    do {
        if (store_audit_list(c->api->pg, &turn, f, &page, &list, err) < 0)
            return -1;
        for (size_t i = 0; i < list.n; i++) {
            struct jw w;
            jw_init(&w, &c->res->body);
            jw_begin(&w);
            store_audit_json(&list.list[i], &w);
            jw_end(&w);
            buf_addc(&c->res->body, '\n');
        }
        n += list.n;
        if (list.n)
            page.cursor = arena_strdup(c->arena, list.list[list.n - 1].id);
        arena_reset(&turn);
    } while (list.more && n < EXPORT_MOST);
    if (list.more)
        api_next_page(c, page.cursor);
    http_set(c->res, "Content-Type", "application/x-ndjson");
    http_set(c->res, "Content-Disposition", "attachment; filename=\"audit.ndjson\"");
    return 0;
}

static int handle_list(struct api_call *c, struct err *err)
{
    struct store_audit_filter f;
    const char *accept = http_header(c->req, "Accept");
    if (read_filter(c, &f, err) < 0)
        return -1;
    if (accept && strstr(accept, "application/x-ndjson"))
        return send_export(c, &f, err);
    return send_list(c, &f, err);
}

static const struct route routes[] = {
    ROUTE(GET, "/api/audit", handle_list, AUDIT_READ, USER, .doc = "Read the audit log",
          .note = "With Accept: application/x-ndjson it is an export, an entry a line, at most "
                  "100,000 at a time.",
          .query = &query, .out = &table, .flags = ROUTE_LIST),
};
const struct route_table api_audit_routes = {routes, ARRAY_LEN(routes)};

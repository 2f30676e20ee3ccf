/* SPDX-License-Identifier: MIT */
/* Webhook deliveries: why a push did something, or nothing; and doing it again. */
#include <string.h>

#include "api/app.h"
#include "api/hook.h"
#include "base/str.h"
#include "pages/page.h"
#include "pages/pages.h"

/* An outcome in the colours and signs of the deployments' states. */
static struct view_status outcome_of(const char *word)
{
    static const struct {
        const char *outcome;
        struct view_status status;
    } outcomes[] = {{"deployed", {"success", "Deployed"}},
                    {"ignored", {"cancelled", "Ignored"}},
                    {"ping", {"running", "Ping"}},
                    {"refused", {"failed", "Refused"}}};
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        if (str_eq(word, outcomes[i].outcome))
            return outcomes[i].status;
    BUG("there is no outcome %s", word);
}

static const char *provider_of(const char *word)
{
    static const char *const names[][2] = {
        {"github", "GitHub"}, {"gitlab", "GitLab"}, {"docker", "Docker"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(word, names[i][0]))
            return names[i][1];
    return word;
}

/* A reason as the beginning of a sentence. */
static const char *reason_of(struct api_call *c, const struct store_delivery *d)
{
    if (str_eq(d->outcome, "ping"))
        return "A ping only says that it arrives";
    char *reason = arena_strdup(c->arena, d->reason);
    if (reason && *reason >= 'a' && *reason <= 'z')
        *reason = (char)(*reason - 'a' + 'A');
    return reason;
}

static void fill_row(struct api_call *c, const struct store_delivery *d,
                     struct view_delivery_row *row)
{
    AUTO_JSON *ids = NULL;
    struct err err;
    const char *repository = d->repository ? d->repository : "no repository";
    const char *slash = strchr(repository, '/');
    size_t host = slash ? (size_t)(slash - repository) + 1 : 0;
    *row = (struct view_delivery_row){
        .id = d->id,
        .provider = provider_of(d->provider),
        .event = *d->event ? d->event : "no event",
        .host = arena_memdup(c->arena, repository, host),
        .path = repository + host,
        .ref = d->ref && str_starts(d->ref, "refs/heads/") ? d->ref + 11 : d->ref,
        .commit = d->commit_sha ? page_commit(c->arena, d->commit_sha) : NULL,
        .reason = reason_of(c, d),
        .outcome = outcome_of(d->outcome),
        .when = page_time(c->arena, d->at),
    };
    if (d->deployments && json_parse(d->deployments, strlen(d->deployments), &ids, &err) == 0 &&
        json_len(ids))
        row->deployment_id =
            arena_strdup(c->arena, json_object_get_string(json_object_array_get_idx(ids, 0)));
}

static int get_list(struct api_call *c, struct err *err)
{
    struct store_page page;
    struct store_deliveries list;
    struct view_deliveries v = {0};
    if (api_page(c, &page, err) < 0 || api_delivery_list(c, &page, &list, err) < 0)
        return -1;
    page_begin(c, &v.page, "Webhooks", "webhooks");
    v.rows.n = list.n;
    v.rows.list = ARENA_ARRAY(c->arena, list.n + 1, struct view_delivery_row);
    for (size_t i = 0; i < list.n; i++)
        fill_row(c, &list.list[i], &v.rows.list[i]);
    page_list(c, &v.pages, list.n, list.more, list.n ? list.list[list.n - 1].id : "");
    tpl_webhook_list(&c->res->body, &v);
    return page_send(c, 200);
}

static const char *pretty(struct api_call *c, const char *json)
{
    AUTO_JSON *o = NULL;
    struct err err;
    if (json_parse(json, strlen(json), &o, &err) < 0)
        return json; /* cut, or a form */
    return arena_strdup(c->arena, json_object_to_json_string_ext(
                                      o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                             JSON_C_TO_STRING_NOSLASHESCAPE));
}

static const char *in_words(struct api_call *c, const struct hook *h)
{
    if (h->n_starts)
        return "It would deploy the application.";
    return h->row.reason ? arena_printf(c->arena, "It would do nothing: %s.", h->row.reason)
                         : "It would do nothing.";
}

static int show(struct api_call *c, const char *problem, int status, struct err *err)
{
    struct store_delivery d;
    struct store_app app;
    struct hook now;
    struct view_delivery v = {.problem = problem};
    const char *role;
    if (api_delivery_get(c, c->req->params[0], &d, &role, err) < 0 ||
        api_delivery_explain(c, &d, &now, err) < 0)
        return -1;
    page_begin(c, &v.page, "Delivery", "webhooks");
    page_crumb(c->arena, &v.crumbs, "Webhooks", "/webhooks");
    page_crumb(c->arena, &v.crumbs, "Delivery", NULL);
    fill_row(c, &d, &v.row);
    v.repeats = d.redelivery_of;
    v.address = d.address;
    v.request_id = d.request_id;
    v.headers = pretty(c, d.headers);
    v.payload = *d.body ? pretty(c, d.body) : NULL;
    v.now = in_words(c, &now);
    v.can_redeliver =
        d.proved && !str_eq(d.outcome, "ping") && page_may(c, role, PERM_APPLICATION_DEPLOY);
    struct err gone;
    if (d.application_id &&
        api_app_load(c, d.application_id, PERM_APPLICATION_READ, &app, NULL, &gone) == 0) {
        v.application_id = app.id;
        v.application = app.name;
    }
    tpl_webhook_show(&c->res->body, &v);
    return page_send(c, status);
}

static int get_show(struct api_call *c, struct err *err)
{
    return show(c, NULL, 200, err);
}

static int post_redeliver(struct api_call *c, struct err *err)
{
    struct store_delivery d;
    if (api_delivery_redeliver(c, c->req->params[0], &d, err) == 0)
        return page_redirect(c, TOAST_REDELIVERED, arena_printf(c->arena, "/webhooks/%s", d.id));
    if (!page_form_error(c, err))
        return -1;
    const char *problem = arena_strdup(c->arena, err->msg);
    return show(c, problem, err_http_status(err->code), err);
}

static const struct route routes[] = {
    ROUTE(GET, "/webhooks", get_list, DELIVERY_READ, PAGE, .flags = ROUTE_PAGE),
    ROUTE(GET, "/webhooks/:id", get_show, DELIVERY_READ, PAGE, .flags = ROUTE_PAGE),
    ROUTE(POST, "/webhooks/:id/redeliver", post_redeliver, APPLICATION_DEPLOY, USER,
          .flags = ROUTE_PAGE),
};
const struct route_table pages_webhook_routes = {routes, ARRAY_LEN(routes)};

/* SPDX-License-Identifier: MIT */
/* Webhook deliveries, looked at afterwards: why a push did nothing, and doing it again. */
#include "api/app.h"
#include "api/crud.h"
#include "api/deployment.h"
#include "api/hook.h"
#include "base/imageref.h"
#include "base/rand.h"
#include "base/str.h"

#define DERIVED(name_, type_, flags_, doc_)                                                      \
    {                                                                                            \
        .name = (name_), .type = VALID_##type_, .flags = VALID_DERIVED | (flags_), .doc = (doc_) \
    }
#define OUTCOMES "deployed|ignored|ping|refused"
static const struct valid_field fields[] = {
    FIELD_ID,
    {.name = "provider",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = "github|gitlab|docker",
     .doc = "whose format it has"},
    DERIVED("deliveryId", STR, 0, "the sender's own id of it"),
    DERIVED("event", STR, 0, "what it tells of"),
    DERIVED("repository", STR, VALID_NULLABLE, "the repository or image, in its normal form"),
    DERIVED("ref", STR, VALID_NULLABLE, "the branch or tag"),
    DERIVED("commitSha", STR, VALID_NULLABLE, "the commit"),
    DERIVED("commitMessage", STR, VALID_NULLABLE, "and its message"),
    DERIVED("applicationId", STR, VALID_NULLABLE, "the application that it is about"),
    {.name = "outcome",
     .type = VALID_ENUM,
     .flags = VALID_DERIVED,
     .choices = OUTCOMES,
     .doc = "refused: its proof was not good"},
    DERIVED("reason", STR, VALID_NULLABLE, "why nothing was started"),
    DERIVED("deployments", LIST, 0, "ids of what was started"),
    DERIVED("redeliveryOf", STR, VALID_NULLABLE, "the delivery that it repeats"),
    DERIVED("address", STR, 0, "where it came from"),
    DERIVED("requestId", STR, 0, "the request, as in the log"),
    DERIVED("at", TIME, 0, "when it came"),
    {.name = "headers",
     .type = VALID_OBJECT,
     .flags = VALID_DERIVED | VALID_MAYBE | VALID_ANY,
     .doc = "of one delivery alone: its headers, secrets masked"},
    DERIVED("body", STR, VALID_MAYBE,
            "of one delivery alone: the payload, secrets masked, at most 64 KiB"),
};
static const struct valid_table table = {"Delivery", fields, ARRAY_LEN(fields), 0};

static const struct valid_field query_fields[] = {
    {.name = "applicationId", .type = VALID_STR, .doc = "of this application"},
    {.name = "outcome", .type = VALID_ENUM, .choices = OUTCOMES, .doc = "with this outcome"},
};
static const struct valid_table query = {"DeliveryFilter", query_fields, ARRAY_LEN(query_fields),
                                         0};

int api_delivery_list(struct api_call *c, const struct store_page *page,
                      struct store_deliveries *out, struct err *err)
{
    struct store_delivery_filter f = {0};
    if (api_id_filter(c, "applicationId", &f.application_id, err) < 0 ||
        api_choice(c, "outcome", OUTCOMES, &f.outcome, err) < 0)
        return -1;
    return store_delivery_list(c->api->pg, c->arena, &c->scope, &f, page, out, err);
}

static int list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                struct err *err)
{
    struct store_deliveries found;
    if (api_delivery_list(c, page, &found, err) < 0)
        return -1;
    CRUD_LIST(out, found);
    return 0;
}

/* The permission's role is *role_out, which may be NULL. */
static int load_role(struct api_call *c, const char *id, enum permission p,
                     struct store_delivery *out, const char **role_out, struct err *err)
{
    const char *role;
    if (api_check_id(id, "delivery", err) < 0 ||
        store_delivery_get(c->api->pg, c->arena, &c->scope, id, out, &role, err) < 0)
        return -1;
    if (role_out)
        *role_out = role;
    return api_require(c, role, p, err);
}

static int load(struct api_call *c, const char *id, enum permission p, struct store_delivery *out,
                struct err *err)
{
    return load_role(c, id, p, out, NULL, err);
}

int api_delivery_get(struct api_call *c, const char *id, struct store_delivery *out,
                     const char **role, struct err *err)
{
    return load_role(c, id, PERM_DELIVERY_READ, out, role, err);
}

static void write_row(const void *d, struct jw *w)
{
    store_delivery_json(d, false, w);
}

static void write_whole(const void *d, struct jw *w)
{
    store_delivery_json(d, true, w);
}

static const struct crud crud = {.path = "/api/webhooks/deliveries",
                                 .size = sizeof(struct store_delivery),
                                 .write = write_row,
                                 .list = list};

static int handle_get(struct api_call *c, struct err *err)
{
    struct store_delivery d;
    if (load(c, c->req->params[0], PERM_DELIVERY_READ, &d, err) < 0)
        return -1;
    api_send_one(c, 200, &d, write_whole);
    return 0;
}

static void recall_image(struct api_call *c, const struct store_delivery *d, struct hook *h)
{
    h->token = "";
    h->kind = d->ref && d->repository ? HOOK_IMAGE : HOOK_OTHER;
    h->images = ARENA_ARRAY(c->arena, 2, const char *);
    if (h->kind == HOOK_IMAGE)
        h->images[0] = arena_printf(c->arena, "%s:%s", d->repository, d->ref);
}

/* What the recorded delivery says, about its application as it is now. */
static int recall(struct api_call *c, const struct store_delivery *d, struct hook *h,
                  struct err *err)
{
    hook_init(c, h, d->provider, d->event, NULL);
    struct store_delivery fresh = h->row;
    h->row = *d;
    h->row.id = fresh.id;
    h->row.address = fresh.address;
    h->row.request_id = fresh.request_id;
    h->row.delivery_id = arena_printf(c->arena, "redelivery:%s", fresh.id);
    h->row.redelivery_of = d->id;
    h->row.reason = NULL;
    h->commit_sha = d->commit_sha;
    h->commit_message = d->commit_message;
    bool branch = d->ref && str_starts(d->ref, "refs/heads/");
    h->branch = branch ? d->ref + 11 : NULL;
    if (str_eq(d->outcome, "ping"))
        h->kind = HOOK_PING;
    else if (str_eq(d->provider, "docker"))
        recall_image(c, d, h);
    else
        h->kind = !d->ref         ? HOOK_OTHER
                  : !branch       ? HOOK_TAG
                  : d->commit_sha ? HOOK_PUSH
                                  : HOOK_DELETED;
    h->apps = ARENA_NEW(c->arena, struct store_hook);
    if (!d->application_id)
        return 0;
    if (store_app_hook_of(c->api->pg, c->arena, d->application_id, h->apps, err) < 0)
        return err->code == ERR_NOT_FOUND ? 0 : -1;
    h->n = 1;
    return 0;
}

int api_delivery_redeliver(struct api_call *c, const char *id, struct store_delivery *out,
                           struct err *err)
{
    struct store_delivery d;
    struct hook h;
    bool fresh;
    api_audit(c, "delivery.redeliver", id);
    if (load(c, id, PERM_APPLICATION_DEPLOY, &d, err) < 0)
        return -1;
    if (!d.proved)
        return err_set(err, ERR_CONFLICT,
                       "its proof was not good; have the sender deliver it again");
    if (recall(c, &d, &h, err) < 0)
        return -1;
    if (!h.n)
        return err_set(err, ERR_CONFLICT, "its application was deleted");
    hook_plan(c, &h);
    if ((h.n_starts && api_need_queue(c, err) < 0) ||
        store_delivery_insert(c->api->pg, c->arena, &h.row, h.starts, h.n_starts, &fresh, err) < 0)
        return -1;
    api_enqueue(c, h.starts, h.n_starts);
    return load(c, h.row.id, PERM_DELIVERY_READ, out, err);
}

static int handle_redeliver(struct api_call *c, struct err *err)
{
    struct store_delivery d;
    if (api_delivery_redeliver(c, c->req->params[0], &d, err) < 0)
        return -1;
    api_send_one(c, 202, &d, write_whole);
    return 0;
}

static const struct valid_field explain_fields[] = {
    {.name = "outcome", .type = VALID_ENUM, .choices = OUTCOMES, .doc = "what it would come to"},
    {.name = "reason",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .doc = "why it would start nothing"},
    {.name = "applications", .type = VALID_LIST, .doc = "ids of what it would deploy"},
};
static const struct valid_table explain_table = {"DeliveryExplanation", explain_fields,
                                                 ARRAY_LEN(explain_fields), 0};

int api_delivery_explain(struct api_call *c, const struct store_delivery *d, struct hook *out,
                         struct err *err)
{
    if (recall(c, d, out, err) < 0)
        return -1;
    if (d->proved && out->n) {
        hook_plan(c, out);
    } else {
        out->row.outcome = d->proved ? "ignored" : "refused";
        out->row.reason = d->proved ? "its application was deleted" : d->reason;
    }
    return 0;
}

static int handle_explain(struct api_call *c, struct err *err)
{
    struct store_delivery d;
    struct hook h;
    struct jw w;
    if (load(c, c->req->params[0], PERM_DELIVERY_READ, &d, err) < 0 ||
        api_delivery_explain(c, &d, &h, err) < 0)
        return -1;
    api_begin(c, &w);
    jw_begin(&w);
    jw_kstr(&w, "outcome", h.row.outcome);
    jw_kstr(&w, "reason", h.row.reason);
    jw_key(&w, "applications");
    jw_begin_array(&w);
    for (size_t i = 0; i < h.n_starts; i++)
        jw_str(&w, h.starts[i].application_id);
    jw_end_array(&w);
    jw_end(&w);
    api_send(c, 200, NULL);
    return 0;
}

static const struct route routes[] = {
    ROUTE(GET, "/api/webhooks/deliveries", crud_list, DELIVERY_READ, USER,
          .doc = "List the webhook deliveries", .crud = &crud, .query = &query, .out = &table,
          .flags = ROUTE_LIST),
    ROUTE(GET, "/api/webhooks/deliveries/:id", handle_get, DELIVERY_READ, USER,
          .doc = "Read a webhook delivery", .out = &table),
    ROUTE(POST, "/api/webhooks/deliveries/:id/redeliver", handle_redeliver, APPLICATION_DEPLOY,
          USER, .doc = "Do again what a delivery says",
          .note = "Also what was seen before; one whose proof was not good is refused.",
          .out = &table, .status = 202, .flags = ROUTE_EMPTY),
    ROUTE(POST, "/api/webhooks/deliveries/:id/explain", handle_explain, DELIVERY_READ, USER,
          .doc = "Say what a delivery would do now", .out = &explain_table, .flags = ROUTE_EMPTY),
};
const struct route_table api_delivery_routes = {routes, ARRAY_LEN(routes)};

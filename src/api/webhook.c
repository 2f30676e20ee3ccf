/* SPDX-License-Identifier: MIT */
/*
 * POST /api/webhooks/github: GitHub's push and ping deliveries.
 * Format: https://docs.github.com/en/webhooks (payloads, X-Hub-Signature-256).
 */
#include <stdio.h>
#include <string.h>

#include "api/deployment.h"
#include "api/routes.h"
#include "base/giturl.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/app.h"
#include "store/delivery.h"

struct delivery {
    struct store_delivery row;
    struct json_object *payload;
    struct store_hook *hooks; /* applications whose secret made the signature */
    size_t n;
    struct store_deployment *starts;
    size_t n_starts;
};

static int unknown(struct err *err)
{
    return err_set(err, ERR_UNAUTHORIZED,
                   "the signature fits no application that is deployed from this repository");
}

static bool signed_with(const struct http_request *r, const char *secret, const char *signature)
{
    unsigned char mac[SHA256_SIZE], given[SHA256_SIZE];
    hmac_sha256(secret, strlen(secret), r->body, r->body_len, mac);
    return str_starts(signature, "sha256=") && hex_decode(signature + 7, given, sizeof(given)) &&
           str_eq_secret((char *)mac, sizeof(mac), (char *)given, sizeof(given));
}

static int secret_fits(struct api_call *c, const struct store_hook *h, const char *signature,
                       bool *fits, struct err *err)
{
    char *secret;
    *fits = false;
    if (secret_open(&c->api->keys, c->arena, h->app.id, h->secret, h->secret_len, &secret, err) < 0)
        return -1;
    *fits = signed_with(c->req, secret, signature);
    if (*fits || !h->old_secret)
        return 0;
    if (secret_open(&c->api->keys, c->arena, h->app.id, h->old_secret, h->old_secret_len, &secret,
                    err) < 0)
        return -1;
    *fits = signed_with(c->req, secret, signature);
    return 0;
}

/* The applications of the repository for which the signature is good. An unknown repository costs
 * the same work as a known one and gives the same answer. */
static int prove(struct api_call *c, struct delivery *d, struct err *err)
{
    const char *signature = http_header(c->req, "X-Hub-Signature-256");
    const char *url = json_str_at(d->payload, "repository/clone_url");
    if (!url)
        url = json_str_at(d->payload, "repository/html_url");
    d->row.repository = url ? giturl_normal(c->arena, url) : NULL;
    struct store_hook *hooks = NULL;
    size_t n = 0;
    if (d->row.repository &&
        store_app_hooks(c->api->pg, c->arena, d->row.repository, &hooks, &n, err) < 0)
        return -1;
    if (!signature)
        signature = "";
    if (!n)
        signed_with(c->req, "nobody's secret", signature);
    d->hooks = ARENA_ARRAY(c->arena, n, struct store_hook);
    for (size_t i = 0; i < n; i++) {
        bool fits;
        if (secret_fits(c, &hooks[i], signature, &fits, err) < 0)
            return -1;
        if (fits)
            d->hooks[d->n++] = hooks[i];
    }
    if (!d->n)
        return unknown(err);
    d->row.application_id = d->hooks[0].app.id;
    return 0;
}

static int read_payload(struct api_call *c, struct json_object **out, struct err *err)
{
    const struct http_request *r = c->req;
    if (str_eq(r->content_type, "application/x-www-form-urlencoded")) {
        const char *payload = http_form(r, "payload");
        if (!payload)
            return err_set(err, ERR_MALFORMED, "the form has no field 'payload'");
        return json_parse(payload, strlen(payload), out, err);
    }
    return json_parse(r->body, r->body_len, out, err);
}

static bool asks_to_skip(const char *message)
{
    return message && (strstr(message, "[skip ci]") || strstr(message, "[skip deploy]"));
}

/* What a push starts; sets the reason where it starts nothing. */
static int plan_push(struct api_call *c, struct delivery *d, struct err *err)
{
    const char *ref = json_str_at(d->payload, "ref");
    const char *sha = json_str_at(d->payload, "after");
    const char *message = json_str_at(d->payload, "head_commit/message");
    if (!ref || !sha || !str_is_hex(sha, 40, 40))
        return err_set(err, ERR_MALFORMED, "the push has no 'ref' or no 'after'");
    d->row.outcome = "ignored";
    if (!str_starts(ref, "refs/heads/")) {
        d->row.reason = arena_printf(c->arena, "%.200s is no branch", ref);
        return 0;
    }
    const char *branch = ref + strlen("refs/heads/");
    if (json_bool_at(d->payload, "deleted", false) || strspn(sha, "0") == 40) {
        d->row.reason = arena_printf(c->arena, "the branch %.200s was deleted", branch);
        return 0;
    }
    if (asks_to_skip(message)) {
        d->row.reason = "the commit's message asks to skip";
        return 0;
    }
    d->starts = ARENA_ARRAY(c->arena, d->n, struct store_deployment);
    bool off = false;
    for (size_t i = 0; i < d->n; i++) {
        const struct store_app *app = &d->hooks[i].app;
        if (!str_eq(app->branch, branch))
            continue;
        if (!app->auto_deploy) {
            off = true;
            continue;
        }
        d->starts[d->n_starts++] = (struct store_deployment){
            .id = uuid_new(c->arena),
            .application_id = app->id,
            .trigger = "webhook",
            .branch = app->branch,
            .commit_sha = str_lower(c->arena, sha),
            .commit_message =
                message ? str_utf8_scrub(c->arena, message, strnlen(message, 10000)) : NULL,
        };
    }
    if (d->n_starts)
        d->row.outcome = "deployed";
    else
        d->row.reason =
            off ? "automatic deployment is off"
                : arena_printf(c->arena, "no application is deployed from %.200s", branch);
    return 0;
}

static int plan(struct api_call *c, struct delivery *d, struct err *err)
{
    if (str_eq(d->row.event, "ping")) {
        d->row.outcome = "ping";
        return 0;
    }
    if (str_eq(d->row.event, "push"))
        return plan_push(c, d, err);
    d->row.outcome = "ignored";
    d->row.reason = "only pushes deploy";
    return 0;
}

static void answer(struct api_call *c, int status, const struct delivery *d)
{
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    jw_key(&w, "deployments");
    jw_begin_array(&w);
    for (size_t i = 0; i < d->n_starts; i++)
        jw_str(&w, d->starts[i].id);
    jw_end_array(&w);
    if (d->row.reason)
        jw_kstr(&w, "reason", d->row.reason);
    jw_end(&w);
    api_send(c, status, NULL);
}

static int handle(struct api_call *c, struct json_object *payload, struct err *err)
{
    const char *event = http_header(c->req, "X-GitHub-Event");
    const char *delivery = http_header(c->req, "X-GitHub-Delivery");
    struct delivery d = {
        .payload = payload,
        .row = {.id = uuid_new(c->arena),
                .provider = "github",
                .event = event ? str_utf8_scrub(c->arena, event, strnlen(event, 100)) : "",
                .address = c->req->address,
                .request_id = c->req->id},
    };
    /* without an id of its own a delivery is known by what it says */
    d.row.delivery_id = delivery && strlen(delivery) <= 200 && *delivery
                            ? str_utf8_scrub(c->arena, delivery, strlen(delivery))
                            : sha256_hex(c->arena, c->req->body, c->req->body_len);
    if (prove(c, &d, err) < 0 || plan(c, &d, err) < 0 || (d.n_starts && api_need_queue(c, err) < 0))
        return -1;
    bool fresh;
    if (store_delivery_insert(c->api->pg, c->arena, &d.row, d.starts, d.n_starts, &fresh, err) < 0)
        return -1;
    if (!fresh) {
        d.n_starts = 0;
        d.row.reason = "this delivery was seen before";
        answer(c, 200, &d);
        return 0;
    }
    for (size_t i = 0; i < d.n_starts; i++)
        api_audit(c, "application.deploy", d.starts[i].application_id)->actor = "github webhook";
    api_enqueue(c, d.starts, d.n_starts);
    answer(c, str_eq(d.row.outcome, "ping") ? 200 : 202, &d);
    return 0;
}

static int handle_github(struct api_call *c, struct err *err)
{
    AUTO_JSON *payload = NULL;
    if (read_payload(c, &payload, err) < 0)
        return -1;
    return handle(c, payload, err);
}

static const struct route routes[] = {
    ROUTE(POST, "/api/webhooks/github", handle_github, NOBODY_NEEDED, WEBHOOK,
          .flags = ROUTE_NO_CSRF | ROUTE_BIG),
};
const struct route_table api_webhook_routes = {routes, ARRAY_LEN(routes)};

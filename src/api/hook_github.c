/* SPDX-License-Identifier: MIT */
/*
 * POST /api/webhooks/github: GitHub's push and ping deliveries.
 * Format: https://docs.github.com/en/webhooks (payloads, X-Hub-Signature-256).
 */
#include <string.h>

#include "api/hook.h"
#include "base/giturl.h"
#include "base/str.h"

static bool signed_with(const struct http_request *r, const char *secret)
{
    unsigned char mac[SHA256_SIZE], given[SHA256_SIZE];
    const char *signature = http_header(r, "X-Hub-Signature-256");
    hmac_sha256(secret, strlen(secret), r->body, r->body_len, mac);
    return signature && str_starts(signature, "sha256=") &&
           hex_decode(signature + 7, given, sizeof(given)) &&
           str_eq_secret((char *)mac, sizeof(mac), (char *)given, sizeof(given));
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

static int handle_github(struct api_call *c, struct err *err)
{
    AUTO_JSON *payload = NULL;
    struct hook h;
    if (read_payload(c, &payload, err) < 0)
        return -1;
    hook_init(c, &h, "github", http_header(c->req, "X-GitHub-Event"),
              http_header(c->req, "X-GitHub-Delivery"));
    h.payload = payload;
    const char *url = json_str_at(payload, "repository/clone_url");
    if (!url)
        url = json_str_at(payload, "repository/html_url");
    h.row.repository = url ? giturl_normal(c->arena, url) : NULL;
    if (str_eq(h.row.event, "ping"))
        h.kind = HOOK_PING;
    else if (str_eq(h.row.event, "push") &&
             hook_read_push(c, &h, json_str_at(payload, "head_commit/message"), err) < 0)
        return -1;
    return hook_run(c, &h, signed_with, err);
}

static const struct route routes[] = {
    ROUTE(POST, "/api/webhooks/github", handle_github, NOBODY_NEEDED, WEBHOOK,
          .doc = "Take a delivery of GitHub's",
          .note = "Proved by X-Hub-Signature-256. A push answers 202, a ping and what was seen "
                  "before 200. JSON and form-encoded deliveries are taken.",
          .out = &api_hook_table, .status = 202, .also = "200", .flags = ROUTE_NO_CSRF | ROUTE_BIG),
};
const struct route_table api_github_routes = {routes, ARRAY_LEN(routes)};

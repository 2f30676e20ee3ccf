/* SPDX-License-Identifier: MIT */
/*
 * POST /api/webhooks/gitlab: GitLab's Push Hook and Tag Push Hook.
 * Format: https://docs.gitlab.com/ee/user/project/integrations/webhook_events.html
 */
#include <string.h>

#include "api/hook.h"
#include "base/giturl.h"
#include "base/str.h"

static bool has_token(const struct http_request *r, const char *secret)
{
    const char *token = http_header(r, "X-Gitlab-Token");
    if (!token)
        token = "";
    return str_eq_secret(secret, strlen(secret), token, strlen(token));
}

/* The message of the commit that is the branch's newest, among those that came. */
static const char *message_of(struct json_object *payload)
{
    struct json_object *commits = json_at(payload, "commits");
    const char *sha = json_str_at(payload, "after");
    for (size_t i = 0; i < json_len(commits); i++) {
        struct json_object *commit = json_object_array_get_idx(commits, i);
        if (str_eq(json_str_at(commit, "id"), sha))
            return json_str_at(commit, "message");
    }
    return NULL;
}

static int handle_gitlab(struct api_call *c, struct err *err)
{
    AUTO_JSON *payload = NULL;
    struct hook h;
    if (json_parse(c->req->body, c->req->body_len, &payload, err) < 0)
        return -1;
    /* newer GitLabs name a delivery in Idempotency-Key, the same for each try */
    const char *id = http_header(c->req, "Idempotency-Key");
    hook_init(c, &h, "gitlab", http_header(c->req, "X-Gitlab-Event"),
              id ? id : http_header(c->req, "X-Gitlab-Event-UUID"));
    h.payload = payload;
    const char *url = json_str_at(payload, "project/git_http_url");
    if (!url)
        url = json_str_at(payload, "project/web_url");
    h.row.repository = url ? giturl_normal(c->arena, url) : NULL;
    bool push = str_eq(h.row.event, "Push Hook") || str_eq(h.row.event, "Tag Push Hook");
    if (push && hook_read_push(c, &h, message_of(payload), err) < 0)
        return -1;
    return hook_run(c, &h, has_token, err);
}

static const struct route routes[] = {
    ROUTE(POST, "/api/webhooks/gitlab", handle_gitlab, NOBODY_NEEDED, WEBHOOK,
          .doc = "Take a delivery of GitLab's", .note = "Proved by X-Gitlab-Token.",
          .out = &api_hook_table, .status = 202, .also = "200", .flags = ROUTE_NO_CSRF | ROUTE_BIG),
};
const struct route_table api_gitlab_routes = {routes, ARRAY_LEN(routes)};

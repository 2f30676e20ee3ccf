/* SPDX-License-Identifier: MIT */
/*
 * POST /api/webhooks/docker: pushes of images, as the Docker Hub and a registry tell of them.
 * Formats: https://docs.docker.com/docker-hub/repos/manage/webhooks/ (push_data, repository) and
 * https://distribution.github.io/distribution/about/notifications/ (an envelope of events).
 */
#include <string.h>
#include <strings.h>

#include "api/hook.h"
#include "base/imageref.h"
#include "base/str.h"

enum { IMAGES_MAX = 100, NAME_MAX_BYTES = 560, TAG_MAX_BYTES = 128, HOST_MAX_BYTES = 253 };

static const char *token_of(const struct http_request *r)
{
    const char *authorization = http_header(r, "Authorization");
    const char *token = authorization && strncasecmp(authorization, "Bearer ", 7) == 0
                            ? authorization + 7
                            : http_query(r, "token");
    return token ? token : "";
}

static bool has_token(const struct http_request *r, const char *secret)
{
    const char *token = token_of(r);
    return str_eq_secret(secret, strlen(secret), token, strlen(token));
}

static void add_image(struct api_call *c, struct hook *h, size_t *n, const char *name,
                      const char *tag)
{
    const char *image = imageref_normal(
        c->arena, arena_printf(c->arena, "%s:%s", hook_text(c->arena, name, NAME_MAX_BYTES),
                               hook_text(c->arena, tag, TAG_MAX_BYTES)));
    for (size_t i = 0; i < *n; i++)
        if (str_eq(h->images[i], image))
            return;
    if (*n == IMAGES_MAX) /* no registry tells of so many at once */
        return;
    h->images[(*n)++] = image;
    h->images[*n] = NULL;
}

static int read_hub(struct api_call *c, struct hook *h, struct err *err)
{
    const char *name = json_str_at(h->payload, "repository/repo_name");
    const char *tag = json_str_at(h->payload, "push_data/tag");
    size_t n = 0;
    if (!name || !tag)
        return err_set(err, ERR_MALFORMED,
                       "the delivery has no 'repository.repo_name' or no 'push_data.tag'");
    h->images = ARENA_ARRAY(c->arena, 2, const char *);
    h->kind = HOOK_IMAGE;
    h->row.event = "push";
    add_image(c, h, &n, name, tag);
    return 0;
}

/* A tag's manifest was pushed; blobs and what has no tag are no release. */
static void read_event(struct api_call *c, struct hook *h, size_t *n, struct json_object *event)
{
    const char *name = json_str_at(event, "target/repository");
    const char *tag = json_str_at(event, "target/tag");
    const char *host = json_str_at(event, "request/host");
    if (!str_eq(json_str_at(event, "action"), "push") || !name || !tag)
        return;
    add_image(c, h, n,
              host
                  ? arena_printf(c->arena, "%s/%s", hook_text(c->arena, host, HOST_MAX_BYTES), name)
                  : name,
              tag);
}

static void read_envelope(struct api_call *c, struct hook *h, struct json_object *events)
{
    size_t n = 0;
    h->images = ARENA_ARRAY(c->arena, IMAGES_MAX + 1, const char *);
    for (size_t i = 0; i < json_len(events); i++)
        read_event(c, h, &n, json_object_array_get_idx(events, i));
    h->kind = n ? HOOK_IMAGE : HOOK_OTHER;
    h->row.event = n ? "push" : "other";
}

static int handle_docker(struct api_call *c, struct err *err)
{
    AUTO_JSON *payload = NULL;
    struct hook h;
    if (json_parse(c->req->body, c->req->body_len, &payload, err) < 0)
        return -1;
    struct json_object *events = json_at(payload, "events");
    bool envelope = json_object_is_type(events, json_type_array);
    const char *id = envelope ? json_str_at(json_object_array_get_idx(events, 0), "id") : NULL;
    hook_init(c, &h, "docker", NULL, id);
    h.payload = payload;
    h.token = token_of(c->req);
    if (envelope)
        read_envelope(c, &h, events);
    else if (read_hub(c, &h, err) < 0)
        return -1;
    if (h.images && *h.images) {
        const char *colon = strrchr(*h.images, ':');
        h.row.repository = arena_printf(c->arena, "%.*s", (int)(colon - *h.images), *h.images);
        h.row.ref = colon + 1;
    }
    return hook_run(c, &h, has_token, err);
}

static const struct route routes[] = {
    ROUTE(POST, "/api/webhooks/docker", handle_docker, NOBODY_NEEDED, WEBHOOK,
          .doc = "Take a delivery of the Docker Hub's or a registry's",
          .note = "Proved by an application's webhook secret as Bearer token or as ?token=. The "
                  "application is deployed again when it runs the image of that name and tag; what "
                  "else a registry tells of is taken and does nothing.",
          .out = &api_hook_table, .status = 202, .also = "200", .flags = ROUTE_NO_CSRF | ROUTE_BIG),
};
const struct route_table api_docker_routes = {routes, ARRAY_LEN(routes)};

/* SPDX-License-Identifier: MIT */
/*
 * The addresses of live updates. Topics and rights are checked here; the program that sends what
 * happens is not part of this version, which says so.
 */
#include <string.h>

#include "api/app.h"
#include "api/deployment.h"
#include "api/project.h"
#include "api/routes.h"
#include "api/serve.h"
#include "base/rand.h"
#include "base/str.h"

enum { TOPICS_MOST = 50, TOPICS_TEXT = 4096 };

static int deployment_there(struct api_call *c, const char *id, struct err *err)
{
    struct store_deployment d;
    return api_deployment_get(c, id, &d, err);
}

static int app_there(struct api_call *c, const char *id, struct err *err)
{
    struct store_app app;
    return api_app_load(c, id, PERM_APPLICATION_READ, &app, NULL, err);
}

static int project_there(struct api_call *c, const char *id, struct err *err)
{
    struct store_project p;
    return api_project_get(c, id, PERM_PROJECT_READ, &p, NULL, err);
}

static const struct {
    const char *prefix;
    int (*there)(struct api_call *c, const char *id, struct err *err);
} kinds[] = {
    {"deployment:", deployment_there},
    {"application:", app_there},
    {"project:", project_there},
    {"logs:application:", app_there},
    {"logs:deployment:", deployment_there},
};

/* A log's topic may end in ?after=N. */
static int check_topic(struct api_call *c, const char *topic, struct err *err)
{
    int64_t after;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!str_starts(topic, kinds[i].prefix))
            continue;
        const char *rest = topic + strlen(kinds[i].prefix);
        const char *question = strchr(rest, '?');
        const char *id = arena_printf(c->arena, "%.*s", (int)strcspn(rest, "?"), rest);
        bool good = uuid_valid(id) &&
                    (!question || (str_starts(topic, "logs:") && str_starts(question, "?after=") &&
                                   str_to_int(question + 7, 0, INT64_MAX, &after)));
        if (good)
            return kinds[i].there(c, id, err);
    }
    return api_bad_field(c, "topics", arena_printf(c->arena, "names no topic with '%.80s'", topic),
                         err);
}

static int not_running(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE,
                   "live updates are not part of this version; read the resources again instead");
}

static int handle_events(struct api_call *c, struct err *err)
{
    const char *topics = http_query(c->req, "topics");
    size_t n = 0;
    if (str_empty(topics))
        return api_bad_field(c, "topics", "is required", err);
    if (strlen(topics) > TOPICS_TEXT)
        return api_bad_field(c, "topics", "has more than 4096 characters", err);
    for (char **topic = str_split(c->arena, topics, ','); *topic; topic++) {
        if (++n > TOPICS_MOST)
            return api_bad_field(c, "topics", "are more than 50", err);
        if (check_topic(c, *topic, err) < 0)
            return -1;
    }
    return not_running(err);
}

static int handle_ws(struct api_call *c, struct err *err)
{
    if (!mw_same_origin(c))
        return err_set(err, ERR_FORBIDDEN, "the request comes from another site");
    return not_running(err);
}

static const struct valid_field query_fields[] = {
    {.name = "topics",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = TOPICS_TEXT,
     .doc = "deployment:ID, application:ID, project:ID, logs:application:ID or logs:deployment:ID "
            "(these with ?after=LINE), joined by commas"},
};
static const struct valid_table query = {"EventTopics", query_fields, ARRAY_LEN(query_fields), 0};

static const struct route routes[] = {
    ROUTE(GET, "/api/events", handle_events, LOGIN, USER,
          .doc = "Follow topics as Server-Sent Events",
          .note = "Topics and rights are checked; this version sends nothing: 503.",
          .query = &query, .media = "text/event-stream", .also = "404 503"),
    ROUTE(GET, "/api/ws", handle_ws, LOGIN, USER, .doc = "Follow topics over a WebSocket",
          .note = "This version sends nothing: 503.", .media = "text/plain", .also = "503"),
};
const struct route_table api_live_routes = {routes, ARRAY_LEN(routes)};

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/str.h"
#include "deploy/verdict.h"
#include "deploy/watch.h"
#include "tests/tap.h"

static struct json_object *service(const char *release, int replicas, const char *state,
                                   bool previous)
{
    AUTO_ARENA a = {0};
    struct json_object *out = NULL;
    struct err err = {0};
    const char *text = arena_printf(
        &a,
        "{\"ID\":\"s\",\"Spec\":{\"TaskTemplate\":{\"ContainerSpec\":{\"Labels\":{"
        "\"slipway.release\":\"%s\"}}},\"Mode\":{\"Replicated\":{\"Replicas\":%d}},"
        "\"UpdateConfig\":{\"FailureAction\":\"rollback\"}}%s%s%s%s}",
        release, replicas, previous ? ",\"PreviousSpec\":{}" : "",
        state ? ",\"UpdateStatus\":{\"State\":\"" : "", state ? state : "", state ? "\"}" : "");
    TAP_OK(json_parse(text, strlen(text), &out, &err), &err);
    return out;
}

/* "r1:1:running/running r1:2:shutdown/failed", release:slot:desired/state, newest first */
static struct docker_tasks tasks_of(struct arena *a, const char *text)
{
    struct docker_tasks out = {0};
    char **words = str_split(a, text, ' ');
    out.items = ARENA_ARRAY(a, 32, struct docker_task);
    for (; *words; words++) {
        char **part = str_split(a, *words, ':');
        char **states = str_split(a, part[2], '/');
        for (char *p = part[3]; p && *p; p++)
            if (*p == '_')
                *p = ' ';
        out.items[out.n++] = (struct docker_task){.id = *words,
                                                  .service_id = "s",
                                                  .release = part[0],
                                                  .slot = part[1][0] - '0',
                                                  .desired = states[0],
                                                  .state = states[1],
                                                  .error = part[3] ? part[3] : "",
                                                  .changed = 1000000};
    }
    return out;
}

static struct verdict judge(struct arena *a, struct json_object *s, const char *tasks)
{
    struct docker_tasks t = tasks_of(a, tasks);
    struct verdict v;
    verdict_judge(s, &t, "r2", &v);
    json_object_put(s);
    return v;
}

static void expect(struct json_object *s, const char *tasks, enum verdict_kind kind)
{
    AUTO_ARENA a = {0};
    struct verdict v = judge(&a, s, tasks);
    if (v.kind != kind)
        printf("# %s\n", tasks);
    CU_ASSERT_EQUAL(v.kind, kind);
}

static void first_release(void)
{
    expect(service("r2", 1, NULL, false), "", VERDICT_WAIT);
    expect(service("r2", 1, NULL, false), "r2:1:running/starting", VERDICT_WAIT);
    expect(service("r2", 1, NULL, false), "r2:1:running/running", VERDICT_SUCCESS);
    expect(service("r2", 2, NULL, false), "r2:1:running/running", VERDICT_WAIT);
    expect(service("r2", 0, NULL, false), "", VERDICT_SUCCESS);
    /* one crash is forgiven, two of one replica are not */
    expect(service("r2", 1, NULL, false), "r2:1:ready/ready r2:1:shutdown/failed", VERDICT_WAIT);
    expect(service("r2", 2, NULL, false),
           "r2:1:running/running r2:2:running/running r2:1:shutdown/failed r2:2:shutdown/failed",
           VERDICT_SUCCESS);
    expect(service("r2", 1, NULL, false),
           "r2:1:ready/ready r2:1:shutdown/failed r2:1:shutdown/failed", VERDICT_FAILED);
    expect(service("r2", 1, NULL, false), "r2:1:shutdown/complete", VERDICT_FAILED);
    expect(service("r2", 1, NULL, false), "r2:1:ready/ready r2:1:shutdown/rejected:No_such_image",
           VERDICT_FAILED);
    expect(NULL, "", VERDICT_FAILED);
}

static void update(void)
{
    expect(service("r2", 1, NULL, true), "r1:1:running/running", VERDICT_WAIT);
    expect(service("r2", 1, "updating", true), "r2:1:running/running r1:1:shutdown/running",
           VERDICT_WAIT);
    expect(service("r2", 1, "completed", true), "r2:1:running/running r1:1:shutdown/shutdown",
           VERDICT_SUCCESS);
    /* "completed" alone proves nothing */
    expect(service("r2", 1, "completed", true), "r1:1:running/running", VERDICT_WAIT);
    expect(service("r2", 1, "completed", true),
           "r2:1:ready/ready r2:1:shutdown/failed r2:1:shutdown/failed", VERDICT_FAILED);
    /* while Swarm updates it is Swarm's to go back */
    expect(service("r2", 1, "updating", true),
           "r2:1:ready/ready r2:1:shutdown/failed r2:1:shutdown/failed r1:1:running/running",
           VERDICT_WAIT);
    expect(service("r2", 1, "paused", true), "r2:1:shutdown/failed r1:1:running/running",
           VERDICT_FAILED);
    expect(service("r1", 1, "rollback_started", false), "r2:1:shutdown/failed", VERDICT_WAIT);
    expect(service("r1", 1, "rollback_completed", false),
           "r1:1:running/running r2:1:shutdown/failed", VERDICT_FAILED);
    expect(service("r3", 1, NULL, true), "r3:1:running/running", VERDICT_FAILED);
}

static void culprits(void)
{
    AUTO_ARENA a = {0};
    struct verdict v = judge(&a, service("r1", 1, "rollback_completed", false),
                             "r1:1:running/running r2:2:shutdown/failed r2:1:shutdown/failed");
    CU_ASSERT_PTR_NOT_NULL_FATAL(v.culprit);
    CU_ASSERT_EQUAL(v.culprit->slot, 2); /* the newest */
    v = judge(&a, service("r2", 1, NULL, false), "r2:1:running/pending:no_suitable_node");
    CU_ASSERT(v.homeless);
    CU_ASSERT_EQUAL(v.kind, VERDICT_WAIT);
    v = judge(&a, service("r2", 1, NULL, false), "r2:1:running/starting");
    CU_ASSERT_PTR_NOT_NULL(v.culprit); /* who it would be if the time ended now */
}

static void status(int replicas, const char *tasks, const char *expected)
{
    AUTO_ARENA a = {0};
    struct docker_tasks t = tasks_of(&a, tasks);
    struct json_object *s = service("r1", replicas, NULL, false);
    TAP_STR(watch_status(s, &t, 1030000), expected);
    json_object_put(s);
}

static void statuses(void)
{
    struct docker_tasks none = {0};
    TAP_STR(watch_status(NULL, &none, 0), "failed");
    status(0, "", "stopped");
    status(1, "r1:1:running/running", "running");
    status(2, "r1:1:running/running r1:2:running/starting", "degraded");
    status(1, "r1:1:running/starting r1:1:shutdown/failed", "degraded");
    status(1, "r1:1:ready/ready r1:1:shutdown/failed r1:1:shutdown/failed r1:1:shutdown/failed",
           "failed");
    status(1, "r1:1:shutdown/failed", "failed");
    status(1, "", "failed");
}

const struct tap_test verdict_tests[] = {
    {"a first release", first_release},
    {"an update", update},
    {"which task shows why", culprits},
    {"the application's status between deployments", statuses},
    {NULL, NULL},
};

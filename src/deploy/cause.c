/* SPDX-License-Identifier: MIT */
/* The cause of a failed verdict in words: deploy/verdict.h. */
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "deploy/verdict.h"
#include "docker/logs.h"

enum { TAIL_LINES = 20, TAIL_WAIT_MS = 3000, SENTENCE_MAX = 200 };

/* What the container itself knows; only on the Engine's own node. */
struct container {
    bool known;
    bool oom;
    int64_t ran_ms;     /* -1: unknown */
    const char *health; /* what the last failing check printed, or NULL */
};

static const char *one_line(struct arena *a, const char *text)
{
    const char *end = text + strlen(text);
    while (end > text && strchr(" \r\n\t", end[-1]))
        end--;
    const char *start = end;
    while (start > text && start[-1] != '\n')
        start--;
    char *line = arena_memdup(a, start, (size_t)(end - start));
    if (strlen(line) > SENTENCE_MAX) {
        line[SENTENCE_MAX] = '\0';
        str_utf8_trim(line);
    }
    return line;
}

static const char *masked(const struct verdict_wait *w, const char *text)
{
    return w->mask ? w->mask(w->arg, text) : text;
}

static void look_inside(const struct verdict_wait *w, struct arena *a, const struct docker_task *t,
                        struct container *c)
{
    AUTO_JSON *o = NULL;
    struct err ignored;
    int64_t from = 0, to = 0;
    *c = (struct container){.ran_ms = -1};
    if (!*t->container_id || docker_container_inspect(w->docker, t->container_id, &o, &ignored) < 0)
        return;
    c->known = true;
    c->oom = json_bool_at(o, "State/OOMKilled", false);
    const char *started = json_str_at(o, "State/StartedAt");
    const char *finished = json_str_at(o, "State/FinishedAt");
    if (started && finished && time_parse(started, &from) && time_parse(finished, &to) &&
        from > 0 && to >= from)
        c->ran_ms = to - from;
    struct json_object *log = json_at(o, "State/Health/Log");
    size_t n = json_len(log);
    if (n && str_eq(json_str_at(o, "State/Health/Status"), "unhealthy")) {
        const char *out = json_str_at(json_object_array_get_idx(log, n - 1), "Output");
        const char *text = str_utf8_scrub(a, out ? out : "", strlen(out ? out : ""));
        c->health = one_line(a, masked(w, text));
    }
}

/* The Engine's "task: non-zero exit (1)" says less than we do. */
static bool says_exit(const char *error)
{
    return str_starts(error, "task: non-zero exit");
}

static bool has_exited(const struct docker_task *t)
{
    return str_eq(t->state, "failed") || str_eq(t->state, "complete");
}

static const char *sentence(struct arena *a, const struct docker_task *t, const char *who,
                            const char *on, const struct container *c, const char *last)
{
    const char *colon = str_empty(last) ? "" : ": ";
    const char *words = str_empty(last) ? "" : last;
    if (str_eq(t->state, "rejected"))
        return arena_printf(a, "%s%s was refused: %s", who, on, t->error);
    if (str_eq(t->state, "pending"))
        return arena_printf(a, "%s cannot be placed: %s", who, t->error);
    if (strstr(t->error, "unhealthy container"))
        return arena_printf(a, "%s%s failed its health check%s%s", who, on,
                            str_empty(c->health) ? colon : ": ",
                            str_empty(c->health) ? words : c->health);
    if (c->oom)
        return arena_printf(a, "%s%s was killed because it used more memory than its limit", who,
                            on);
    if (str_eq(t->state, "failed") && !str_empty(t->error) && !says_exit(t->error))
        return arena_printf(a, "%s%s failed: %s", who, on, t->error);
    if (has_exited(t)) {
        const char *after =
            c->ran_ms < 0 ? "" : arena_printf(a, " after %.1f s", (double)c->ran_ms / 1000);
        return arena_printf(a, "%s%s exited with code %lld%s%s%s", who, on, (long long)t->exit_code,
                            after, colon, words);
    }
    return arena_printf(a, "%s%s is still %s", who, on, t->state);
}

void verdict_explain(const struct verdict_wait *w, struct arena *a, const struct verdict *v,
                     struct verdict_cause *out)
{
    struct docker *d = w->docker;
    const struct docker_task *t = v->culprit;
    struct err ignored;
    *out = (struct verdict_cause){.message = v->reason};
    if (!t)
        return;
    struct docker_nodes nodes = {0};
    const struct docker_node *node = NULL;
    if (*t->node_id && docker_node_list(d, a, &nodes, &ignored) == 0)
        node = docker_node_find(&nodes, t->node_id);
    out->task = arena_printf(a, "%s.%lld", w->service, (long long)t->slot);
    out->node = node ? node->hostname : NULL;
    out->exited = t->exited && has_exited(t);
    out->exit_code = t->exit_code;

    struct container c;
    char *tail = NULL;
    look_inside(w, a, t, &c);
    if (*t->container_id &&
        docker_task_tail(d, a, t->id, TAIL_LINES, TAIL_WAIT_MS, &tail, &ignored) == 0)
        out->output = str_empty(tail) ? NULL : masked(w, tail);
    const char *on = out->node ? arena_printf(a, " on %s", out->node) : "";
    const char *last = out->output ? one_line(a, out->output) : NULL;
    const char *what = sentence(a, t, out->task, on, &c, last);
    /* a task that has not failed shows where it stands; the reason is what happened */
    bool failed = str_eq(t->state, "failed") || str_eq(t->state, "rejected") ||
                  str_eq(t->state, "complete") || str_eq(t->state, "pending");
    out->message = masked(w, failed ? what : arena_printf(a, "%s: %s", v->reason, what));
}

/* SPDX-License-Identifier: MIT */
/* The timeline: how long each step took, drawn as a falling line; see static/app.css (.ways). */
#include <stdio.h>
#include <string.h>

#include "api/deployment.h"
#include "base/str.h"
#include "base/time.h"
#include "pages/app.h"

static const struct {
    const char *name, *label, *doing; /* doing: the deployment's status while it runs */
} steps[] = {
    {"clone", "Clone", "cloning"},       {"build", "Build", "building"},
    {"push", "Push", "pushing"},         {"deploy", "Deploy", "deploying"},
    {"verdict", "Verdict", "deploying"},
};

/* One step's place on the axis, in milliseconds from the deployment's start. */
struct piece {
    bool there, ended;
    int64_t from, to;
    const char *outcome;
};

bool ways_ended(const struct store_deployment *d)
{
    return d->finished_at != 0;
}

int ways_past(struct api_call *c, const struct store_deployment *d, struct store_deployment *out,
              struct err *err)
{
    struct store_deployments list;
    struct store_deployment_filter filter = {.application_id = d->application_id,
                                             .status = "success"};
    struct store_page page = {.cursor = d->id, .limit = 1};
    *out = (struct store_deployment){0};
    if (api_deployment_list(c, &filter, &page, &list, err) < 0)
        return -1;
    if (list.n)
        *out = list.list[0];
    return 0;
}

/* Reads the steps; returns where the last one ends. */
static int64_t read_pieces(struct arena *a, const struct store_deployment *d, struct piece *out)
{
    AUTO_JSON *list = NULL;
    struct err err;
    int64_t origin = d->started_at, last = 0;
    if (!d->steps || json_parse(d->steps, strlen(d->steps), &list, &err) < 0)
        return 0;
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *s = json_object_array_get_idx(list, i);
        const char *name = json_str_at(s, "name"), *from = json_str_at(s, "startedAt");
        const char *to = json_str_at(s, "finishedAt"), *outcome = json_str_at(s, "outcome");
        int64_t begin, end = time_now();
        if (!from || !time_parse(from, &begin))
            continue;
        if (!origin || begin < origin)
            origin = begin;
        bool ended = to && time_parse(to, &end);
        for (size_t k = 0; k < ARRAY_LEN(steps); k++)
            if (str_eq(steps[k].name, name)) {
                out[k] = (struct piece){true, ended, begin - origin, end - origin,
                                        arena_strdup(a, outcome)};
                if (out[k].to < out[k].from)
                    out[k].to = out[k].from;
                if (out[k].to > last)
                    last = out[k].to;
            }
    }
    return last;
}

/* A tick of 1, 2, 5, 10, 30 or 60 s (less for the very fast), so that there are at most 12. */
static int64_t tick_of(int64_t total)
{
    static const int64_t ticks[] = {100,   200,   500,    1000,   2000,   5000,   10000,
                                    30000, 60000, 120000, 300000, 600000, 1800000};
    for (size_t i = 0; i < ARRAY_LEN(ticks); i++)
        if (total <= 12 * ticks[i])
            return ticks[i];
    return total / 12 + 1;
}

static void draw_axis(struct arena *a, int64_t tick, size_t n, struct view_ways *out)
{
    AUTO_BUF grid = {0};
    out->ticks.n = n;
    out->ticks.list = ARENA_ARRAY(a, n, struct view_tick);
    for (size_t i = 0; i < n; i++) {
        double at = (double)tick * (double)i / 1000;
        out->ticks.list[i].label =
            i ? arena_printf(a, tick < 1000 ? "%.1f" : "%.0f", at) : "0\u00a0s";
        if (i)
            buf_addf(&grid, "M%.1f 0V40", 1000.0 * (double)i / (double)n);
    }
    out->grid = buf_dup(&grid, a);
}

static const char *difference(struct arena *a, int64_t ms, int64_t past, bool *slower)
{
    int64_t more = ms - past;
    *slower = more >= 1000 && more * 10 >= past;
    return arena_printf(a, "%s%.1f\u00a0s",
                        more > -50 && more < 50 ? ""
                        : more < 0              ? "−"
                                                : "+",
                        (double)(more < 0 ? -more : more) / 1000);
}

struct drawing {
    struct arena *a;
    const struct store_deployment *d;
    const struct piece *now, *past;
    double scale; /* units of the drawing a millisecond */
};

static void draw_now(const struct drawing *g, size_t k, bool last, struct view_ways_row *row)
{
    const struct piece *p = &g->now[k];
    double x0 = (double)p->from * g->scale, x1 = (double)p->to * g->scale, y = 40;
    for (size_t i = k; i-- > 0;)
        if (g->now[i].there) { /* one line: begin where the step before ended */
            x0 = (double)g->now[i].to * g->scale;
            break;
        }
    if (!p->ended) {
        int64_t took = p->to - p->from, then = g->past[k].to - g->past[k].from;
        y = g->past[k].there && then > 0 ? 40.0 * (double)took / (double)then : 20;
        y = y > 36 ? 36 : y < 4 ? 4 : y;
    }
    row->body = arena_printf(g->a, "M0 0H%.1fL%.1f %.1fH0z", x0, x1, y);
    row->now = arena_printf(g->a, "M%.1f 0L%.1f %.1f", x0, x1, y);
    if (last || !p->ended)
        row->end = arena_printf(g->a, "M%.1f %.1fh.01", x1, y);
}

static void fill_row(const struct drawing *g, size_t k, bool last, struct view_ways_row *row)
{
    const struct piece *p = &g->now[k], *past = &g->past[k];
    const char *word = "pending";
    row->took = row->last = "–";
    row->state = ways_ended(g->d) ? "not reached" : "waits";
    if (p->there && !p->ended) {
        word = ways_ended(g->d) ? "failed" : steps[k].doing;
        row->state = "in progress";
    } else if (p->there) {
        word = p->outcome ? p->outcome : "success";
        row->state = word;
    }
    row->status = (struct view_status){word, steps[k].label};
    if (past->there) {
        row->past = arena_printf(g->a, "M%.1f 0L%.1f 40", (double)past->from * g->scale,
                                 (double)past->to * g->scale);
        row->last = page_seconds(g->a, past->to - past->from);
    }
    if (!p->there)
        return;
    row->took = page_seconds(g->a, p->to - p->from);
    draw_now(g, k, last, row);
    if (past->there && p->ended && str_eq(word, "success"))
        row->difference = difference(g->a, p->to - p->from, past->to - past->from, &row->slower);
}

static void fill_foot(struct arena *a, const struct store_deployment *d,
                      const struct store_deployment *past, int64_t total, int64_t past_total,
                      struct view_ways *out)
{
    out->reached = str_eq(d->status, "success") || str_eq(d->status, "rolled_back");
    out->took = page_seconds(a, total);
    out->last = past ? page_seconds(a, past_total) : "–";
    if (out->reached)
        out->service = page_time(a, d->finished_at).text;
    else if (ways_ended(d))
        out->service =
            past ? arena_printf(a, "not reached, %s serves on", page_commit(a, past->commit_sha))
                 : "not reached";
    else
        out->service = past
                           ? arena_printf(a, "expected after about %s", page_seconds(a, past_total))
                           : "not yet";
    if (out->reached && past)
        out->difference = difference(a, total, past_total, &out->slower);
}

void ways_fill(struct arena *a, const struct store_deployment *d,
               const struct store_deployment *past, bool compact, struct view_ways *out)
{
    struct piece now[ARRAY_LEN(steps)] = {0}, then[ARRAY_LEN(steps)] = {0};
    if (past && !past->id)
        past = NULL;
    int64_t total = read_pieces(a, d, now), past_total = past ? read_pieces(a, past, then) : 0;
    int64_t most = total > past_total ? total : past_total, tick = tick_of(most);
    size_t n = (size_t)((most + tick - 1) / tick), end = 0;
    *out = (struct view_ways){.compact = compact};
    n = n ? n : 1;
    draw_axis(a, tick, n, out);
    if (past)
        out->past_name = page_commit(a, past->commit_sha);
    for (size_t k = 0; k < ARRAY_LEN(steps); k++)
        if (now[k].there)
            end = k;
    struct drawing g = {a, d, now, then, 1000.0 / (double)(tick * (int64_t)n)};
    out->rows.list = ARENA_ARRAY(a, ARRAY_LEN(steps), struct view_ways_row);
    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        bool skipped = !now[k].there && !then[k].there && (ways_ended(d) || k < end);
        if (!skipped)
            fill_row(&g, k, k == end, &out->rows.list[out->rows.n++]);
    }
    fill_foot(a, d, past, total, past_total, out);
    if (!total && ways_ended(d))
        out->rows.n = 0;
}

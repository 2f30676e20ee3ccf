/* SPDX-License-Identifier: MIT */
#include "docker/events.h"

#include <stdio.h>

#include "base/log.h"
#include "base/time.h"

enum { REOPEN_MS = 1000, HEADER_MS = 500 };

void docker_events_open(struct docker_events *e, struct docker *d, const char *filters_json)
{
    *e = (struct docker_events){.docker = d};
    net_open(&e->http, &d->target);
    AUTO_BUF path = {0};
    buf_adds(&path, "/events?filters=");
    net_encode(&path, filters_json);
    snprintf(e->path, sizeof(e->path), "%s", buf_str(&path));
}

void docker_events_close(struct docker_events *e)
{
    net_close(&e->http);
    net_response_release(&e->res);
}

static int on_event(void *arg, const char *data, size_t n, struct err *err)
{
    struct docker_events *e = arg;
    (void)data;
    (void)n;
    (void)err;
    e->seen = true;
    return 0;
}

static bool reopen(struct docker_events *e)
{
    struct err err;
    int64_t now = time_monotonic();
    if (e->tried && now - e->tried < REOPEN_MS)
        return false;
    e->tried = now;
    if (docker_connect(e->docker, &err) < 0)
        return false;
    AUTO_BUF path = {0};
    buf_addf(&path, "/v%s%s", e->docker->version, e->path);
    net_response_release(&e->res);
    e->req = (struct net_request){
        .method = "GET", .path = buf_str(&path), .sink = on_event, .sink_arg = e};
    net_start(&e->http, &e->req, &e->res);
    e->req.path = NULL; /* was copied by net_start() */
    /* wait for the header: from then on nothing is missed */
    int64_t until = time_monotonic() + HEADER_MS;
    while (!e->res.status) {
        if (net_pump(&e->http, until - time_monotonic(), &err) <= 0)
            return false;
        if (time_monotonic() >= until)
            break;
    }
    e->open = true;
    return true;
}

bool docker_events_wait(struct docker_events *e, int64_t wait_ms)
{
    int64_t until = time_monotonic() + wait_ms;
    if (!e->open && reopen(e))
        e->seen = true;
    while (!e->seen && time_monotonic() < until) {
        if (!e->open) {
            time_sleep(until - time_monotonic());
            break;
        }
        struct err err = {0};
        if (net_pump(&e->http, until - time_monotonic(), &err) > 0)
            continue;
        log_debug("the stream of events ended: %s", err.msg);
        e->open = false;
        e->seen = true;
    }
    bool seen = e->seen;
    e->seen = false;
    return seen;
}

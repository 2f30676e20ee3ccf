/* SPDX-License-Identifier: MIT */
/*
 * The Engine's events (GET /events): a stream that is looked at between other work.
 *
 * It only ever says "look again": whoever uses it polls as well, for a stream may break at any
 * time and events of other nodes' containers do not come. A broken stream is opened again by the
 * next wait, at most once a second.
 */
#ifndef SLIPWAY_DOCKER_EVENTS_H
#define SLIPWAY_DOCKER_EVENTS_H

#include "docker/client.h"

struct docker_events {
    struct docker *docker; /* where the version comes from; outlives this */
    struct net http;       /* a connection of its own */
    struct net_request req;
    struct net_response res;
    char path[512];
    bool open;
    bool seen; /* something came since the last wait */
    int64_t tried;
};

/* Prepares a stream of the types in FILTERS_JSON, {"type":["service","node","container"]}. */
void docker_events_open(struct docker_events *e, struct docker *d, const char *filters_json);
void docker_events_close(struct docker_events *e);
#define AUTO_EVENTS CLEANUP(docker_events_close) struct docker_events

/* Waits until an event comes or WAIT_MS have passed. True when one came, or when the stream had
 * to be opened anew and events may have been missed. */
bool docker_events_wait(struct docker_events *e, int64_t wait_ms);

#endif

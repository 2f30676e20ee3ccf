/* SPDX-License-Identifier: MIT */
/*
 * The Deployment Engine: one deployment, from its row to its verdict.
 *
 * The steps are clone, build, push, deploy, verdict. Each begins by looking for what an earlier
 * attempt left (the commit in the row, the image by the release's own tag, the service that
 * carries this release's label), so that any attempt may be the one that ends it. Every write to
 * the row carries the attempt as a fence, and so does every write to the service.
 *
 * An image is called NAME:<first 7 of the commit> and NAME:<first 7>-<end of the deployment's id>,
 * NAME being REGISTRY/SERVICE, or localhost/SERVICE where no registry is set, so that no stranger's
 * image of the same name can ever be pulled in its place. The service runs the second, which no
 * later build moves, pinned by the digest of the push where there was one.
 */
#ifndef SLIPWAY_DEPLOY_ENGINE_H
#define SLIPWAY_DEPLOY_ENGINE_H

#include "base/conf.h"
#include "base/crypto.h"
#include "docker/client.h"
#include "store/deployment.h"

/* All of it is the caller's and outlives the calls. */
struct engine {
    struct docker *docker; /* its should_stop is set by the engine */
    struct pg *pg;
    const struct conf *conf;
    const struct keyring *keys; /* with the secret half of class K */
    int64_t deadline;           /* time_monotonic() after which a deployment fails; 0: none */
    net_stop *should_stop;      /* asked several times a second; may be NULL */
    void *stop_arg;
};

/* Works on the deployment until it is final: 0, also for one that failed, that a newer release on
 * the service superseded, or that had ended before. -1:
 * ERR_UNAVAILABLE, something does not answer, to be tried again by a later attempt; ERR_STALE, a
 * newer attempt is at work; otherwise what should_stop set. The row is left open then. */
int engine_run(struct engine *e, const char *deployment_id, int64_t attempt, struct err *err);

/* Ends a deployment that will not be tried again: puts the last success back when the service was
 * touched, and writes STATUS ("failed" or "cancelled") with MESSAGE as the cause, of the step STEP
 * (NULL: the one that the row's status names). 0 also when it had ended before. Of what cannot be
 * put back, whatever the reason, the message says so. -1: the database does not answer
 * (ERR_UNAVAILABLE), or a newer attempt is at work (ERR_STALE). */
int engine_give_up(struct engine *e, const char *deployment_id, int64_t attempt, const char *status,
                   const char *step, const char *message, struct err *err);

/* Brings the application's service to what was asked of it (store/action.h): scaled to nothing, or
 * back to what it had, or restarted task by task as an update is. A service that is not there has
 * nothing to be changed. To be repeated after ERR_UNAVAILABLE. */
int engine_act(struct engine *e, const char *app_id, struct err *err);

/* Takes away what a deleted application left: its service, its images in the Engine, with VOLUMES
 * its volumes on this node, and, where that is possible, configs that no service uses any more;
 * then writes that it is gone. To be repeated after ERR_UNAVAILABLE. */
int engine_remove(struct engine *e, const char *app_id, bool volumes, struct err *err);

#endif

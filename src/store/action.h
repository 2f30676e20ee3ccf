/* SPDX-License-Identifier: MIT */
/*
 * What was asked of an application's service: to run, to be stopped, to be restarted.
 *
 * Each request makes `asked` grow; the worker brings the service to what the row says and writes
 * that number as `done`. While they differ there is work, whatever the queue knows of it.
 */
#ifndef SLIPWAY_STORE_ACTION_H
#define SLIPWAY_STORE_ACTION_H

#include "store/pg.h"

struct store_action {
    bool stopped; /* it is not to run */
    int64_t asked, done;
    int64_t restart;     /* `asked` of the last restart; 0: there never was one */
    int64_t replicas;    /* of the application, for a service that does not know better */
    const char *service; /* its name */
};

enum store_act { STORE_ACT_START, STORE_ACT_STOP, STORE_ACT_RESTART };

/* Writes the wish. To restart what is stopped starts it. ERR_CONFLICT: the application was never
 * deployed with success; ERR_NOT_FOUND: it was deleted. */
int store_action_ask(struct pg *pg, struct arena *a, const char *app_id, enum store_act act,
                     struct err *err);

/* ---- for the worker */

/* ERR_NOT_FOUND: the application is not there, or deleted. */
int store_action_get(struct pg *pg, struct arena *a, const char *app_id, struct store_action *out,
                     struct err *err);
/* The service is as the row said at ASKED. A stopped application's status follows. */
int store_action_done(struct pg *pg, struct arena *a, const char *app_id, int64_t asked,
                      struct err *err);
/* The applications with work; *ids is ended by NULL. */
int store_action_open(struct pg *pg, struct arena *a, const char ***ids, struct err *err);

#endif

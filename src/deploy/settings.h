/* SPDX-License-Identifier: MIT */
/*
 * What a service was made of beside its image, kept with each release so that going back to one
 * brings its settings back too: the application's fields that the spec is written from (spec.h) and
 * its environment.
 *
 *     {"replicas","memoryLimit","cpuLimit","port","healthCheck","restartPolicy","updateConfig",
 *      "volumes","ports","labels","user","readOnly","capabilities","configVersion",
 *      "env":[{"key","value"} or {"key","secret":true}]}
 *
 * A secret is kept by its name alone: a release that is brought back gets the present value, which
 * is the one that works after a password was changed.
 */
#ifndef SLIPWAY_DEPLOY_SETTINGS_H
#define SLIPWAY_DEPLOY_SETTINGS_H

#include "base/buf.h"
#include "store/app.h"

/* Appends the JSON. ENV has what the variables are, decrypted or not. */
void settings_write(const struct store_app *app, const struct store_env_list *env, struct buf *out);

/* Puts the settings of JSON in the place of APP's and ENV's. ENV has the present variables, with
 * every value there. Strings live in A. ERR_INVALID: a secret that is no more, by name;
 * ERR_INTERNAL: the text cannot be read. In both cases nothing was changed. */
int settings_apply(struct arena *a, const char *json, struct store_app *app,
                   struct store_env_list *env, struct err *err);

#endif

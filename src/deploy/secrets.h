/* SPDX-License-Identifier: MIT */
/*
 * An application's environment with its secrets open, and hiding them in what is shown.
 */
#ifndef SLIPWAY_DEPLOY_SECRETS_H
#define SLIPWAY_DEPLOY_SECRETS_H

#include "base/crypto.h"
#include "store/app.h"

struct secrets {
    const char **list;
    size_t n;
};

/* Reads the variables of the application APP_ID and opens the secret ones: every value is there. */
int secrets_read_env(struct pg *pg, const struct keyring *keys, struct arena *a, const char *app_id,
                     struct store_env_list *env, struct err *err);

/* What secrets_mask() hides: the secret values of ENV. One of several lines is one as a whole and
 * line by line; what is shorter than 6 bytes would mask ordinary words. */
void secrets_learn(struct arena *a, const struct store_env_list *env, struct secrets *out);

/* TEXT (may be NULL) with the secrets replaced, in A where there are any. */
const char *secrets_mask(struct arena *a, const struct secrets *s, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What jobs leave in worker.directory when they are killed.
 */
#ifndef SLIPWAY_DEPLOY_CLEAN_H
#define SLIPWAY_DEPLOY_CLEAN_H

#include "base/conf.h"

/* Removes all checkouts. To be called while no job runs; what cannot be removed is logged. */
void deploy_clean(const struct conf *conf);

#endif

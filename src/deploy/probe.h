/* SPDX-License-Identifier: MIT */
/*
 * The static TCP probe as a Swarm config, whose name holds a hash of the program.
 */
#ifndef SLIPWAY_DEPLOY_PROBE_H
#define SLIPWAY_DEPLOY_PROBE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Reads the program at PATH into DATA; *name gets the config's name in A. ERR_INTERNAL: it cannot
 * be read. */
int probe_read(struct arena *a, const char *path, struct buf *data, char **name, struct err *err);

#endif

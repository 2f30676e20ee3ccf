/* SPDX-License-Identifier: MIT */
/*
 * What the rig offers to a test program (tests/rig): PostgreSQL with a fresh database of the
 * program's own, and Redis with a prefix of its own.
 */
#ifndef SLIPWAY_TESTS_RIG_H
#define SLIPWAY_TESTS_RIG_H

#include "cache/redis.h"
#include "store/pg.h"

/* A variable of the rig's; ends the program when it is missing. */
const char *rig_variable(const char *name);

/* A new, migrated database; the address lives in the arena. */
const char *rig_database(struct arena *a);
struct pg *rig_pg(struct arena *a, const char *url);
struct redis *rig_redis(struct arena *a);

/* Ends the program with a message when RC is not 0. */
void rig_must(int rc, const struct err *err);

#endif

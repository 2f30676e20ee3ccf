/* SPDX-License-Identifier: MIT */
/*
 * What the daemons' mains share.
 */
#ifndef SLIPWAY_BASE_PROGRAM_H
#define SLIPWAY_BASE_PROGRAM_H

#include "base/conf.h"

/* Reads --config FILE, --help and --version of the program NAME; WHAT says in whole lines what it
 * does. Returns FILE or NULL; ends the process for the other two and for anything else. */
const char *program_arguments(int argc, char **argv, const char *name, const char *what);

/* Begins NAME's log at the level of log.level; again after the configuration was read anew. */
void program_log(const char *name, const struct conf *c);

#endif

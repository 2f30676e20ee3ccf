/* SPDX-License-Identifier: MIT */
/*
 * Fetching into a bare repository, in a child process that can be given up on.
 */
#ifndef SLIPWAY_GIT_FETCH_H
#define SLIPWAY_GIT_FETCH_H

#include "git/mirror.h"

/* Prepares libgit2 once for this process: no configuration of the machine is read. */
void repo_library(void);

/* Fetches every branch and tag of SOURCE into the bare repository at PATH, which is made when it
 * is not there. *damaged says that a failure lies in the repository at PATH and not with the
 * server. */
int repo_fetch(const char *path, const struct repo_source *source, bool *damaged, struct err *err);

/* *err from libgit2's last error; CODE is what its function returned. */
int repo_error(int code, const char *url, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Addresses of git repositories.
 */
#ifndef SLIPWAY_BASE_GITURL_H
#define SLIPWAY_BASE_GITURL_H

#include "base/base.h"
#include "base/err.h"

struct arena;

/* Accepts http://, https://, ssh:// and scp-like (user@host:path) addresses of at most 2,048
 * characters and nothing else: no file://, no git://, no ext:: or other remote helpers, no local
 * paths, no host, user or path that starts with '-', no white space or control characters, no
 * password in the address (it would be shown; a credential keeps it).
 * ERR_INVALID names what is wrong. */
int giturl_check(const char *url, struct err *err);

/* The spelling-independent name of a repository: "host/path" (with ":port" where it is not the
 * scheme's own), host in lower case, no user, no trailing '/', no ".git". So https, ssh and
 * scp-like addresses of one repository are equal. NULL when giturl_check() refuses it. */
char *giturl_normal(struct arena *a, const char *url);

/* A branch or tag name by git's rules (git-check-ref-format), of at most 244 bytes. */
bool giturl_ref_valid(const char *name);

#endif

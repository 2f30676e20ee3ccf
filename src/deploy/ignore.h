/* SPDX-License-Identifier: MIT */
/*
 * .dockerignore, by Docker's rules (docs.docker.com/build/concepts/context, "dockerignore files").
 *
 * A line is a pattern for paths relative to the context's root; the last line that matches a path
 * or a directory above it decides. '#' in the first column is a comment, '!' takes back, '*' and
 * '?' stay within a name, '**' crosses directories, [a-z] is a class, '\' escapes. A '/' in front
 * and a '/' behind mean nothing.
 */
#ifndef SLIPWAY_DEPLOY_IGNORE_H
#define SLIPWAY_DEPLOY_IGNORE_H

#include <regex.h>

#include "base/arena.h"
#include "base/err.h"

struct ignore_rule {
    regex_t regex;
    bool keep; /* '!' */
};

struct ignore {
    struct ignore_rule *rules; /* in the arena of ignore_parse() */
    size_t n;
    bool keeps; /* some rule takes back */
};

/* Reads the file's text. ERR_INVALID names the line that is no pattern. Release also after a
 * failure. */
int ignore_parse(struct ignore *ig, struct arena *a, const char *text, size_t len, struct err *err);
void ignore_release(struct ignore *ig);

/* Whether PATH ("a/b", no slash in front) is left out. */
bool ignore_match(const struct ignore *ig, const char *path);

#endif

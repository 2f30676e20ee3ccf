/* SPDX-License-Identifier: MIT */
/*
 * Compiling one template. The syntax is described in compile.c. What is wrong with a template ends
 * the program, with the template's file and line.
 */
#ifndef SLIPWAY_TEMPLATE_TAGS_H
#define SLIPWAY_TEMPLATE_TAGS_H

#include "base/buf.h"

enum { MAX_WORD = 160 };

struct source {
    const char *file;    /* as given, for messages */
    char name[MAX_WORD]; /* app/show */
    char view[MAX_WORD];
    bool scalar;   /* the view is passed by value */
    bool has_body; /* it is a layout */
    struct buf text;
};

/* The template of that name; there is one, or the program ends. */
const struct source *template_find(const char *name);

/* Messages are about this line from now on. */
void template_at(const struct source *t, int line);
void template_fail(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

/* Appends the head of the function of T with SUFFIX behind its name, and END. */
void template_head(const struct source *t, const char *suffix, struct buf *out, const char *end);

/* Appends the function (two for a layout). */
void template_compile(const struct source *t, struct buf *out);

#endif

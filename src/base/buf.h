/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer, always NUL-terminated behind its length. Owns its memory: release it.
 * Growth aborts when memory runs out, so appending has no errors to check.
 */
#ifndef SLIPWAY_BASE_BUF_H
#define SLIPWAY_BASE_BUF_H

#include <stdarg.h>

#include "base/base.h"

struct arena;

struct buf {
    char *data; /* NULL while nothing was ever added */
    size_t len;
    size_t cap;
};

void buf_init(struct buf *b);
void buf_release(struct buf *b);
/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);

/* Forgets what is behind the first LEN bytes. */
void buf_truncate(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/* Takes N bytes off the front. */
void buf_shift(struct buf *b, size_t n);
/* The text, never NULL. */
const char *buf_str(const struct buf *b);
/* A copy of the text in ARENA. */
char *buf_dup(const struct buf *b, struct arena *a);

#define AUTO_BUF CLEANUP(buf_release) struct buf

#endif

/* SPDX-License-Identifier: MIT */
/*
 * An arena: memory that is given back all at once.
 *
 * A request has one, a job has one, a long loop resets a child each turn. Whatever a function
 * returns lives in the arena that it was handed. Nothing in it is freed alone, and no handle
 * (file, connection, library object) lives in it. Allocation never returns NULL: it aborts when
 * the system has no memory or the arena's cap is passed.
 */
#ifndef SLIPWAY_BASE_ARENA_H
#define SLIPWAY_BASE_ARENA_H

#include "base/base.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used; /* bytes handed out since the last reset */
    size_t cap;  /* most bytes that it may hand out; 0 is no cap */
};

/* An empty arena that may hand out at most CAP bytes (0: any number). */
void arena_init(struct arena *a, size_t cap);

/* Gives everything back to the system; the arena is empty and usable afterwards. */
void arena_release(struct arena *a);

/* Forgets everything, keeping one block for the next turn. */
void arena_reset(struct arena *a);

/* SIZE zeroed bytes, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);

/* N zeroed elements; aborts when N * SIZE overflows. */
void *arena_array(struct arena *a, size_t n, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

/* Copies, with a terminating NUL. arena_strdup(NULL) is NULL. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_memdup(struct arena *a, const void *p, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define AUTO_ARENA CLEANUP(arena_release) struct arena

#endif

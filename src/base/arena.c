/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 16 * 1024, ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    size_t pad; /* keeps data[] aligned to ALIGN */
    unsigned char data[];
};

void arena_init(struct arena *a, size_t cap)
{
    *a = (struct arena){.cap = cap};
}

void arena_release(struct arena *a)
{
    struct arena_block *b = a->head;
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    a->head = NULL;
    a->used = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    struct arena_block *b = a->head;
    while (b) {
        struct arena_block *next = b->next;
        if (!keep && b->size == BLOCK_MIN)
            keep = b;
        else
            free(b);
        b = next;
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->head = keep;
    a->used = 0;
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
    size_t want = size > BLOCK_MIN ? size : BLOCK_MIN;
    struct arena_block *b = malloc(sizeof(*b) + want);
    if (!b)
        base_oom(want);
    b->size = want;
    b->used = 0;
    if (a->head && want > BLOCK_MIN) {
        /* a large one goes behind, so that the room in the current block is not lost */
        b->next = a->head->next;
        a->head->next = b;
    } else {
        b->next = a->head;
        a->head = b;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        base_oom(size);
    size_t want = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (a->cap && a->used + want > a->cap)
        base_oom(want);
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < want)
        b = add_block(a, want);
    void *p = b->data + b->used;
    b->used += want;
    a->used += want;
    memset(p, 0, want);
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        base_oom(SIZE_MAX);
    return arena_alloc(a, bytes);
}

char *arena_memdup(struct arena *a, const void *p, size_t n)
{
    char *copy = arena_alloc(a, n + 1);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_memdup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        BUG("bad format '%s'", fmt);
    char *s = arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

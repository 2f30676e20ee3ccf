/* SPDX-License-Identifier: MIT */
/*
 * Randomness from the kernel, and identifiers made of it.
 */
#ifndef SLIPWAY_BASE_RAND_H
#define SLIPWAY_BASE_RAND_H

#include "base/base.h"

struct arena;

enum { UUID_TEXT = 37 };

void rand_bytes(void *out, size_t n);
uint64_t rand_below(uint64_t bound); /* uniform in [0, bound); bound > 0 */

/* N random bytes as lower-case hexadecimal digits. */
char *rand_hex(struct arena *a, size_t n);

/* A UUIDv7 (RFC 9562, section 5.7): sorts by the time of its making, also within one process
 * and millisecond. */
void uuid_make(char out[UUID_TEXT]);
char *uuid_new(struct arena *a);

/* True for the canonical text of a UUID: 36 characters, lower-case digits. */
bool uuid_valid(const char *s);

#endif

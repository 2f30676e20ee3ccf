/* SPDX-License-Identifier: MIT */
/*
 * Small questions about text. Nothing here allocates except into an arena.
 */
#ifndef SLIPWAY_BASE_STR_H
#define SLIPWAY_BASE_STR_H

#include "base/base.h"

struct arena;

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_empty(const char *s); /* NULL or "" */

/* True when the N bytes are well-formed UTF-8 (RFC 3629) without NUL. */
bool str_utf8(const char *s, size_t n);

/* Number of code points in well-formed UTF-8. */
size_t str_utf8_len(const char *s);

/* Cuts an unfinished sequence off the end (after a text was truncated). */
void str_utf8_trim(char *s);

/* A copy in which every byte that is not well-formed UTF-8, and NUL, became U+FFFD. */
char *str_utf8_scrub(struct arena *a, const char *s, size_t n);

/* A whole decimal number within [min, max]; false when S is anything else. */
bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *out);

/* A copy in lower case (ASCII). */
char *str_lower(struct arena *a, const char *s);

/* Hexadecimal digits only, of a length between MIN and MAX. */
bool str_is_hex(const char *s, size_t min, size_t max);

/* Time that does not depend on the content; false when the lengths differ. */
bool str_eq_secret(const char *a, size_t alen, const char *b, size_t blen);

/* Splits S at SEP into a NULL-terminated array of copies; empty pieces are left out. */
char **str_split(struct arena *a, const char *s, char sep);

#endif

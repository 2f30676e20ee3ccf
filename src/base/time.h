/* SPDX-License-Identifier: MIT */
/*
 * Time. A moment is milliseconds since 1970 (UTC) in an int64_t, 0 is "never"; a length of time
 * is milliseconds unless its name says otherwise.
 */
#ifndef SLIPWAY_BASE_TIME_H
#define SLIPWAY_BASE_TIME_H

#include "base/base.h"

enum { TIME_TEXT = 32 };

int64_t time_now(void);       /* the wall clock */
int64_t time_monotonic(void); /* for measuring; unrelated to time_now() */

/* RFC 3339 in UTC with milliseconds: 2026-11-24T17:56:21.000Z */
void time_format(int64_t ms, char out[TIME_TEXT]);

/* Reads RFC 3339 with any fraction and offset; false when it is anything else. */
bool time_parse(const char *s, int64_t *ms);

/* Sleeps, and returns early (false) when a signal comes. */
bool time_sleep(int64_t ms);

#endif

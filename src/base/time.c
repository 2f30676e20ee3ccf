/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t time_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t time_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void time_format(int64_t ms, char out[TIME_TEXT])
{
    time_t sec = (time_t)(ms / 1000);
    int milli = (int)(ms % 1000);
    if (milli < 0) {
        milli += 1000;
        sec--;
    }
    struct tm tm;
    gmtime_r(&sec, &tm);
    char day[24];
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, TIME_TEXT, "%s.%03dZ", day, milli);
}

bool time_parse(const char *s, int64_t *ms)
{
    struct tm tm = {0};
    int used = 0;
    if (sscanf(s, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
        used != 19)
        return false;
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    s += used;
    int64_t milli = 0;
    if (*s == '.') {
        int scale = 100;
        for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
            milli += (*s - '0') * scale;
    }
    int64_t offset = 0;
    if (*s == '+' || *s == '-') {
        int h, m, n = 0;
        if (sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 || s[1 + n])
            return false;
        offset = (*s == '-' ? -1 : 1) * (h * 60 + m) * 60LL;
    } else if ((*s != 'Z' && *s != 'z') || s[1]) {
        return false;
    }
    *ms = ((int64_t)timegm(&tm) - offset) * 1000 + milli;
    return true;
}

bool time_sleep(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return nanosleep(&ts, NULL) == 0;
}

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

/* Takes N digits off *s, and behind them one of ENDS unless that is empty. */
static bool take(const char **s, int n, const char *ends, int *out)
{
    *out = 0;
    for (; n; n--, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        *out = *out * 10 + (**s - '0');
    }
    if (!*ends)
        return true;
    return **s && strchr(ends, *(*s)++);
}

/* timegm() makes the 2nd of March of the 30th of February. */
static bool is_date(const struct tm *tm)
{
    struct tm day = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday};
    timegm(&day);
    return day.tm_mon == tm->tm_mon && day.tm_mday == tm->tm_mday;
}

static bool take_offset(const char *s, int64_t *seconds)
{
    int hours, minutes, sign = *s == '-' ? -1 : 1;
    *seconds = 0;
    if (*s == 'Z' || *s == 'z')
        return !s[1];
    if (*s != '+' && *s != '-')
        return false;
    s++;
    if (!take(&s, 2, ":", &hours) || !take(&s, 2, "", &minutes) || *s || hours > 23 || minutes > 59)
        return false;
    *seconds = sign * (hours * 60 + minutes) * 60LL;
    return true;
}

bool time_parse(const char *s, int64_t *ms)
{
    struct tm tm = {0};
    int64_t milli = 0, offset;
    if (!take(&s, 4, "-", &tm.tm_year) || !take(&s, 2, "-", &tm.tm_mon) ||
        !take(&s, 2, "Tt ", &tm.tm_mday) || !take(&s, 2, ":", &tm.tm_hour) ||
        !take(&s, 2, ":", &tm.tm_min) || !take(&s, 2, "", &tm.tm_sec))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (!is_date(&tm) || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    if (*s == '.') {
        int scale = 100;
        if (s[1] < '0' || s[1] > '9')
            return false;
        for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
            milli += (*s - '0') * scale;
    }
    if (!take_offset(s, &offset))
        return false;
    *ms = ((int64_t)timegm(&tm) - offset) * 1000 + milli;
    return true;
}

bool time_sleep(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return nanosleep(&ts, NULL) == 0;
}

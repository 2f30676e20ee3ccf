/* SPDX-License-Identifier: MIT */
#include "base/rand.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/time.h"

void rand_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0)
            continue; /* EINTR: the only error with flags 0 and a valid buffer */
        p += got;
        n -= (size_t)got;
    }
}

uint64_t rand_below(uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, v;
    do
        rand_bytes(&v, sizeof(v));
    while (v >= limit);
    return v % bound;
}

char *rand_hex(struct arena *a, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char byte;
    char *out = arena_alloc(a, n * 2 + 1);
    for (size_t i = 0; i < n; i++) {
        rand_bytes(&byte, 1);
        out[i * 2] = digits[byte >> 4];
        out[i * 2 + 1] = digits[byte & 15];
    }
    return out;
}

void uuid_make(char out[UUID_TEXT])
{
    static int64_t last_ms;
    static unsigned counter; /* 12 bits in rand_a: orders what one millisecond makes */
    int64_t ms = time_now();
    if (ms <= last_ms) {
        ms = last_ms;
        if (++counter > 0xFFF) {
            ms++;
            counter = 0;
        }
    } else {
        counter = (unsigned)rand_below(0x800);
    }
    last_ms = ms;
    unsigned char r[8];
    rand_bytes(r, sizeof(r));
    r[0] = (unsigned char)((r[0] & 0x3F) | 0x80);
    snprintf(out, UUID_TEXT, "%08llx-%04llx-7%03x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             (unsigned long long)(ms >> 16) & 0xFFFFFFFF, (unsigned long long)ms & 0xFFFF, counter,
             r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
}

char *uuid_new(struct arena *a)
{
    char text[UUID_TEXT];
    uuid_make(text);
    return arena_strdup(a, text);
}

bool uuid_valid(const char *s)
{
    if (strlen(s) != 36)
        return false;
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
            return false;
    }
    return true;
}

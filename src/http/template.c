/* SPDX-License-Identifier: MIT */
#include "http/template.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void add_escaped(struct buf *out, char c)
{
    switch (c) {
    case '&':
        buf_adds(out, "&amp;");
        break;
    case '<':
        buf_adds(out, "&lt;");
        break;
    case '>':
        buf_adds(out, "&gt;");
        break;
    case '"':
        buf_adds(out, "&quot;");
        break;
    case '\'':
        buf_adds(out, "&#39;");
        break;
    default:
        buf_addc(out, c);
    }
}

void tpl_text(struct buf *out, const char *s)
{
    while (s && *s) {
        size_t n = strcspn(s, "&<>\"'");
        buf_add(out, s, n);
        s += n;
        if (*s)
            add_escaped(out, *s++);
    }
}

static void add_percent(struct buf *out, unsigned char c)
{
    buf_addf(out, "%%%02X", c);
}

static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

/* No scheme at all, or one that leads to no script. What a browser would skip (white space and
 * control characters) makes it unsafe, so that "java\nscript:" has no chance. */
static bool url_safe(const char *s)
{
    static const char *const schemes[] = {"http", "https", "mailto"};
    for (const unsigned char *p = (const unsigned char *)s; *p; p++)
        if (*p < 0x20 || *p == 0x7F)
            return false;
    if (*s == ' ')
        return false;
    size_t n = strcspn(s, ":/?#");
    if (s[n] != ':')
        return true;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strlen(schemes[i]) == n && strncasecmp(s, schemes[i], n) == 0)
            return true;
    return false;
}

void tpl_url(struct buf *out, const char *s)
{
    if (!s)
        return;
    if (!url_safe(s)) {
        buf_addc(out, '#');
        return;
    }
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (unreserved(c) || strchr(":/?#[]@!$&'()*+,;=%", c))
            add_escaped(out, *s);
        else
            add_percent(out, c);
    }
}

void tpl_url_part(struct buf *out, const char *s)
{
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (unreserved(c))
            buf_addc(out, *s);
        else
            add_percent(out, c);
    }
}

void tpl_raw(struct buf *out, struct tpl_html h)
{
    if (h.html)
        buf_adds(out, h.html);
}

void tpl_int(struct buf *out, long long v)
{
    buf_addf(out, "%lld", v);
}

void tpl_num(struct buf *out, double v)
{
    char text[64];
    if (!isfinite(v)) {
        buf_addc(out, '-');
        return;
    }
    for (int decimals = 0; decimals <= 17; decimals++) {
        snprintf(text, sizeof(text), "%.*f", decimals, v);
        double back;
        if (sscanf(text, "%lf", &back) == 1 && back == v)
            break;
    }
    buf_adds(out, text);
}

void tpl_fixed(struct buf *out, double v, int decimals)
{
    buf_addf(out, "%.*f", decimals, v);
}

bool tpl_true_text(const char *s)
{
    return s && *s;
}

bool tpl_true_int(long long v)
{
    return v != 0;
}

bool tpl_true_num(double v)
{
    return v != 0;
}

bool tpl_same(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

/* SPDX-License-Identifier: MIT */
#include "template/html.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool in_list(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static void add_lower(char *to, size_t size, char c)
{
    size_t n = strlen(to);
    if (n + 1 < size)
        to[n] = (char)tolower((unsigned char)c);
}

static void remember(struct html *h, char c)
{
    size_t n = strlen(h->tail);
    if (n == sizeof(h->tail) - 1) {
        memmove(h->tail, h->tail + 1, n - 1);
        n--;
    }
    h->tail[n] = (char)tolower((unsigned char)c);
    h->tail[n + 1] = '\0';
}

static bool tail_is(const struct html *h, const char *end)
{
    size_t n = strlen(h->tail), m = strlen(end);
    return n >= m && strcmp(h->tail + n - m, end) == 0;
}

static bool is_url(const char *attr)
{
    static const char *const urls[] = {"href",       "src",      "action",   "formaction",
                                       "poster",     "cite",     "data",     "xlink:href",
                                       "background", "longdesc", "manifest", NULL};
    return in_list(attr, urls);
}

static void tag_ends(struct html *h)
{
    static const char *const raw[] = {"script", "style", NULL};
    static const char *const pre[] = {"pre", "textarea", NULL};
    h->state = HTML_TEXT;
    if (!h->closing && in_list(h->tag, raw)) {
        h->state = HTML_RAW;
        return;
    }
    if (in_list(h->tag, pre)) {
        if (!h->closing)
            h->preformatted++;
        else if (h->preformatted)
            h->preformatted--;
    }
    memset(h->tag, 0, sizeof(h->tag));
    h->closing = false;
}

static void attr_begins(struct html *h, char c)
{
    memset(h->attr, 0, sizeof(h->attr));
    h->started = false;
    add_lower(h->attr, sizeof(h->attr), c);
    h->state = HTML_ATTR_NAME;
}

static const char *attr_named(const struct html *h)
{
    if (strcmp(h->attr, "style") == 0)
        return "style attributes are not allowed: the page's policy refuses them";
    if (strncmp(h->attr, "on", 2) == 0)
        return "event attributes are not allowed: the page's policy refuses them";
    return NULL;
}

static void value_ends(struct html *h)
{
    memset(h->attr, 0, sizeof(h->attr));
    memset(h->tail, 0, sizeof(h->tail));
    h->started = false;
    h->state = HTML_TAG;
}

static const char *in_tag(struct html *h, char c)
{
    if (c == '>')
        tag_ends(h);
    else if (!isspace((unsigned char)c) && c != '/')
        attr_begins(h, c);
    return NULL;
}

static const char *in_attr_name(struct html *h, char c)
{
    const char *wrong = NULL;
    if (c == '=' || c == '>' || c == '/' || isspace((unsigned char)c))
        wrong = attr_named(h);
    if (c == '=')
        h->state = HTML_VALUE_BEFORE;
    else if (c == '>' || c == '/')
        value_ends(h), in_tag(h, c);
    else if (isspace((unsigned char)c))
        h->state = HTML_ATTR_AFTER;
    else
        add_lower(h->attr, sizeof(h->attr), c);
    return wrong;
}

static const char *in_value(struct html *h, char c, char quote)
{
    if (c == quote) {
        value_ends(h);
        return NULL;
    }
    if (is_url(h->attr)) {
        h->started = true;
        remember(h, c);
        if (tail_is(h, "script:"))
            return "an address must not be a script";
    }
    return NULL;
}

static void tag_opens(struct html *h, char c)
{
    memset(h->tag, 0, sizeof(h->tag));
    if (c == '/' && !h->closing) {
        h->closing = true;
    } else if (isalpha((unsigned char)c)) {
        add_lower(h->tag, sizeof(h->tag), c);
        h->state = HTML_TAG_NAME;
    } else if (c == '!' && !h->closing) {
        memset(h->tail, 0, sizeof(h->tail));
        h->state = HTML_DECLARATION;
    } else {
        h->closing = false;
        h->state = HTML_TEXT;
    }
}

static void tag_name(struct html *h, char c)
{
    if (c == '>')
        tag_ends(h);
    else if (isspace((unsigned char)c) || c == '/')
        h->state = HTML_TAG;
    else
        add_lower(h->tag, sizeof(h->tag), c);
}

/* Declarations, comments, and the inside of script and style, which end by what was read last. */
static void in_special(struct html *h, char c)
{
    remember(h, c);
    bool ends = false;
    if (h->state == HTML_DECLARATION && tail_is(h, "--") && strlen(h->tail) == 2)
        h->state = HTML_COMMENT;
    else if (h->state == HTML_DECLARATION)
        ends = c == '>';
    else if (h->state == HTML_COMMENT)
        ends = tail_is(h, "-->");
    else
        ends = tail_is(h, "</script>") || tail_is(h, "</style>");
    if (!ends)
        return;
    h->state = HTML_TEXT;
    memset(h->tail, 0, sizeof(h->tail));
    memset(h->tag, 0, sizeof(h->tag));
}

const char *html_feed(struct html *h, char c)
{
    switch (h->state) {
    case HTML_TEXT:
        if (c == '<')
            h->state = HTML_TAG_OPEN, h->closing = false;
        return NULL;
    case HTML_TAG_OPEN:
        tag_opens(h, c);
        return NULL;
    case HTML_TAG_NAME:
        tag_name(h, c);
        return NULL;
    case HTML_TAG:
        return in_tag(h, c);
    case HTML_ATTR_NAME:
        return in_attr_name(h, c);
    case HTML_ATTR_AFTER:
        if (c == '=')
            h->state = HTML_VALUE_BEFORE;
        else if (!isspace((unsigned char)c))
            value_ends(h), in_tag(h, c);
        return NULL;
    case HTML_VALUE_BEFORE:
        if (c == '"')
            h->state = HTML_VALUE_DOUBLE;
        else if (c == '\'')
            h->state = HTML_VALUE_SINGLE;
        else if (!isspace((unsigned char)c))
            h->state = HTML_VALUE_BARE;
        return NULL;
    case HTML_VALUE_DOUBLE:
        return in_value(h, c, '"');
    case HTML_VALUE_SINGLE:
        return in_value(h, c, '\'');
    case HTML_VALUE_BARE:
        if (c == '>')
            value_ends(h), tag_ends(h);
        else if (isspace((unsigned char)c))
            value_ends(h);
        return NULL;
    case HTML_DECLARATION:
    case HTML_COMMENT:
    case HTML_RAW:
        in_special(h, c);
        return NULL;
    }
    return NULL;
}

enum html_place html_place(const struct html *h, const char **why)
{
    static const char *const never[] = {"srcdoc", "srcset", "content", "http-equiv", "ping", NULL};
    *why = NULL;
    switch (h->state) {
    case HTML_TEXT:
        return HTML_PLACE_TEXT;
    case HTML_VALUE_DOUBLE:
    case HTML_VALUE_SINGLE:
        if (in_list(h->attr, never)) {
            *why = "no value may stand in this attribute";
            return HTML_PLACE_REFUSED;
        }
        if (is_url(h->attr))
            return h->started ? HTML_PLACE_URL_PART : HTML_PLACE_URL;
        return HTML_PLACE_ATTR;
    case HTML_VALUE_BEFORE:
    case HTML_VALUE_BARE:
        *why = "an attribute with a value needs quotes";
        return HTML_PLACE_REFUSED;
    case HTML_RAW:
        *why = "no value may stand inside script or style";
        return HTML_PLACE_REFUSED;
    case HTML_COMMENT:
    case HTML_DECLARATION:
        *why = "no value may stand in a comment";
        return HTML_PLACE_REFUSED;
    default:
        *why = "no value may stand inside a tag, outside an attribute's quotes";
        return HTML_PLACE_REFUSED;
    }
}

const char *html_pause(struct html *h)
{
    const char *wrong = NULL;
    if (h->state == HTML_ATTR_NAME || h->state == HTML_ATTR_AFTER) {
        wrong = attr_named(h);
        value_ends(h);
    } else if (h->state == HTML_TAG_NAME) {
        h->state = HTML_TAG;
    }
    return wrong;
}

void html_value(struct html *h)
{
    if (is_url(h->attr))
        h->started = true;
}

bool html_same(const struct html *a, const struct html *b)
{
    return a->state == b->state && a->closing == b->closing && a->started == b->started &&
           a->preformatted == b->preformatted && strcmp(a->tag, b->tag) == 0 &&
           strcmp(a->attr, b->attr) == 0;
}

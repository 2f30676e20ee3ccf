/* SPDX-License-Identifier: MIT */
#include "deploy/ignore.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { PATH_MAX_BYTES = 4096 };

/* "a//b/./c/../d/" as "a/b/d", and no slash in front. */
static char *clean(struct arena *a, const char *pattern)
{
    AUTO_BUF out = {0};
    size_t depth = 0;
    for (char **part = str_split(a, pattern, '/'); *part; part++) {
        if (str_eq(*part, "."))
            continue;
        if (str_eq(*part, "..")) {
            char *slash = depth && out.data ? strrchr(out.data, '/') : NULL;
            out.len = slash ? (size_t)(slash - out.data) : 0;
            if (out.data)
                out.data[out.len] = '\0';
            depth -= depth > 0;
            continue;
        }
        buf_addf(&out, "%s%s", out.len ? "/" : "", *part);
        depth++;
    }
    return buf_dup(&out, a);
}

static void literal(struct buf *out, char c)
{
    if (strchr(".^$+(){}|*?[]\\", c))
        buf_addc(out, '\\');
    buf_addc(out, c);
}

/* A bracket expression up to and with its ']'; POSIX knows no escapes inside, so they go. */
static const char *class_of(struct buf *out, const char *p)
{
    buf_addc(out, *p++);
    if (*p == '^' || *p == '!') {
        buf_addc(out, '^');
        p++;
    }
    for (; *p && *p != ']'; p++) {
        if (*p == '\\' && p[1])
            p++;
        buf_addc(out, *p);
    }
    buf_addc(out, ']');
    return *p ? p : p - 1;
}

static void to_regex(struct buf *out, const char *p)
{
    buf_addc(out, '^');
    for (; *p; p++) {
        if (p[0] == '*' && p[1] == '*') {
            p++;
            if (p[1] == '/')
                p++;
            buf_adds(out, p[1] ? "(.*/)?" : ".*");
        } else if (*p == '*') {
            buf_adds(out, "[^/]*");
        } else if (*p == '?') {
            buf_adds(out, "[^/]");
        } else if (*p == '[') {
            p = class_of(out, p);
        } else {
            if (*p == '\\' && p[1])
                p++;
            literal(out, *p);
        }
    }
    buf_addc(out, '$');
}

static char *trim(char *s)
{
    while (*s && strchr(" \t\r", *s))
        s++;
    size_t n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int add_rule(struct ignore *ig, struct arena *a, char *line, struct err *err)
{
    char *pattern = trim(line);
    bool keep = *pattern == '!';
    if (keep)
        pattern = trim(pattern + 1);
    if (!*pattern)
        return 0;
    char *cleaned = clean(a, pattern);
    if (!*cleaned)
        return 0;
    AUTO_BUF regex = {0};
    to_regex(&regex, cleaned);
    struct ignore_rule *r = &ig->rules[ig->n];
    if (regcomp(&r->regex, buf_str(&regex), REG_EXTENDED | REG_NOSUB) != 0)
        return err_set(err, ERR_INVALID, "the line '%s' of .dockerignore is no pattern", pattern);
    r->keep = keep;
    ig->keeps |= keep;
    ig->n++;
    return 0;
}

int ignore_parse(struct ignore *ig, struct arena *a, const char *text, size_t len, struct err *err)
{
    *ig = (struct ignore){0};
    char *copy = arena_memdup(a, text, len);
    if (str_starts(copy, "\xEF\xBB\xBF"))
        copy += 3;
    char **lines = str_split(a, copy, '\n');
    size_t n = 0;
    while (lines[n])
        n++;
    ig->rules = ARENA_ARRAY(a, n + 1, struct ignore_rule);
    for (size_t i = 0; i < n; i++)
        if (lines[i][0] != '#' && add_rule(ig, a, lines[i], err) < 0)
            return -1;
    return 0;
}

void ignore_release(struct ignore *ig)
{
    for (size_t i = 0; i < ig->n; i++)
        regfree(&ig->rules[i].regex);
    ig->n = 0;
}

/* The path itself, or a directory above it. */
static bool rule_matches(const struct ignore_rule *r, const char *path)
{
    char part[PATH_MAX_BYTES];
    size_t n = strlen(path);
    if (n >= sizeof(part))
        return false;
    memcpy(part, path, n + 1);
    for (;;) {
        if (regexec(&r->regex, part, 0, NULL, 0) == 0)
            return true;
        char *slash = strrchr(part, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
}

bool ignore_match(const struct ignore *ig, const char *path)
{
    for (size_t i = ig->n; i > 0; i--)
        if (rule_matches(&ig->rules[i - 1], path))
            return !ig->rules[i - 1].keep;
    return false;
}

/* SPDX-License-Identifier: MIT */
/* From one template's text to its C function. */
#include "template/tags.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template/html.h"

enum { MAX_DEPTH = 32 };
enum block_kind { BLOCK_IF, BLOCK_EACH, BLOCK_IN };

struct block {
    enum block_kind kind;
    int line;
    bool has_else;
    struct html begin, end; /* where its first branch began and ended */
    char name[MAX_WORD];    /* BLOCK_EACH: the variable; BLOCK_IN: the function */
    char source[MAX_WORD];  /* the C expression of the list, or of the argument */
};

/* The one that is being compiled. */
static struct {
    const struct source *t;
    int line;
    struct html html;
    struct block blocks[MAX_DEPTH];
    int depth;
    bool body_seen;
    struct buf *out;
} now;

void template_at(const struct source *t, int line)
{
    memset(&now, 0, sizeof(now));
    now.t = t;
    now.line = line;
}

void template_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: ", now.t ? now.t->file : "slipway-template", now.line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

#define fail template_fail

/* ---------------------------------------------------------------- names */

static bool is_word(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_')
            return false;
    return true;
}

/* tpl_app_show */
static void function_name(const char *name, char out[MAX_WORD])
{
    snprintf(out, MAX_WORD, "tpl_%s", name);
    for (char *p = out; *p; p++)
        if (!isalnum((unsigned char)*p))
            *p = '_';
}

static bool is_variable(const char *word)
{
    for (int i = 0; i < now.depth; i++)
        if (now.blocks[i].kind == BLOCK_EACH && !now.blocks[i].has_else &&
            strcmp(now.blocks[i].name, word) == 0)
            return true;
    return false;
}

/* The C expression of a path. *whole: it is the view or a variable itself, so a pointer. */
static void expression(const char *path, char out[MAX_WORD], bool *whole)
{
    char copy[MAX_WORD], *rest;
    *whole = false;
    if (strlen(path) + 16 > MAX_WORD)
        fail("'%.40s…' is too long", path);
    if (strcmp(path, ".") == 0) {
        snprintf(out, MAX_WORD, "v");
        *whole = true;
        return;
    }
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *part = strtok_r(copy, ".", &rest); part; part = strtok_r(NULL, ".", &rest))
        if (!is_word(part))
            fail("'%s' is no name of a member", path);
    if (strstr(path, "..") || path[0] == '.' || !*path || path[strlen(path) - 1] == '.')
        fail("'%s' is no name of a member", path);
    size_t first = strcspn(path, ".");
    snprintf(copy, sizeof(copy), "%.*s", (int)first, path);
    bool variable = is_variable(copy);
    if (variable && !path[first]) {
        snprintf(out, MAX_WORD, "l_%s", path);
        *whole = true;
    } else if (variable) {
        snprintf(out, MAX_WORD, "l_%.*s->%s", (int)first, path, path + first + 1);
    } else if (now.t->scalar) {
        fail("'%s': the view is no struct and has no members; write {{.}}", path);
    } else {
        snprintf(out, MAX_WORD, "v->%s", path);
    }
}

static void value_expression(const char *path, char out[MAX_WORD])
{
    bool whole;
    expression(path, out, &whole);
    if (whole && !(now.t->scalar && strcmp(path, ".") == 0))
        fail("'%s' is a struct; name a member of it", path);
}

/* ---------------------------------------------------------------- output */

static void emit_line(void)
{
    buf_addf(now.out, "#line %d \"%s\"\n", now.line, now.t->file);
}

static void emit_c_char(char c)
{
    unsigned char u = (unsigned char)c;
    if (c == '\n')
        buf_adds(now.out, "\\n");
    else if (c == '"' || c == '\\')
        buf_addf(now.out, "\\%c", c);
    else if (u < 0x20 || u >= 0x7F || c == '?')
        buf_addf(now.out, "\\%03o", u);
    else
        buf_addc(now.out, c);
}

static void emit_literal(const char *s, size_t n)
{
    if (!n)
        return;
    buf_adds(now.out, "    buf_add(out, \"");
    for (size_t i = 0; i < n; i++)
        emit_c_char(s[i]);
    buf_addf(now.out, "\", %zu);\n", n);
}

/* The template's own text: follows where in the HTML it leads, and drops indentation. */
static void literal(const char *s, size_t n)
{
    AUTO_BUF kept = {0};
    bool skip = false;
    for (size_t i = 0; i < n; i++) {
        bool loose =
            (now.html.state == HTML_TEXT && !now.html.preformatted) || now.html.state == HTML_TAG;
        bool space = strchr(" \t\n", s[i]) != NULL;
        const char *wrong = html_feed(&now.html, s[i]);
        if (wrong)
            fail("%s", wrong);
        if (s[i] == '\n')
            now.line++;
        if (!space || !loose)
            skip = false;
        if (!skip)
            buf_addc(&kept, s[i]);
        if (s[i] == '\n' && loose)
            skip = true;
    }
    emit_literal(buf_str(&kept), kept.len);
}

/* ---------------------------------------------------------------- tags */

static void tag_value(char *what)
{
    char c[MAX_WORD], *bar = strchr(what, '|');
    const char *why;
    if (bar) {
        char *end;
        *bar++ = '\0';
        long decimals = *bar == '.' ? strtol(bar + 1, &end, 10) : -1;
        if (decimals < 0 || decimals > 9 || *end)
            fail("'|%s' is no format; write |.1 for one decimal", bar);
        value_expression(what, c);
        if (html_place(&now.html, &why) == HTML_PLACE_REFUSED)
            fail("%s", why);
        emit_line();
        buf_addf(now.out, "    tpl_fixed(out, %s, %ld);\n", c, decimals);
        html_value(&now.html);
        return;
    }
    static const char *const macros[] = {
        [HTML_PLACE_TEXT] = "TPL_TEXT",
        [HTML_PLACE_ATTR] = "TPL_TEXT",
        [HTML_PLACE_URL] = "TPL_URL",
        [HTML_PLACE_URL_PART] = "TPL_URL_PART",
    };
    enum html_place place = html_place(&now.html, &why);
    if (place == HTML_PLACE_REFUSED)
        fail("%s", why);
    value_expression(what, c);
    emit_line();
    buf_addf(now.out, "    %s(out, %s);\n", macros[place], c);
    html_value(&now.html);
}

static void tag_raw(const char *what)
{
    char c[MAX_WORD];
    if (now.html.state != HTML_TEXT)
        fail("{{{%s}}} may stand between tags only", what);
    value_expression(what, c);
    emit_line();
    buf_addf(now.out, "    tpl_raw(out, %s);\n", c);
}

static struct block *push(enum block_kind kind)
{
    if (now.depth == MAX_DEPTH)
        fail("blocks are nested deeper than %d", MAX_DEPTH);
    struct block *b = &now.blocks[now.depth];
    *b = (struct block){.kind = kind, .line = now.line, .begin = now.html};
    return b;
}

static void tag_if(char *what)
{
    char c[MAX_WORD], *eq = strchr(what, '=');
    struct block *b = push(BLOCK_IF);
    bool negated = *what == '!';
    emit_line();
    if (eq) {
        char *path_end = eq, *word = eq + 1, *close;
        negated = eq > what && eq[-1] == '!';
        path_end -= negated;
        while (path_end > what && path_end[-1] == ' ')
            path_end--;
        while (*word == ' ')
            word++;
        close = *word == '"' ? strchr(word + 1, '"') : NULL;
        if (!close || close[1] || memchr(word, '\\', (size_t)(close - word)))
            fail("after '=' a word in double quotes must stand");
        *path_end = '\0';
        value_expression(what, c);
        buf_addf(now.out, "    if (%stpl_same(%s, %s)) {\n", negated ? "!" : "", c, word);
    } else {
        value_expression(what + negated, c);
        buf_addf(now.out, "    if (%sTPL_TRUE(%s)) {\n", negated ? "!" : "", c);
    }
    (void)b;
    now.depth++;
}

static void tag_each(char *what)
{
    bool whole;
    char *as = strstr(what, " as ");
    if (!as || !is_word(as + 4))
        fail("write {{#each LIST as NAME}}");
    *as = '\0';
    struct block *b = push(BLOCK_EACH);
    expression(what, b->source, &whole);
    if (whole)
        fail("'%s' is not a list", what);
    snprintf(b->name, sizeof(b->name), "%.100s", as + 4);
    if (is_variable(b->name) || strcmp(b->name, "out") == 0 || strcmp(b->name, "v") == 0)
        fail("the name '%s' is in use", b->name);
    emit_line();
    buf_addf(now.out,
             "    for (size_t i_%s = 0; i_%s < %s.n; i_%s++) {\n"
             "    const __typeof__(*%s.list) *l_%s = &%s.list[i_%s];\n    (void)l_%s;\n",
             b->name, b->name, b->source, b->name, b->source, b->name, b->source, b->name, b->name);
    now.depth++;
}

/* Splits "partials/icon "check"" or "partials/field a.b"; *c gets the argument in C. */
static const struct source *callee(char *what, char c[MAX_WORD])
{
    bool whole;
    char *argument = strchr(what, ' ');
    if (!argument)
        fail("'%s' needs something to show: a member, a text in quotes, or .", what);
    *argument++ = '\0';
    while (*argument == ' ')
        argument++;
    const struct source *t = template_find(what);
    if (*argument == '"') {
        size_t n = strlen(argument);
        if (n < 2 || argument[n - 1] != '"' || strchr(argument, '\\') ||
            strchr(argument + 1, '"') != argument + n - 1 || n >= MAX_WORD)
            fail("%s is no text", argument);
        if (!t->scalar)
            fail("'%s' shows a %s and no text", what, t->view);
        snprintf(c, MAX_WORD, "%s", argument);
        return t;
    }
    expression(argument, c, &whole);
    if (!t->scalar && !whole) {
        char address[MAX_WORD + 4];
        snprintf(address, sizeof(address), "&%s", c);
        snprintf(c, MAX_WORD, "%.150s", address);
    }
    return t;
}

static void tag_partial(char *what)
{
    char c[MAX_WORD], function[MAX_WORD];
    const struct source *t = callee(what, c);
    if (t->has_body)
        fail("'%s' has a {{body}}; write {{#in %s …}}", t->name, t->name);
    if (now.html.state != HTML_TEXT)
        fail("a template may be put in between tags only");
    function_name(t->name, function);
    emit_line();
    buf_addf(now.out, "    %s(out, %s);\n", function, c);
}

static void tag_in(char *what)
{
    char c[MAX_WORD];
    const struct source *t = callee(what, c);
    if (!t->has_body)
        fail("'%s' has no {{body}}; write {{> %s …}}", t->name, t->name);
    if (now.html.state != HTML_TEXT)
        fail("a template may be put in between tags only");
    struct block *b = push(BLOCK_IN);
    function_name(t->name, b->name);
    snprintf(b->source, sizeof(b->source), "%s", c);
    emit_line();
    buf_addf(now.out, "    %s_begin(out, %s);\n", b->name, b->source);
    now.depth++;
}

static const char *block_name(enum block_kind kind)
{
    static const char *const names[] = {"if", "each", "in"};
    return names[kind];
}

static void tag_else(void)
{
    struct block *b = now.depth ? &now.blocks[now.depth - 1] : NULL;
    if (!b || b->kind == BLOCK_IN || b->has_else)
        fail("{{else}} stands outside {{#if}} and {{#each}}, or twice");
    b->has_else = true;
    b->end = now.html;
    if (b->kind == BLOCK_EACH && !html_same(&b->begin, &b->end))
        fail("{{#each}} must end where it began in the HTML (line %d)", b->line);
    now.html = b->begin;
    if (b->kind == BLOCK_IF)
        buf_adds(now.out, "    } else {\n");
    else
        buf_addf(now.out, "    }\n    if (!%s.n) {\n", b->source);
}

static void tag_close(const char *what)
{
    struct block *b = now.depth ? &now.blocks[now.depth - 1] : NULL;
    if (!b)
        fail("{{/%s}} closes nothing", what);
    if (strcmp(what, block_name(b->kind)) != 0)
        fail("{{/%s}} stands where {{/%s}} must close line %d", what, block_name(b->kind), b->line);
    const struct html *before = b->has_else ? &b->end : &b->begin;
    if (!html_same(before, &now.html))
        fail("the block of line %d leads to different places in the HTML", b->line);
    if (b->kind == BLOCK_IN)
        buf_addf(now.out, "    %s_end(out, %s);\n", b->name, b->source);
    else
        buf_adds(now.out, "    }\n");
    now.depth--;
}

void template_head(const struct source *t, const char *suffix, struct buf *out, const char *end)
{
    char function[MAX_WORD];
    function_name(t->name, function);
    buf_addf(out, "void %s%s(struct buf *out, %s%s%sv)%s", function, suffix,
             t->scalar ? "" : "const ", t->view, t->scalar ? " " : " *", end);
}

static void tag_body(void)
{
    if (now.body_seen || now.depth)
        fail("{{body}} may stand once, and outside blocks");
    if (now.html.state != HTML_TEXT)
        fail("{{body}} may stand between tags only");
    now.body_seen = true;
    buf_adds(now.out, "}\n\n");
    template_head(now.t, "_end", now.out, "\n{\n    (void)v;\n");
}

static void tag(char *what, bool raw)
{
    const char *wrong =
        *what == '#' || *what == '/' || strcmp(what, "else") == 0 ? html_pause(&now.html) : NULL;
    if (wrong)
        fail("%s", wrong);
    if (raw)
        tag_raw(what);
    else if (*what == '!' || strncmp(what, "view ", 5) == 0)
        ;
    else if (strncmp(what, "#if ", 4) == 0)
        tag_if(what + 4);
    else if (strncmp(what, "#each ", 6) == 0)
        tag_each(what + 6);
    else if (strncmp(what, "#in ", 4) == 0)
        tag_in(what + 4);
    else if (*what == '#')
        fail("there is no block '%s'", what);
    else if (*what == '/')
        tag_close(what + 1);
    else if (strncmp(what, "> ", 2) == 0)
        tag_partial(what + 2);
    else if (strcmp(what, "else") == 0)
        tag_else();
    else if (strcmp(what, "body") == 0)
        tag_body();
    else
        tag_value(what);
}

/* ---------------------------------------------------------------- the whole */

/* Whether the tag from START to END is alone on its line. */
static bool alone(const char *text, const char *start, const char *end)
{
    while (start > text && (start[-1] == ' ' || start[-1] == '\t'))
        start--;
    while (*end == ' ' || *end == '\t')
        end++;
    return (start == text || start[-1] == '\n') && (*end == '\n' || !*end);
}

void template_compile(const struct source *t, struct buf *out)
{
    const char *text = buf_str(&t->text), *p = text;
    template_at(t, 1);
    now.out = out;
    template_head(t, t->has_body ? "_begin" : "", out, "\n{\n    (void)v;\n");
    for (const char *open; (open = strstr(p, "{{")) != NULL;) {
        bool raw = open[2] == '{';
        const char *begin = open + 2 + raw, *end = strstr(begin, raw ? "}}}" : "}}");
        const char *text_end = open, *after;
        char what[MAX_WORD * 2];
        if (!end || memchr(begin, '\n', (size_t)(end - begin))) {
            literal(p, (size_t)(open - p));
            fail("{{ is not closed on its line");
        }
        after = end + 2 + raw;
        while (*begin == ' ')
            begin++;
        while (end > begin && end[-1] == ' ')
            end--;
        if ((size_t)(end - begin) >= sizeof(what))
            fail("a tag is longer than %zu characters", sizeof(what));
        memcpy(what, begin, (size_t)(end - begin));
        what[end - begin] = '\0';
        bool vanishes = !raw && (strchr("#/!>", *what) || strcmp(what, "else") == 0 ||
                                 strcmp(what, "body") == 0 || strncmp(what, "view ", 5) == 0);
        bool lone = *what && vanishes && alone(text, open, after);
        while (lone && text_end > p && (text_end[-1] == ' ' || text_end[-1] == '\t'))
            text_end--;
        literal(p, (size_t)(text_end - p));
        tag(what, raw);
        p = after;
        if (lone) {
            p += strspn(p, " \t");
            if (*p == '\n')
                p++, now.line++;
        }
    }
    literal(p, strlen(p));
    if (now.depth)
        fail("the block of line %d is not closed", now.blocks[now.depth - 1].line);
    if (now.html.state != HTML_TEXT)
        fail("the file ends inside a tag, a comment or a script");
    buf_adds(out, "}\n\n");
}

/* SPDX-License-Identifier: MIT */
/*
 * The template compiler: HTML files to C functions, at build time.
 *
 *     slipway-template [--include VIEWS.h] OUT.c OUT.h DIRECTORY FILE…
 *
 * DIRECTORY/app/show.html becomes tpl_app_show(struct buf *out, const struct view_app_show *v).
 * Values are members of the view structs (pages/views.h), so a misspelt one does not compile, and
 * the C compiler's message names the template's line. The syntax:
 *
 *     {{view struct view_app_show}}   first line of each file: the type that it shows; a type that
 *                                     is no struct ("const char *") is passed by value
 *     {{name}} {{app.name}} {{.}}     a member, a member of a member, the view itself; escaped for
 *                                     where it stands: text, attribute, address (href, src, …: at
 *                                     its start the whole of it, else one piece)
 *     {{took|.1}}                     a number with that many decimals
 *     {{{log}}}                       as it is: only a struct tpl_html, only between tags
 *     {{#if x}} {{else}} {{/if}}      x is a text that is not empty, a number that is not 0, true
 *     {{#if !x}}
 *     {{#if x = "word"}} {{#if x != "word"}}
 *     {{#each apps as app}} {{else}} {{/each}}
 *                                     apps is a struct with list and n; else: when there is none
 *     {{> partials/icon "check"}}     another template, shown a text,
 *     {{> partials/field name}}       or a member, or the view itself (.)
 *     {{#in layout page}} {{/in}}     the same for a template that has a {{body}}
 *     {{! a comment }}
 *
 * Values are refused where escaping cannot make them safe: in script, style, comments, tag names,
 * unquoted attributes, srcdoc, srcset, content. Attributes style and on… are refused altogether.
 * Both branches of a condition must end where they began in the HTML. A line that holds only block
 * tags, or a comment, vanishes; white space at the start of lines is dropped (not in pre), and so
 * is the end of the last line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template/tags.h"

static struct source *templates;
static size_t n_templates;

const struct source *template_find(const char *name)
{
    for (size_t i = 0; i < n_templates; i++)
        if (strcmp(templates[i].name, name) == 0)
            return &templates[i];
    template_fail("there is no template '%s'", name);
}

static void read_file(struct source *t, const char *path)
{
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "re");
    if (!f)
        template_fail("could not read %s: %s", path, strerror(errno));
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_add(&t->text, chunk, n);
    fclose(f);
    if (memchr(buf_str(&t->text), '\0', t->text.len))
        template_fail("%s holds a NUL", path);
    /* The last line's end is the file's and not the page's. */
    while (t->text.len && t->text.data[t->text.len - 1] == '\n')
        t->text.data[--t->text.len] = '\0';
}

static void load(struct source *t, const char *dir, const char *file)
{
    size_t n = strlen(dir);
    const char *name = strncmp(file, dir, n) == 0 && file[n] == '/' ? file + n + 1 : file;
    size_t len = strlen(name);
    t->file = file;
    template_at(t, 1);
    if (len < 6 || strcmp(name + len - 5, ".html") != 0 || len >= MAX_WORD - 16)
        template_fail("the name must end with .html");
    snprintf(t->name, sizeof(t->name), "%.*s", (int)(len - 5), name);
    read_file(t, file);
    const char *text = buf_str(&t->text), *close = strstr(text, "}}");
    if (strncmp(text, "{{view ", 7) != 0 || !close || close - text >= MAX_WORD)
        template_fail("the first line must be {{view TYPE}}");
    snprintf(t->view, sizeof(t->view), "%.*s", (int)(close - text - 7), text + 7);
    t->scalar = strncmp(t->view, "struct ", 7) != 0;
    t->has_body = strstr(text, "{{body}}") != NULL;
}

static void write_file(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "we");
    if (!f || fwrite(buf_str(b), 1, b->len, f) != b->len || fclose(f) != 0)
        template_fail("could not write %s: %s", path, strerror(errno));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void prologue(const char *header_file, const char *views, struct buf *header,
                     struct buf *code)
{
    static const char made[] = "/* Made by slipway-template out of templates. */\n";
    char guard[MAX_WORD];
    snprintf(guard, sizeof(guard), "SLIPWAY_%s", base_name(header_file));
    for (char *p = guard; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
    buf_addf(header, "%s#ifndef %s\n#define %s\n\n#include \"%s\"\n\nstruct buf;\n\n", made, guard,
             guard, views);
    buf_addf(code, "%s#include \"%s\"\n\n#include \"http/template.h\"\n\n", made,
             base_name(header_file));
}

int main(int argc, char **argv)
{
    AUTO_BUF code = {0};
    AUTO_BUF header = {0};
    const char *views = "pages/views.h";
    if (argc > 2 && strcmp(argv[1], "--include") == 0) {
        views = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc < 5) {
        fprintf(stderr,
                "usage: slipway-template [--include VIEWS.h] OUT.c OUT.h DIRECTORY FILE...\n");
        return 2;
    }
    n_templates = (size_t)argc - 4;
    templates = calloc(n_templates, sizeof(*templates));
    if (!templates)
        base_oom(n_templates * sizeof(*templates));
    for (size_t i = 0; i < n_templates; i++)
        load(&templates[i], argv[3], argv[4 + i]);
    prologue(argv[2], views, &header, &code);
    for (size_t i = 0; i < n_templates; i++) {
        const struct source *t = &templates[i];
        template_head(t, t->has_body ? "_begin" : "", &header, ";\n");
        if (t->has_body)
            template_head(t, "_end", &header, ";\n");
        template_compile(t, &code);
    }
    buf_adds(&header, "\n#endif\n");
    write_file(argv[1], &code);
    write_file(argv[2], &header);
    for (size_t i = 0; i < n_templates; i++)
        buf_release(&templates[i].text);
    free(templates);
    return 0;
}

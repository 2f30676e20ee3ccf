/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "deploy/dockerfile.h"
#include "deploy/ignore.h"
#include "tests/tap.h"

/* Whether FILE leaves PATH out. */
static void check(const char *file, const char *path, bool ignored)
{
    AUTO_ARENA a = {0};
    struct err err = {0};
    CLEANUP(ignore_release) struct ignore ig;
    TAP_OK(ignore_parse(&ig, &a, file, strlen(file), &err), &err);
    bool is = ignore_match(&ig, path);
    if (is != ignored)
        printf("# '%s' %s '%s'\n", file, is ? "leaves out" : "keeps", path);
    CU_ASSERT_EQUAL(is, ignored);
}

static void patterns(void)
{
    check("", "a", false);
    check("a", "a", true);
    check("a", "a/b/c", true);
    check("a", "b/a", false);
    check("/a/", "a", true);
    check("./a//b/../c", "a/c", true);
    check("*.md", "README.md", true);
    check("*.md", "docs/README.md", false);
    check("*/*.md", "docs/README.md", true);
    check("*/*.md", "docs/more/README.md", false);
    check("**/*.md", "README.md", true);
    check("**/*.md", "docs/more/README.md", true);
    check("**", "anything/at/all", true);
    check("a/**/z", "a/z", true);
    check("a/**/z", "a/b/c/z", true);
    check("a/**", "a/b", true);
    check("temp?", "temp1", true);
    check("temp?", "temp", false);
    check("temp?", "temp12", false);
    check("*", ".git", true);
    check("[ab].c", "a.c", true);
    check("[^ab].c", "a.c", false);
    check("[^ab].c", "c.c", true);
    check("[a-c].c", "b.c", true);
    check("a.c", "axc", false);
    check("a+(b)|c{1}$^", "a+(b)|c{1}$^", true);
    check("\\*", "*", true);
    check("\\*", "x", false);
    check("\\#x", "#x", true);
    check("a", "ab", false);
}

static void lines(void)
{
    check("# a comment\na", "a", true);
    check("#a", "a", false);
    check("  a  \r\n", "a", true);
    check("\n\n\na\n\n", "a", true);
    check("\xEF\xBB\xBF"
          "a",
          "a", true);
    check(".", "a", false);
    check("/", "a", false);
    check("..", "a", false);
}

static void order(void)
{
    check("*.md\n!README.md", "README.md", false);
    check("*.md\n!README.md", "other.md", true);
    check("!README.md\n*.md", "README.md", true);
    check("*\n!src", "src/main.c", false);
    check("*\n!src/**\nsrc/*.o", "src/main.o", true);
    check("*\n! src", "src", false);
    check("node_modules\n!node_modules/keep", "node_modules/keep/x", false);
    check("node_modules\n!node_modules/keep", "node_modules/y", true);
    check("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true);
    check("!", "a", false);
}

static void no_pattern(void)
{
    AUTO_ARENA a = {0};
    struct err err = {0};
    CLEANUP(ignore_release) struct ignore ig;
    CU_ASSERT_EQUAL(ignore_parse(&ig, &a, "good\n[z-a]\n", 11, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    TAP_STR(err.msg, "the line '[z-a]' of .dockerignore is no pattern");
}

/* The images of TEXT, joined by spaces. */
static void images(const char *text, const char *args, const char *expected)
{
    AUTO_ARENA a = {0};
    AUTO_BUF out = {0};
    AUTO_JSON *given = NULL;
    struct err err = {0};
    if (args)
        TAP_OK(json_parse(args, strlen(args), &given, &err), &err);
    for (const char **i = dockerfile_images(&a, text, strlen(text), given); *i; i++)
        buf_addf(&out, "%s%s", out.len ? " " : "", *i);
    TAP_STR(buf_str(&out), expected);
}

static void bases(void)
{
    images("FROM alpine", NULL, "alpine");
    images("FROM scratch\nCOPY x /", NULL, "");
    images("# c\nfrom  a:1 AS build\nRUN x\nFROM b:2\nCOPY --from=build / /\nFROM build", NULL,
           "a:1 b:2");
    images("FROM --platform=linux/amd64 a", NULL, "a");
    images("ARG V=3\nFROM a:${V}", NULL, "a:3");
    images("ARG V=3\nFROM a:$V-slim", "{\"V\":\"4\"}", "a:4-slim");
    images("ARG V\nFROM a:${V:-9}", NULL, "a:9");
    images("ARG V\nFROM a:$V", NULL, "");
    images("FROM a\nARG V=1\nFROM b:$V", NULL, "a");
    images("FROM a\nFROM a", NULL, "a");
    images("FROM", NULL, "");
    images("FROM ${", NULL, "");
    images("ARG IMG=\"r:5000/x@sha256:ab\"\nFROM ${IMG}\r\n", NULL, "r:5000/x@sha256:ab");
}

const struct tap_test ignore_tests[] = {
    {"patterns", patterns},
    {"comments, spaces, empty lines", lines},
    {"the last line that matches decides", order},
    {"what is no pattern", no_pattern},
    {"the images that a Dockerfile begins from", bases},
    {NULL, NULL},
};

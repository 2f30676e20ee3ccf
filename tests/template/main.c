/* SPDX-License-Identifier: MIT */
/* Escaping, by place; and what a compiled template prints. */
#include <string.h>

#include "tests/tap.h"
#include "tests/template/views.h"

void tpl_all(struct buf *out, const struct view_all *v);

#define EVIL "<script>alert(1)</script>\"'&"
#define EVIL_TEXT "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"

static void check(void (*put)(struct buf *, const char *), const char *in, const char *want)
{
    AUTO_BUF out = {0};
    put(&out, in);
    TAP_STR(buf_str(&out), want);
}

static void text(void)
{
    check(tpl_text, EVIL, EVIL_TEXT);
    check(tpl_text, "plain ä €", "plain ä €");
    check(tpl_text, NULL, "");
    check(tpl_text, "&amp;", "&amp;amp;");
}

static void url(void)
{
    check(tpl_url, "https://example.com/a?b=c&d=e#f", "https://example.com/a?b=c&amp;d=e#f");
    check(tpl_url, "/a b/\"><script>", "/a%20b/%22%3E%3Cscript%3E");
    check(tpl_url, "mailto:a@example.com", "mailto:a@example.com");
    check(tpl_url, "//example.com/x", "//example.com/x");
    check(tpl_url, "?q=1", "?q=1");
    check(tpl_url, "", "");
    static const char *const bad[] = {
        "javascript:alert(1)",     "JavaScript:alert(1)",
        " javascript:alert(1)",    "java\nscript:alert(1)",
        "\tjavascript:alert(1)",   "\001javascript:alert(1)",
        "data:text/html,<script>", "vbscript:x",
        "java\tscript:x",          "javascript&colon;x:y",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check(tpl_url, bad[i], "#");
}

static void url_part(void)
{
    check(tpl_url_part, "a b/../c?d=e&f#g", "a%20b%2F..%2Fc%3Fd%3De%26f%23g");
    check(tpl_url_part, "javascript:", "javascript%3A");
    check(tpl_url_part, "ä-._~", "%C3%A4-._~");
    check(tpl_url_part, "\"'<>", "%22%27%3C%3E");
}

static void numbers(void)
{
    AUTO_BUF out = {0};
    TPL_TEXT(&out, (int64_t)-7);
    buf_addc(&out, ' ');
    TPL_TEXT(&out, 0.5);
    buf_addc(&out, ' ');
    TPL_TEXT(&out, 512.0);
    buf_addc(&out, ' ');
    TPL_TEXT(&out, 0.1);
    buf_addc(&out, ' ');
    tpl_fixed(&out, 2.345, 1);
    buf_addc(&out, ' ');
    TPL_TEXT(&out, (size_t)3);
    TAP_STR(buf_str(&out), "-7 0.5 512 0.1 2.3 3");
}

static void full(void)
{
    struct view_item items[] = {{"<1>", 1}, {"two", 2}};
    struct view_all v = {
        .text = EVIL,
        .url = "javascript:alert(1)",
        .word = "on",
        .safe = {"<em>safe</em>"},
        .size = 1.5,
        .yes = true,
        .one = {"one", 0},
        .items = {items, 2},
    };
    AUTO_BUF out = {0};
    tpl_all(&out, &v);
    TAP_STR(buf_str(&out), "<p>" EVIL_TEXT "</p>\n"
                           "<p title=\"" EVIL_TEXT "\" class='" EVIL_TEXT "'>x</p>\n"
                           "<a href=\"#\">whole</a><a href=\"/a/javascript%3Aalert%281%29?q="
                           "javascript%3Aalert%281%29\">part</a>\n"
                           "<img src='#' alt=\"\"><form action=\"#\"></form>\n"
                           "<p><em>safe</em></p>\n"
                           "<p>0 1.5 1.50</p>\n"
                           "<b title=\"" EVIL_TEXT "\">yes</b>\n"
                           "ONZERO\n"
                           "<i>&lt;1&gt; 1<u>&lt;1&gt;</u></i>\n<i>two 2<u>two</u></i>\n"
                           "<u>one</u><s>a&lt;b</s><s>" EVIL_TEXT "</s>\n"
                           "<pre>\n  kept " EVIL_TEXT "\n</pre>\n"
                           "<textarea>\n" EVIL_TEXT "</textarea>\n"
                           "<div title=\"" EVIL_TEXT "\">\ninside\n</div>");
}

static void empty(void)
{
    struct view_all v = {0};
    AUTO_BUF out = {0};
    tpl_all(&out, &v);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "<b>no</b>\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "OFFZERO\n<i>none</i>\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "<p></p>\n<p title=\"\""));
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        {"text and attributes", text},
        {"a whole address", url},
        {"a piece of an address", url_part},
        {"numbers", numbers},
        {"every construct", full},
        {"nothing to show", empty},
        {NULL, NULL},
    };
    static const struct tap_suite suites[] = {{"template", tests}, {NULL, NULL}};
    return tap_main(suites, argc, argv);
}

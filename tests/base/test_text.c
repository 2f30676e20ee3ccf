/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/exec.h"
#include "base/giturl.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "tests/tap.h"

static void utf8(void)
{
    CU_ASSERT(str_utf8("gr\xC3\xBC\xC3\x9F", 6));
    CU_ASSERT(str_utf8("\xF0\x9F\x9A\xA2", 4));
    CU_ASSERT_FALSE(str_utf8("\xC0\xAF", 2));         /* overlong */
    CU_ASSERT_FALSE(str_utf8("\xED\xA0\x80", 3));     /* surrogate */
    CU_ASSERT_FALSE(str_utf8("\xF4\x90\x80\x80", 4)); /* beyond U+10FFFF */
    CU_ASSERT_FALSE(str_utf8("\xC3", 1));
    CU_ASSERT_FALSE(str_utf8("a\0b", 3));
    CU_ASSERT_EQUAL(str_utf8_len("gr\xC3\xBC\xC3\x9F"), 4);

    AUTO_ARENA a = {0};
    TAP_STR(str_utf8_scrub(&a,
                           "a\xFF"
                           "b",
                           3),
            "a\xEF\xBF\xBD"
            "b");
    char cut[] = "a\xE2\x82";
    str_utf8_trim(cut);
    TAP_STR(cut, "a");
    char whole[] = "a\xE2\x82\xAC";
    str_utf8_trim(whole);
    TAP_STR(whole, "a\xE2\x82\xAC");
}

static void integers(void)
{
    int64_t v = 0;
    CU_ASSERT(str_to_int("42", 0, 100, &v));
    CU_ASSERT_EQUAL(v, 42);
    CU_ASSERT_FALSE(str_to_int("101", 0, 100, &v));
    CU_ASSERT_FALSE(str_to_int("1x", 0, 100, &v));
    CU_ASSERT_FALSE(str_to_int(" 1", 0, 100, &v));
    CU_ASSERT_FALSE(str_to_int("", 0, 100, &v));
    CU_ASSERT_FALSE(str_to_int("99999999999999999999", 0, INT64_MAX, &v));
}

static void arenas(void)
{
    AUTO_ARENA a = {0};
    char *big = arena_alloc(&a, 100000);
    big[99999] = 1;
    char *s = arena_printf(&a, "%s-%d", "x", 7);
    TAP_STR(s, "x-7");
    for (int i = 0; i < 10000; i++)
        CU_ASSERT_EQUAL_FATAL((uintptr_t)arena_alloc(&a, (size_t)i % 40 + 1) % 16, 0);
    arena_reset(&a);
    CU_ASSERT_EQUAL(a.used, 0);
    TAP_STR(arena_strdup(&a, "again"), "again");
    CU_ASSERT_PTR_NULL(arena_strdup(&a, NULL));
}

static void buffers(void)
{
    AUTO_BUF b = {0};
    TAP_STR(buf_str(&b), "");
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "%d,", i);
    CU_ASSERT_EQUAL(b.len, 3890);
    buf_shift(&b, 2);
    CU_ASSERT(str_starts(buf_str(&b), "1,2,3,"));
    buf_clear(&b);
    TAP_STR(buf_str(&b), "");
}

static void splits(void)
{
    AUTO_ARENA a = {0};
    char **p = str_split(&a, "/a//b/", '/');
    TAP_STR(p[0], "a");
    TAP_STR(p[1], "b");
    CU_ASSERT_PTR_NULL(p[2]);
    CU_ASSERT_PTR_NULL(str_split(&a, "", '/')[0]);
}

static void identifiers(void)
{
    char before[UUID_TEXT], after[UUID_TEXT];
    uuid_make(before);
    for (int i = 0; i < 10000; i++) {
        uuid_make(after);
        CU_ASSERT_TRUE_FATAL(uuid_valid(after) && strcmp(before, after) < 0);
        memcpy(before, after, sizeof(before));
    }
    CU_ASSERT_EQUAL(after[14], '7');
    CU_ASSERT_FALSE(uuid_valid("0192E4A0-0000-7000-8000-000000000000"));
    CU_ASSERT_FALSE(uuid_valid("x"));
}

static void times(void)
{
    char text[TIME_TEXT];
    int64_t ms = 0;
    time_format(1700000000123, text);
    TAP_STR(text, "2023-11-14T22:13:20.123Z");
    CU_ASSERT(time_parse(text, &ms));
    CU_ASSERT_EQUAL(ms, 1700000000123);
    CU_ASSERT(time_parse("2023-11-14T23:13:20.123456+01:00", &ms));
    CU_ASSERT_EQUAL(ms, 1700000000123);
    CU_ASSERT(time_parse("2023-11-14 22:13:20-00:30", &ms));
    CU_ASSERT_EQUAL(ms, 1700001800000);
    CU_ASSERT(time_parse("2024-02-29T23:59:60Z", &ms)); /* a leap day's leap second */
    CU_ASSERT_EQUAL(ms, 1709251200000);
    static const char *const refused[] = {
        "",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-13-14T22:13:20Z",
        "2023-00-14T22:13:20Z",
        "2023-11-31T22:13:20Z",
        "2023-02-29T22:13:20Z",
        "2023-11-00T22:13:20Z",
        "2023-11-14T24:13:20Z",
        "2023-11-14T22:60:20Z",
        "2023-11-14T22:13:61Z",
        "2023-11-14T22:13:20Zx",
        "2023-11-14T22:13:20.Z",
        "2023-11- 4T22:13:20Z",
        "2023-11-+4T22:13:20Z",
        "-023-11-14T22:13:20Z",
        "2023-11-14T22:13:20+1:00",
        "2023-11-14T22:13:20+24:00",
        "2023-11-14T22:13:20+01:60",
        "2023-11-14T22:13:20+01:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        CU_ASSERT_FALSE(time_parse(refused[i], &ms));
}

static void repository_addresses(void)
{
    static const char *const same[] = {
        "https://git.example/acme/shop",          "https://git.example/acme/shop.git",
        "https://GIT.example:443/acme/shop.git/", "ssh://git@git.example/acme/shop",
        "git@git.example:acme/shop.git",          "ssh://git@git.example:22/acme/shop.git",
    };
    AUTO_ARENA a = {0};
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        TAP_STR(giturl_normal(&a, same[i]), "git.example/acme/shop");
    TAP_STR(giturl_normal(&a, "http://127.0.0.1:8090/sample.git"), "127.0.0.1:8090/sample");

    static const char *const refused[] = {
        "file:///etc",
        "ext::sh -c id",
        "ext::sh",
        "git://host/x",
        "/srv/x",
        "../x",
        "",
        "https://",
        "https://host",
        "https://user:pass@host/x",
        "ssh://-oProxyCommand=x/y",
        "-u@host:x",
        "host:-x",
        "https://host/a b",
        "https://host/../x",
        "https://host:99999/x",
        "ftp://host/x",
        "https://host/x?y",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err err = {0};
        CU_ASSERT_EQUAL(giturl_check(refused[i], &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_INVALID);
        CU_ASSERT_PTR_NULL(giturl_normal(&a, refused[i]));
    }
    CU_ASSERT(giturl_ref_valid("feature/x-1"));
    static const char *const bad_refs[] = {"",   "-x",   "a..b", "a b", "x.lock", "/x",
                                           "x/", "a//b", "a~1",  "@",   "a@{b",   ".x"};
    for (size_t i = 0; i < ARRAY_LEN(bad_refs); i++)
        CU_ASSERT_FALSE(giturl_ref_valid(bad_refs[i]));
}

static void programs(void)
{
    AUTO_BUF out = {0};
    struct err err;
    int status = -1;
    TAP_OK(
        exec_run((const char *[]){"sh", "-c", "echo hi; exit 3", NULL}, 5000, &out, &status, &err),
        &err);
    CU_ASSERT_EQUAL(status, 3);
    TAP_STR(buf_str(&out), "hi\n");
    CU_ASSERT_EQUAL(exec_run((const char *[]){"sleep", "60", NULL}, 50, NULL, &status, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_TIMEOUT);
    CU_ASSERT_EQUAL(exec_run((const char *[]){"no-such-program", NULL}, 5000, NULL, &status, &err),
                    -1);
}

const struct tap_test text_tests[] = {
    {"UTF-8 is checked, scrubbed and trimmed", utf8},
    {"whole numbers are read strictly", integers},
    {"arenas align, grow and reset", arenas},
    {"buffers grow and shift", buffers},
    {"text is split", splits},
    {"identifiers sort by the time of their making", identifiers},
    {"times are RFC 3339", times},
    {"repository addresses are refused or made equal", repository_addresses},
    {"programs run, fail and are ended", programs},
    {NULL, NULL},
};

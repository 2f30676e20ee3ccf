/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"
#include "tests/tap.h"

static void parses(void)
{
    static const char *const good[] = {"{}",
                                       "[1,2]",
                                       "null",
                                       "12",
                                       " {\"a\":1} \n",
                                       "\"x\"",
                                       "true",
                                       "\"\\ud83d\\ude80\"",
                                       "{\"a\":{\"a\":\"x:y\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        AUTO_JSON *o = NULL;
        struct err err;
        TAP_OK(json_parse(good[i], strlen(good[i]), &o, &err), &err);
    }
    static const char *const bad[] = {"",
                                      "{",
                                      "{\"a\":1",
                                      "{'a':1}",
                                      "[1,]",
                                      "{} {}",
                                      "nul",
                                      "{\"a\" 1}",
                                      "\"\xFF\"",
                                      "01",
                                      "[1] x",
                                      "{a:1}",
                                      "\"a",
                                      "// x\n{}",
                                      "NaN",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800x\"",
                                      "\"\\ud800\\ud800\"",
                                      "{\"a\":1,\"a\":2}",
                                      "[{\"b\":{\"a\":1,\"\\u0061\":2}}]"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_JSON *o = NULL;
        struct err err = {0};
        CU_ASSERT_EQUAL(json_parse(bad[i], strlen(bad[i]), &o, &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_MALFORMED);
        if (err.code != ERR_MALFORMED)
            printf("# %s\n", bad[i]);
    }
    AUTO_BUF many = {0};
    buf_addc(&many, '[');
    for (int i = 0; i < JSON_MAX_VALUES; i++)
        buf_adds(&many, "0,");
    buf_adds(&many, "0]");
    struct err large = {0};
    AUTO_JSON *none = NULL;
    CU_ASSERT_EQUAL(json_parse(many.data, many.len, &none, &large), -1);
    CU_ASSERT_EQUAL(large.code, ERR_TOO_LARGE);
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    struct err err = {0};
    AUTO_JSON *o = NULL;
    CU_ASSERT_EQUAL(json_parse(deep, 200, &o, &err), -1);
}

static void reads(void)
{
    static const char text[] = "{\"a\":{\"b.c\":{\"d\":\"x\"}},\"n\":7,\"t\":true,\"l\":[1,2]}";
    AUTO_JSON *o = NULL;
    struct err err;
    TAP_OK(json_parse(text, strlen(text), &o, &err), &err);
    TAP_STR(json_str_at(o, "a/b.c/d"), "x");
    CU_ASSERT_PTR_NULL(json_str_at(o, "a/x/d"));
    CU_ASSERT_PTR_NULL(json_str_at(o, "n"));
    CU_ASSERT_EQUAL(json_int_at(o, "n", 0), 7);
    CU_ASSERT_EQUAL(json_int_at(o, "t", 3), 3);
    CU_ASSERT(json_bool_at(o, "t", false));
    CU_ASSERT_EQUAL(json_len(json_at(o, "l")), 2);
    CU_ASSERT_EQUAL(json_len(json_at(o, "n")), 0);
}

static void writes(void)
{
    AUTO_BUF b = {0};
    struct jw w;
    jw_init(&w, &b);
    jw_begin(&w);
    jw_kstr(&w, "a", "q\"\\\n\x01\x7F");
    jw_kint(&w, "i", -5);
    jw_knum(&w, "n", 0.1);
    jw_knum(&w, "w", 512);
    jw_kbool(&w, "t", true);
    jw_key(&w, "l");
    jw_begin_array(&w);
    jw_int(&w, 1);
    jw_begin(&w);
    jw_end(&w);
    jw_null(&w);
    jw_end_array(&w);
    jw_ktime(&w, "at", 1700000000123);
    jw_ktime(&w, "never", 0);
    jw_kraw(&w, "raw", "{\"x\":1}");
    jw_kstr(&w, "bad", "\xFFz");
    jw_end(&w);
    TAP_STR(buf_str(&b), "{\"a\":\"q\\\"\\\\\\n\\u0001\\u007f\",\"i\":-5,\"n\":0.1,\"w\":512,"
                         "\"t\":true,\"l\":[1,{},null],\"at\":\"2023-11-14T22:13:20.123Z\","
                         "\"never\":null,\"raw\":{\"x\":1},\"bad\":\"\xEF\xBF\xBDz\"}");
    AUTO_JSON *o = NULL;
    struct err err;
    TAP_OK(json_parse(b.data, b.len, &o, &err), &err);
}

const struct tap_test json_tests[] = {
    {"only exact JSON is accepted", parses},
    {"values are found by path", reads},
    {"what is written can be read", writes},
    {NULL, NULL},
};

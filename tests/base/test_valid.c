/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <string.h>

#include "base/str.h"
#include "base/valid.h"
#include "tests/tap.h"

struct thing {
    uint64_t set;
    const char *name;
    int64_t count;
    double share;
    bool on;
    const char *mode;
    const char *check, *vars, *labels, *secret;
    int64_t until;
    const char *id, *kind;
};

static const char *no_space(struct arena *a, const char *text)
{
    (void)a;
    return strchr(text, ' ') ? "must not contain a space" : NULL;
}

static const struct valid_field check_fields[] = {
    {.name = "command", .type = VALID_STR, .min = 1, .fallback = "\"true\""},
    {.name = "interval", .type = VALID_NUM, .min = 0.001, .max = 60, .fallback = "30"},
};
static const struct valid_table check_table = {"HealthCheck", check_fields, 2, 0};
static const struct valid_field var_fields[] = {
    {.name = "key", .type = VALID_STR, .flags = VALID_REQUIRED, .min = 1, .rule = no_space},
    {.name = "value", .type = VALID_STR, .flags = VALID_SECRET | VALID_NULLABLE},
    {.name = "since", .type = VALID_TIME},
};
static const struct valid_table var_table = {"Variable", var_fields, ARRAY_LEN(var_fields), 0};
#define AT(m) offsetof(struct thing, m)
static const struct valid_field fields[] = {
    {.name = "name",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = 5,
     .offset = AT(name)},
    {.name = "count", .type = VALID_INT, .min = 1, .max = 10, .offset = AT(count)},
    {.name = "share", .type = VALID_NUM, .min = 0.5, .max = 2, .offset = AT(share)},
    {.name = "on", .type = VALID_BOOL, .offset = AT(on)},
    {.name = "mode", .type = VALID_ENUM, .choices = "fast|slow", .offset = AT(mode)},
    {.name = "check",
     .type = VALID_OBJECT,
     .flags = VALID_NULLABLE,
     .sub = &check_table,
     .offset = AT(check)},
    {.name = "vars", .type = VALID_LIST, .max = 2, .sub = &var_table, .offset = AT(vars)},
    {.name = "labels", .type = VALID_MAP, .rule = no_space, .offset = AT(labels)},
    {.name = "secret", .type = VALID_STR, .flags = VALID_SECRET, .min = 8, .offset = AT(secret)},
    {.name = "until", .type = VALID_TIME, .flags = VALID_NULLABLE, .offset = AT(until)},
    {.name = "id", .type = VALID_STR, .flags = VALID_REQUIRED | VALID_DERIVED, .offset = AT(id)},
    {.name = "kind", .type = VALID_STR, .flags = VALID_FIXED, .offset = AT(kind)},
};
static const struct valid_table table = {"Thing", fields, ARRAY_LEN(fields), sizeof(struct thing)};

static bool check(struct arena *a, const char *text, bool partial, struct thing *t,
                  struct problems *p)
{
    AUTO_JSON *o = NULL;
    struct err err;
    if (json_parse(text, strlen(text), &o, &err) < 0)
        return false;
    problems_init(p, a);
    return valid_object(&table, o, partial, t, p);
}

static void accepts(void)
{
    AUTO_ARENA a = {0};
    struct thing t = {.count = 3};
    struct problems p;
    CU_ASSERT(check(&a,
                    "{\"name\":\"gr\xC3\xBC\xC3\x9F\",\"share\":1,\"on\":true,\"mode\":\"slow\","
                    "\"check\":{\"interval\":0.5},\"vars\":[{\"key\":\"A\"}],"
                    "\"labels\":{\"a\":\"b\"}}",
                    false, &t, &p));
    TAP_STR(t.name, "gr\xC3\xBC\xC3\x9F");
    CU_ASSERT_EQUAL(t.count, 3);
    CU_ASSERT(t.share == 1 && t.on);
    TAP_STR(t.mode, "slow");
    TAP_STR(t.check, "{\"command\":\"true\",\"interval\":0.5}");
    TAP_STR(t.vars, "[{\"key\":\"A\"}]");
    TAP_STR(t.labels, "{\"a\":\"b\"}");
    CU_ASSERT(valid_has(&table, &t, "name"));
    CU_ASSERT_FALSE(valid_has(&table, &t, "count"));
    struct thing patch = {0};
    CU_ASSERT(check(&a, "{\"check\":null}", true, &patch, &p));
    CU_ASSERT(valid_has(&table, &patch, "check"));
    CU_ASSERT_PTR_NULL(patch.check);
}

static void refuses(void)
{
    static const struct {
        const char *body, *field, *message;
    } rows[] = {
        {"{}", "name", "is required"},
        {"[]", "", "the body must be a JSON object"},
        {"{\"name\":\"\"}", "name", "must not be empty"},
        {"{\"name\":\"123456\"}", "name", "must have at most 5 characters, not 6"},
        {"{\"name\":5}", "name", "must be text, not '5'"},
        {"{\"name\":null}", "name", "must not be null"},
        {"{\"name\":\"a\\u0000b\"}", "name", "must not contain the character U+0000"},
        {"{\"name\":\"a\",\"nam\":1}", "nam", "is not a field of Thing"},
        {"{\"name\":\"a\",\"count\":11}", "count", "must be between 1 and 10, not '11'"},
        {"{\"name\":\"a\",\"count\":1.5}", "count", "must be a whole number, not '1.5'"},
        {"{\"name\":\"a\",\"count\":\"1\"}", "count", "must be a whole number, not '1'"},
        {"{\"name\":\"a\",\"share\":0.4}", "share", "must be between 0.5 and 2, not '0.4'"},
        {"{\"name\":\"a\",\"on\":1}", "on", "must be true or false, not '1'"},
        {"{\"name\":\"a\",\"mode\":\"x\"}", "mode", "must be one of fast|slow, not 'x'"},
        {"{\"name\":\"a\",\"check\":{\"interval\":\"x\"}}", "check.interval",
         "must be a number, not 'x'"},
        {"{\"name\":\"a\",\"check\":{\"x\":1}}", "check.x", "is not a field of HealthCheck"},
        {"{\"name\":\"a\",\"vars\":[{\"key\":\"A\"},{}]}", "vars[1].key", "is required"},
        {"{\"name\":\"a\",\"vars\":[{\"key\":\"A B\"}]}", "vars[0].key",
         "must not contain a space"},
        {"{\"name\":\"a\",\"vars\":[1]}", "vars[0]", "must be an object, not '1'"},
        {"{\"name\":\"a\",\"vars\":[{},{},{}]}", "vars", "must have 0 to 2 entries, not 3"},
        {"{\"name\":\"a\",\"labels\":{\"a b\":\"c\"}}", "labels.a b", "must not contain a space"},
        {"{\"name\":\"a\",\"labels\":{\"a\":1}}", "labels.a", "must be text, not '1'"},
        {"{\"name\":\"a\",\"secret\":\"hunter2\"}", "secret", "must have at least 8 characters"},
        {"{\"name\":\"a\",\"secret\":5}", "secret", "must be text, not that value"},
        {"{\"name\":\"a\",\"vars\":[{\"key\":\"A\",\"value\":5}]}", "vars[0].value",
         "must be text, not that value"},
        {"{\"name\":\"a\",\"until\":\"tomorrow\"}", "until",
         "must be a time like 2026-01-31T12:00:00Z, not 'tomorrow'"},
        {"{\"name\":\"a\",\"until\":\"2026-02-30T12:00:00Z\"}", "until",
         "must be a time like 2026-01-31T12:00:00Z, not '2026-02-30T12:00:00Z'"},
        {"{\"name\":\"a\",\"until\":\"2026-01-31\"}", "until",
         "must be a time like 2026-01-31T12:00:00Z, not '2026-01-31'"},
        {"{\"name\":\"a\",\"until\":1769860800}", "until",
         "must be a time like 2026-01-31T12:00:00Z, not '1769860800'"},
        {"{\"name\":\"a\",\"vars\":[{\"key\":\"A\",\"since\":\"\"}]}", "vars[0].since",
         "must be a time like 2026-01-31T12:00:00Z, not ''"},
        {"{\"name\":\"a\",\"id\":\"7\"}", "id", "cannot be set; it follows from other things"},
        {"{\"name\":\"a\",\"id\":null}", "id", "cannot be set; it follows from other things"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ARENA a = {0};
        struct thing t = {0};
        struct problems p;
        CU_ASSERT_FALSE(check(&a, rows[i].body, false, &t, &p));
        TAP_STR(problem_for(&p, rows[i].field), rows[i].message);
    }
}

static void lists_all(void)
{
    AUTO_ARENA a = {0};
    struct thing t = {0};
    struct problems p;
    CU_ASSERT_FALSE(check(&a, "{\"count\":0,\"on\":2,\"zzz\":1}", false, &t, &p));
    CU_ASSERT_EQUAL(p.n, 4);
}

/* A derived field is never asked for, a fixed one is refused in a change alone. */
static void times_and_flags(void)
{
    AUTO_ARENA a = {0};
    struct thing t = {.until = 7};
    struct problems p;
    CU_ASSERT(check(&a,
                    "{\"name\":\"a\",\"kind\":\"k\",\"until\":\"2023-11-14T23:13:20.123+01:00\","
                    "\"vars\":[{\"key\":\"A\",\"since\":\"2023-11-14T22:13:20Z\"}]}",
                    false, &t, &p));
    CU_ASSERT_EQUAL(t.until, 1700000000123);
    TAP_STR(t.vars, "[{\"key\":\"A\",\"since\":\"2023-11-14T22:13:20.000Z\"}]");
    TAP_STR(t.kind, "k");
    CU_ASSERT_PTR_NULL(t.id);
    CU_ASSERT(check(&a, "{\"until\":null}", true, &t, &p));
    CU_ASSERT_EQUAL(t.until, 0);
    CU_ASSERT_FALSE(check(&a, "{\"kind\":\"k\"}", true, &t, &p));
    TAP_STR(problem_for(&p, "kind"), "cannot be changed");
    CU_ASSERT_FALSE(check(&a, "{\"id\":\"7\"}", true, &t, &p));
    TAP_STR(problem_for(&p, "id"), "cannot be set; it follows from other things");
}

static void redacts(void)
{
    static const struct {
        const char *body, *redacted;
    } rows[] = {
        {"{}", "{}"},
        {"{\"secret\":\"hunter2\",\"name\":\"a\"}", "{\"name\":\"a\",\"secret\":\"***\"}"},
        {"{\"secret\":null}", "{\"secret\":null}"},
        /* also what is no secret's type, and what the table does not know */
        {"{\"secret\":{\"a\":\"hunter2\"}}", "{\"secret\":\"***\"}"},
        {"{\"passwort\":\"hunter2\",\"count\":3}", "{\"count\":3}"},
        {"{\"vars\":[{\"key\":\"A\",\"value\":\"hunter2\"},{\"key\":\"B\",\"value\":null}]}",
         "{\"vars\":[{\"key\":\"A\",\"value\":\"***\"},{\"key\":\"B\",\"value\":null}]}"},
        {"{\"vars\":[null,1,\"hunter2\",[\"hunter2\"]]}", "{\"vars\":[{},{},{},{}]}"},
        {"{\"vars\":\"hunter2\",\"check\":\"hunter2\"}", "{\"check\":{},\"vars\":{}}"},
        {"{\"check\":{\"command\":\"true\",\"x\":\"hunter2\"}}",
         "{\"check\":{\"command\":\"true\"}}"},
        {"{\"labels\":{\"a\":\"b\"},\"on\":true}", "{\"on\":true,\"labels\":{\"a\":\"b\"}}"},
        {"[\"hunter2\"]", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ARENA a = {0};
        AUTO_JSON *o = NULL;
        struct err err;
        TAP_OK(json_parse(rows[i].body, strlen(rows[i].body), &o, &err), &err);
        TAP_STR(valid_redacted(&a, &table, o), rows[i].redacted);
    }
}

const struct tap_test valid_tests[] = {
    {"good bodies fill the struct", accepts},
    {"each bad field has its message", refuses},
    {"all problems come at once", lists_all},
    {"times are read, derived and fixed fields are not set", times_and_flags},
    {"secrets are left out of the audit log", redacts},
    {NULL, NULL},
};

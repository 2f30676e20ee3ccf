/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "auth/oidc.h"
#include "base/json.h"
#include "base/str.h"
#include "tests/tap.h"

static struct arena arena;

static const int64_t now = 1800000000000;

static struct json_object *parse(const char *text)
{
    struct json_object *o = NULL;
    struct err err;
    if (json_parse(text, strlen(text), &o, &err) < 0)
        abort();
    return o;
}

/* What is said of a good payload after NAME became JSON (NULL: without it); "" for nothing. */
static const char *with(const char *name, const char *json)
{
    static const struct oidc_expected x = {.issuer = "https://id.example",
                                           .client_id = "me",
                                           .nonce = "n0",
                                           .access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5"
                                                           "KF0Y",
                                           .now = 1800000000000};
    struct err err = {0};
    AUTO_JSON *o = parse("{\"iss\":\"https://id.example\",\"aud\":\"me\",\"sub\":\"s\","
                         "\"nonce\":\"n0\",\"iat\":1800000000,\"exp\":1800000300}");
    if (name)
        json_object_object_del(o, name);
    if (name && json)
        json_object_object_add(o, name, parse(json));
    if (oidc_check_claims(&arena, o, &x, &err) == 0)
        return "";
    CU_ASSERT_EQUAL(err.code, ERR_UNAUTHORIZED);
    return arena_strdup(&arena, strstr(err.msg, ": ") + 2);
}

static void good(void)
{
    TAP_STR(with(NULL, NULL), "");
    TAP_STR(with("aud", "[\"me\"]"), "");
    TAP_STR(with("azp", "\"me\""), "");
    TAP_STR(with("iat", "1800000059"), ""); /* within the clocks' difference */
    TAP_STR(with("exp", "1799999941"), "");
    TAP_STR(with("exp", "1800000300.5"), "");
    /* the example of OpenID Connect Core, appendix A.3 and A.4 */
    TAP_STR(with("at_hash", "\"77QmUPtjPfzWtF2AnpK9RQ\""), "");
}

static void bad(void)
{
    static const char *const rows[][3] = {
        {"iss", NULL, "it is of another issuer"},
        {"iss", "\"https://id.example/\"", "it is of another issuer"},
        {"iss", "[\"https://id.example\"]", "it is of another issuer"},
        {"aud", NULL, "it is for somebody else"},
        {"aud", "\"you\"", "it is for somebody else"},
        {"aud", "\"\"", "it is for somebody else"},
        {"aud", "[]", "it is for somebody else"},
        {"aud", "[\"you\",\"they\"]", "it is for somebody else"},
        {"aud", "{\"me\":1}", "it is for somebody else"},
        {"aud", "[\"me\",\"you\"]", "it is for several, and does not say for whom it was made"},
        {"azp", "\"you\"", "it was made for somebody else"},
        {"azp", "7", "it was made for somebody else"},
        {"azp", "null", "it was made for somebody else"},
        {"exp", NULL, "it does not say until when it is good"},
        {"exp", "\"1800000300\"", "it does not say until when it is good"},
        {"exp", "1e300", "it does not say until when it is good"},
        {"exp", "-1", "it does not say until when it is good"},
        {"exp", "1799999940", "it has expired"},
        {"exp", "1", "it has expired"},
        {"iat", NULL, "it does not say when it was made"},
        {"iat", "1800000061", "it was made in the future"},
        {"nbf", "1800000061", "it is not good yet"},
        {"nonce", NULL, "its nonce is of another login"},
        {"nonce", "\"n1\"", "its nonce is of another login"},
        {"nonce", "\"n0\\u0000\"", "its nonce is of another login"},
        {"nonce", "[\"n0\"]", "its nonce is of another login"},
        {"sub", NULL, "it names nobody"},
        {"sub", "\"\"", "it names nobody"},
        {"sub", "42", "it names nobody"},
        {"at_hash", "\"77QmUPtjPfzWtF2AnpK9Rg\"", "it belongs to another access token"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        TAP_STR(with(rows[i][0], rows[i][1]), rows[i][2]);
    CU_ASSERT(now > 0);
}

static struct oidc_person read_person(const char *claim, const char *token, const char *userinfo)
{
    struct oidc_person p;
    struct conf conf = {.oidc_roles_claim = claim,
                        .oidc_roles = "ops=admin, dev team=developer,a=b=viewer,x=king"};
    AUTO_JSON *one = parse(token);
    AUTO_JSON *two = userinfo ? parse(userinfo) : NULL;
    oidc_read_person(&conf, &arena, one, two, &p);
    return p;
}

static void roles(void)
{
    CU_ASSERT_PTR_NULL(read_person("", "{\"roles\":[\"ops\"]}", NULL).roles);
    TAP_STR(read_person("roles", "{}", NULL).roles, "[]");
    TAP_STR(read_person("roles", "{\"roles\":[\"x\",\"admin\",7]}", NULL).roles, "[]");
    TAP_STR(read_person("roles", "{\"roles\":\"ops\"}", NULL).roles, "[\"admin\"]");
    TAP_STR(read_person("roles", "{\"roles\":[\"a=b\",\"dev team\",\"ops\"]}", NULL).roles,
            "[\"admin\",\"developer\",\"viewer\"]");
    TAP_STR(read_person("realm.roles", "{\"realm\":{\"roles\":[\"ops\"]}}", NULL).roles,
            "[\"admin\"]");
    TAP_STR(read_person("https://x.example/r", "{\"https://x.example/r\":[\"ops\"]}", NULL).roles,
            "[\"admin\"]");
    TAP_STR(read_person("roles", "{}", "{\"roles\":[\"ops\"]}").roles, "[\"admin\"]");
    TAP_STR(read_person("roles", "{\"roles\":[]}", "{\"roles\":[\"ops\"]}").roles, "[]");
    TAP_STR(read_person("a.b", "{\"a\":[1]}", NULL).roles, "[]");
}

static void addresses_of_people(void)
{
    CU_ASSERT(
        read_person("", "{\"email\":\"a@b.c\",\"email_verified\":true}", NULL).email_verified);
    CU_ASSERT_FALSE(
        read_person("", "{\"email\":\"a@b.c\",\"email_verified\":\"true\"}", NULL).email_verified);
    CU_ASSERT_FALSE(
        read_person("", "{\"email\":\"a@b.c\",\"email_verified\":1}", NULL).email_verified);
    CU_ASSERT_FALSE(read_person("", "{\"email\":\"a@b.c\"}", NULL).email_verified);
    /* that one address is verified says nothing of another */
    struct oidc_person p =
        read_person("", "{\"email\":\"a@b.c\"}", "{\"email\":\"d@e.f\",\"email_verified\":true}");
    TAP_STR(p.email, "a@b.c");
    CU_ASSERT_FALSE(p.email_verified);
    p = read_person("", "{\"email_verified\":true}", "{\"email\":\"d@e.f\"}");
    TAP_STR(p.email, "d@e.f");
    CU_ASSERT_FALSE(p.email_verified);
    p = read_person("", "{\"sub\":\"s\"}", "{\"email_verified\":true}"); /* of nothing */
    CU_ASSERT_PTR_NULL(p.email);
    CU_ASSERT_FALSE(p.email_verified);
    p = read_person("", "{\"email\":\"\",\"email_verified\":true}", NULL);
    CU_ASSERT_FALSE(p.email_verified);
}

static void urls(void)
{
    static const char https[] = "https://id.example", local[] = "http://127.0.0.1:9000";
    CU_ASSERT(oidc_url_allowed("https://id.example/x?y=1", https));
    CU_ASSERT(oidc_url_allowed("http://127.0.0.1:9000/x", local));
    CU_ASSERT(oidc_url_allowed("http://localhost/x", local));
    CU_ASSERT(oidc_url_allowed("http://[::1]:1/x", local));
    static const char *const bad[] = {NULL,
                                      "",
                                      "https://",
                                      "http://id.example/x",
                                      "http://127.0.0.1:9000/x",
                                      "ftp://id.example/",
                                      "file:///etc/passwd",
                                      "javascript:alert(1)",
                                      "https://user@id.example/",
                                      "https://id.example/a b",
                                      "https://id.example/\r\nX: y",
                                      "https://id.example/#x",
                                      "//id.example/"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(oidc_url_allowed(bad[i], https));
    CU_ASSERT_FALSE(oidc_url_allowed("http://127.0.0.1.evil.example/", local));
    CU_ASSERT_FALSE(oidc_url_allowed("http://127.0.0.1@evil.example/", local));
}

const struct tap_test claims_tests[] = {
    {"an ID token as it must be passes", good},
    {"each claim that is not is refused with its reason", bad},
    {"roles come from the claim by the map", roles},
    {"an e-mail address is verified only when its own place says so", addresses_of_people},
    {"the issuer is asked at https addresses, or on this machine", urls},
    {NULL, NULL},
};

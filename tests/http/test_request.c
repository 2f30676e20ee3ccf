/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "auth/rbac.h"
#include "http/request.h"
#include "tests/tap.h"

static struct arena arena;

static int init(struct http_request *r, const char *uri, struct err *err)
{
    const char **env = ARENA_ARRAY(&arena, 8, const char *);
    env[0] = "REQUEST_METHOD=POST";
    env[1] = arena_printf(&arena, "REQUEST_URI=%s", uri);
    env[2] = "HTTP_COOKIE=a=1; slipway_session=tok; slipway_sessionx=no";
    env[3] = "HTTP_X_REQUEST_ID=bad id";
    env[4] = "CONTENT_TYPE=Application/JSON; charset=utf-8";
    env[5] = "CONTENT_LENGTH=-1";
    return http_request_init(r, &arena, env, err);
}

static void paths(void)
{
    struct http_request r;
    struct err err;
    TAP_OK(init(&r, "/a%20b/c%2Fd/?x=1&y=%41+b&x=2#f", &err), &err);
    TAP_STR(r.path, "/a b/c/d");
    CU_ASSERT_EQUAL(r.n_segments, 2);
    TAP_STR(r.segments[1], "c/d"); /* an encoded slash separates nothing */
    TAP_STR(http_query(&r, "x"), "1");
    TAP_STR(http_query(&r, "y"), "A b");
    CU_ASSERT_PTR_NULL(http_query(&r, "z"));
    CU_ASSERT_EQUAL(r.method, HTTP_POST);
    TAP_STR(http_cookie(&r, "slipway_session"), "tok");
    CU_ASSERT_PTR_NULL(http_cookie(&r, "session"));
    TAP_STR(r.content_type, "application/json");
    CU_ASSERT_EQUAL(strlen(r.id), 36);
    static const char *const bad[] = {"/a//b", "/./a", "/a/..",    "/%2e%2e/x", "/a%00", "/%zz",
                                      "/%2",   "/%ff", "relative", "",          "/a\x01"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CU_ASSERT_EQUAL(init(&r, bad[i], &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_MALFORMED);
    }
}

static void patterns(void)
{
    struct http_request r;
    struct err err;
    TAP_OK(init(&r, "/api/applications/7/deploy", &err), &err);
    CU_ASSERT(http_match("/api/applications/:id/deploy", &r));
    TAP_STR(r.params[0], "7");
    CU_ASSERT_FALSE(http_match("/api/applications/:id", &r));
    CU_ASSERT_FALSE(http_match("/api/applications/:id/deploy/x", &r));
    CU_ASSERT_FALSE(http_match("/api/application/:id/deploy", &r));
    TAP_OK(init(&r, "/", &err), &err);
    CU_ASSERT(http_match("/", &r));
}

static void forms(void)
{
    struct http_pairs p;
    struct err err;
    static const char text[] = "a=1&b=x%26y&&c&d=%C3%BC";
    TAP_OK(http_pairs(&arena, text, strlen(text), &p, &err), &err);
    CU_ASSERT_EQUAL_FATAL(p.n, 4);
    TAP_STR(p.values[1], "x&y");
    TAP_STR(p.values[2], "");
    TAP_STR(p.values[3], "\xC3\xBC");
    CU_ASSERT_EQUAL(http_pairs(&arena, "a=%FF", 5, &p, &err), -1);
    CU_ASSERT_EQUAL(http_pairs(&arena, "a=%", 3, &p, &err), -1);
    TAP_STR(http_encode(&arena, "a b/\xC3\xBC~"), "a%20b%2F%C3%BC~");
}

static void roles(void)
{
    CU_ASSERT_EQUAL(rbac_strongest("[\"viewer\", \"admin\"]"), ROLE_ADMIN);
    CU_ASSERT_EQUAL(rbac_strongest("[]"), 0);
    /* a system owner or admin everywhere; else what the project gives */
    CU_ASSERT(rbac_allows(ROLE_OWNER, NULL, PERM_APPLICATION_DELETE));
    CU_ASSERT(rbac_allows(ROLE_ADMIN, "viewer", PERM_APPLICATION_DELETE));
    CU_ASSERT(rbac_allows(ROLE_VIEWER, "developer", PERM_APPLICATION_DEPLOY));
    CU_ASSERT_FALSE(rbac_allows(ROLE_DEVELOPER, "viewer", PERM_APPLICATION_DEPLOY));
    CU_ASSERT(rbac_allows(ROLE_VIEWER, "admin", PERM_PROJECT_DELETE));
    CU_ASSERT_FALSE(rbac_allows(ROLE_DEVELOPER, "developer", PERM_APPLICATION_DELETE));
    CU_ASSERT_FALSE(rbac_allows(ROLE_VIEWER, NULL, PERM_PROJECT_CREATE));
    CU_ASSERT_FALSE(rbac_allows(ROLE_ADMIN, NULL, PERM_OWNER_ONLY));
    CU_ASSERT_FALSE(rbac_allows(0, NULL, PERM_PROJECT_READ));
}

static const struct tap_test tests[] = {
    {"paths are decoded once, and strictly", paths},
    {"routes match whole paths", patterns},
    {"forms are decoded", forms},
    {"roles count in the documented order", roles},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"http", tests}, {NULL, NULL}};
    int rc = tap_main(suites, argc, argv);
    arena_release(&arena);
    return rc;
}

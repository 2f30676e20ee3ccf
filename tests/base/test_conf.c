/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/str.h"
#include "tests/tap.h"

static char path[] = "/tmp/slipway-conf-XXXXXX";

static void file_with(const char *text)
{
    strcpy(path, "/tmp/slipway-conf-XXXXXX");
    AUTO_FD fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void reads(void)
{
    struct conf c;
    struct err err;
    file_with("# comment\n\nweb.workers = 3\nredis.host=10.0.0.1\nredis.password = hush\n"
              "database.url = postgresql://u:hush@h/d\n");
    setenv("SLIPWAY_WEB_WORKERS", "5", 1);
    setenv("REDIS_PORT", "7000", 1);
    TAP_OK(conf_load(&c, path, &err), &err);
    CU_ASSERT_EQUAL(c.web_workers, 5);
    CU_ASSERT_EQUAL(c.redis_port, 7000);
    TAP_STR(c.redis_host, "10.0.0.1");
    CU_ASSERT_EQUAL(c.limit_requests_per_minute, 100);
    AUTO_BUF out = {0};
    conf_print(&c, &out);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "set by: SLIPWAY_WEB_WORKERS\nweb.workers = 5"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "set by: REDIS_PORT\nredis.port = 7000"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), ":4\nredis.host = 10.0.0.1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "postgresql://u:***@h/d"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "hush"));
    conf_release(&c);
    unsetenv("SLIPWAY_WEB_WORKERS");
    unsetenv("REDIS_PORT");
    unlink(path);
}

static void issuer(void)
{
    struct conf c;
    struct err err;
    file_with("oidc.issuer = https://id.example.com/realm\noidc.roles = a=b=admin, x y=viewer\n");
    setenv("OIDC_CLIENT_ID", "me", 1);
    setenv("OIDC_CLIENT_SECRET", "hush", 1);
    TAP_OK(conf_load(&c, path, &err), &err);
    TAP_STR(c.oidc_issuer, "https://id.example.com/realm");
    TAP_STR(c.oidc_client_id, "me");
    TAP_STR(c.oidc_client_secret, "hush");
    TAP_STR(c.oidc_registration, "closed");
    AUTO_BUF out = {0};
    conf_print(&c, &out);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "oidc.client_secret = ***"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "hush"));
    conf_release(&c);
    setenv("OIDC_ISSUER", "http://127.0.0.1:9", 1); /* the environment overrules the file */
    TAP_OK(conf_load(&c, path, &err), &err);
    TAP_STR(c.oidc_issuer, "http://127.0.0.1:9");
    conf_release(&c);
    unsetenv("OIDC_ISSUER");
    unsetenv("OIDC_CLIENT_ID");
    unsetenv("OIDC_CLIENT_SECRET");
    unlink(path);
}

static void refuses(void)
{
    static const char *const rows[][2] = {
        {"web.workers = 0\n", ":1: web.workers is '0', but must be a whole number from 1 to 256"},
        {"\nweb.workers = many\n", ":2: web.workers is 'many'"},
        {"web.worker = 3\n", ":1: there is no setting 'web.worker'"},
        {"web.workers\n", ":1: 'web.workers' is not of the form key = value"},
        {"log.level = loud\n", "must be one of debug|info|warn|error"},
        {"oidc.issuer = http://id.example.com\n", "must be an https address without a query"},
        {"oidc.issuer = https://id.example.com/?x\n", "must be an https address"},
        {"oidc.issuer = https://\n", "must be an https address"},
        {"oidc.roles = ops=admin,staff=king\n",
         "oidc.roles is 'ops=admin,staff=king', but must be"},
        {"oidc.roles = admin\n", "must be VALUE=ROLE"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf c;
        struct err err = {0};
        file_with(rows[i][0]);
        CU_ASSERT_EQUAL(conf_load(&c, path, &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, rows[i][1]));
        unlink(path);
    }
    struct conf c;
    struct err err = {0};
    CU_ASSERT_EQUAL(conf_load(&c, "/no/such/file", &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "/no/such/file"));
}

const struct tap_test conf_tests[] = {
    {"file and environment are read, secrets masked", reads},
    {"an issuer is read under its customary names, too", issuer},
    {"a bad value names key, line and what would be right", refuses},
    {NULL, NULL},
};

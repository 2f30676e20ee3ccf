/* SPDX-License-Identifier: MIT */
#include "tests/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "store/migrate.h"

const char *rig_variable(const char *name)
{
    const char *value = getenv(name);
    if (value)
        return value;
    printf("Bail out! %s is not set: run this inside tests/rig\n", name);
    exit(1);
}

void rig_must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    printf("Bail out! %s (%s)\n", err->msg, err->detail);
    exit(1);
}

struct pg *rig_pg(struct arena *a, const char *url)
{
    (void)a;
    struct err err;
    struct pg_config config = {
        .url = url, .name = "test", .timeout_ms = 10000, .log_queries_ms = -1};
    struct pg *pg = pg_open(&config, &err);
    rig_must(pg ? 0 : -1, &err);
    return pg;
}

const char *rig_database(struct arena *a)
{
    struct err err;
    size_t done;
    const char *url = rig_variable("SLIPWAY_TEST_DATABASE_URL");
    const char *name = arena_printf(a, "test_%s", rand_hex(a, 6));
    struct pg *pg = rig_pg(a, url);
    rig_must(pg_script(pg, arena_printf(a, "CREATE DATABASE %s", name), &err), &err);
    pg_close(pg);
    const char *slash = strrchr(url, '/');
    const char *query = strchr(slash, '?');
    url = arena_printf(a, "%.*s/%s%s", (int)(slash - url), url, name, query ? query : "");
    pg = rig_pg(a, url);
    rig_must(migrate_apply(pg, a, TEST_SQL_DIR, &done, &err), &err);
    pg_close(pg);
    return url;
}

struct redis *rig_redis(struct arena *a)
{
    struct redis_config config = {
        .host = "127.0.0.1",
        .port = strtoll(rig_variable("SLIPWAY_TEST_REDIS_PORT"), NULL, 10),
        .password = "",
        .prefix = arena_printf(a, "test-%s:", rand_hex(a, 6)),
    };
    return redis_open(&config);
}

/* SPDX-License-Identifier: MIT */
/*
 * slipway: the operator's command.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/openapi.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/redis.h"
#include "queue/queue.h"
#include "store/audit.h"
#include "store/deployment.h"
#include "store/migrate.h"
#include "store/pg.h"
#include "store/totp.h"

struct command {
    const char *name;
    int (*run)(struct conf *conf, int argc, char **argv);
    const char *usage;
    const char *doc;
};

static int fail(const char *what, const struct err *err)
{
    fprintf(stderr, "slipway: %s: %s\n", what, err->msg);
    if (err->detail[0])
        fprintf(stderr, "slipway: %s\n", err->detail);
    return 1;
}

static struct pg *open_database(const struct conf *conf, struct err *err)
{
    struct pg_config config = {.url = conf->database_url, .name = "slipway", .log_queries_ms = -1};
    return pg_open(&config, err);
}

static int run_config(struct conf *conf, int argc, char **argv)
{
    (void)argc, (void)argv;
    AUTO_BUF out = {0};
    conf_print(conf, &out);
    fputs(buf_str(&out), stdout);
    return 0;
}

static int run_keys(struct conf *conf, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct err err;
    if (keyring_create(conf->keys_directory, &err) < 0)
        return fail("keys", &err);
    printf("The keys are in %s. Keep worker.key from the web processes' user.\n",
           conf->keys_directory);
    return 0;
}

static int show_status(struct pg *pg, struct arena *a, const char *dir)
{
    struct migrations m;
    struct err err;
    if (migrate_status(pg, a, dir, &m, &err) < 0)
        return fail("migrate", &err);
    for (size_t i = 0; i < m.n; i++)
        printf("%-40s %s\n", m.list[i].name,
               m.list[i].applied_at ? m.list[i].applied_at : "pending");
    printf("%zu of %zu are pending.\n", m.pending, m.n);
    return 0;
}

static int run_migrate(struct conf *conf, int argc, char **argv)
{
    bool status = false;
    const char *dir = PKGDATADIR "/sql";
    for (int i = 1; i < argc; i++)
        if (str_eq(argv[i], "--status"))
            status = true;
        else if (str_eq(argv[i], "--directory") && i + 1 < argc)
            dir = argv[++i];
        else
            return -1;
    AUTO_ARENA a = {0};
    struct err err;
    size_t done;
    AUTO_PG *pg = open_database(conf, &err);
    if (!pg)
        return fail("migrate", &err);
    if (status)
        return show_status(pg, &a, dir);
    if (migrate_apply(pg, &a, dir, &done, &err) < 0)
        return fail("migrate", &err);
    printf("Applied %zu migrations.\n", done);
    return 0;
}

static int read_password(char *out, size_t size)
{
    if (!fgets(out, (int)size, stdin))
        return -1;
    out[strcspn(out, "\r\n")] = '\0';
    return 0;
}

static int run_user(struct conf *conf, int argc, char **argv)
{
    static const struct option options[] = {{"username", required_argument, NULL, 'u'},
                                            {"email", required_argument, NULL, 'e'},
                                            {"role", required_argument, NULL, 'r'},
                                            {"password-stdin", no_argument, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    const char *username = NULL, *email = NULL, *role = "viewer";
    char password[1026] = "";
    bool from_stdin = false;
    int o;
    if (argc < 2 || !str_eq(argv[1], "add"))
        return -1;
    optind = 2;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (o) {
        case 'u':
            username = optarg;
            break;
        case 'e':
            email = optarg;
            break;
        case 'r':
            role = optarg;
            break;
        case 'p':
            from_stdin = true;
            break;
        default:
            return -1;
        }
    if (!username || !email || !from_stdin || optind != argc)
        return -1;
    if (!rbac_role(role)) {
        fprintf(stderr, "slipway: --role is '%s', but must be owner, admin, developer or viewer\n",
                role);
        return 2;
    }
    if (read_password(password, sizeof(password)) < 0) {
        fprintf(stderr, "slipway: there is no password on standard input\n");
        return 2;
    }
    AUTO_ARENA a = {0};
    struct err err;
    struct store_user user;
    struct problems problems;
    problems_init(&problems, &a);
    AUTO_PG *pg = open_database(conf, &err);
    if (!pg || api_user_add(pg, &a, username, email, password, role, &user, &problems, &err) < 0)
        return fail("user add", &err);
    printf("Added %s (%s).\n", user.username, role);
    return 0;
}

/* For somebody who has lost the device and the recovery codes. */
static int run_totp(struct conf *conf, int argc, char **argv)
{
    AUTO_ARENA a = {0};
    struct err err;
    struct store_user user;
    struct store_totp totp;
    if (argc != 4 || !str_eq(argv[1], "remove") || !str_eq(argv[2], "--username"))
        return -1;
    AUTO_PG *pg = open_database(conf, &err);
    if (!pg || store_user_by_name(pg, &a, argv[3], &user, &err) < 0 ||
        store_totp_get(pg, &a, user.id, &totp, &err) < 0 || pg_begin(pg, &err) < 0)
        return fail("totp remove", &err);
    struct store_audit entry = {
        .actor = "slipway totp",
        .action = "auth.totp.disable",
        .resource = arena_printf(&a, "user:%s", user.id),
        .outcome = "success",
        .address = "",
        .request_id = "",
    };
    if (store_totp_remove(pg, &a, user.id, &err) < 0 || store_audit_add(pg, &a, &entry, &err) < 0 ||
        pg_commit(pg, &err) < 0) {
        pg_rollback(pg);
        return fail("totp remove", &err);
    }
    printf("Removed the second factor of %s.\n", user.username);
    return 0;
}

static int run_audit(struct conf *conf, int argc, char **argv)
{
    struct store_audit_head wanted = {0};
    struct store_audit_check found;
    struct err err;
    AUTO_ARENA a = {0};
    if (argc < 2 || argc > 4 || !str_eq(argv[1], "verify") || argc == 3)
        return -1;
    if (argc == 4) {
        const char *colon = strchr(argv[3], ':');
        if (!str_eq(argv[2], "--head") || !colon || strlen(colon + 1) != 64 ||
            !str_to_int(arena_memdup(&a, argv[3], (size_t)(colon - argv[3])), 1, INT64_MAX,
                        &wanted.seq)) {
            fprintf(stderr, "slipway: --head is '%s', but must be PLACE:HASH as printed earlier\n",
                    argv[3]);
            return 2;
        }
        memcpy(wanted.hash, colon + 1, 65);
    }
    AUTO_PG *pg = open_database(conf, &err);
    if (!pg || store_audit_verify(pg, &a, &wanted, &found, &err) < 0)
        return fail("audit verify", &err);
    if (found.broken) {
        printf("BROKEN at entry %lld: %s.\n", (long long)found.broken_at, found.broken);
        return 1;
    }
    if (!found.head.seq)
        printf("No entry is chained yet.\n");
    else
        printf("%lld entries, none changed, removed or reordered. The head is\n%lld:%s\n"
               "Keep it elsewhere: --head with it shows that nothing was cut off at the end.\n",
               (long long)found.head.seq, (long long)found.head.seq, found.head.hash);
    if (found.unchained)
        printf("%lld newer entries wait for the worker, which chains them.\n",
               (long long)found.unchained);
    return 0;
}

static int check(bool good, const char *what, const char *detail)
{
    printf("%-8s %-12s %s\n", good ? "ok" : "WRONG", what, detail);
    return good ? 0 : 1;
}

static int check_database(struct conf *conf, struct arena *a)
{
    struct err err;
    struct migrations m;
    AUTO_PG *pg = open_database(conf, &err);
    if (!pg || migrate_status(pg, a, PKGDATADIR "/sql", &m, &err) < 0)
        return check(false, "database",
                     arena_printf(a, "%s %s", err.msg, err.detail[0] ? err.detail : ""));
    return check(m.pending == 0, "database",
                 m.pending
                     ? arena_printf(a, "%zu migrations are pending; run slipway migrate", m.pending)
                     : "answers, schema up to date");
}

static int check_waiting(struct conf *conf, struct arena *a)
{
    struct err err;
    int64_t n, oldest;
    AUTO_PG *pg = open_database(conf, &err);
    if (!pg || store_deployment_waiting(pg, a, &n, &oldest, &err) < 0)
        return 0; /* the database's own line has said it */
    bool late = oldest > 600000;
    return check(!late, "worker",
                 arena_printf(a, "%lld deployments wait, the oldest for %lld s%s", (long long)n,
                              (long long)oldest / 1000,
                              late ? "; is slipway-worker running?" : ""));
}

static int check_redis(struct conf *conf, struct arena *a)
{
    struct err err;
    struct queue_depth d;
    struct redis_config config = {.host = conf->redis_host,
                                  .port = conf->redis_port,
                                  .password = conf->redis_password,
                                  .prefix = conf->redis_prefix};
    struct redis *r = redis_open(&config);
    bool good = queue_depth(r, &d, &err) == 0;
    redis_close(r);
    int64_t waiting = 0;
    for (int lane = 0; lane < QUEUE_LANES; lane++)
        waiting += good ? d.waiting[lane] : 0;
    return check(good, "redis",
                 good ? arena_printf(a, "answers; jobs waiting %lld, running %lld, due later %lld",
                                     (long long)waiting, (long long)d.running, (long long)d.due)
                      : arena_printf(a, "%s (%s)", err.msg, err.detail));
}

static int run_doctor(struct conf *conf, int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        return -1;
    AUTO_ARENA a = {0};
    struct err err;
    struct keyring keys;
    int wrong = check_database(conf, &a) + check_redis(conf, &a) + check_waiting(conf, &a);
    bool good = keyring_load(&keys, conf->keys_directory, false, &err) == 0;
    wrong += check(good, "keys", good ? conf->keys_directory : err.msg);
    keyring_wipe(&keys);
    bool socket = access(conf->web_socket, F_OK) == 0;
    wrong += check(socket, "web",
                   arena_printf(&a, "%s %s", conf->web_socket,
                                socket ? "is there" : "is not there; is slipway-web running?"));
    bool probe = access(conf->worker_probe, X_OK) == 0;
    wrong += check(probe, "probe", conf->worker_probe);
    if (wrong)
        printf("%d %s wrong.\n", wrong, wrong == 1 ? "thing is" : "things are");
    else
        printf("All is well.\n");
    return wrong ? 1 : 0;
}

static int run_openapi(struct conf *conf, int argc, char **argv)
{
    (void)conf, (void)argv;
    if (argc != 1)
        return -1;
    AUTO_BUF out = {0};
    openapi_print(api_routes, &out);
    puts(buf_str(&out));
    return 0;
}

static int run_version(struct conf *conf, int argc, char **argv)
{
    (void)conf, (void)argc, (void)argv;
    printf("slipway %s\n", PACKAGE_VERSION);
    return 0;
}

static const struct command commands[] = {
    {"audit", run_audit, "verify [--head PLACE:HASH]",
     "go through the audit log's chain and say whether an entry was changed, removed or moved"},
    {"config", run_config, "", "print every setting, where its value comes from, what it means"},
    {"doctor", run_doctor, "", "look at what Slipway needs and say what is wrong"},
    {"keys", run_keys, "", "make the keys that are missing in keys.directory"},
    {"migrate", run_migrate, "[--status] [--directory DIR]",
     "bring the database's schema up to date, or show what is applied"},
    {"openapi", run_openapi, "", "print the API's description (OpenAPI 3.1, JSON)"},
    {"totp", run_totp, "remove --username NAME",
     "remove the second factor of a user who has lost device and recovery codes"},
    {"user", run_user,
     "add --username NAME --email ADDRESS [--role owner|admin|developer|viewer] --password-stdin",
     "add a user; the password is the first line of standard input"},
    {"version", run_version, "", "print the version"},
};

static int usage(FILE *out)
{
    fprintf(out, "usage: slipway [--config FILE] COMMAND\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].doc);
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    int at = 1;
    log_init("slipway", LOG_LEVEL_WARN);
    if (argc > at + 1 && str_eq(argv[at], "--config")) {
        file = argv[at + 1];
        at += 2;
    }
    if (argc <= at)
        return usage(stderr);
    if (str_eq(argv[at], "--help") || str_eq(argv[at], "help"))
        return usage(stdout);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct conf conf;
        struct err err;
        if (!str_eq(commands[i].name, argv[at]))
            continue;
        if (conf_load(&conf, file, &err) < 0)
            return fail("configuration", &err);
        int rc = commands[i].run(&conf, argc - at, argv + at);
        conf_release(&conf);
        if (rc < 0)
            fprintf(stderr, "usage: slipway %s %s\n", commands[i].name, commands[i].usage);
        return rc < 0 ? 2 : rc;
    }
    fprintf(stderr, "slipway: there is no command '%s'\n", argv[at]);
    return usage(stderr);
}

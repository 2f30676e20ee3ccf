/* SPDX-License-Identifier: MIT */
#include "tests/deploy/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/exec.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/builder.h"
#include "docker/service.h"
#include "store/migrate.h"
#include "store/project.h"
#include "store/user.h"

#define CHECK(call)                                                                                \
    do {                                                                                           \
        struct err check_err = {0};                                                                \
        struct err *err = &check_err;                                                              \
        if ((call) < 0)                                                                            \
            die("%s:%d: %s: %s (%s)", __FILE__, __LINE__, #call, check_err.msg, check_err.detail); \
    } while (0)

static NORETURN void die(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("Bail out! ");
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    exit(99);
}

static const char *need(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        printf("Bail out! %s is not set: run this inside tests/rig\n", name);
        exit(1);
    }
    return value;
}

const char *fixture_run(struct fixture *f, const char *const argv[])
{
    AUTO_BUF out = {0};
    int status;
    CHECK(exec_run(argv, 120000, &out, &status, err));
    if (status)
        die("%s %s ended with %d: %s", argv[0], argv[1], status, buf_str(&out));
    return buf_dup(&out, &f->arena);
}

#define RUN(f, ...) fixture_run(f, (const char *const[]){__VA_ARGS__, NULL})

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        die("could not write %s", path);
}

static void no_line(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

/* slipway-test-base: the static busybox and nothing else. */
static void make_base(struct fixture *f)
{
    AUTO_JSON *here = NULL;
    struct err ignored;
    if (docker_image_inspect(&f->docker, "slipway-test-base", &here, &ignored) == 0)
        return;
    const char *dir = arena_printf(&f->arena, "%s/base", f->directory);
    mkdir(dir, 0755);
    RUN(f, "cp", "/bin/busybox", arena_printf(&f->arena, "%s/busybox", dir));
    write_text(arena_printf(&f->arena, "%s/Dockerfile", dir),
               "FROM scratch\nCOPY busybox /bin/busybox\n"
               "RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\nENV PATH=/bin\n");
    const char *tags[] = {"slipway-test-base", NULL};
    struct builder b = {.docker = &f->docker, .checkout = dir, .tags = tags, .on_line = no_line};
    char *id;
    CHECK(builder_run(&b, &f->arena, &id, err));
}

static void make_database(struct fixture *f)
{
    struct pg_config config = {
        .url = need("SLIPWAY_TEST_DATABASE_URL"), .name = "test", .log_queries_ms = -1};
    struct err err = {0};
    f->pg = pg_open(&config, &err);
    if (!f->pg)
        die("%s", err.msg);
    const char *sql = getenv("SLIPWAY_TEST_SQL");
    size_t done;
    struct err *e = &err;
    if (migrate_apply(f->pg, &f->arena, sql ? sql : TEST_SQL_DIR, &done, e) < 0)
        die("%s", err.msg);
    char id[UUID_TEXT];
    uuid_make(id);
    struct store_user user = {.id = uuid_new(&f->arena),
                              .username = arena_printf(&f->arena, "t%.30s", id),
                              .email = arena_printf(&f->arena, "%s@test.invalid", id),
                              .name = "test",
                              .roles = "[\"owner\"]",
                              .password_hash = "none"};
    struct store_user made;
    if (store_user_create(f->pg, &f->arena, &user, false, &made, e) < 0)
        die("%s (%s)", err.msg, err.detail);
    struct store_project project = {
        .id = uuid_new(&f->arena), .name = "test", .description = "", .owner_id = made.id};
    struct store_project out;
    if (store_project_insert(f->pg, &f->arena, &project, &out, e) < 0)
        die("%s (%s)", err.msg, err.detail);
    f->project_id = out.id;
}

void fixture_open(struct fixture *f, bool registry)
{
    *f = (struct fixture){0};
    arena_init(&f->arena, 0);
    f->git_url = need("SLIPWAY_TEST_GIT_URL");
    f->git_root = need("SLIPWAY_TEST_GIT_ROOT");
    char *dir = arena_strdup(&f->arena, "/tmp/slipway-test.XXXXXX");
    if (!mkdtemp(dir))
        die("could not make a directory");
    f->directory = dir;
    struct conf *c = &f->conf;
    c->docker_host = need("SLIPWAY_TEST_DOCKER_HOST");
    c->registry_address = registry ? need("SLIPWAY_TEST_REGISTRY") : "";
    c->registry_username = c->registry_password_file = "";
    c->worker_directory = arena_printf(&f->arena, "%s/worker", dir);
    c->worker_probe = getenv("SLIPWAY_TEST_PROBE") ? getenv("SLIPWAY_TEST_PROBE") : "slipway-probe";
    c->swarm_network = "dokploy-network";
    c->limit_deployment_seconds = 300;
    const char *keys = arena_printf(&f->arena, "%s/keys", dir);
    mkdir(keys, 0700);
    CHECK(keyring_create(keys, err));
    CHECK(keyring_load(&f->keys, keys, true, err));
    struct docker_options o = {.host = c->docker_host};
    CHECK(docker_open(&f->docker, &o, err));
    make_base(f);
    make_database(f);
    f->engine =
        (struct engine){.docker = &f->docker, .pg = f->pg, .conf = &f->conf, .keys = &f->keys};
}

void fixture_reopen(struct fixture *f, const struct fixture *other)
{
    *f = *other;
    arena_init(&f->arena, 0);
    struct docker_options o = {.host = f->conf.docker_host};
    CHECK(docker_open(&f->docker, &o, err));
    struct pg_config config = {
        .url = need("SLIPWAY_TEST_DATABASE_URL"), .name = "test", .log_queries_ms = -1};
    f->pg = pg_open_lazy(&config);
    f->engine.docker = &f->docker;
    f->engine.pg = f->pg;
    f->engine.conf = &f->conf;
    f->engine.keys = &f->keys;
}

void fixture_close(struct fixture *f)
{
    RUN(f, "rm", "-rf", f->directory);
    docker_close(&f->docker);
    pg_close(f->pg);
    keyring_wipe(&f->keys);
    arena_release(&f->arena);
}

static void write_files(struct fixture *f, const char *work, const struct fixture_file *files)
{
    for (; files->path; files++) {
        const char *path = arena_printf(&f->arena, "%s/%s", work, files->path);
        char *dir = arena_strdup(&f->arena, path);
        *strrchr(dir, '/') = '\0';
        RUN(f, "mkdir", "-p", dir);
        unlink(path);
        if (files->link) {
            if (symlink(files->link, path) < 0)
                die("could not link %s", path);
        } else {
            write_text(path, files->text);
        }
    }
}

const char *fixture_commit(struct fixture *f, const char *name, const char *branch,
                           const struct fixture_file *files)
{
    const char *bare = arena_printf(&f->arena, "%s/%s.git", f->git_root, name);
    const char *work = arena_printf(&f->arena, "%s/%s", f->directory, name);
    if (access(bare, F_OK) < 0) {
        RUN(f, "git", "init", "-q", "--bare", "-b", "main", bare);
        write_text(arena_printf(&f->arena, "%s/git-daemon-export-ok", bare), "");
    }
    if (access(work, F_OK) < 0)
        RUN(f, "git", "clone", "-q", bare, work);
    RUN(f, "git", "-C", work, "checkout", "-q", "-B", branch);
    write_files(f, work, files);
    RUN(f, "git", "-C", work, "add", "-A");
    RUN(f, "git", "-C", work, "-c", "user.name=test", "-c", "user.email=test@test.invalid",
        "commit", "-q", "--allow-empty", "-m", "a change");
    RUN(f, "git", "-C", work, "push", "-q", "origin", branch);
    char *sha = arena_strdup(&f->arena, RUN(f, "git", "-C", work, "rev-parse", "HEAD"));
    sha[strcspn(sha, "\n")] = '\0';
    return sha;
}

struct store_app fixture_app(struct fixture *f, const char *service, const char *repository)
{
    struct arena *a = &f->arena;
    const char *unique = arena_printf(a, "%s-%s", service, rand_hex(a, 3));
    return (struct store_app){
        .id = uuid_new(a),
        .project_id = f->project_id,
        .name = unique,
        .service_name = unique,
        .status = "pending",
        .repo_url = repository ? arena_printf(a, "%s/%s.git", f->git_url, repository) : NULL,
        .repo_normal = repository,
        .dockerfile = "Dockerfile",
        .context_path = ".",
        .build_args = "{}",
        .pull = true,
        .replicas = 1,
        .memory_limit = 64,
        .cpu_limit = 0.5,
        .port = 8080,
        .restart_policy = "{\"condition\":\"on-failure\",\"maxAttempts\":3,\"window\":120}",
        .update_config_raw = "{\"parallelism\":1,\"delay\":0,\"monitor\":1,"
                             "\"failureAction\":\"rollback\",\"order\":\"start-first\"}",
        .volumes = "[]",
        .ports = "[]",
        .labels = "{}",
        .capabilities = "[]",
        .config_version = 1,
    };
}

void fixture_store(struct fixture *f, const struct store_app *app, const struct store_env_list *env)
{
    struct store_app_parts parts = {
        .env = env, .webhook_secret = "secret", .webhook_secret_len = 6};
    CHECK(store_app_insert(f->pg, &f->arena, app, &parts, err));
}

struct store_deployment fixture_read(struct fixture *f, const char *id)
{
    struct store_deployment d;
    CHECK(store_deployment_get_any(f->pg, &f->arena, id, &d, err));
    return d;
}

struct store_deployment fixture_claim(struct fixture *f, const struct store_app *app,
                                      const char *branch, const char *sha)
{
    struct store_deployment d = {.id = uuid_new(&f->arena),
                                 .application_id = app->id,
                                 .status = "pending",
                                 .trigger = "manual",
                                 .branch = branch,
                                 .commit_sha = sha};
    CHECK(store_deployment_insert(f->pg, &f->arena, &d, err));
    enum store_claim result;
    struct store_deployment out;
    CHECK(store_deployment_claim(f->pg, &f->arena, d.id, "test", 600000, &result, &out, err));
    if (result != STORE_CLAIMED)
        die("could not claim the deployment");
    return out;
}

struct store_deployment fixture_deploy(struct fixture *f, const struct store_app *app,
                                       const char *branch, const char *sha, int *rc)
{
    struct store_deployment d = fixture_claim(f, app, branch, sha);
    struct err err = {0};
    *rc = engine_run(&f->engine, d.id, d.attempt, &err);
    if (*rc < 0)
        printf("# engine_run: %s (%s)\n", err.msg, err.detail);
    return fixture_read(f, d.id);
}

const char *fixture_get(struct fixture *f, const struct store_app *app, const char *path)
{
    struct docker_tasks tasks;
    CHECK(docker_task_list(&f->docker, &f->arena, app->service_name, &tasks, err));
    for (size_t i = 0; i < tasks.n; i++) {
        const struct docker_task *t = &tasks.items[i];
        if (!str_eq(t->desired, "running") || !str_eq(t->state, "running") || !t->n_ports)
            continue;
        struct net_target target = {.base = arena_printf(&f->arena, "http://127.0.0.1:%lld",
                                                         (long long)t->ports[0].published),
                                    .name = "the application"};
        struct net http;
        net_open(&http, &target);
        struct net_request req = {.method = "GET", .path = path, .total_ms = 5000};
        struct err err;
        AUTO_RESPONSE res = {0};
        int rc = net_run(&http, &req, &res, &err);
        net_close(&http);
        if (rc == 0)
            return buf_dup(&res.body, &f->arena);
        printf("# GET %s: %s\n", path, err.msg);
    }
    return NULL;
}

void fixture_show(struct fixture *f, const char *deployment_id)
{
    struct store_log_line *lines;
    size_t n;
    struct store_deployment d = fixture_read(f, deployment_id);
    CHECK(store_log_read(f->pg, &f->arena, deployment_id, 0, 1000, &lines, &n, err));
    for (size_t i = 0; i < n; i++)
        printf("# %-7s %-6s %s\n", lines[i].step, lines[i].stream, lines[i].text);
    printf("# %s %s %s\n# %s\n", d.status, d.image ? d.image : "-", d.error ? d.error : "-",
           d.steps);
}

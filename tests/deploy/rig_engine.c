/* SPDX-License-Identifier: MIT */
/* The engine from end to end, on real parts; run inside tests/rig. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/builder.h"
#include "docker/logs.h"
#include "docker/service.h"
#include "tests/deploy/fixture.h"
#include "tests/tap.h"

static struct fixture f;

/* Checks a deployment's status and shows its output when it is another one. */
static void expect(const struct store_deployment *d, const char *status)
{
    if (!str_eq(d->status, status))
        fixture_show(&f, d->id);
    TAP_STR(d->status, status);
}

static void expect_in(const char *text, const char *part)
{
    bool found = text && strstr(text, part);
    if (!found)
        printf("# '%s' is not in: %s\n", part, text ? text : "(null)");
    CU_ASSERT(found);
}

static void succeeds(void)
{
    int rc;
    struct fixture_file files[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", "version 1\n", NULL}, {0}};
    const char *first = fixture_commit(&f, "good", "main", files);
    struct store_app app = fixture_app(&f, "good", "good");
    fixture_store(&f, &app, NULL);
    struct store_deployment one = fixture_deploy(&f, &app, NULL, NULL, &rc);
    CU_ASSERT_EQUAL(rc, 0);
    expect(&one, "success");
    TAP_STR(one.commit_sha, first);
    expect_in(one.image, arena_printf(&f.arena, "%.7s", first));
    expect_in(one.image, "@sha256:");
    TAP_STR(fixture_get(&f, &app, "/index.html"), "version 1\n");

    files[1].text = "version 2\n";
    const char *second = fixture_commit(&f, "good", "main", files);
    files[1].text = "version 3\n";
    fixture_commit(&f, "good", "main", files);
    struct store_deployment two = fixture_deploy(&f, &app, NULL, second, &rc);
    expect(&two, "success");
    TAP_STR(two.commit_sha, second);
    TAP_STR(fixture_get(&f, &app, "/index.html"), "version 2\n");
    TAP_STR(two.previous_id, one.id);
}

/* A second commit with a Dockerfile that is bad in some way: failed with CAUSE, and the first
 * version goes on. */
static void broken_update(const char *name, const char *command, const char *cause)
{
    int rc;
    struct fixture_file files[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", "old\n", NULL}, {0}};
    fixture_commit(&f, name, "main", files);
    struct store_app app = fixture_app(&f, name, name);
    fixture_store(&f, &app, NULL);
    struct store_deployment one = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&one, "success");
    files[0].text =
        arena_printf(&f.arena, "FROM slipway-test-base\nCOPY index.html /\n%s\n", command);
    fixture_commit(&f, name, "main", files);
    struct store_deployment two = fixture_deploy(&f, &app, NULL, NULL, &rc);
    CU_ASSERT_EQUAL(rc, 0);
    expect(&two, "failed");
    expect_in(two.error, cause);
    TAP_STR(fixture_get(&f, &app, "/index.html"), "old\n");
    printf("# %s\n", two.error);
}

static void crashing_update(void)
{
    broken_update(
        "crash",
        "CMD [\"/bin/sh\", \"-c\", \"sleep 0.4; echo LEDGER_URL is required but not set >&2; exit 3\"]",
        "exited with code 3");
}

static void unhealthy_update(void)
{
    broken_update("ill",
                  "HEALTHCHECK --interval=200ms --retries=2 CMD echo the ledger is closed; exit 1\n"
                  "CMD [\"/bin/sleep\", \"1000\"]",
                  "failed its health check: the ledger is closed");
}

static void failing_run(void)
{
    broken_update("run", "RUN echo about to fail && exit 7", "exit code: 7");
}

static void no_such_command(void)
{
    broken_update("nocmd", "CMD [\"/bin/not-there\"]", "not-there");
}

static void crashing_first(void)
{
    int rc;
    struct fixture_file files[] = {
        {"Dockerfile",
         "FROM slipway-test-base\nCMD [\"/bin/sh\", \"-c\", \"echo no luck; exit 4\"]\n", NULL},
        {0}};
    fixture_commit(&f, "first", "main", files);
    struct store_app app = fixture_app(&f, "first", "first");
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "failed");
    expect_in(d.error, "exited with code 4");
    expect_in(d.error, "no luck");
    AUTO_JSON *service = NULL;
    struct err err = {0};
    CU_ASSERT_EQUAL(docker_service_inspect(&f.docker, app.service_name, &service, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
}

/* One bad field of an application, and the cause that it must give. */
static void refused(const char *name, void (*change)(struct store_app *), const char *branch,
                    const char *cause)
{
    int rc;
    struct fixture_file files[] = {{"Dockerfile", FIXTURE_DOCKERFILE, NULL},
                                   {"index.html", "x\n", NULL},
                                   {"out", NULL, "/etc"},
                                   {"Outfile", NULL, "../../../../../../etc/passwd"},
                                   {0}};
    fixture_commit(&f, "refuse", "main", files);
    struct store_app app = fixture_app(&f, name, "refuse");
    if (change)
        change(&app);
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_deploy(&f, &app, branch, NULL, &rc);
    CU_ASSERT_EQUAL(rc, 0);
    expect(&d, "failed");
    expect_in(d.error, cause);
}

static void set_dotdot(struct store_app *app)
{
    app->dockerfile = "../../etc/passwd";
}

static void set_link(struct store_app *app)
{
    app->dockerfile = "Outfile";
}

static void set_context_link(struct store_app *app)
{
    app->context_path = "out";
}

static void set_missing(struct store_app *app)
{
    app->dockerfile = "Nofile";
}

static void set_no_repository(struct store_app *app)
{
    app->repo_url = arena_printf(&f.arena, "%s/not-there.git", f.git_url);
}

static void bad_input(void)
{
    refused("dotdot", set_dotdot, NULL, "dockerfile '../../etc/passwd' must be a path inside");
    refused("link", set_link, NULL, "dockerfile 'Outfile' is a symbolic link that leads out");
    refused("ctx", set_context_link, NULL, "contextPath 'out' is a symbolic link that leads out");
    refused("missing", set_missing, NULL, "dockerfile 'Nofile' is not there in this commit");
    refused("branch", NULL, "nobranch", "has no branch 'nobranch'");
    refused("repo", set_no_repository, NULL, "not-there");
}

static void git_away(void)
{
    struct store_app app = fixture_app(&f, "away", "good");
    app.repo_url = "http://127.0.0.1:1/good.git";
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_claim(&f, &app, NULL, NULL);
    struct err err = {0};
    CU_ASSERT_EQUAL(engine_run(&f.engine, d.id, d.attempt, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    d = fixture_read(&f, d.id);
    TAP_STR(d.status, "cloning");
    TAP_OK(
        engine_give_up(&f.engine, d.id, d.attempt, "failed", NULL, "gave up after 1 attempt", &err),
        &err);
    d = fixture_read(&f, d.id);
    TAP_STR(d.status, "failed");
    expect_in(d.error, "gave up");
}

static void fenced(void)
{
    struct store_app app = fixture_app(&f, "fence", "good");
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_claim(&f, &app, NULL, NULL);
    struct err err = {0};
    CU_ASSERT_EQUAL(engine_run(&f.engine, d.id, d.attempt + 1, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_STALE);
}

/* A repository that serves its own name, with a Dockerfile of CONTENT (NULL: the usual one), and an
 * application of it that is not stored yet. */
static struct store_app app_of(const char *name, const char *content)
{
    struct fixture_file files[] = {{"Dockerfile", content ? content : FIXTURE_DOCKERFILE, NULL},
                                   {"index.html", name, NULL},
                                   {0}};
    fixture_commit(&f, name, "main", files);
    return fixture_app(&f, name, name);
}

/* The service has a release whose id sorts behind ours, because ids are made before their rows. */
static void superseded(void)
{
    struct store_app app = app_of("late", NULL);
    fixture_store(&f, &app, NULL);
    struct store_deployment early = fixture_claim(&f, &app, NULL, NULL);
    struct err err = {0};
    TAP_OK(
        store_deployment_finish(f.pg, &f.arena, early.id, early.attempt, "cancelled", NULL, &err),
        &err);
    int rc;
    struct store_deployment late = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&late, "success");
    TAP_OK(pg_run(f.pg, &f.arena,
                  "UPDATE deployments SET status = 'pending', finished_at = NULL WHERE id = $1",
                  PG_PARAMS(PG_TEXT(early.id)), NULL, &err),
           &err);
    TAP_OK(engine_run(&f.engine, early.id, early.attempt, &err), &err);
    early = fixture_read(&f, early.id);
    expect(&early, "superseded");
    TAP_STR(early.superseded_by, late.id);
    CU_ASSERT_PTR_NULL(early.error);
    expect_in(early.steps, "cancelled");
    TAP_STR(fixture_get(&f, &app, "/index.html"), "late"); /* nothing was put back */
}

/* Time runs out on a task that never becomes healthy: the cause is not lost with it. */
static void too_slow(void)
{
    int rc;
    struct store_app app =
        app_of("slow", "FROM slipway-test-base\n"
                       "HEALTHCHECK --interval=100s CMD exit 1\n"
                       "CMD [\"/bin/sh\", \"-c\", \"echo waiting for the ledger; sleep 1000\"]\n");
    fixture_store(&f, &app, NULL);
    f.engine.deadline = time_monotonic() + 8000;
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    f.engine.deadline = 0;
    CU_ASSERT_EQUAL(rc, 0);
    expect(&d, "failed");
    printf("# %s\n", d.error);
    expect_in(d.error, "it did not become healthy in time");
    expect_in(d.error, "\"step\": \"verdict\"");
    expect_in(d.error, arena_printf(&f.arena, "\"task\": \"%s.1\"", app.service_name));
    expect_in(d.error, "\"node\": \"");
    expect_in(d.error, "waiting for the ledger");
}

/* A should_stop: as soon as the verdict is waited for. */
static int stop_in_verdict(void *arg, struct err *err)
{
    const struct store_deployment *d = arg;
    struct store_deployment now = fixture_read(&f, d->id);
    return strstr(now.steps, "verdict") ? err_set(err, ERR_CANCELLED, "stopped here") : 0;
}

/* The file with the registry's password is not there: a deployment that fails by name, and one
 * that is given up ends with the last success in its place. */
static void no_password(void)
{
    int rc;
    struct err err = {0};
    struct store_app app = app_of("login", NULL);
    fixture_store(&f, &app, NULL);
    struct store_deployment good = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&good, "success");
    f.conf.registry_password_file = "/not-there/password";
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    CU_ASSERT_EQUAL(rc, 0);
    expect(&d, "failed");
    expect_in(d.error, "/not-there/password: No such file");

    f.conf.registry_password_file = "";
    d = fixture_claim(&f, &app, NULL, NULL);
    f.engine.should_stop = stop_in_verdict;
    f.engine.stop_arg = &d;
    CU_ASSERT_EQUAL(engine_run(&f.engine, d.id, d.attempt, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_CANCELLED);
    f.engine.should_stop = NULL;
    f.conf.registry_password_file = "/not-there/password";
    TAP_OK(engine_give_up(&f.engine, d.id, d.attempt, "failed", NULL, "gave up", &err), &err);
    f.conf.registry_password_file = "";
    d = fixture_read(&f, d.id);
    expect(&d, "failed");
    AUTO_JSON *service = NULL;
    TAP_OK(docker_service_inspect(&f.docker, app.service_name, &service, &err), &err);
    TAP_STR(json_str_at(service, "Spec/TaskTemplate/ContainerSpec/Labels/" DOCKER_LABEL_RELEASE),
            good.id);
}

/* Kills a job at a random moment and runs it again, until it is final. */
static void killed(void)
{
    struct fixture_file files[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", "killed\n", NULL}, {0}};
    fixture_commit(&f, "killed", "main", files);
    struct store_app app = fixture_app(&f, "killed", "killed");
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_claim(&f, &app, NULL, NULL);
    static const int64_t waits[] = {30, 150, 400, 700, 1000, 1500};
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct fixture own;
            fixture_reopen(&own, &f);
            struct err err = {0};
            engine_run(&own.engine, d.id, d.attempt, &err);
            _exit(0);
        }
        time_sleep(waits[i]);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        d = fixture_read(&f, d.id);
    }
    struct err err = {0};
    TAP_OK(engine_run(&f.engine, d.id, d.attempt, &err), &err);
    d = fixture_read(&f, d.id);
    expect(&d, "success");
    TAP_STR(fixture_get(&f, &app, "/index.html"), "killed\n");
}

static void environment(void)
{
    int rc;
    struct fixture_file files[] = {
        {"Dockerfile",
         "FROM slipway-test-base\nCMD [\"/bin/sh\", \"-c\", \"mkdir -p /www; echo $PLAIN $HIDDEN > "
         "/www/index.html; echo the secret is $HIDDEN; test -z \\\"$FAIL\\\" || exit 1; exec httpd -f -p 8080 -h /www\"]\n",
         NULL},
        {0}};
    fixture_commit(&f, "env", "main", files);
    struct store_app app = fixture_app(&f, "env", "env");
    AUTO_BUF sealed = {0};
    secret_seal_k(&f.keys, store_env_row(&f.arena, app.id, "HIDDEN"), "hush-hush", &sealed);
    struct store_env list[] = {{.key = "PLAIN", .value = "seen"},
                               {.key = "HIDDEN", .secret = sealed.data, .secret_len = sealed.len},
                               {.key = "FAIL", .value = "yes"}};
    struct store_env_list env = {list, 2};
    fixture_store(&f, &app, &env);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "success");
    TAP_STR(fixture_get(&f, &app, "/index.html"), "seen hush-hush\n");

    struct store_app bad = fixture_app(&f, "envbad", "env");
    AUTO_BUF again = {0};
    secret_seal_k(&f.keys, store_env_row(&f.arena, bad.id, "HIDDEN"), "hush-hush", &again);
    list[1].secret = again.data;
    list[1].secret_len = again.len;
    env.n = 3;
    fixture_store(&f, &bad, &env);
    d = fixture_deploy(&f, &bad, NULL, NULL, &rc);
    expect(&d, "failed");
    expect_in(d.error, "the secret is ***");
    CU_ASSERT_PTR_NULL(strstr(d.error, "hush-hush"));
}

/* A secret of several lines, printed by the container, in none of the places that keep output. */
static void secret_lines(void)
{
    int rc;
    static const char key[] = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n"
                              "AQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----";
    struct store_app app = app_of(
        "pem", "FROM slipway-test-base\nCMD [\"/bin/sh\", \"-c\", \"echo $KEY; echo; echo here:; "
               "echo \\\"$KEY\\\"; exit 1\"]\n");
    AUTO_BUF sealed = {0};
    secret_seal_k(&f.keys, store_env_row(&f.arena, app.id, "KEY"), key, &sealed);
    struct store_env list[] = {{.key = "KEY", .secret = sealed.data, .secret_len = sealed.len}};
    struct store_env_list env = {list, 1};
    fixture_store(&f, &app, &env);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "failed");
    expect_in(d.error, "here:\\n***\"");
    struct store_log_line *lines;
    struct err err = {0};
    size_t n;
    TAP_OK(store_log_read(f.pg, &f.arena, d.id, 0, 1000, &lines, &n, &err), &err);
    AUTO_BUF all = {0};
    buf_adds(&all, d.error);
    for (size_t i = 0; i < n; i++)
        buf_addf(&all, "%s\n", lines[i].text);
    static const char *const parts[] = {"BEGIN PRIVATE", "MIIEvQ", "AQEFAA", "END PRIVATE"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        CU_ASSERT_PTR_NULL(strstr(buf_str(&all), parts[i]));
}

static void image_application(void)
{
    int rc;
    struct store_app app = fixture_app(&f, "image", NULL);
    app.repo_normal = NULL;
    app.image = "127.0.0.1:5000/no-such-thing:1";
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "failed");
    expect_in(d.error, "no-such-thing");

    struct fixture_file files[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", "ready made\n", NULL}, {0}};
    fixture_commit(&f, "made", "main", files);
    struct store_app maker = fixture_app(&f, "made", "made");
    fixture_store(&f, &maker, NULL);
    d = fixture_deploy(&f, &maker, NULL, NULL, &rc);
    expect(&d, "success");
    char *image = arena_strdup(&f.arena, d.image);
    const char *digest = strchr(d.image, '@');
    *strchr(image, '@') = '\0';
    app = fixture_app(&f, "image", NULL);
    app.repo_normal = NULL;
    app.image = image;
    fixture_store(&f, &app, NULL);
    d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "success");
    expect_in(d.image, digest); /* pinned */
    TAP_STR(fixture_get(&f, &app, "/index.html"), "ready made\n");
}

static char *without_digest(const char *image)
{
    char *name = arena_strdup(&f.arena, image);
    *strchr(name, '@') = '\0';
    return name;
}

/* The tag of an application's image moves between two attempts: the second runs and records what
 * the first pinned. */
static void image_moves(void)
{
    int rc;
    struct err err = {0};
    struct store_app maker = app_of("mover", NULL);
    fixture_store(&f, &maker, NULL);
    struct store_deployment one = fixture_deploy(&f, &maker, NULL, NULL, &rc);
    expect(&one, "success");
    struct store_app app = fixture_app(&f, "moved", NULL);
    app.image = without_digest(one.image);
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_claim(&f, &app, NULL, NULL);
    f.engine.should_stop = stop_in_verdict;
    f.engine.stop_arg = &d;
    CU_ASSERT_EQUAL(engine_run(&f.engine, d.id, d.attempt, &err), -1);
    f.engine.should_stop = NULL;
    const char *pinned = fixture_read(&f, d.id).image;
    expect_in(pinned, strchr(one.image, '@'));
    fixture_run(&f,
                (const char *const[]){
                    "sh", "-c",
                    arena_printf(&f.arena,
                                 "export DOCKER_HOST=%s; printf 'FROM %s\\nRUN echo moved\\n' | "
                                 "docker build -q -t %s - && docker push -q %s",
                                 f.conf.docker_host, app.image, app.image, app.image),
                    NULL});
    TAP_OK(engine_run(&f.engine, d.id, d.attempt, &err), &err);
    d = fixture_read(&f, d.id);
    expect(&d, "success");
    TAP_STR(d.image, pinned);
    AUTO_JSON *service = NULL;
    TAP_OK(docker_service_inspect(&f.docker, app.service_name, &service, &err), &err);
    TAP_STR(json_str_at(service, "Spec/TaskTemplate/ContainerSpec/Image"), pinned);
}

static void removes(void)
{
    int rc;
    struct store_app app = app_of("gone", NULL);
    app.volumes = "[{\"source\":\"data\",\"target\":\"/data\"}]";
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "success");
    struct err err = {0};
    const char *path = arena_printf(&f.arena, "/volumes/%s_data", app.service_name);
    AUTO_JSON *own = NULL; /* no other application's, whatever it calls its own */
    TAP_OK(docker_get(&f.docker, path, &own, &err), &err);
    TAP_OK(store_app_delete(f.pg, &f.arena, app.id, false, &err), &err);
    const char *probe = f.conf.worker_probe;
    f.conf.worker_probe = "/not-there/probe"; /* removing does not need it */
    TAP_OK(engine_remove(&f.engine, app.id, true, &err), &err);
    f.conf.worker_probe = probe;
    AUTO_JSON *service = NULL;
    CU_ASSERT_EQUAL(docker_service_inspect(&f.docker, app.service_name, &service, &err), -1);
    AUTO_JSON *volume = NULL;
    CU_ASSERT_EQUAL(docker_get(&f.docker, path, &volume, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
}

static void add_line(void *arg, const char *text)
{
    buf_addf(arg, "%s\n", text);
}

static void classic_builder(void)
{
    struct err err = {0};
    AUTO_BUF lines = {0};
    const char *who = rand_hex(&f.arena, 8); /* so that nothing comes out of the cache */
    const char *dir = arena_printf(&f.arena, "%s/classic", f.directory);
    fixture_run(&f, (const char *const[]){"mkdir", dir, NULL});
    FILE *file = fopen(arena_printf(&f.arena, "%s/Dockerfile", dir), "w");
    fputs("FROM slipway-test-base AS one\nARG WHO=nobody\nRUN echo hello $WHO\n"
          "FROM one AS two\nRUN exit 1\n",
          file);
    fclose(file);
    const char *tags[] = {"slipway-test-classic:1", "slipway-test-classic:2", NULL};
    struct builder b = {.docker = &f.docker,
                        .checkout = dir,
                        .classic = true,
                        .target = "one",
                        .args_json = arena_printf(&f.arena, "{\"WHO\":\"%s\"}", who),
                        .tags = tags,
                        .on_line = add_line,
                        .line_arg = &lines};
    char *id = NULL;
    TAP_OK(builder_run(&b, &f.arena, &id, &err), &err);
    expect_in(buf_str(&lines), arena_printf(&f.arena, "hello %s\n", who));
    AUTO_JSON *image = NULL;
    TAP_OK(docker_image_inspect(&f.docker, "slipway-test-classic:2", &image, &err), &err);
    TAP_STR(json_str_at(image, "Id"), id);
    TAP_OK(docker_image_remove(&f.docker, "slipway-test-classic:2", &err), &err);
    TAP_OK(docker_image_remove(&f.docker, "slipway-test-classic:2", &err), &err);
    b.target = NULL;
    CU_ASSERT_EQUAL(builder_run(&b, &f.arena, &id, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    expect_in(err.msg, "returned a non-zero code: 1");
}

static void task_output(void)
{
    int rc;
    struct err err = {0};
    struct fixture_file files[] = {
        {"Dockerfile",
         "FROM slipway-test-base\nHEALTHCHECK NONE\n"
         "CMD [\"/bin/sh\", \"-c\", \"echo to out; echo to err >&2; sleep 1000\"]\n",
         NULL},
        {0}};
    fixture_commit(&f, "talk", "main", files);
    struct store_app app = fixture_app(&f, "talk", "talk");
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&d, "success"); /* HEALTHCHECK NONE: nothing listens, and nothing is asked */
    struct docker_tasks tasks;
    char *tail = NULL;
    TAP_OK(docker_task_list(&f.docker, &f.arena, app.service_name, &tasks, &err), &err);
    CU_ASSERT_EQUAL_FATAL(tasks.n, 1);
    TAP_OK(docker_task_tail(&f.docker, &f.arena, tasks.items[0].id, 10, 5000, &tail, &err), &err);
    expect_in(tail, "to out");
    expect_in(tail, "to err");
}

/* Runs the engine as the worker does: again after whatever did not answer. */
static int run_until_final(struct fixture *own, const struct store_deployment *d)
{
    struct err err = {0};
    int64_t until = time_monotonic() + 120000;
    while (engine_run(&own->engine, d->id, d->attempt, &err) < 0) {
        printf("# broken off: %s\n", err.msg);
        fflush(stdout);
        if (err.code != ERR_UNAVAILABLE || time_monotonic() > until)
            return 1;
        time_sleep(1000);
    }
    return 0;
}

/* The Engine is restarted AFTER_MS into a deployment. */
static void restart(int64_t after_ms)
{
    struct fixture_file files[] = {
        {"Dockerfile",
         arena_printf(&f.arena, FIXTURE_DOCKERFILE "RUN echo %lld; sleep 3\n", (long long)after_ms),
         NULL},
        {"index.html", "restarted\n", NULL},
        {0}};
    fixture_commit(&f, "restart", "main", files);
    struct store_app app = fixture_app(&f, "restart", "restart");
    fixture_store(&f, &app, NULL);
    struct store_deployment d = fixture_claim(&f, &app, NULL, NULL);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct fixture own;
        fixture_reopen(&own, &f);
        _exit(run_until_final(&own, &d));
    }
    time_sleep(after_ms);
    const char *script = "STATE=$SLIPWAY_TEST_STATE; . $SLIPWAY_TEST_SERVICES; "
                         "p=$(cat $STATE/run/dockerd.pid | head -1); kill $p; "
                         "while [ -d /proc/$p ]; do sleep 0.1; done; "
                         "docker_start 127.0.0.1:5000 --cgroup-parent /${STATE##*/}";
    fixture_run(&f, (const char *const[]){"bash", "-c", script, NULL});
    int status;
    waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    d = fixture_read(&f, d.id);
    CU_ASSERT(str_eq(d.status, "success") || str_eq(d.status, "failed"));
    printf("# restarted after %lld ms: %s %s\n", (long long)after_ms, d.status,
           d.error ? d.error : "");
}

static void restarted(void)
{
    if (!getenv("SLIPWAY_TEST_SERVICES")) {
        printf("# needs tests/rig\n");
        return;
    }
    restart(800);  /* in the build */
    restart(4500); /* about the verdict */
    restart(6000);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        {"a commit becomes a service, and the named commit the next", succeeds},
        {"an update that crashes fails, the old version stays", crashing_update},
        {"an update that fails its health check, likewise", unhealthy_update},
        {"a failing RUN, likewise", failing_run},
        {"a command that is not there, likewise", no_such_command},
        {"a release that never becomes healthy fails in time, with its cause", too_slow},
        {"a first release that crashes is taken away", crashing_first},
        {"bad input is refused by name", bad_input},
        {"a git host that is away is worth another try", git_away},
        {"an attempt that is not the present one is refused", fenced},
        {"a deployment whose service runs a newer release is superseded", superseded},
        {"the registry's password is not to be had", no_password},
        {"a job that is killed again and again ends well", killed},
        {"variables reach the service, secrets no log", environment},
        {"a secret of several lines reaches no log", secret_lines},
        {"an application that is an image", image_application},
        {"an image whose tag moves between two attempts", image_moves},
        {"a deleted application leaves nothing", removes},
        {"the classic builder, names of images", classic_builder},
        {"what a task prints", task_output},
        {"the Engine is restarted in the middle", restarted},
        {NULL, NULL},
    };
    static const struct tap_suite suites[] = {{"engine", tests}, {NULL, NULL}};
    fixture_open(&f, true);
    int rc = tap_main(suites, argc, argv);
    fixture_close(&f);
    return rc;
}

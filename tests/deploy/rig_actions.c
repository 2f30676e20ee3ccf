/* SPDX-License-Identifier: MIT */
/* Stopping, restarting, cancelling and going back, and what a service printed, on real parts; run
 * inside tests/rig. */
#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "docker/logs.h"
#include "docker/service.h"
#include "store/action.h"
#include "tests/deploy/fixture.h"
#include "tests/tap.h"

static struct fixture f;

static void expect(const struct store_deployment *d, const char *status)
{
    if (!str_eq(d->status, status))
        fixture_show(&f, d->id);
    TAP_STR(d->status, status);
}

/* A repository with one commit that serves TEXT, and an application of it that is not stored. */
static struct store_app app_of(const char *name, const char *text)
{
    struct fixture_file files[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", text, NULL}, {0}};
    fixture_commit(&f, name, "main", files);
    return fixture_app(&f, name, name);
}

static struct store_deployment deployed(const struct store_app *app)
{
    int rc;
    struct store_deployment d = fixture_deploy(&f, app, NULL, NULL, &rc);
    expect(&d, "success");
    return d;
}

static struct store_app read_app(const struct store_app *app)
{
    struct store_app out;
    struct err err = {0};
    bool deleted;
    TAP_OK(store_app_get_any(f.pg, &f.arena, app->id, &out, &deleted, &err), &err);
    return out;
}

static struct json_object *service_of(const struct store_app *app)
{
    struct json_object *service = NULL;
    struct err err = {0};
    TAP_OK(docker_service_inspect(&f.docker, app->service_name, &service, &err), &err);
    return service;
}

static int64_t replicas(const struct store_app *app)
{
    AUTO_JSON *service = service_of(app);
    return json_int_at(service, "Spec/Mode/Replicated/Replicas", -1);
}

static int64_t forced(const struct store_app *app)
{
    AUTO_JSON *service = service_of(app);
    return json_int_at(service, "Spec/TaskTemplate/ForceUpdate", 0);
}

static void ask(const struct store_app *app, enum store_act act)
{
    struct err err = {0};
    TAP_OK(store_action_ask(f.pg, &f.arena, app->id, act, &err), &err);
}

static void carry_out(const struct store_app *app)
{
    struct err err = {0};
    const char **ids;
    TAP_OK(engine_act(&f.engine, app->id, &err), &err);
    TAP_OK(store_action_open(f.pg, &f.arena, &ids, &err), &err);
    for (; *ids; ids++)
        CU_ASSERT_STRING_NOT_EQUAL(*ids, app->id);
}

static bool is_open(const struct store_app *app)
{
    struct err err = {0};
    const char **ids;
    TAP_OK(store_action_open(f.pg, &f.arena, &ids, &err), &err);
    for (; *ids; ids++)
        if (str_eq(*ids, app->id))
            return true;
    return false;
}

static void stops_and_starts(void)
{
    struct store_app app = app_of("halt", "halt\n");
    struct err err = {0};
    app.replicas = 2;
    fixture_store(&f, &app, NULL);
    CU_ASSERT_EQUAL(store_action_ask(f.pg, &f.arena, app.id, STORE_ACT_STOP, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
    deployed(&app);
    ask(&app, STORE_ACT_STOP);
    CU_ASSERT(is_open(&app)); /* what the queue loses is found again */
    carry_out(&app);
    CU_ASSERT_EQUAL(replicas(&app), 0);
    TAP_STR(read_app(&app).status, "stopped");
    ask(&app, STORE_ACT_STOP);
    carry_out(&app);
    CU_ASSERT_EQUAL(replicas(&app), 0);
    ask(&app, STORE_ACT_START);
    carry_out(&app);
    CU_ASSERT_EQUAL(replicas(&app), 2);
    ask(&app, STORE_ACT_START);
    carry_out(&app);
    CU_ASSERT_EQUAL(replicas(&app), 2);
    CU_ASSERT_EQUAL(forced(&app), 0);
}

static void restarts_once(void)
{
    struct store_app app = app_of("again", "again\n");
    struct err err = {0};
    fixture_store(&f, &app, NULL);
    deployed(&app);
    ask(&app, STORE_ACT_RESTART);
    carry_out(&app);
    CU_ASSERT_EQUAL(forced(&app), 1);
    /* a worker that was killed between the service and its row does it again, and does nothing */
    TAP_OK(pg_run(f.pg, &f.arena, "UPDATE applications SET action_done = 0 WHERE id = $1",
                  PG_PARAMS(PG_TEXT(app.id)), NULL, &err),
           &err);
    carry_out(&app);
    CU_ASSERT_EQUAL(forced(&app), 1);
    ask(&app, STORE_ACT_RESTART);
    ask(&app, STORE_ACT_RESTART);
    carry_out(&app);
    CU_ASSERT_EQUAL(forced(&app), 2);
    deployed(&app);
    ask(&app, STORE_ACT_START); /* runs: nothing to do, and an old restart is not done again */
    carry_out(&app);
    CU_ASSERT_EQUAL(forced(&app), 0);
    ask(&app, STORE_ACT_STOP);
    carry_out(&app);
    ask(&app, STORE_ACT_RESTART);
    carry_out(&app);
    CU_ASSERT_EQUAL(replicas(&app), 1);
}

/* Who starts a stopped application: a deployment asked for later, when it succeeds. */
static void stays_stopped(void)
{
    int rc;
    struct store_app app = app_of("stay", "stay\n");
    fixture_store(&f, &app, NULL);
    deployed(&app);
    struct store_deployment early = fixture_claim(&f, &app, NULL, NULL);
    ask(&app, STORE_ACT_STOP);
    carry_out(&app);
    struct err err = {0};
    TAP_OK(engine_run(&f.engine, early.id, early.attempt, &err), &err);
    early = fixture_read(&f, early.id);
    expect(&early, "success");
    TAP_STR(read_app(&app).status, "stopped");
    CU_ASSERT(is_open(&app)); /* it has started the service: that is to be stopped again */
    carry_out(&app);
    CU_ASSERT_EQUAL(replicas(&app), 0);

    struct fixture_file bad[] = {
        {"Dockerfile", "FROM slipway-test-base\nCMD [\"/bin/sh\", \"-c\", \"exit 3\"]\n", NULL},
        {0}};
    fixture_commit(&f, "stay", "main", bad);
    struct store_deployment failed = fixture_deploy(&f, &app, NULL, NULL, &rc);
    expect(&failed, "failed");
    CU_ASSERT_EQUAL(replicas(&app), 0);
    TAP_STR(read_app(&app).status, "stopped");
    if (is_open(&app))
        carry_out(&app);

    struct fixture_file good[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", "good\n", NULL}, {0}};
    fixture_commit(&f, "stay", "main", good);
    deployed(&app);
    CU_ASSERT_EQUAL(replicas(&app), 1);
    TAP_STR(read_app(&app).status, "running");
    CU_ASSERT_FALSE(is_open(&app));
}

/* Swarm keeps no spec of it, so the engine writes the last success anew: with nothing that runs. */
static void put_back_stopped(void)
{
    struct store_app app = app_of("idle", "idle\n");
    struct err err = {0};
    fixture_store(&f, &app, NULL);
    struct store_deployment good = deployed(&app);
    ask(&app, STORE_ACT_STOP);
    carry_out(&app);
    struct store_deployment d = fixture_claim(&f, &app, NULL, NULL);
    TAP_OK(store_deployment_touch(f.pg, &f.arena, d.id, d.attempt, 1, "{}", &err), &err);
    AUTO_JSON *service = service_of(&app);
    for (int i = 0; i < 2; i++) { /* twice: PreviousSpec is no way back then */
        json_object_object_add(json_at(service, "Spec/TaskTemplate/ContainerSpec/Labels"),
                               DOCKER_LABEL_RELEASE, json_object_new_string(d.id));
        json_object_object_add(json_at(service, "Spec/Labels"), "turn",
                               json_object_new_string(i ? "two" : "one"));
        TAP_OK(docker_service_update(&f.docker, app.service_name,
                                     json_object_to_json_string(json_at(service, "Spec")), NULL,
                                     NULL, NULL, &err),
               &err);
    }
    TAP_OK(engine_give_up(&f.engine, d.id, d.attempt, "cancelled", NULL, "cancelled by anna", &err),
           &err);
    d = fixture_read(&f, d.id);
    expect(&d, "cancelled");
    CU_ASSERT_PTR_NOT_NULL(strstr(d.error, "cancelled by anna"));
    CU_ASSERT_EQUAL(replicas(&app), 0);
    AUTO_JSON *after = service_of(&app);
    TAP_STR(json_str_at(after, "Spec/TaskTemplate/ContainerSpec/Labels/" DOCKER_LABEL_RELEASE),
            good.id);
}

static const char *user_id(void)
{
    struct pg_rows rows;
    struct err err = {0};
    TAP_OK(pg_run(f.pg, &f.arena, "SELECT owner_id FROM projects WHERE id = $1",
                  PG_PARAMS(PG_TEXT(f.project_id)), &rows, &err),
           &err);
    return pg_cell(&rows, 0, 0);
}

static void cancels(void)
{
    struct store_app app = app_of("cancel", "cancel\n");
    struct err err = {0};
    const char **ids;
    fixture_store(&f, &app, NULL);
    struct store_deployment d = {
        .id = uuid_new(&f.arena), .application_id = app.id, .trigger = "manual"};
    TAP_OK(store_deployment_insert(f.pg, &f.arena, &d, &err), &err);
    TAP_OK(store_deployment_cancel(f.pg, &f.arena, d.id, user_id(), "cancelled by anna", &err),
           &err);
    d = fixture_read(&f, d.id);
    expect(&d, "cancelled");
    CU_ASSERT(d.finished_at > 0);
    CU_ASSERT_EQUAL(store_deployment_cancel(f.pg, &f.arena, d.id, NULL, "", &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);

    d = fixture_claim(&f, &app, NULL, NULL);
    TAP_OK(store_deployment_cancel(f.pg, &f.arena, d.id, user_id(), "x", &err), &err);
    d = fixture_read(&f, d.id);
    expect(&d, "pending"); /* it is taken: its worker ends it */
    CU_ASSERT(d.cancelling);
    CU_ASSERT_PTR_NOT_NULL(d.cancel_by);
    TAP_OK(store_deployment_cancelling(f.pg, &f.arena, "test", &ids, &err), &err);
    TAP_STR(ids[0], d.id);
    TAP_OK(engine_give_up(&f.engine, d.id, d.attempt, "cancelled", NULL, "cancelled", &err), &err);
    d = fixture_read(&f, d.id);
    expect(&d, "cancelled");
    TAP_OK(store_deployment_cancelling(f.pg, &f.arena, "test", &ids, &err), &err);
    CU_ASSERT_PTR_NULL(ids[0]);
}

static struct store_deployment roll_back(const char *from, const char *to)
{
    struct err err = {0};
    enum store_claim result;
    struct store_deployment d;
    const char *id = uuid_new(&f.arena);
    TAP_OK(store_deployment_insert_rollback(f.pg, &f.arena, id, from, to, NULL, &err), &err);
    TAP_OK(store_deployment_claim(f.pg, &f.arena, id, "test", 600000, &result, &d, &err), &err);
    CU_ASSERT_EQUAL(result, STORE_CLAIMED);
    TAP_OK(engine_run(&f.engine, id, d.attempt, &err), &err);
    return fixture_read(&f, id);
}

static void set_env(struct store_app *app, const char *plain, const char *hidden)
{
    AUTO_BUF sealed = {0};
    struct err err = {0};
    secret_seal_k(&f.keys, store_env_row(&f.arena, app->id, "HIDDEN"), hidden, &sealed);
    struct store_env list[] = {{.key = "PLAIN", .value = plain},
                               {.key = "HIDDEN", .secret = sealed.data, .secret_len = sealed.len}};
    struct store_env_list env = {list, hidden[0] ? 2 : 1};
    struct store_app_parts parts = {.env = &env};
    TAP_OK(store_app_update(f.pg, &f.arena, app, &parts, true, &err), &err);
    app->config_version++;
}

#define ECHO_DOCKERFILE                                                                      \
    "FROM slipway-test-base\nCOPY index.html /\nCMD [\"/bin/sh\", \"-c\", \"mkdir -p /www; " \
    "echo $(cat /index.html) $PLAIN $HIDDEN > /www/index.html; exec httpd -f -p 8080 -h /www\"]\n"

/* The image and the settings of the release before, the present secrets; and back again. */
static void goes_back(void)
{
    struct fixture_file files[] = {
        {"Dockerfile", ECHO_DOCKERFILE, NULL}, {"index.html", "one", NULL}, {0}};
    struct err err = {0};
    fixture_commit(&f, "back", "main", files);
    struct store_app app = fixture_app(&f, "back", "back");
    fixture_store(&f, &app, NULL);
    set_env(&app, "first", "hush-one");
    struct store_deployment one = deployed(&app);
    TAP_STR(fixture_get(&f, &app, "/index.html"), "one first hush-one\n");

    files[1].text = "two";
    fixture_commit(&f, "back", "main", files);
    app.memory_limit = 96;
    app.replicas = 2;
    set_env(&app, "second", "hush-two");
    struct store_deployment two = deployed(&app);
    TAP_STR(fixture_get(&f, &app, "/index.html"), "two second hush-two\n");

    struct store_deployment before;
    TAP_OK(store_deployment_before(f.pg, &f.arena, two.id, &before, &err), &err);
    TAP_STR(before.id, one.id);
    CU_ASSERT_EQUAL(store_deployment_before(f.pg, &f.arena, one.id, &before, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);

    struct store_deployment back = roll_back(two.id, one.id);
    expect(&back, "success");
    TAP_STR(back.trigger, "rollback");
    TAP_STR(back.image, one.image);
    CU_ASSERT_PTR_NULL(strstr(back.steps, "clone"));
    CU_ASSERT_PTR_NULL(strstr(back.steps, "build"));
    TAP_STR(fixture_get(&f, &app, "/index.html"), "one first hush-two\n");
    AUTO_JSON *service = service_of(&app);
    CU_ASSERT_EQUAL(json_int_at(service, "Spec/TaskTemplate/Resources/Limits/MemoryBytes", 0),
                    64 << 20);
    CU_ASSERT_EQUAL(replicas(&app), 1);
    TAP_STR(fixture_read(&f, two.id).status, "rolled_back");
    CU_ASSERT(read_app(&app).pending_changes); /* what is set is not what runs */
    /* what came before a rollback is what came before the release that it brought back */
    CU_ASSERT_EQUAL(store_deployment_before(f.pg, &f.arena, back.id, &before, &err), -1);

    struct store_deployment again = roll_back(back.id, two.id);
    expect(&again, "success");
    TAP_STR(again.image, two.image);
    TAP_STR(fixture_get(&f, &app, "/index.html"), "two second hush-two\n");
    CU_ASSERT_EQUAL(replicas(&app), 2);
    CU_ASSERT_FALSE(read_app(&app).pending_changes);
    struct store_deployments list;
    TAP_OK(store_deployment_releases(f.pg, &f.arena, app.id, &(struct store_page){.limit = 10},
                                     &list, &err),
           &err);
    CU_ASSERT_EQUAL(list.n, 4);
    TAP_STR(list.list[0].id, again.id);

    set_env(&app, "third", ""); /* the secret is no more */
    struct store_deployment refused = roll_back(again.id, one.id);
    expect(&refused, "failed");
    CU_ASSERT_PTR_NOT_NULL(strstr(refused.error, "needs the secret variable HIDDEN"));
    TAP_STR(fixture_get(&f, &app, "/index.html"), "two second hush-two\n");
    TAP_STR(fixture_read(&f, again.id).status, "success");
}

/* One rollback of a release at a time, and only to a release of the same application. */
static void refuses_rollbacks(void)
{
    struct store_app app = app_of("twice", "twice\n"), other = app_of("other", "other\n");
    struct err err = {0};
    fixture_store(&f, &app, NULL);
    fixture_store(&f, &other, NULL);
    struct store_deployment one = deployed(&app), two = deployed(&app), foreign = deployed(&other);
    const char *first = uuid_new(&f.arena);
    TAP_OK(store_deployment_insert_rollback(f.pg, &f.arena, first, two.id, one.id, NULL, &err),
           &err);
    CU_ASSERT_EQUAL(store_deployment_insert_rollback(f.pg, &f.arena, uuid_new(&f.arena), two.id,
                                                     one.id, NULL, &err),
                    -1);
    CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
    TAP_OK(store_deployment_cancel(f.pg, &f.arena, first, NULL, "cancelled", &err), &err);
    CU_ASSERT_EQUAL(store_deployment_insert_rollback(f.pg, &f.arena, uuid_new(&f.arena), two.id,
                                                     foreign.id, NULL, &err),
                    -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
}

static struct docker_entries logs_of(const struct store_app *app, int64_t tail, int64_t since)
{
    struct docker_entries all;
    struct err err = {0};
    TAP_OK(
        docker_service_logs(&f.docker, &f.arena, app->service_name, tail, since, 10000, &all, &err),
        &err);
    CU_ASSERT_FALSE(all.broken);
    return all;
}

static void prints(void)
{
    struct fixture_file files[] = {
        {"Dockerfile",
         "FROM slipway-test-base\nCMD [\"/bin/sh\", \"-c\", \"echo one; echo 'two  and' >&2; "
         "sleep 0.2; echo three; mkdir /www; exec httpd -f -p 8080 -h /www\"]\n",
         NULL},
        {0}};
    fixture_commit(&f, "talk", "main", files);
    struct store_app app = fixture_app(&f, "talk", "talk");
    app.replicas = 2;
    fixture_store(&f, &app, NULL);
    int64_t begun = time_now();
    deployed(&app);
    struct docker_entries all = logs_of(&app, 100, 0);
    CU_ASSERT_EQUAL(all.n, 6);
    size_t err_lines = 0;
    for (size_t i = 0; i < all.n; i++) {
        int64_t at;
        CU_ASSERT(time_parse(all.list[i].at, &at));
        CU_ASSERT(at >= begun - 1000);
        CU_ASSERT(!i || strcmp(all.list[i - 1].at, all.list[i].at) <= 0);
        if (str_eq(all.list[i].stream, "stderr")) {
            TAP_STR(all.list[i].text, "two  and");
            err_lines++;
        }
    }
    CU_ASSERT_EQUAL(err_lines, 2);
    CU_ASSERT_STRING_NOT_EQUAL(all.list[0].task_id, "");
    CU_ASSERT_EQUAL(logs_of(&app, 1, 0).n, 2); /* of each task */
    CU_ASSERT_EQUAL(logs_of(&app, 100, time_now() + 60000).n, 0);
    struct docker_entries none;
    struct err err = {0};
    CU_ASSERT_EQUAL(
        docker_service_logs(&f.docker, &f.arena, "no-such-service", 1, 0, 5000, &none, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
}

static const struct tap_test tests[] = {
    {"a service is scaled to nothing and back to what it had", stops_and_starts},
    {"a restart is done once, whatever is killed", restarts_once},
    {"a stopped application is started by a later success alone", stays_stopped},
    {"the last success of a stopped application is put back stopped", put_back_stopped},
    {"a deployment is cancelled before, and at work", cancels},
    {"a release comes back with its image and its settings", goes_back},
    {"a release is rolled back once, to one of its own application", refuses_rollbacks},
    {"what a service printed", prints},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"actions", tests}, {NULL, NULL}};
    fixture_open(&f, true);
    int rc = tap_main(suites, argc, argv);
    fixture_close(&f);
    return rc;
}

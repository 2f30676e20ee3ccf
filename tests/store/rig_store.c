/* SPDX-License-Identifier: MIT */
/* The store on a real PostgreSQL; run inside tests/rig. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "store/app.h"
#include "store/delivery.h"
#include "store/deployment.h"
#include "store/migrate.h"
#include "store/project.h"
#include "store/user.h"
#include "tests/rig.h"
#include "tests/tap.h"

static struct arena arena;
static const char *url;
static struct pg *pg;

static struct store_user user(const char *role)
{
    struct err err;
    const char *name = arena_printf(&arena, "u%s", rand_hex(&arena, 5));
    struct store_user in = {.id = uuid_new(&arena),
                            .username = name,
                            .email = arena_printf(&arena, "%s@example.com", name),
                            .roles = arena_printf(&arena, "[\"%s\"]", role)},
                      out;
    rig_must(store_user_create(pg, &arena, &in, false, &out, &err), &err);
    return out;
}

static struct store_project project(const char *owner)
{
    struct err err;
    struct store_project in = {.id = uuid_new(&arena),
                               .name = "p",
                               .description = "",
                               .owner_id = owner},
                         out;
    rig_must(store_project_insert(pg, &arena, &in, &out, &err), &err);
    return out;
}

static const char *app(const char *project_id)
{
    struct err err;
    struct store_app in = {.id = uuid_new(&arena),
                           .project_id = project_id,
                           .name = rand_hex(&arena, 5),
                           .service_name = arena_printf(&arena, "s%s", rand_hex(&arena, 5)),
                           .repo_url = "https://git.example/a/b",
                           .repo_normal = "git.example/a/b",
                           .branch = "main",
                           .dockerfile = "Dockerfile",
                           .context_path = ".",
                           .build_args = "{}",
                           .replicas = 1,
                           .memory_limit = 64,
                           .cpu_limit = 1,
                           .port = 80,
                           .restart_policy = "{}",
                           .update_config_raw = "{}",
                           .volumes = "[]",
                           .ports = "[]",
                           .labels = "{}",
                           .capabilities = "[]"};
    struct store_app_parts parts = {.webhook_secret = "x", .webhook_secret_len = 1};
    rig_must(store_app_insert(pg, &arena, &in, &parts, &err), &err);
    return in.id;
}

static const char *deployment(const char *app_id)
{
    struct err err;
    struct store_deployment in = {
        .id = uuid_new(&arena), .application_id = app_id, .trigger = "api", .branch = "main"};
    rig_must(store_deployment_insert(pg, &arena, &in, &err), &err);
    return in.id;
}

static enum store_claim claim(const char *id, struct store_deployment *d)
{
    struct err err;
    enum store_claim result;
    rig_must(store_deployment_claim(pg, &arena, id, "w", 60000, &result, d, &err), &err);
    return result;
}

static void migrations(void)
{
    struct err err;
    struct migrations m;
    size_t done = 9;
    char dir[] = "/tmp/slipway-sql-XXXXXX", path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/0001_x.sql", dir);
    struct pg *fresh = rig_pg(&arena, url);
    TAP_OK(migrate_apply(fresh, &arena, TEST_SQL_DIR, &done, &err), &err);
    CU_ASSERT_EQUAL(done, 0);
    TAP_OK(migrate_status(fresh, &arena, TEST_SQL_DIR, &m, &err), &err);
    CU_ASSERT(m.n >= 3 && m.pending == 0);

    TAP_OK(pg_script(fresh, "ALTER TABLE schema_migrations RENAME TO kept", &err), &err);
    FILE *f = fopen(path, "w");
    fputs("CREATE TABLE half (a integer); SELECT no_such_function();", f);
    fclose(f);
    CU_ASSERT_EQUAL(migrate_apply(fresh, &arena, dir, &done, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "0001_x"));
    TAP_OK(pg_script(fresh, "CREATE TABLE half (a integer)", &err), &err); /* nothing was kept */
    f = fopen(path, "w");
    fputs("CREATE TABLE whole (a integer)", f);
    fclose(f);
    TAP_OK(migrate_apply(fresh, &arena, dir, &done, &err), &err);
    CU_ASSERT_EQUAL(done, 1);
    f = fopen(path, "a");
    fputs(" ", f);
    fclose(f);
    CU_ASSERT_EQUAL(migrate_apply(fresh, &arena, dir, &done, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "was changed"));
    unlink(path);
    CU_ASSERT_EQUAL(migrate_status(fresh, &arena, dir, &m, &err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "does not have it"));
    rmdir(dir);
    TAP_OK(pg_script(fresh,
                     "DROP TABLE schema_migrations; ALTER TABLE kept RENAME TO schema_migrations",
                     &err),
           &err);
    pg_close(fresh);
}

static void scopes(void)
{
    struct err err;
    struct store_user anna = user("developer"), ben = user("viewer");
    struct store_project p = project(anna.id), got;
    struct store_scope hers = {.user_id = anna.id}, his = {.user_id = ben.id},
                       all = {.user_id = ben.id, .everything = true};
    const char *role = NULL, *id = app(p.id);
    struct store_app a;
    TAP_OK(store_project_get(pg, &arena, &hers, p.id, &got, &role, &err), &err);
    TAP_STR(role, "admin");
    CU_ASSERT_EQUAL(store_project_get(pg, &arena, &his, p.id, &got, &role, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
    TAP_OK(store_project_get(pg, &arena, &all, p.id, &got, &role, &err), &err);
    CU_ASSERT_PTR_NULL(role);
    CU_ASSERT_EQUAL(store_app_get(pg, &arena, &his, id, &a, NULL, &err), -1);

    const char *team = uuid_new(&arena);
    struct pg_rows rows;
    rig_must(pg_run(pg, &arena, "INSERT INTO teams (id, name) VALUES ($1, 't')",
                    PG_PARAMS(PG_TEXT(team)), &rows, &err),
             &err);
    rig_must(pg_run(pg, &arena, "INSERT INTO team_members VALUES ($1, $2, 'viewer')",
                    PG_PARAMS(PG_TEXT(team), PG_TEXT(ben.id)), &rows, &err),
             &err);
    p.team_id = team;
    TAP_OK(store_project_update(pg, &arena, &p, &got, &err), &err);
    TAP_OK(store_app_get(pg, &arena, &his, id, &a, &role, &err), &err);
    TAP_STR(role, "viewer");
    CU_ASSERT_EQUAL(store_project_update(pg, &arena, &p, &got, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_PRECONDITION);
}

static void first_user_is_one(void)
{
    struct err err;
    const char *db = rig_database(&arena);
    int winners = 0;
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct pg *own = rig_pg(&arena, db);
            struct store_user in = {.id = uuid_new(&arena),
                                    .username = arena_printf(&arena, "u%d", i),
                                    .email = arena_printf(&arena, "u%d@example.com", i),
                                    .roles = "[\"owner\"]"},
                              out;
            int rc = store_user_create(own, &arena, &in, true, &out, &err);
            pg_close(own);
            _exit(rc == 0 ? 0 : err.code == ERR_FORBIDDEN ? 1 : 2);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CU_ASSERT_EQUAL(winners, 1);
}

static void claims(void)
{
    struct err err;
    struct store_deployment d;
    const char *a = app(project(user("owner").id).id);
    const char *first = deployment(a), *second = deployment(a);
    CU_ASSERT_EQUAL(claim(second, &d), STORE_CLAIM_BUSY); /* an earlier one waits */
    CU_ASSERT_EQUAL(claim(first, &d), STORE_CLAIMED);
    CU_ASSERT_EQUAL(d.attempt, 1);
    CU_ASSERT_EQUAL(claim(first, &d), STORE_CLAIM_BUSY);
    CU_ASSERT_EQUAL(claim(second, &d), STORE_CLAIM_BUSY);
    TAP_OK(store_deployment_advance(pg, &arena, first, 1, "building", &err), &err);
    TAP_OK(store_deployment_finish(pg, &arena, first, 1, "success", NULL, &err), &err);
    CU_ASSERT_EQUAL(claim(first, &d), STORE_CLAIM_ENDED);
    TAP_STR(d.status, "success");
    CU_ASSERT_EQUAL(claim(second, &d), STORE_CLAIMED);
    TAP_OK(store_deployment_finish(pg, &arena, second, 1, "failed", "{\"message\":\"x\"}", &err),
           &err);
    TAP_OK(store_deployment_last_success(pg, &arena, a, &d, &err), &err);
    TAP_STR(d.id, first);
    CU_ASSERT_EQUAL(claim(uuid_new(&arena), &d), STORE_CLAIM_ENDED);
}

static void fences(void)
{
    struct err err;
    struct store_deployment d;
    const char *id = deployment(app(project(user("owner").id).id));
    struct store_log_line line = {
        .at = time_now(), .step = "clone", .stream = "stdout", .text = "x"};
    CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
    TAP_OK(store_deployment_advance(pg, &arena, id, 1, "pushing", &err), &err);
    int64_t n = 0;
    TAP_OK(store_deployment_disown(pg, &arena, "w", &n, &err), &err);
    CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
    CU_ASSERT_EQUAL(d.attempt, 2);
    CU_ASSERT_EQUAL(d.failures, 1); /* the holder of the first lease was lost */
    /* whatever the older attempt still writes is refused */
    CU_ASSERT_EQUAL(store_deployment_advance(pg, &arena, id, 1, "deploying", &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_STALE);
    CU_ASSERT_EQUAL(store_deployment_finish(pg, &arena, id, 1, "failed", NULL, &err), -1);
    CU_ASSERT_EQUAL(store_step_begin(pg, &arena, id, 1, "clone", &err), -1);
    CU_ASSERT_EQUAL(store_log_append(pg, &arena, id, 1, &line, 1, &err), -1);
    CU_ASSERT_EQUAL(store_deployment_renew(pg, &arena, id, 1, 1000, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_STALE);
    /* a status only moves forward */
    TAP_OK(store_deployment_advance(pg, &arena, id, 2, "cloning", &err), &err);
    TAP_OK(store_deployment_get_any(pg, &arena, id, &d, &err), &err);
    TAP_STR(d.status, "pushing");
    CU_ASSERT_EQUAL(d.progress, 70);
}

static void releases(void)
{
    struct err err;
    struct store_deployment d;
    struct store_deployments open;
    const char *id = deployment(app(project(user("owner").id).id));
    CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
    CU_ASSERT(d.started_at > 0);
    TAP_OK(store_deployment_release(pg, &arena, id, 1, NULL, &err), &err);
    TAP_OK(store_deployment_get_any(pg, &arena, id, &d, &err), &err);
    CU_ASSERT_EQUAL(d.started_at, 0); /* as if it had never been taken */
    CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
    TAP_OK(store_deployment_release(pg, &arena, id, 2, "no registry", &err), &err);
    TAP_OK(store_deployment_orphans(pg, &arena, 0, &open, &err), &err);
    bool found = false;
    for (size_t i = 0; i < open.n; i++)
        found |= str_eq(open.list[i].id, id);
    CU_ASSERT(found);
    CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
    CU_ASSERT_EQUAL(d.failures, 1);
    TAP_STR(d.last_failure, "no registry");
}

static void output(void)
{
    struct err err;
    struct store_deployment d;
    struct store_log_line *lines, in[3];
    size_t n;
    const char *id = deployment(app(project(user("owner").id).id));
    CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
    for (int i = 0; i < 3; i++)
        in[i] = (struct store_log_line){.at = 1700000000123 + i,
                                        .step = "build",
                                        .stream = "stdout",
                                        .text = i ? "tab\t\"quoted\" \\ \x01" : "\xFFz"};
    TAP_OK(store_log_append(pg, &arena, id, 1, in, 3, &err), &err);
    TAP_OK(store_log_append(pg, &arena, id, 1, in, 1, &err), &err);
    TAP_OK(store_log_read(pg, &arena, id, 1, 10, &lines, &n, &err), &err);
    CU_ASSERT_EQUAL_FATAL(n, 3);
    CU_ASSERT_EQUAL(lines[0].line, 2);
    CU_ASSERT_EQUAL(lines[2].line, 4);
    CU_ASSERT_EQUAL(lines[0].at, 1700000000124);
    TAP_STR(lines[0].text, in[1].text);
    TAP_STR(lines[2].text, "\xEF\xBF\xBDz");
    TAP_OK(store_log_tail(pg, &arena, id, 2, &lines, &n, &err), &err);
    CU_ASSERT_EQUAL_FATAL(n, 2);
    CU_ASSERT_EQUAL(lines[0].line, 3);
    CU_ASSERT_EQUAL(lines[1].line, 4);
    TAP_STR(lines[0].text, in[2].text);
    TAP_OK(store_log_tail(pg, &arena, id, 10, &lines, &n, &err), &err);
    CU_ASSERT_EQUAL(n, 4);
}

static void errors_in_output(void)
{
    static const struct {
        struct store_log_line line;
        bool is;
    } cases[] = {
        {{.step = "clone", .stream = "stderr", .text = "of another step"}, false},
        {{.step = "build", .stream = "stdout", .text = "#7 ERRORS: none"}, true},
        {{.step = "build", .stream = "stdout", .text = "7 ERROR"}, false},
        {{.step = "build", .stream = "stdout", .text = "#7 an ERROR"}, false},
        {{.step = "build", .stream = "stdout", .text = "#7 ERROR: exit 3"}, true},
        {{.step = "build", .stream = "stderr", .text = "no such thing"}, true},
        {{.step = "deploy", .stream = "system", .text = "failed: exit 3"}, true},
        {{.step = "build", .stream = "system", .text = "it failed: no"}, false},
    };
    struct err err;
    struct store_deployment d;
    int64_t line;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *id = deployment(app(project(user("owner").id).id));
        CU_ASSERT_EQUAL(claim(id, &d), STORE_CLAIMED);
        CU_ASSERT_EQUAL(store_log_is_error(&cases[i].line, "build"), cases[i].is);
        TAP_OK(store_log_append(pg, &arena, id, 1, &cases[i].line, 1, &err), &err);
        TAP_OK(store_log_first_error(pg, &arena, id, "build", &line, &err), &err);
        CU_ASSERT_EQUAL(line, cases[i].is ? 1 : 0);
        TAP_OK(store_log_first_error(pg, &arena, id, NULL, &line, &err), &err);
        CU_ASSERT_EQUAL(line, str_eq(cases[i].line.stream, "system") && cases[i].is ? 1 : 0);
    }
}

static void survives_loss(void)
{
    struct err err;
    struct pg_rows rows;
    struct pg *victim = rig_pg(&arena, url);
    rig_must(pg_run(victim, &arena, "SELECT pg_backend_pid()", PG_NONE, &rows, &err), &err);
    const char *pid = pg_cell(&rows, 0, 0);
    rig_must(pg_run(pg, &arena, "SELECT pg_terminate_backend($1::integer)", PG_PARAMS(PG_TEXT(pid)),
                    &rows, &err),
             &err);
    time_sleep(100);
    /* the same statement again: repeated on a new connection, prepared anew */
    TAP_OK(pg_run(victim, &arena, "SELECT pg_backend_pid()", PG_NONE, &rows, &err), &err);
    CU_ASSERT_FALSE(str_eq(pid, pg_cell(&rows, 0, 0)));
    TAP_OK(pg_begin(victim, &err), &err);
    rig_must(pg_run(pg, &arena, "SELECT pg_terminate_backend($1::integer)",
                    PG_PARAMS(PG_TEXT(pg_cell(&rows, 0, 0))), NULL, &err),
             &err);
    time_sleep(100);
    /* within a transaction nothing is repeated */
    CU_ASSERT_EQUAL(pg_run(victim, &arena, "SELECT 1", PG_NONE, &rows, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_UNAVAILABLE);
    pg_rollback(victim);
    TAP_OK(pg_run(victim, &arena, "SELECT 1", PG_NONE, &rows, &err), &err);
    pg_close(victim);
}

static void deliveries_once(void)
{
    struct err err;
    bool fresh;
    const char *a = app(project(user("owner").id).id);
    struct store_delivery in = {.proved = true,
                                .id = uuid_new(&arena),
                                .provider = "github",
                                .delivery_id = rand_hex(&arena, 8),
                                .application_id = a,
                                .event = "push",
                                .outcome = "deployed",
                                .address = "127.0.0.1",
                                .request_id = "r"};
    struct store_deployment start = {
        .id = uuid_new(&arena), .application_id = a, .trigger = "webhook", .branch = "main"};
    TAP_OK(store_delivery_insert(pg, &arena, &in, &start, 1, &fresh, &err), &err);
    CU_ASSERT(fresh);
    in.id = uuid_new(&arena);
    start.id = uuid_new(&arena);
    TAP_OK(store_delivery_insert(pg, &arena, &in, &start, 1, &fresh, &err), &err);
    CU_ASSERT_FALSE(fresh);
    struct store_deployments list;
    TAP_OK(store_deployment_newest(pg, &arena, &a, 1, 5, &list, &err), &err);
    CU_ASSERT_EQUAL(list.n, 1);
}

static const struct tap_test tests[] = {
    {"migrations run once, whole or not at all, and are not changed", migrations},
    {"a getter shows what the scope may see", scopes},
    {"of four first users one becomes owner", first_user_is_one},
    {"deployments of an application are claimed one at a time, in order", claims},
    {"an older attempt's writes are refused", fences},
    {"giving back counts failures and forgets what had not begun", releases},
    {"output is numbered, scrubbed and resumable", output},
    {"the errors in the output of a deployment", errors_in_output},
    {"a lost connection is made again; a transaction is not repeated", survives_loss},
    {"a delivery counts once", deliveries_once},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"store", tests}, {NULL, NULL}};
    url = rig_database(&arena);
    pg = rig_pg(&arena, url);
    int rc = tap_main(suites, argc, argv);
    pg_close(pg);
    arena_release(&arena);
    return rc;
}

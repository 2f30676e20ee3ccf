/* SPDX-License-Identifier: MIT */
/* The middleware and the route tables, in process, on real PostgreSQL and Redis; run inside
 * tests/rig. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/serve.h"
#include "base/rand.h"
#include "base/str.h"
#include "pages/pages.h"
#include "store/database.h"
#include "tests/ask.h"
#include "tests/rig.h"
#include "tests/tap.h"

static struct arena arena;
static struct conf conf;
static struct api api;

static const struct route_table *const *const tables[] = {api_routes, pages_routes, NULL};
static struct serve serve = {.api = &api, .tables = tables, .error_page = pages_error};

/* One request; HEADERS are "HTTP_X=…" and the like, ended by NULL. */
static struct answer ask(const char *method, const char *uri, const char *body,
                         const char *const *headers)
{
    return ask_serve(&serve, &arena, method, uri, body, headers);
}

static const char *text_at(const struct answer *a, const char *path)
{
    return ask_text(&arena, a, path);
}

/* The Authorization of a new session of a user with ROLE. */
static const char *bearer(const char *role)
{
    struct err err;
    struct problems problems;
    struct store_user user;
    struct session s;
    const char *token, *name = arena_printf(&arena, "u%s", rand_hex(&arena, 5));
    struct session_deps deps = {.pg = api.pg, .redis = api.redis, .keys = &api.keys};
    problems_init(&problems, &arena);
    rig_must(api_user_add(api.pg, &arena, name, arena_printf(&arena, "%s@example.com", name),
                          "correct horse", role, &user, &problems, &err),
             &err);
    rig_must(session_create(&deps, &arena, &user, "", "", &s, &token, &err), &err);
    return arena_printf(&arena, "HTTP_AUTHORIZATION=Bearer %s", token);
}

static void registration(void)
{
    static const char anna[] = "{\"username\":\"anna\",\"email\":\"anna@example.com\","
                               "\"password\":\"correct horse\"}";
    static const char ben[] = "{\"username\":\"ben\",\"email\":\"ben@example.com\","
                              "\"password\":\"correct horse\"}";
    struct answer a = ask("POST", "/api/auth/register", "{\"username\":\"-\"}", NULL);
    CU_ASSERT_EQUAL(a.status, 422);
    a = ask("POST", "/api/auth/register", anna, NULL);
    CU_ASSERT_EQUAL(a.status, 201);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"roles\":[\"owner\"]"));
    CU_ASSERT_PTR_NULL(strstr(a.body, "argon2"));
    a = ask("POST", "/api/auth/register", ben, NULL);
    CU_ASSERT_EQUAL(a.status, 403);
    conf.web_registration = "open";
    a = ask("POST", "/api/auth/register", anna, NULL);
    CU_ASSERT_EQUAL(a.status, 422);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "{\"field\":\"username\",\"message\":\"is taken\"}"));
    a = ask("POST", "/api/auth/register", ben, NULL);
    CU_ASSERT_EQUAL(a.status, 201);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"roles\":[\"viewer\"]"));
    conf.web_registration = "closed";
    a = ask("POST", "/api/auth/login", "{\"username\":\"ANNA\",\"password\":\"correct horse\"}",
            NULL);
    CU_ASSERT_EQUAL(a.status, 200);
    CU_ASSERT_PTR_NOT_NULL(text_at(&a, "token"));
}

static const char *example(const char *pattern)
{
    const char *colon = strchr(pattern, ':');
    if (!colon)
        return pattern;
    const char *rest = colon + strcspn(colon, "/");
    return example(arena_printf(&arena, "%.*s%s%s", (int)(colon - pattern), pattern,
                                "00000000-0000-7000-8000-000000000000", rest));
}

/* Every row of every table, as nobody: only what says so answers. */
static void nobody_gets_in(void)
{
    size_t rows = 0;
    for (const struct route_table *const *const *list = tables; *list; list++)
        for (const struct route_table *const *t = *list; *t; t++)
            for (size_t i = 0; i < (*t)->n; i++) {
                const struct route *r = &(*t)->routes[i];
                if (r->permission == PERM_NOBODY_NEEDED)
                    continue;
                rows++;
                struct answer a = ask(http_method_name(r->method), example(r->pattern), "{}", NULL);
                bool page = r->flags & ROUTE_PAGE;
                bool sent_away = page && (a.status == 302 || a.status == 303) &&
                                 strstr(a.headers, "Location: /login");
                if (a.status != 401 && !sent_away)
                    printf("# %s %s: %d\n", http_method_name(r->method), r->pattern, a.status);
                CU_ASSERT(a.status == 401 || sent_away);
            }
    CU_ASSERT(rows > 20);
}

/* Every unsafe row with a cookie and without its token is refused before its handler. */
static void csrf_is_asked(void)
{
    const char *cookie =
        arena_printf(&arena, "HTTP_COOKIE=slipway_session=%s", strchr(bearer("owner"), ' ') + 1);
    const char *const headers[] = {cookie, NULL};
    for (const struct route_table *const *const *list = tables; *list; list++)
        for (const struct route_table *const *t = *list; *t; t++)
            for (size_t i = 0; i < (*t)->n; i++) {
                const struct route *r = &(*t)->routes[i];
                if (r->method == HTTP_GET || r->flags & ROUTE_NO_CSRF)
                    continue;
                struct answer a =
                    ask(http_method_name(r->method), example(r->pattern), "{}", headers);
                if (a.status != 403)
                    printf("# %s %s: %d\n", http_method_name(r->method), r->pattern, a.status);
                CU_ASSERT_EQUAL(a.status, 403);
            }
}

static void roles_count(void)
{
    const char *const owner[] = {bearer("owner"), NULL}, *const admin[] = {bearer("admin"), NULL},
                      *const developer[] = {bearer("developer"), NULL},
                      *const other[] = {bearer("developer"), NULL},
                      *const viewer[] = {bearer("viewer"), NULL};
    CU_ASSERT_EQUAL(ask("POST", "/api/projects", "{\"name\":\"x\"}", viewer).status, 403);
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"x\"}", developer);
    CU_ASSERT_EQUAL(p.status, 201);
    const char *path = arena_printf(&arena, "/api/projects/%s", text_at(&p, "id"));
    CU_ASSERT_EQUAL(ask("GET", path, NULL, developer).status, 200);
    CU_ASSERT_EQUAL(ask("GET", path, NULL, other).status, 404); /* hidden, not forbidden */
    CU_ASSERT_EQUAL(ask("PATCH", path, "{\"name\":\"y\"}", other).status, 404);
    CU_ASSERT_EQUAL(ask("DELETE", path, NULL, viewer).status, 404);
    CU_ASSERT_EQUAL(ask("PATCH", path, "{\"name\":\"y\"}", admin).status, 200);
    const char *body = arena_printf(&arena,
                                    "{\"projectId\":\"%s\",\"name\":\"a\","
                                    "\"gitSource\":{\"repoUrl\":\"https://git.example/a/b\"}}",
                                    text_at(&p, "id"));
    CU_ASSERT_EQUAL(ask("POST", "/api/applications", body, other).status, 422);
    struct answer a = ask("POST", "/api/applications", body, developer);
    CU_ASSERT_EQUAL(a.status, 201);
    const char *app = arena_printf(&arena, "/api/applications/%s", text_at(&a, "id"));
    const char *deploy = arena_printf(&arena, "%s/deploy", app);
    CU_ASSERT_EQUAL(ask("POST", deploy, NULL, other).status, 404);
    CU_ASSERT_EQUAL(ask("POST", deploy, NULL, developer).status, 202);
    CU_ASSERT_EQUAL(ask("DELETE", path, NULL, developer).status, 409); /* one is being deployed */
    CU_ASSERT_EQUAL(ask("DELETE", arena_printf(&arena, "%s?force=true", path), NULL, owner).status,
                    204);
    CU_ASSERT_EQUAL(ask("GET", app, NULL, owner).status, 404);
}

/* A credential is put to use by those who may read it, and goes to no other repository without
 * them. */
static void credentials_are_the_keepers(void)
{
    const char *const owner[] = {bearer("owner"), NULL}, *const developer[] = {bearer("developer"),
                                                                               NULL};
    struct answer k = ask("POST", "/api/credentials",
                          "{\"name\":\"k\",\"kind\":\"token\",\"token\":\"s3cret\"}", owner);
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"doors\"}", developer);
    static const char source[] = "{\"gitSource\":{\"repoUrl\":\"https://%s/a/b\",\"branch\":\"%s\","
                                 "\"credentialId\":\"%s\"}}";
    const char *id = text_at(&k, "id");
    struct answer a = ask("POST", "/api/applications",
                          arena_printf(&arena,
                                       "{\"projectId\":\"%s\",\"name\":\"d\",\"gitSource\":"
                                       "{\"repoUrl\":\"https://git.example/a/b\"}}",
                                       text_at(&p, "id")),
                          developer);
    const char *app = arena_printf(&arena, "/api/applications/%s", text_at(&a, "id"));
    const char *taken = arena_printf(&arena, source, "git.example", "main", id);
    a = ask("PATCH", app, taken, developer);
    CU_ASSERT_EQUAL(a.status, 422);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "names no credential"));
    CU_ASSERT_EQUAL(ask("PATCH", app, taken, owner).status, 200);
    const char *branch = arena_printf(&arena, source, "git.example", "next", id);
    CU_ASSERT_EQUAL(ask("PATCH", app, branch, developer).status, 200);
    const char *elsewhere = arena_printf(&arena, source, "elsewhere.example", "next", id);
    CU_ASSERT_EQUAL(ask("PATCH", app, elsewhere, developer).status, 422);
    CU_ASSERT_EQUAL(ask("PATCH", app, elsewhere, owner).status, 200);
}

static void keys_of_repetition(void)
{
    char *query = arena_alloc(&arena, 6001);
    for (size_t i = 0; i < 6000; i += 40)
        memcpy(query + i, rand_hex(&arena, 20), 40);
    const char *const headers[] = {bearer("owner"), "HTTP_IDEMPOTENCY_KEY=once", NULL};
    const char *path = arena_printf(&arena, "/api/projects?x=%s", query);
    struct answer first = ask("POST", path, "{\"name\":\"twice\"}", headers);
    struct answer again = ask("POST", path, "{\"name\":\"twice\"}", headers);
    CU_ASSERT_EQUAL(first.status, 201);
    CU_ASSERT_EQUAL(again.status, 201);
    CU_ASSERT_STRING_EQUAL(first.body, again.body);
    struct answer other = ask("POST", "/api/projects?x=y", "{\"name\":\"twice\"}", headers);
    CU_ASSERT_EQUAL(other.status, 201);
    CU_ASSERT(strcmp(first.body, other.body) != 0);
}

/* A change is answered by what it made, whatever the caller has seen before. */
static void conditions_are_of_reads(void)
{
    const char *const headers[] = {bearer("owner"), "HTTP_IF_NONE_MATCH=*", NULL};
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"tagged\"}", headers);
    const char *path = arena_printf(&arena, "/api/projects/%s", text_at(&p, "id"));
    CU_ASSERT_EQUAL(ask("GET", path, NULL, headers).status, 304);
    struct answer changed = ask("PATCH", path, "{\"name\":\"other\"}", headers);
    CU_ASSERT_EQUAL(changed.status, 200);
    CU_ASSERT_STRING_EQUAL(text_at(&changed, "name"), "other");
}

static void a_token_stays_in_its_projects(void)
{
    const char *const owner[] = {bearer("owner"), NULL};
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"fenced\"}", owner);
    const char *id = text_at(&p, "id");
    struct answer t = ask("POST", "/api/auth/tokens",
                          arena_printf(&arena,
                                       "{\"name\":\"t\",\"role\":\"owner\",\"projectIds\":"
                                       "[\"%s\"]}",
                                       id),
                          owner);
    const char *const token[] = {
        arena_printf(&arena, "HTTP_AUTHORIZATION=Bearer %s", text_at(&t, "token")), NULL};
    static const char alert[] = "{\"scope\":\"%s\",\"metric\":\"cpu\",\"threshold\":1}";
    CU_ASSERT_EQUAL(ask("POST", "/api/alerts", arena_printf(&arena, alert, "system"), owner).status,
                    201);
    CU_ASSERT_EQUAL(ask("POST", "/api/alerts", arena_printf(&arena, alert, "system"), token).status,
                    403);
    const char *own = arena_printf(&arena, "project:%s", id);
    CU_ASSERT_EQUAL(ask("POST", "/api/alerts", arena_printf(&arena, alert, own), token).status,
                    201);
    CU_ASSERT_EQUAL(ask("GET", "/api/credentials", NULL, token).status, 403);
    CU_ASSERT_EQUAL(ask("POST", "/api/projects", "{\"name\":\"x\"}", token).status, 403);
}

static void targets_are_not_written_down(void)
{
    const char *const owner[] = {bearer("owner"), NULL};
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"told\"}", owner);
    const char *body =
        arena_printf(&arena,
                     "{\"projectId\":\"%s\",\"kind\":\"slack\",\"target\":"
                     "\"https://hooks.example.com/k3y\",\"events\":[\"alert.firing\"]}",
                     text_at(&p, "id"));
    CU_ASSERT_EQUAL(ask("POST", "/api/notifications", body, owner).status, 201);
    struct answer log = ask("GET", "/api/audit?action=notification.create", NULL, owner);
    CU_ASSERT_PTR_NOT_NULL(strstr(log.body, "\"kind\":\"slack\""));
    CU_ASSERT_PTR_NULL(strstr(log.body, "k3y"));
}

/* What anybody may send to a webhook's address. */
static void odd_webhooks(void)
{
    static const char *const bodies[] = {
        "{\"events\":{}}",
        "{\"events\":\"x\"}",
        "{\"events\":[]}",
        "{\"events\":[[1]]}",
        "[]",
        "1",
        "null",
    };
    static const char *const hosts[] = {"docker", "github", "gitlab"};
    for (size_t h = 0; h < ARRAY_LEN(hosts); h++)
        for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
            int status =
                ask("POST", arena_printf(&arena, "/api/webhooks/%s", hosts[h]), bodies[i], NULL)
                    .status;
            CU_ASSERT(status == 400 || status == 401);
        }

    /* a name that is cut within a character, and more images than anybody pushes */
    static const char *const push[] = {"HTTP_X_GITHUB_EVENT=push", NULL};
    AUTO_BUF name = {0}, body = {0};
    buf_addc(&name, 'x');
    for (int i = 0; i < 300; i++)
        buf_adds(&name, "é");
    buf_addf(&body,
             "{\"ref\":\"refs/tags/%s\",\"after\":\"%040d\",\"repository\":{\"clone_url\":"
             "\"https://git.example/%s\"}}",
             buf_str(&name), 1, buf_str(&name));
    CU_ASSERT_EQUAL(ask("POST", "/api/webhooks/github", buf_str(&body), push).status, 401);
    buf_clear(&body);
    for (int i = 0; i < 300; i++)
        buf_addf(&body,
                 "%s{\"action\":\"push\",\"target\":{\"repository\":\"%sa%d\",\"tag\":\"x\"}}",
                 i ? "," : "{\"events\":[", i % 2 ? "" : buf_str(&name), i);
    buf_adds(&body, "]}");
    CU_ASSERT_EQUAL(ask("POST", "/api/webhooks/docker", buf_str(&body), NULL).status, 401);
}

/* A deleted project leaves nothing that holds a name or a port and that nobody sees. */
static void databases_go_with_their_project(void)
{
    const char *const owner[] = {bearer("owner"), NULL};
    struct pg_rows rows;
    struct err err;
    static const char body[] = "{\"projectId\":\"%s\",\"name\":\"%s\",\"kind\":\"postgres\","
                               "\"publishedPort\":25432}";
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"first\"}", owner);
    struct answer q = ask("POST", "/api/projects", "{\"name\":\"second\"}", owner);
    struct answer d =
        ask("POST", "/api/databases", arena_printf(&arena, body, text_at(&p, "id"), "a"), owner);
    CU_ASSERT_EQUAL(d.status, 201);
    const char *other = arena_printf(&arena, body, text_at(&q, "id"), "b");
    CU_ASSERT_EQUAL(ask("POST", "/api/databases", other, owner).status, 422);
    rig_must(pg_run(api.pg, &arena, "UPDATE databases SET status = 'running' WHERE id = $1",
                    PG_PARAMS(PG_TEXT(text_at(&d, "id"))), &rows, &err),
             &err);
    const char *path = arena_printf(&arena, "/api/projects/%s", text_at(&p, "id"));
    struct answer refused = ask("DELETE", path, NULL, owner);
    CU_ASSERT_EQUAL(refused.status, 409);
    CU_ASSERT_PTR_NOT_NULL(strstr(refused.body, "the database 'a' in it still runs"));
    CU_ASSERT_EQUAL(ask("DELETE", arena_printf(&arena, "%s?force=true", path), NULL, owner).status,
                    204);
    CU_ASSERT_EQUAL(ask("POST", "/api/databases", other, owner).status, 201);
}

static void deleted_teams_are_gone(void)
{
    const char *const owner[] = {bearer("owner"), NULL};
    struct answer t = ask("POST", "/api/teams", "{\"name\":\"short\"}", owner);
    const char *id = text_at(&t, "id");
    const char *project = arena_printf(&arena, "{\"name\":\"p\",\"teamId\":\"%s\"}", id);
    const char *invitation =
        arena_printf(&arena, "{\"email\":\"z@example.com\",\"teamId\":\"%s\"}", id);
    CU_ASSERT_EQUAL(ask("POST", "/api/projects", project, owner).status, 201);
    CU_ASSERT_EQUAL(ask("POST", "/api/invitations", invitation, owner).status, 201);
    CU_ASSERT_EQUAL(ask("DELETE", arena_printf(&arena, "/api/teams/%s", id), NULL, owner).status,
                    204);
    CU_ASSERT_EQUAL(ask("POST", "/api/projects", project, owner).status, 422);
    CU_ASSERT_EQUAL(ask("POST", "/api/invitations", invitation, owner).status, 422);
}

/* Two changes at once of one thing: the second does not write back what it has read before the
 * first. */
static void no_change_is_lost(void)
{
    const char *const owner[] = {bearer("owner"), NULL};
    static const char *const change[] = {"{\"memoryLimit\":300}", "{\"isDefault\":true}",
                                         "{\"target\":\"b@example.com\"}", "{\"threshold\":2}"};
    struct store_scope all = {.user_id = "00000000-0000-0000-0000-000000000000",
                              .everything = true};
    struct store_database before;
    const char *role;
    struct err err;
    struct answer p = ask("POST", "/api/projects", "{\"name\":\"shared\"}", owner);
    const char *id = text_at(&p, "id");
    const char *const made[][2] = {
        {"databases",
         arena_printf(&arena, "{\"projectId\":\"%s\",\"name\":\"s\",\"kind\":\"redis\"}", id)},
        {"registries", "{\"name\":\"s\",\"address\":\"r.example.com\"}"},
        {"notifications", arena_printf(&arena,
                                       "{\"projectId\":\"%s\",\"kind\":\"email\",\"target\":"
                                       "\"a@example.com\",\"events\":[\"alert.firing\"]}",
                                       id)},
        {"alerts",
         arena_printf(&arena, "{\"scope\":\"project:%s\",\"metric\":\"cpu\",\"threshold\":1}", id)},
    };
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        const char *path = arena_printf(&arena, "/api/%s", made[i][0]);
        struct answer one = ask("POST", path, made[i][1], owner);
        path = arena_printf(&arena, "%s/%s", path, text_at(&one, "id"));
        if (i == 0)
            rig_must(
                store_database_get(api.pg, &arena, &all, text_at(&one, "id"), &before, &role, &err),
                &err);
        CU_ASSERT_EQUAL(ask("PATCH", path, change[i], owner).status, 200);
        CU_ASSERT_EQUAL(ask("PATCH", path, change[i], owner).status, 200);
    }
    CU_ASSERT_EQUAL(store_database_update(api.pg, &arena, &before, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_PRECONDITION);
}

/* Without its entry of the audit log nothing is done, and nothing is said of it. */
static void what_failed_late_is_unsaid(void)
{
    const char *const owner[] = {bearer("owner"), NULL};
    struct err err;
    rig_must(pg_script(api.pg, "ALTER TABLE audit_log RENAME TO away", &err), &err);
    struct answer a = ask("POST", "/api/projects", "{\"name\":\"late\"}", owner);
    rig_must(pg_script(api.pg, "ALTER TABLE away RENAME TO audit_log", &err), &err);
    CU_ASSERT_EQUAL(a.status, 500);
    CU_ASSERT_PTR_NULL(strstr(a.headers, "Location: "));
    CU_ASSERT_PTR_NULL(strstr(a.headers, "Content-Type: application/json"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "RateLimit-Limit: "));
    a = ask("GET", "/api/projects", NULL, owner);
    CU_ASSERT_EQUAL(a.status, 200);
    CU_ASSERT_PTR_NULL(strstr(a.body, "late"));
}

static void limits_are_kept(void)
{
    const char *const headers[] = {bearer("viewer"), NULL};
    conf.limit_requests_per_minute = 5;
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(ask("GET", "/api/projects", NULL, headers).status, 200);
    struct answer a = ask("GET", "/api/projects", NULL, headers);
    CU_ASSERT_EQUAL(a.status, 429);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "Retry-After: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "RateLimit-Limit: 5\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "RateLimit-Remaining: 0\r\n"));
    conf.limit_requests_per_minute = 100000;

    static const char *const guess[] = {"HTTP_AUTHORIZATION=Bearer nonsense", NULL};
    conf.limit_requests_per_minute = 5;
    int limited = 0;
    for (int i = 0; i < 8; i++)
        limited += ask("GET", "/api/projects", NULL, guess).status == 429;
    CU_ASSERT_EQUAL(limited, 3);
    conf.limit_requests_per_minute = 100000;

    conf.limit_logins_per_minute = 3;
    static const char body[] = "{\"username\":\"carl\",\"password\":\"wrong\"}";
    int refused = 0;
    for (int i = 0; i < 5; i++)
        refused += ask("POST", "/api/auth/login", body, NULL).status == 429;
    CU_ASSERT_EQUAL(refused, 2);
    conf.limit_logins_per_minute = 100000;
}

static void parts_away(void)
{
    const char *const headers[] = {bearer("owner"), NULL};
    struct redis_config nowhere = {.host = "127.0.0.1", .port = 1, .password = "", .prefix = "x:"};
    struct redis *there = api.redis;
    api.redis = redis_open(&nowhere);
    CU_ASSERT_EQUAL(ask("GET", "/api/projects", NULL, headers).status, 200);
    struct answer a = ask("POST", "/api/auth/login",
                          "{\"username\":\"anna\",\"password\":\"correct horse\"}", NULL);
    CU_ASSERT_EQUAL(a.status, 503);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "Retry-After: "));
    CU_ASSERT_EQUAL(ask("GET", "/healthz", NULL, NULL).status, 200);
    CU_ASSERT_EQUAL(ask("GET", "/readyz", NULL, NULL).status, 503);
    redis_close(api.redis);
    api.redis = there;

    struct pg_config gone = {.url = "postgresql://nobody@127.0.0.1:1/x", .log_queries_ms = -1};
    struct pg *pg = api.pg;
    api.pg = pg_open_lazy(&gone);
    a = ask("GET", "/api/projects", NULL, headers); /* the session is known by Redis */
    CU_ASSERT_EQUAL(a.status, 503);
    CU_ASSERT_PTR_NULL(strstr(a.body, "127.0.0.1")); /* details are for the log */
    pg_close(api.pg);
    api.pg = pg;
}

static const struct tap_test tests[] = {
    {"the first user becomes owner, then registration is closed", registration},
    {"nobody gets in where a login is needed, on any route", nobody_gets_in},
    {"a cookie without its CSRF token changes nothing, on any route", csrf_is_asked},
    {"roles count, and what one may not see is not there", roles_count},
    {"credentials and registries are put to use by those who may read them",
     credentials_are_the_keepers},
    {"a key of repetition goes with an address of any length", keys_of_repetition},
    {"only a read is answered by 304", conditions_are_of_reads},
    {"a token of some projects does nothing that is in none", a_token_stays_in_its_projects},
    {"where notifications go is not in the audit log", targets_are_not_written_down},
    {"a webhook's body may be anything", odd_webhooks},
    {"databases go with their project", databases_go_with_their_project},
    {"a deleted team is none", deleted_teams_are_gone},
    {"no change is lost to another", no_change_is_lost},
    {"what failed late is unsaid", what_failed_late_is_unsaid},
    {"limits are kept, with their headers", limits_are_kept},
    {"Redis or PostgreSQL away is said as documented", parts_away},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"api", tests}, {NULL, NULL}};
    struct err err;
    char keys[] = "/tmp/slipway-keys-XXXXXX";
    rig_must(conf_load(&conf, "/dev/null", &err), &err);
    conf.limit_requests_per_minute = conf.limit_logins_per_minute = 100000;
    if (!mkdtemp(keys))
        return 1;
    rig_must(keyring_create(keys, &err), &err);
    rig_must(keyring_load(&api.keys, keys, false, &err), &err);
    api.conf = &conf;
    api.pg = rig_pg(&arena, rig_database(&arena));
    api.redis = rig_redis(&arena);
    int rc = tap_main(suites, argc, argv);
    pg_close(api.pg);
    redis_close(api.redis);
    conf_release(&conf);
    arena_release(&arena);
    return rc;
}

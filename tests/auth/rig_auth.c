/* SPDX-License-Identifier: MIT */
/* Sessions, passwords and the second factor through the middleware, in process, on real PostgreSQL
 * and Redis; run inside tests/rig. */
#include "tests/auth/rig_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/serve.h"
#include "auth/totp.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "pages/pages.h"
#include "store/identity.h"
#include "tests/ask.h"
#include "tests/rig.h"

static struct arena arena;
static struct conf conf;
static struct api api;
static const char *database;

static const struct route_table *const *const tables[] = {api_routes, pages_routes, NULL};
static struct serve serve = {.api = &api, .tables = tables, .error_page = pages_error};

/* One request; BEARER and COOKIE may be NULL. */
static struct answer ask_as(const char *bearer, const char *cookie, const char *method,
                            const char *uri, const char *body)
{
    const char *env[4] = {"HTTP_USER_AGENT=a browser"};
    size_t n = 1;
    if (bearer)
        env[n++] = arena_printf(&arena, "HTTP_AUTHORIZATION=Bearer %s", bearer);
    if (cookie)
        env[n++] = arena_printf(&arena, "HTTP_COOKIE=%s", cookie);
    return ask_serve(&serve, &arena, method, uri, body, env);
}

static struct answer ask(const char *bearer, const char *method, const char *uri, const char *body)
{
    return ask_as(bearer, NULL, method, uri, body);
}

static const char *text_at(const struct answer *a, const char *path)
{
    return ask_text(&arena, a, path);
}

static const char *sql(const char *statement, const char *parameter)
{
    struct pg_rows rows;
    struct err err;
    rig_must(pg_run(api.pg, &arena, statement, PG_PARAMS(PG_TEXT(parameter)), &rows, &err), &err);
    return rows.n ? pg_cell(&rows, 0, 0) : NULL;
}

static struct store_user user_with(const char *role)
{
    struct err err;
    struct problems problems;
    struct store_user user;
    const char *name = arena_printf(&arena, "u%s", rand_hex(&arena, 5));
    problems_init(&problems, &arena);
    rig_must(api_user_add(api.pg, &arena, name, arena_printf(&arena, "%s@example.com", name),
                          "correct horse", role, &user, &problems, &err),
             &err);
    return user;
}

static struct answer try_login(const struct store_user *u, const char *password, const char *code)
{
    return ask(NULL, "POST", "/api/auth/login",
               arena_printf(&arena, "{\"username\":\"%s\",\"password\":\"%s\"%s%s%s}", u->username,
                            password, code ? ",\"code\":\"" : "", code ? code : "",
                            code ? "\"" : ""));
}

static const char *login(const struct store_user *u)
{
    struct answer a = try_login(u, "correct horse", NULL);
    CU_ASSERT_EQUAL_FATAL(a.status, 200);
    return text_at(&a, "token");
}

static int alive(const char *token)
{
    return ask(token, "GET", "/api/auth/session", NULL).status;
}

/* How often the audit log has the action for a user. */
static int64_t audited(const char *action, const struct store_user *u, const char *outcome)
{
    struct pg_rows rows;
    struct err err;
    rig_must(pg_run(api.pg, &arena,
                    "SELECT count(*) FROM audit_log WHERE action = $1 AND actor = $2 "
                    "AND outcome = $3",
                    PG_PARAMS(PG_TEXT(action), PG_TEXT(u->username), PG_TEXT(outcome)), &rows,
                    &err),
             &err);
    return strtoll(pg_cell(&rows, 0, 0), NULL, 10);
}

/* ---- sessions */

static void own_sessions(void)
{
    struct store_user anna = user_with("viewer"), ben = user_with("owner");
    const char *one = login(&anna), *two = login(&anna), *three = login(&anna);
    const char *other = login(&ben);
    AUTO_JSON *list = NULL;
    struct err err;
    struct answer a = ask(one, "GET", "/api/auth/sessions", NULL);
    CU_ASSERT_EQUAL(a.status, 200);
    rig_must(json_parse(a.body, strlen(a.body), &list, &err), &err);
    CU_ASSERT_EQUAL_FATAL(json_len(list), 3);
    static const char *const members[] = {"id",        "address",    "agent",
                                          "createdAt", "lastSeenAt", "expiresAt"};
    for (size_t i = 0; i < 3; i++) {
        struct json_object *s = json_object_array_get_idx(list, i);
        CU_ASSERT_EQUAL(json_object_object_length(s), 7);
        for (size_t m = 0; m < ARRAY_LEN(members); m++)
            CU_ASSERT_PTR_NOT_NULL(json_str_at(s, members[m]));
        CU_ASSERT_EQUAL(json_bool_at(s, "current", false), i == 2); /* the newest is first */
    }
    TAP_STR(json_str_at(json_object_array_get_idx(list, 0), "address"), "192.0.2.1");
    TAP_STR(json_str_at(json_object_array_get_idx(list, 0), "agent"), "a browser");
    const char *of_three =
        arena_strdup(&arena, json_str_at(json_object_array_get_idx(list, 0), "id"));
    const char *path = arena_printf(&arena, "/api/auth/sessions/%s", of_three);
    CU_ASSERT_EQUAL(ask(other, "DELETE", path, NULL).status, 404);
    CU_ASSERT_EQUAL(alive(three), 200);
    CU_ASSERT_EQUAL(ask(one, "DELETE", path, NULL).status, 204);
    CU_ASSERT_EQUAL(alive(three), 401);
    CU_ASSERT_EQUAL(alive(two), 200);
    CU_ASSERT_EQUAL(ask(one, "DELETE", path, NULL).status, 404); /* it has ended */
    CU_ASSERT_EQUAL(ask(one, "DELETE", "/api/auth/sessions/7", NULL).status, 404);
    a = ask(one, "GET", "/api/auth/sessions?limit=1", NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "rel=\"next\""));
    CU_ASSERT_EQUAL(audited("session.invalidated", &anna, "success"), 1);
}

static void last_seen(void)
{
    static const char back[] =
        "UPDATE sessions SET last_seen_at = now() - interval '5 minutes' WHERE user_id = $1::uuid";
    static const char read[] =
        "SELECT last_seen_at > now() - interval '1 minute' FROM sessions WHERE user_id = $1::uuid";
    struct store_user anna = user_with("viewer");
    const char *token = login(&anna);
    sql(back, anna.id);
    CU_ASSERT_EQUAL(alive(token), 200);
    TAP_STR(sql(read, anna.id), "t");
    sql(back, anna.id);
    CU_ASSERT_EQUAL(alive(token), 200);
    TAP_STR(sql(read, anna.id), "f"); /* this minute's write was made */
}

static void password_change(void)
{
    static const char change[] = "{\"current\":\"correct horse\",\"new\":\"battery staple\"}";
    static const char wrong[] = "{\"current\":\"incorrect\",\"new\":\"battery staple\"}";
    struct store_user anna = user_with("viewer"), ben = user_with("viewer");
    const char *one = login(&anna), *two = login(&anna), *of_ben = login(&ben);
    CU_ASSERT_EQUAL(alive(two), 200); /* and its copy is in Redis */
    struct answer a = ask(one, "POST", "/api/auth/password", wrong);
    CU_ASSERT_EQUAL(a.status, 422);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"field\":\"current\""));
    a = ask(one, "POST", "/api/auth/password", "{\"current\":\"correct horse\",\"new\":\"short\"}");
    CU_ASSERT_EQUAL(a.status, 422);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "\"field\":\"new\""));
    CU_ASSERT_EQUAL(alive(two), 200);
    CU_ASSERT_EQUAL(ask(one, "POST", "/api/auth/password", change).status, 204);
    CU_ASSERT_EQUAL(alive(one), 200);
    CU_ASSERT_EQUAL(alive(two), 401);
    CU_ASSERT_EQUAL(alive(of_ben), 200);
    CU_ASSERT_EQUAL(try_login(&anna, "correct horse", NULL).status, 401);
    CU_ASSERT_EQUAL(try_login(&anna, "battery staple", NULL).status, 200);
    CU_ASSERT_EQUAL(audited("auth.password.change", &anna, "success"), 1);
    CU_ASSERT_EQUAL(audited("auth.password.change", &anna, "denied"), 1);
    TAP_STR(sql("SELECT change::text FROM audit_log WHERE action = 'auth.password.change' "
                "AND outcome = 'success' AND actor = $1",
                anna.username),
            "{\"current\":\"***\",\"new\":\"***\"}");
    sql("UPDATE users SET password_hash = NULL WHERE id = $1::uuid", ben.id);
    CU_ASSERT_EQUAL(ask(of_ben, "POST", "/api/auth/password", change).status, 409);
}

static void password_guesses(void)
{
    static const char wrong[] = "{\"current\":\"incorrect\",\"new\":\"battery staple\"}";
    struct store_user anna = user_with("viewer");
    const char *token = login(&anna);
    conf.limit_logins_per_minute = 3;
    int refused = 0;
    for (int i = 0; i < 6; i++)
        refused += ask(token, "POST", "/api/auth/password", wrong).status == 429;
    CU_ASSERT_EQUAL(refused, 3);
    conf.limit_logins_per_minute = 100000;
}

/* ---- changes of the account */

static int change(const struct store_user *u, const char *statement)
{
    struct err err;
    struct session_deps deps = {.pg = api.pg, .redis = api.redis, .keys = &api.keys};
    int64_t ended = 0;
    rig_must(pg_begin(api.pg, &err), &err);
    sql(statement, u->id);
    rig_must(session_end_all(&deps, &arena, u->id, NULL, &ended, &err), &err);
    rig_must(pg_commit(api.pg, &err), &err);
    return (int)ended;
}

static void roles_and_disabling(void)
{
    struct store_user anna = user_with("admin");
    const char *one = login(&anna), *two = login(&anna);
    CU_ASSERT_EQUAL(ask(one, "POST", "/api/projects", "{\"name\":\"x\"}").status, 201);
    CU_ASSERT_EQUAL(alive(two), 200);
    CU_ASSERT_EQUAL(change(&anna, "UPDATE users SET roles = '{viewer}' WHERE id = $1::uuid"), 2);
    CU_ASSERT_EQUAL(ask(one, "POST", "/api/projects", "{\"name\":\"x\"}").status, 401);
    CU_ASSERT_EQUAL(alive(two), 401);
    const char *three = login(&anna);
    CU_ASSERT_EQUAL(ask(three, "POST", "/api/projects", "{\"name\":\"x\"}").status, 403);
    CU_ASSERT_EQUAL(change(&anna, "UPDATE users SET disabled = true WHERE id = $1::uuid"), 1);
    CU_ASSERT_EQUAL(alive(three), 401);
    CU_ASSERT_EQUAL(try_login(&anna, "correct horse", NULL).status, 401);
}

/* A login that has read the account before a change, and makes its session after it. */
static void slow_login(void)
{
    struct err err;
    struct store_user anna = user_with("admin");
    int status;
    rig_must(pg_begin(api.pg, &err), &err);
    sql("UPDATE users SET roles = '{viewer}' WHERE id = $1::uuid", anna.id);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct session s;
        const char *token;
        alarm(60);
        struct pg *own = rig_pg(&arena, database);
        struct redis_config redis = {.host = "127.0.0.1",
                                     .port =
                                         strtoll(rig_variable("SLIPWAY_TEST_REDIS_PORT"), NULL, 10),
                                     .password = "",
                                     .prefix = redis_prefix(api.redis)};
        struct session_deps deps = {.pg = own, .redis = redis_open(&redis), .keys = &api.keys};
        int rc = session_create(&deps, &arena, &anna, "", "", &s, &token, &err);
        _exit(rc < 0 && err.code == ERR_UNAUTHORIZED ? 0 : 1);
    }
    /* until it waits for the row's lock */
    struct pg *watch = rig_pg(&arena, database);
    struct pg_rows rows;
    do {
        rig_must(pg_run(watch, &arena,
                        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                        "AND datname = current_database() AND query LIKE 'INSERT INTO sessions%'",
                        PG_NONE, &rows, &err),
                 &err);
    } while (!rows.n && waitpid(pid, &status, WNOHANG) == 0);
    CU_ASSERT_EQUAL(rows.n, 1);
    rig_must(pg_commit(api.pg, &err), &err);
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    TAP_STR(sql("SELECT count(*)::text FROM sessions WHERE user_id = $1::uuid", anna.id), "0");
    pg_close(watch);
}

static void redis_away(void)
{
    struct store_user anna = user_with("viewer");
    const char *token = login(&anna);
    const char *before = sql("SELECT password_hash FROM users WHERE id = $1::uuid", anna.id);
    struct redis_config nowhere = {.host = "127.0.0.1", .port = 1, .password = "", .prefix = "x:"};
    struct redis *there = api.redis;
    api.redis = redis_open(&nowhere);
    struct answer a = ask(token, "POST", "/api/auth/password",
                          "{\"current\":\"correct horse\",\"new\":\"battery staple\"}");
    CU_ASSERT_EQUAL(a.status, 503);
    TAP_STR(sql("SELECT password_hash FROM users WHERE id = $1::uuid", anna.id), before);
    CU_ASSERT_EQUAL(ask(token, "GET", "/api/auth/sessions", NULL).status, 200);
    redis_close(api.redis);
    api.redis = there;
}

/* ---- the second factor */

struct factor {
    unsigned char secret[TOTP_SECRET];
    const char *codes[TOTP_RECOVERY_CODES];
    int64_t step; /* of now */
};

static void decode32(const char *text, unsigned char *out, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned held = 0, bits = 0;
    for (size_t i = 0; *text && i < n; text++) {
        held = held << 5 | (unsigned)(strchr(alphabet, *text) - alphabet);
        bits += 5;
        if (bits >= 8)
            out[i++] = (unsigned char)(held >> (bits -= 8));
    }
}

static const char *code_of(const struct factor *f, int64_t step)
{
    char *code = arena_alloc(&arena, 9);
    totp_code(f->secret, TOTP_SECRET, step, TOTP_DIGITS, code);
    return code;
}

static const char *as_body(const char *code)
{
    return arena_printf(&arena, "{\"code\":\"%s\"}", code);
}

static void begin_factor(const char *token, struct factor *f)
{
    AUTO_JSON *o = NULL;
    struct err err;
    struct answer a = ask(token, "POST", "/api/auth/totp", NULL);
    CU_ASSERT_EQUAL_FATAL(a.status, 200);
    rig_must(json_parse(a.body, strlen(a.body), &o, &err), &err);
    CU_ASSERT_EQUAL(json_object_object_length(o), 3);
    CU_ASSERT_EQUAL(json_len(json_at(o, "recoveryCodes")), TOTP_RECOVERY_CODES);
    CU_ASSERT_PTR_NOT_NULL(strstr(json_str_at(o, "uri"), json_str_at(o, "secret")));
    decode32(json_str_at(o, "secret"), f->secret, TOTP_SECRET);
    for (size_t i = 0; i < TOTP_RECOVERY_CODES; i++)
        f->codes[i] = arena_strdup(&arena, json_object_get_string(json_object_array_get_idx(
                                               json_at(o, "recoveryCodes"), i)));
    f->step = time_now() / TOTP_STEP_MS;
}

static struct factor factor_of(const char *token)
{
    struct factor f;
    begin_factor(token, &f);
    CU_ASSERT_EQUAL(
        ask(token, "POST", "/api/auth/totp/confirm", as_body(code_of(&f, f.step))).status, 204);
    return f;
}

static bool wants_code(const struct answer *a)
{
    return a->status == 401 && strstr(a->body, "\"totpRequired\":true");
}

static void enrolment(void)
{
    struct factor first, f;
    struct store_user anna = user_with("viewer");
    const char *token = login(&anna);
    CU_ASSERT_EQUAL(ask(token, "POST", "/api/auth/totp/confirm", as_body("123456")).status, 404);
    CU_ASSERT_EQUAL(ask(token, "DELETE", "/api/auth/totp", as_body("123456")).status, 404);
    begin_factor(token, &first);
    CU_ASSERT_EQUAL(try_login(&anna, "correct horse", NULL).status, 200); /* not in force */
    begin_factor(token, &f);                                              /* in the first's place */
    CU_ASSERT_EQUAL(
        ask(token, "POST", "/api/auth/totp/confirm", as_body(code_of(&first, f.step))).status, 422);
    CU_ASSERT_EQUAL(ask(token, "POST", "/api/auth/totp/confirm", as_body(f.codes[0])).status, 422);
    CU_ASSERT_EQUAL(
        ask(token, "POST", "/api/auth/totp/confirm", as_body(code_of(&f, f.step))).status, 204);
    CU_ASSERT_EQUAL(ask(token, "POST", "/api/auth/totp", NULL).status, 409);
    struct answer a = try_login(&anna, "correct horse", NULL);
    CU_ASSERT(wants_code(&a));
    CU_ASSERT_EQUAL(audited("auth.totp.required", &anna, "denied"), 1);
    CU_ASSERT_EQUAL(audited("auth.totp.enable", &anna, "success"), 1);
    CU_ASSERT_EQUAL(audited("auth.totp.enable", &anna, "denied"), 2);
    /* at rest: neither the secret nor a code */
    const char *hex = hex_encode(&arena, f.secret, TOTP_SECRET);
    TAP_STR(sql("SELECT count(*)::text FROM user_totp WHERE position($1 IN "
                "encode(secret, 'escape')) > 0 OR position($1 IN encode(secret, 'hex')) > 0",
                hex),
            "0");
    TAP_STR(sql("SELECT count(*)::text FROM recovery_codes WHERE user_id = $1::uuid "
                "AND hash ~ '^[0-9a-f]{64}$'",
                anna.id),
            "10");
    CU_ASSERT_EQUAL(ask(token, "DELETE", "/api/auth/totp", as_body("000000000")).status, 422);
    CU_ASSERT_EQUAL(ask(token, "DELETE", "/api/auth/totp", as_body(first.codes[0])).status, 422);
    CU_ASSERT_EQUAL(ask(token, "DELETE", "/api/auth/totp", as_body(code_of(&f, f.step + 1))).status,
                    204);
    CU_ASSERT_EQUAL(try_login(&anna, "correct horse", NULL).status, 200);
    CU_ASSERT_EQUAL(audited("auth.totp.disable", &anna, "success"), 1);
}

static void code_at_login(void)
{
    struct store_user anna = user_with("viewer"), ben = user_with("viewer");
    const char *token = login(&anna);
    struct factor f = factor_of(token), of_ben = factor_of(login(&ben));
    struct answer a = try_login(&anna, "correct horse", code_of(&f, f.step));
    CU_ASSERT(wants_code(&a)); /* it has confirmed the factor already */
    a = try_login(&anna, "correct horse", code_of(&of_ben, f.step + 1));
    CU_ASSERT(wants_code(&a));
    a = try_login(&anna, "wrong", code_of(&f, f.step + 1));
    CU_ASSERT_EQUAL(a.status, 401);
    CU_ASSERT_FALSE(wants_code(&a)); /* nobody learns of the factor without the password */
    a = try_login(&anna, "correct horse", code_of(&f, f.step + 1));
    CU_ASSERT_EQUAL(a.status, 200);
    CU_ASSERT_EQUAL(alive(text_at(&a, "token")), 200);
    a = try_login(&anna, "correct horse", code_of(&f, f.step + 1));
    CU_ASSERT(wants_code(&a)); /* each is good once */
    a = try_login(&anna, "correct horse", code_of(&f, f.step - 1));
    CU_ASSERT(wants_code(&a)); /* and none before it is */
    CU_ASSERT_PTR_NULL(strstr(a.headers, "slipway_session"));
}

static void recovery_at_login(void)
{
    struct store_user anna = user_with("viewer"), ben = user_with("viewer");
    const char *token = login(&anna);
    struct factor f = factor_of(token), of_ben = factor_of(login(&ben));
    struct answer a = try_login(&anna, "correct horse", of_ben.codes[3]);
    CU_ASSERT(wants_code(&a));
    CU_ASSERT_EQUAL(try_login(&anna, "correct horse", str_lower(&arena, f.codes[3])).status, 200);
    a = try_login(&anna, "correct horse", f.codes[3]);
    CU_ASSERT(wants_code(&a));
    CU_ASSERT_EQUAL(try_login(&anna, "correct horse", f.codes[4]).status, 200);
    TAP_STR(sql("SELECT count(*)::text FROM recovery_codes WHERE user_id = $1::uuid "
                "AND used_at IS NULL",
                anna.id),
            "8");
    CU_ASSERT_EQUAL(ask(token, "DELETE", "/api/auth/totp", as_body(f.codes[3])).status, 422);
    CU_ASSERT_EQUAL(ask(token, "DELETE", "/api/auth/totp", as_body(f.codes[5])).status, 204);
}

static void code_guesses(void)
{
    struct store_user anna = user_with("viewer");
    struct factor f = factor_of(login(&anna));
    (void)f;
    conf.limit_logins_per_minute = 4;
    int refused = 0, wrong = 0;
    for (int i = 0; i < 7; i++) {
        int status = ask_as(NULL, NULL, "POST", "/api/auth/login",
                            arena_printf(&arena,
                                         "{\"username\":\"%s\",\"password\":\"correct horse\","
                                         "\"code\":\"00000%d0\"}",
                                         anna.username, i))
                         .status;
        wrong += status == 401;
        refused += status == 429;
    }
    CU_ASSERT_EQUAL(wrong, 4);
    CU_ASSERT_EQUAL(refused, 3);
    conf.limit_logins_per_minute = 100000;
}

/* ---- pages */

/* What stands between START and the next END. */
static const char *between(const char *text, const char *start, const char *end)
{
    const char *at = strstr(text, start);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at += strlen(start);
    return arena_printf(&arena, "%.*s", (int)(strstr(at, end) - at), at);
}

struct browser {
    const char *cookie, *csrf;
};

static struct browser at_login(void)
{
    struct answer a = ask(NULL, "GET", "/login", NULL);
    return (struct browser){
        .cookie = arena_printf(&arena, "slipway_form=%s", between(a.headers, "slipway_form=", ";")),
        .csrf = between(a.body, "name=\"_csrf\" value=\"", "\"")};
}

static struct answer second_step(const struct browser *b, const char *ticket, const char *code)
{
    return ask_as(NULL, b->cookie, "POST", "/login",
                  arena_printf(&arena, "_csrf=%s&next=/deployments&ticket=%s&code=%s", b->csrf,
                               ticket, code));
}

static void login_in_two_steps(void)
{
    static const char name[] = "name=\"ticket\" value=\"";
    struct store_user anna = user_with("viewer");
    struct factor f = factor_of(login(&anna));
    struct browser b = at_login(), other = at_login();
    struct answer a = ask_as(
        NULL, b.cookie, "POST", "/login",
        arena_printf(&arena, "_csrf=%s&username=%s&password=correct+horse", b.csrf, anna.username));
    CU_ASSERT_EQUAL(a.status, 200);
    CU_ASSERT_PTR_NULL(strstr(a.headers, "slipway_session"));
    CU_ASSERT_PTR_NULL(strstr(a.body, "correct horse"));
    const char *ticket = between(a.body, name, "\"");
    CU_ASSERT_EQUAL(second_step(&other, ticket, code_of(&f, f.step + 1)).status, 403);
    CU_ASSERT_EQUAL(second_step(&b, "00", code_of(&f, f.step + 1)).status, 403);
    a = second_step(&b, ticket, "12");
    CU_ASSERT_EQUAL(a.status, 401);
    ticket = between(a.body, name, "\"");
    a = second_step(&b, ticket, code_of(&f, f.step + 1));
    CU_ASSERT_EQUAL(a.status, 303);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.headers, "Location: /deployments\r\n"));
    CU_ASSERT_EQUAL(alive(between(a.headers, "slipway_session=", ";")), 200);
    CU_ASSERT_EQUAL(second_step(&b, ticket, code_of(&f, f.step + 1)).status, 401); /* used */
    sql("UPDATE users SET password_hash = password_hash || ' ' WHERE id = $1::uuid", anna.id);
    CU_ASSERT_EQUAL(second_step(&b, ticket, f.codes[0]).status, 403); /* another password */
}

/* ---- what an issuer says */

static bool take_roles(const struct store_user *u, const char *roles, const char *expected)
{
    struct err err;
    struct store_user out;
    bool changed = false;
    rig_must(store_identity_roles(api.pg, &arena, u->id, roles, &changed, &out, &err), &err);
    if (changed)
        TAP_STR(out.roles, expected);
    TAP_STR(sql("SELECT to_json(roles)::text FROM users WHERE id = $1::uuid", u->id), expected);
    return changed;
}

static void roles_of_the_issuer(void)
{
    struct store_user anna = user_with("viewer"), one = user_with("owner");
    CU_ASSERT(take_roles(&anna, "[\"admin\",\"viewer\"]", "[\"admin\",\"viewer\"]"));
    CU_ASSERT_FALSE(take_roles(&anna, "[\"viewer\",\"admin\"]", "[\"admin\",\"viewer\"]"));
    CU_ASSERT(take_roles(&anna, "[]", "[]"));
    /* one of several owners goes, the last stays */
    sql("UPDATE users SET roles = '{viewer}' WHERE 'owner' = ANY (roles) AND id <> $1::uuid",
        one.id);
    struct store_user two = user_with("owner"), disabled = user_with("owner");
    sql("UPDATE users SET disabled = true WHERE id = $1::uuid", disabled.id);
    CU_ASSERT(take_roles(&two, "[\"viewer\"]", "[\"viewer\"]"));
    CU_ASSERT(take_roles(&one, "[\"viewer\"]", "[\"viewer\",\"owner\"]"));
    CU_ASSERT_FALSE(take_roles(&one, "[\"viewer\"]", "[\"viewer\",\"owner\"]"));
}

static void subjects(void)
{
    struct err err;
    struct store_user anna = user_with("viewer"), ben = user_with("viewer"), found;
    bool deleted = true;
    static const char i[] = "https://id.example", j[] = "https://other.example";
    CU_ASSERT_EQUAL(store_identity_find(api.pg, &arena, i, "s", &found, &deleted, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
    TAP_OK(store_identity_add(api.pg, &arena, i, "s", anna.id, &err), &err);
    TAP_OK(store_identity_add(api.pg, &arena, j, "s", ben.id, &err), &err); /* somebody else */
    TAP_OK(store_identity_find(api.pg, &arena, i, "s", &found, &deleted, &err), &err);
    TAP_STR(found.id, anna.id);
    CU_ASSERT_FALSE(deleted);
    CU_ASSERT_EQUAL(store_identity_add(api.pg, &arena, i, "s", ben.id, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
    CU_ASSERT_EQUAL(store_identity_add(api.pg, &arena, i, "t", anna.id, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_CONFLICT); /* one subject for each account and issuer */
    sql("UPDATE users SET deleted_at = now() WHERE id = $1::uuid", anna.id);
    TAP_OK(store_identity_find(api.pg, &arena, i, "s", &found, &deleted, &err), &err);
    CU_ASSERT(deleted);
    TAP_OK(store_identity_add(api.pg, &arena, i, "s", ben.id, &err), &err);
    TAP_OK(store_identity_find(api.pg, &arena, i, "s", &found, &deleted, &err), &err);
    TAP_STR(found.id, ben.id);
}

static void no_issuer(void)
{
    struct answer a = ask(NULL, "GET", "/api/auth/oidc/login", NULL);
    CU_ASSERT_EQUAL(a.status, 404);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.body, "oidc.issuer"));
    CU_ASSERT_EQUAL(ask(NULL, "GET", "/api/auth/oidc/callback?state=x&code=y", NULL).status, 404);
}

static const struct tap_test tests[] = {
    {"one's own sessions are listed, and ended at once", own_sessions},
    {"a session's last use is noted, once a minute", last_seen},
    {"a new password ends every other session", password_change},
    {"guesses at the current password count as logins", password_guesses},
    {"other roles and disabling are felt by the next request", roles_and_disabling},
    {"no login slips through a change of its account", slow_login},
    {"without Redis a password stays as it is", redis_away},
    {"a second factor is begun, put in force and removed", enrolment},
    {"a login needs a code, which is good once", code_at_login},
    {"a recovery code is good once", recovery_at_login},
    {"guesses at a code count against the account", code_guesses},
    {"the login page asks for a code in a second step, in the same browser", login_in_two_steps},
    {"an issuer's word on roles leaves an owner", roles_of_the_issuer},
    {"a subject is one account's, and an account has one of each issuer", subjects},
    {"without an issuer there is none to log in through", no_issuer},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"auth", tests}, {"gate", gate_tests}, {NULL, NULL}};
    struct err err;
    char keys[] = "/tmp/slipway-keys-XXXXXX";
    rig_must(conf_load(&conf, "/dev/null", &err), &err);
    log_init("rig-auth", LOG_LEVEL_ERROR);
    conf.limit_requests_per_minute = conf.limit_logins_per_minute = 100000;
    if (!mkdtemp(keys))
        return 1;
    rig_must(keyring_create(keys, &err), &err);
    rig_must(keyring_load(&api.keys, keys, false, &err), &err);
    api.conf = &conf;
    database = rig_database(&arena);
    api.pg = rig_pg(&arena, database);
    api.redis = rig_redis(&arena);
    int rc = tap_main(suites, argc, argv);
    pg_close(api.pg);
    redis_close(api.redis);
    conf_release(&conf);
    arena_release(&arena);
    return rc;
}

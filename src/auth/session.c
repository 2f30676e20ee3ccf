/* SPDX-License-Identifier: MIT */
#include "auth/session.h"

#include <hiredis/hiredis.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "auth/rbac.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"

static const char *mac_hex(const struct keyring *keys, struct arena *a, const char *purpose,
                           const char *text)
{
    unsigned char mac[SHA256_SIZE];
    const char *input = arena_printf(a, "%s:%s", purpose, text);
    if (!keys->has_session)
        BUG("no session key in this process");
    hmac_sha256(keys->session, KEY_SIZE, input, strlen(input), mac);
    return hex_encode(a, mac, sizeof(mac));
}

static void complete(const struct session_deps *d, struct arena *a, struct session *s)
{
    s->user.password_hash = NULL;
    s->token_name = NULL;
    s->token_role = 0;
    s->role = rbac_strongest(s->user.roles);
    s->scope =
        (struct store_scope){.user_id = s->user.id, .everything = rbac_sees_everything(s->role)};
    s->csrf = mac_hex(d->keys, a, "csrf", s->row.id);
}

static const char *make_token(const struct session_deps *d, struct arena *a,
                              const struct session *s)
{
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) != 0 || jwt_set_alg(jwt, JWT_ALG_HS256, d->keys->session, KEY_SIZE) != 0 ||
        jwt_add_grant(jwt, "sid", s->row.id) != 0 || jwt_add_grant(jwt, "sub", s->user.id) != 0 ||
        jwt_add_grant_int(jwt, "iat", (long)(s->row.created_at / 1000)) != 0 ||
        jwt_add_grant_int(jwt, "exp", (long)(s->row.expires_at / 1000)) != 0)
        BUG("could not make a session token");
    char *text = jwt_encode_str(jwt);
    if (!text)
        BUG("could not sign a session token");
    char *copy = arena_strdup(a, text);
    free(text);
    jwt_free(jwt);
    return copy;
}

/* The session's id in a token that we signed and that has not expired, or NULL. */
static const char *read_token(const struct session_deps *d, struct arena *a, const char *token)
{
    jwt_t *jwt = NULL;
    const char *id = NULL;
    if (strlen(token) > 4096 || jwt_decode(&jwt, token, d->keys->session, KEY_SIZE) != 0)
        return NULL;
    const char *sid = jwt_get_grant(jwt, "sid");
    if (jwt_get_alg(jwt) == JWT_ALG_HS256 && sid && uuid_valid(sid) &&
        jwt_get_grant_int(jwt, "exp") > time_now() / 1000)
        id = arena_strdup(a, sid);
    jwt_free(jwt);
    return id;
}

static const char *cache_key(const struct session_deps *d, struct arena *a, const char *id)
{
    return arena_printf(a, "%ssession:%s", redis_prefix(d->redis), id);
}

/* Keeps a copy, unless one is there: the mark of an ended session must stay. */
static int cache_put(const struct session_deps *d, struct arena *a, const struct session *s,
                     struct err *err)
{
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    jw_kint(&w, "created", s->row.created_at);
    jw_kint(&w, "expires", s->row.expires_at);
    jw_kstr(&w, "address", s->row.address);
    jw_kstr(&w, "agent", s->row.agent);
    jw_key(&w, "user");
    jw_begin(&w);
    store_user_json(&s->user, &w);
    jw_end(&w);
    jw_kint(&w, "userCreated", s->user.created_at);
    jw_end(&w);
    int64_t left = s->row.expires_at - time_now();
    if (left <= 0)
        return 0;
    return redis_cmd(d->redis, NULL, err, "SET %s %s PX %s NX", cache_key(d, a, s->row.id),
                     buf_str(&text), arena_printf(a, "%lld", (long long)left));
}

enum cached { CACHED_NO, CACHED_ALIVE, CACHED_ENDED };

static enum cached cache_get(const struct session_deps *d, struct arena *a, const char *id,
                             struct session *s)
{
    AUTO_REPLY *reply = NULL;
    AUTO_JSON *o = NULL;
    struct err err;
    if (redis_cmd(d->redis, &reply, &err, "GET %s", cache_key(d, a, id)) < 0 ||
        reply->type != REDIS_REPLY_STRING)
        return CACHED_NO;
    if (str_eq(reply->str, "ended"))
        return CACHED_ENDED;
    if (json_parse(reply->str, (size_t)reply->len, &o, &err) < 0)
        return CACHED_NO;
    *s = (struct session){
        .row = {.id = arena_strdup(a, id),
                .created_at = json_int_at(o, "created", 0),
                .expires_at = json_int_at(o, "expires", 0),
                .address = arena_strdup(a, json_str_at(o, "address")),
                .agent = arena_strdup(a, json_str_at(o, "agent"))},
        .user = {.id = arena_strdup(a, json_str_at(o, "user/id")),
                 .username = arena_strdup(a, json_str_at(o, "user/username")),
                 .email = arena_strdup(a, json_str_at(o, "user/email")),
                 .name = arena_strdup(a, json_str_at(o, "user/name")),
                 .picture = arena_strdup(a, json_str_at(o, "user/picture")),
                 .created_at = json_int_at(o, "userCreated", 0)},
    };
    struct json_object *roles = json_at(o, "user/roles");
    if (!s->user.id || !roles || s->row.expires_at <= time_now())
        return CACHED_NO;
    s->user.roles = arena_strdup(a, json_object_to_json_string(roles));
    s->row.user_id = s->user.id;
    return CACHED_ALIVE;
}

int session_create(const struct session_deps *d, struct arena *a, const struct store_user *user,
                   const char *address, const char *agent, struct session *out, const char **token,
                   struct err *err)
{
    int64_t now = time_now();
    *out = (struct session){
        .row = {.id = uuid_new(a),
                .user_id = user->id,
                .address = address,
                .agent = agent,
                .created_at = now,
                .last_seen_at = now,
                .expires_at = now + SESSION_SECONDS * 1000LL},
        .user = *user,
    };
    complete(d, a, out);
    if (redis_ping(d->redis, err) < 0 || store_session_create(d->pg, a, &out->row, user, err) < 0)
        return -1;
    /* no copy yet: the request that makes it may still be rolled back */
    *token = make_token(d, a, out);
    return 0;
}

int session_find(const struct session_deps *d, struct arena *a, const char *token,
                 struct session *out, struct err *err)
{
    const char *id = read_token(d, a, token);
    *out = (struct session){0};
    if (!id)
        return err_set(err, ERR_UNAUTHORIZED, "the session has ended; log in again");
    switch (cache_get(d, a, id, out)) {
    case CACHED_ALIVE:
        complete(d, a, out);
        return 0;
    case CACHED_ENDED:
        return err_set(err, ERR_UNAUTHORIZED, "the session has ended; log in again");
    case CACHED_NO:
        break;
    }
    if (store_session_alive(d->pg, a, id, &out->row, &out->user, err) < 0)
        return err->code == ERR_NOT_FOUND
                   ? err_set(err, ERR_UNAUTHORIZED, "the session has ended; log in again")
                   : -1;
    complete(d, a, out);
    struct err ignored;
    cache_put(d, a, out, &ignored);
    return 0;
}

/* A copy that says so stays for as long as a slow reader could bring back the one before. */
static int cache_end(const struct session_deps *d, struct arena *a, const char *id, struct err *err)
{
    return redis_cmd(d->redis, NULL, err, "SET %s ended EX %s", cache_key(d, a, id),
                     arena_printf(a, "%d", SESSION_SECONDS));
}

int session_end(const struct session_deps *d, struct arena *a, const char *id, struct err *err)
{
    /* first the copy: with Redis away nothing is written, and the caller hears of it */
    if (cache_end(d, a, id, err) < 0)
        return -1;
    return store_session_end(d->pg, a, id, err);
}

int session_end_all(const struct session_deps *d, struct arena *a, const char *user_id,
                    const char *except, int64_t *ended, struct err *err)
{
    struct pg_rows rows;
    if (redis_ping(d->redis, err) < 0 ||
        store_session_end_all(d->pg, a, user_id, except, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < rows.n; i++)
        if (cache_end(d, a, pg_cell(&rows, i, 0), err) < 0)
            return -1;
    if (ended)
        *ended = (int64_t)rows.n;
    return 0;
}

void session_seen(const struct session_deps *d, struct arena *a, const struct session *s)
{
    /* what this process has noted lately; the row decides, this only saves asking it */
    static struct {
        char id[UUID_TEXT];
        int64_t next;
    } noted[1024];
    enum { PAUSE_MS = 60000 };
    unsigned char digest[SHA256_SIZE];
    struct err ignored;
    int64_t now = time_monotonic();
    sha256(s->row.id, strlen(s->row.id), digest);
    size_t at = (digest[0] << 8 | digest[1]) % ARRAY_LEN(noted);
    if (str_eq(noted[at].id, s->row.id) && now < noted[at].next)
        return;
    memcpy(noted[at].id, s->row.id, UUID_TEXT);
    noted[at].next = now + PAUSE_MS;
    store_session_seen(d->pg, a, s->row.id, &ignored);
}

bool session_csrf_ok(const struct session *s, const char *given)
{
    return given && str_eq_secret(s->csrf, strlen(s->csrf), given, strlen(given));
}

const char *session_anonymous_csrf(const struct keyring *keys, struct arena *a, const char *cookie)
{
    return mac_hex(keys, a, "anonymous", cookie);
}

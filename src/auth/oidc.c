/* SPDX-License-Identifier: MIT */
#include "auth/oidc.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "auth/jws.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "cache/redis.h"
#include "net/http.h"

enum {
    CONFIG_CAP = 64 * 1024,
    KEYS_CAP = 256 * 1024,
    TOKEN_CAP = 128 * 1024,
    KEEP_SECONDS = 3600,
    REFETCH_SECONDS = 60,
    TOTAL_MS = 8000,
};

/* What the issuer says of itself (Discovery 1.0, section 3). */
struct provider {
    const char *authorization, *token, *userinfo, *keys, *end_session;
    bool post_secret; /* the client's secret goes into the body */
    bool says_issuer; /* its redirect names the issuer (RFC 9207) */
};

bool oidc_configured(const struct conf *conf)
{
    return *conf->oidc_issuer && *conf->oidc_client_id;
}

const char *oidc_name(const struct conf *conf, struct arena *a)
{
    if (*conf->oidc_name)
        return conf->oidc_name;
    const char *host = strstr(conf->oidc_issuer, "://");
    host = host ? host + 3 : conf->oidc_issuer;
    return arena_printf(a, "%.*s", (int)strcspn(host, "/"), host);
}

/* ---- asking the issuer */

static int ask(const struct oidc *o, const char *url, const struct net_request *as, size_t cap,
               struct net_response *res, struct err *err)
{
    *res = (struct net_response){0};
    if (!oidc_url_allowed(url, o->conf->oidc_issuer))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer names an address that is not https");
    const char *host = strstr(url, "://") + 3, *path = host + strcspn(host, "/?");
    struct net_target target = {
        .base = arena_printf(o->arena, "%.*s", (int)(path - url), url),
        .ca = o->conf->oidc_ca,
        .name = arena_printf(o->arena, "the issuer at %.*s", (int)(path - host), host),
    };
    struct net_request req = *as;
    req.path = *path == '/' ? path : arena_printf(o->arena, "/%s", path);
    req.body_cap = cap;
    req.total_ms = TOTAL_MS;
    CLEANUP(net_close) struct net net;
    net_open(&net, &target);
    if (net_run(&net, &req, res, err) == 0)
        return 0;
    if (err->code == ERR_TOO_LARGE)
        return err_set(err, ERR_UNAUTHORIZED, "an answer of the issuer is larger than %zu bytes",
                       cap);
    err->code = ERR_UNAVAILABLE;
    return -1;
}

static int refuse_status(const char *what, int status, struct err *err)
{
    return err_set(err, status >= 500 ? ERR_UNAVAILABLE : ERR_UNAUTHORIZED,
                   "the issuer answered the request for %s with %d", what, status);
}

/* GET of a JSON document; the text lives in the arena. */
static int get_text(const struct oidc *o, const char *url, const char *bearer, size_t cap,
                    const char *what, const char **text, struct err *err)
{
    const char *headers[3] = {"Accept: application/json", NULL, NULL};
    struct net_request req = {.method = "GET", .headers = headers};
    AUTO_RESPONSE res;
    if (bearer)
        headers[1] = arena_printf(o->arena, "Authorization: Bearer %s", bearer);
    if (ask(o, url, &req, cap, &res, err) < 0)
        return -1;
    if (res.status != 200)
        return refuse_status(what, res.status, err);
    *text = buf_dup(&res.body, o->arena);
    return 0;
}

static const char *cache_name(const struct oidc *o, const char *kind, const char *of)
{
    return arena_printf(o->arena, "%soidc:%s:%s", redis_prefix(o->deps->redis), kind,
                        sha256_hex(o->arena, of, strlen(of)));
}

/* NULL: not there. */
static const char *cache_get(const struct oidc *o, const char *name)
{
    AUTO_REPLY *reply = NULL;
    struct err ignored;
    if (redis_cmd(o->deps->redis, &reply, &ignored, "GET %s", name) < 0 ||
        reply->type != REDIS_REPLY_STRING)
        return NULL;
    return arena_memdup(o->arena, reply->str, (size_t)reply->len);
}

static void cache_put(const struct oidc *o, const char *name, const char *text)
{
    struct err ignored;
    redis_cmd(o->deps->redis, NULL, &ignored, "SET %s %s EX %s", name, text,
              arena_printf(o->arena, "%d", KEEP_SECONDS));
}

static const char *endpoint(const struct oidc *o, struct json_object *doc, const char *name)
{
    const char *url = json_str_at(doc, name);
    return oidc_url_allowed(url, o->conf->oidc_issuer) ? arena_strdup(o->arena, url) : NULL;
}

static bool lists(struct json_object *doc, const char *name, const char *word)
{
    struct json_object *list = json_at(doc, name);
    for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_len(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        if (json_object_is_type(one, json_type_string) && str_eq(json_object_get_string(one), word))
            return true;
    }
    return false;
}

static int read_provider(const struct oidc *o, const char *text, struct provider *p,
                         struct err *err)
{
    AUTO_JSON *doc = NULL;
    struct err ignored;
    if (json_parse(text, strlen(text), &doc, &ignored) < 0 ||
        !json_object_is_type(doc, json_type_object))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's configuration is not JSON");
    if (!str_eq(json_str_at(doc, "issuer"), o->conf->oidc_issuer))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's configuration is of another issuer");
    *p = (struct provider){
        .authorization = endpoint(o, doc, "authorization_endpoint"),
        .token = endpoint(o, doc, "token_endpoint"),
        .userinfo = endpoint(o, doc, "userinfo_endpoint"),
        .keys = endpoint(o, doc, "jwks_uri"),
        .end_session = endpoint(o, doc, "end_session_endpoint"),
        .says_issuer = json_bool_at(doc, "authorization_response_iss_parameter_supported", false),
    };
    if (!p->authorization || !p->token || !p->keys)
        return err_set(err, ERR_UNAUTHORIZED,
                       "the issuer's configuration lacks an https address that a login needs");
    /* basic is the default of both sides (Discovery 1.0, section 3) */
    p->post_secret = json_at(doc, "token_endpoint_auth_methods_supported") &&
                     !lists(doc, "token_endpoint_auth_methods_supported", "client_secret_basic") &&
                     lists(doc, "token_endpoint_auth_methods_supported", "client_secret_post");
    return 0;
}

static int discover(const struct oidc *o, struct provider *p, struct err *err)
{
    const char *issuer = o->conf->oidc_issuer, *name = cache_name(o, "configuration", issuer);
    const char *kept = cache_get(o, name), *text = "";
    if (kept && read_provider(o, kept, p, err) == 0)
        return 0;
    size_t n = strlen(issuer);
    const char *url = arena_printf(o->arena, "%.*s/.well-known/openid-configuration",
                                   (int)(n && issuer[n - 1] == '/' ? n - 1 : n), issuer);
    if (get_text(o, url, NULL, CONFIG_CAP, "its configuration", &text, err) < 0 ||
        read_provider(o, text, p, err) < 0)
        return -1;
    cache_put(o, name, text);
    return 0;
}

/* ---- keys */

static int fetch_keys(const struct oidc *o, const struct provider *p, struct json_object **keys,
                      struct err *err)
{
    const char *text = "";
    if (get_text(o, p->keys, NULL, KEYS_CAP, "its keys", &text, err) < 0 ||
        jws_keys(text, strlen(text), keys, err) < 0)
        return -1;
    cache_put(o, cache_name(o, "keys", p->keys), text);
    return 0;
}

/* Whether this minute's look for new keys is still to be had. */
static bool may_refetch(const struct oidc *o, const struct provider *p)
{
    AUTO_REPLY *reply = NULL;
    struct err ignored;
    return redis_cmd(o->deps->redis, &reply, &ignored, "SET %s 1 NX EX %s",
                     cache_name(o, "refetch", p->keys),
                     arena_printf(o->arena, "%d", REFETCH_SECONDS)) == 0 &&
           reply->type == REDIS_REPLY_STATUS;
}

static int verify(const struct oidc *o, const struct provider *p, const char *token,
                  struct json_object **payload, struct err *err)
{
    struct jws t;
    AUTO_JSON *keys = NULL;
    struct err ignored;
    if (jws_open(o->arena, token, &t, err) < 0)
        return -1;
    const char *text = cache_get(o, cache_name(o, "keys", p->keys));
    bool kept = text && jws_keys(text, strlen(text), &keys, &ignored) == 0;
    if (!kept && fetch_keys(o, p, &keys, err) < 0)
        return -1;
    if (kept && !jws_has_key(&t, keys) && may_refetch(o, p)) {
        json_release(&keys);
        if (fetch_keys(o, p, &keys, err) < 0)
            return -1;
    }
    return jws_verify(o->arena, &t, keys, payload, err);
}

/* ---- the first request */

static void add_pair(struct buf *b, const char *name, const char *value)
{
    if (b->len)
        buf_addc(b, '&');
    buf_addf(b, "%s=", name);
    net_encode(b, value);
}

static const char *with_query(struct arena *a, const char *url, const struct buf *query)
{
    return arena_printf(a, "%s%c%s", url, strchr(url, '?') ? '&' : '?', buf_str(query));
}

static const char *challenge_of(struct arena *a, const char *verifier)
{
    unsigned char digest[SHA256_SIZE];
    sha256(verifier, strlen(verifier), digest);
    char *text = base64url_encode(a, digest, sizeof(digest));
    text[strcspn(text, "=")] = '\0';
    return text;
}

int oidc_begin(const struct oidc *o, const char *browser, const char *next, const char **location,
               struct err *err)
{
    struct provider p = {0};
    struct jw w;
    AUTO_BUF kept = {0}, query = {0};
    const char *state = rand_hex(o->arena, 32), *nonce = rand_hex(o->arena, 32);
    const char *verifier = rand_hex(o->arena, 32);
    if (discover(o, &p, err) < 0)
        return -1;
    jw_init(&w, &kept);
    jw_begin(&w);
    jw_kstr(&w, "nonce", nonce);
    jw_kstr(&w, "verifier", verifier);
    jw_kstr(&w, "browser", sha256_hex(o->arena, browser, strlen(browser)));
    jw_kstr(&w, "next", next);
    jw_end(&w);
    if (redis_cmd(o->deps->redis, NULL, err, "SET %s %s EX %s", cache_name(o, "state", state),
                  buf_str(&kept), arena_printf(o->arena, "%d", OIDC_LOGIN_SECONDS)) < 0)
        return -1;
    add_pair(&query, "response_type", "code");
    add_pair(&query, "client_id", o->conf->oidc_client_id);
    add_pair(&query, "redirect_uri", o->redirect_uri);
    add_pair(&query, "scope", o->conf->oidc_scope);
    add_pair(&query, "state", state);
    add_pair(&query, "nonce", nonce);
    add_pair(&query, "code_challenge", challenge_of(o->arena, verifier));
    add_pair(&query, "code_challenge_method", "S256");
    *location = with_query(o->arena, p.authorization, &query);
    return 0;
}

/* ---- the second request */

struct kept {
    const char *nonce, *verifier, *next;
};

/* The login that STATE began: out of Redis, so that it is there once. */
static int take_state(const struct oidc *o, const struct oidc_answer *in, struct kept *out,
                      struct err *err)
{
    AUTO_REPLY *reply = NULL;
    AUTO_JSON *doc = NULL;
    struct err ignored;
    if (str_empty(in->state) || str_empty(in->browser))
        return err_set(err, ERR_UNAUTHORIZED,
                       "the login was not begun in this browser; begin it again");
    if (redis_cmd(o->deps->redis, &reply, err, "GETDEL %s", cache_name(o, "state", in->state)) < 0)
        return -1;
    if (reply->type != REDIS_REPLY_STRING ||
        json_parse(reply->str, (size_t)reply->len, &doc, &ignored) < 0)
        return err_set(err, ERR_UNAUTHORIZED,
                       "the login is unknown, too old, or was ended already; begin it again");
    const char *browser = sha256_hex(o->arena, in->browser, strlen(in->browser));
    const char *right = json_str_at(doc, "browser");
    if (!right || !str_eq_secret(browser, strlen(browser), right, strlen(right)))
        return err_set(err, ERR_UNAUTHORIZED,
                       "the login was begun in another browser; begin it again");
    *out = (struct kept){
        .nonce = arena_strdup(o->arena, json_str_at(doc, "nonce")),
        .verifier = arena_strdup(o->arena, json_str_at(doc, "verifier")),
        .next = arena_strdup(o->arena, json_str_at(doc, "next")),
    };
    return out->nonce && out->verifier ? 0 : err_set(err, ERR_UNAUTHORIZED, "the login is damaged");
}

/* RFC 6749, section 2.3.1: both are form-encoded before they are joined. */
static const char *basic_header(const struct oidc *o)
{
    AUTO_BUF pair = {0};
    net_encode(&pair, o->conf->oidc_client_id);
    buf_addc(&pair, ':');
    net_encode(&pair, o->conf->oidc_client_secret);
    return arena_printf(o->arena, "Authorization: Basic %s",
                        base64_encode(o->arena, pair.data, pair.len));
}

static const char *secret_text(struct arena *a, struct json_object *doc, const char *name)
{
    const char *s = json_str_at(doc, name);
    for (const unsigned char *p = (const unsigned char *)s; p && *p; p++)
        if (*p <= 0x20 || *p >= 0x7F) /* it goes into a header */
            return NULL;
    return arena_strdup(a, s);
}

static int exchange(const struct oidc *o, const struct provider *p, const char *code,
                    const char *verifier, const char **id_token, const char **access_token,
                    struct err *err)
{
    const char *headers[4] = {"Content-Type: application/x-www-form-urlencoded",
                              "Accept: application/json"};
    AUTO_BUF body = {0};
    AUTO_RESPONSE res;
    AUTO_JSON *doc = NULL;
    struct err ignored;
    bool secret = *o->conf->oidc_client_secret;
    add_pair(&body, "grant_type", "authorization_code");
    add_pair(&body, "code", code);
    add_pair(&body, "redirect_uri", o->redirect_uri);
    add_pair(&body, "code_verifier", verifier);
    if (!secret || p->post_secret)
        add_pair(&body, "client_id", o->conf->oidc_client_id);
    if (secret && p->post_secret)
        add_pair(&body, "client_secret", o->conf->oidc_client_secret);
    if (secret && !p->post_secret)
        headers[2] = basic_header(o);
    struct net_request req = {
        .method = "POST", .headers = headers, .body = buf_str(&body), .body_len = body.len};
    if (ask(o, p->token, &req, TOKEN_CAP, &res, err) < 0)
        return -1;
    if (res.status != 200)
        return refuse_status("a token", res.status, err);
    if (json_parse(buf_str(&res.body), res.body.len, &doc, &ignored) < 0 ||
        !(*id_token = secret_text(o->arena, doc, "id_token")))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's answer has no ID token");
    *access_token = secret_text(o->arena, doc, "access_token");
    return 0;
}

/* Claims that the ID token need not have (OpenID Connect Core, section 5.4). */
static int ask_userinfo(const struct oidc *o, const struct provider *p, const char *access_token,
                        const char *subject, struct json_object **out, struct err *err)
{
    const char *text = "";
    struct err ignored;
    if (get_text(o, p->userinfo, access_token, CONFIG_CAP, "who it is", &text, err) < 0)
        return -1;
    if (json_parse(text, strlen(text), out, &ignored) < 0 ||
        !json_object_is_type(*out, json_type_object))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's word on who it is is not JSON");
    if (!str_eq(json_str_at(*out, "sub"), subject)) /* section 5.3.2 */
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's word on who it is is of somebody else");
    return 0;
}

static int check_answer(const struct oidc *o, const struct provider *p,
                        const struct oidc_answer *in, struct err *err)
{
    if (in->issuer ? !str_eq(in->issuer, o->conf->oidc_issuer) : p->says_issuer)
        return err_set(err, ERR_UNAUTHORIZED, "the answer comes from another issuer");
    if (in->error)
        return err_set(err, ERR_UNAUTHORIZED, "the issuer answered '%.60s'", in->error);
    if (str_empty(in->code))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's answer has no code");
    return 0;
}

int oidc_finish(const struct oidc *o, const struct oidc_answer *in, struct oidc_person *out,
                struct err *err)
{
    struct provider p = {0};
    struct kept kept = {0};
    const char *id_token = "", *access_token = NULL;
    AUTO_JSON *payload = NULL;
    AUTO_JSON *userinfo = NULL;
    if (take_state(o, in, &kept, err) < 0 || discover(o, &p, err) < 0 ||
        check_answer(o, &p, in, err) < 0 ||
        exchange(o, &p, in->code, kept.verifier, &id_token, &access_token, err) < 0 ||
        verify(o, &p, id_token, &payload, err) < 0)
        return -1;
    struct oidc_expected x = {
        .issuer = o->conf->oidc_issuer,
        .client_id = o->conf->oidc_client_id,
        .nonce = kept.nonce,
        .access_token = access_token,
        .now = time_now(),
    };
    if (oidc_check_claims(o->arena, payload, &x, err) < 0)
        return -1;
    if (p.userinfo && access_token &&
        ask_userinfo(o, &p, access_token, json_str_at(payload, "sub"), &userinfo, err) < 0)
        return -1;
    oidc_read_person(o->conf, o->arena, payload, userinfo, out);
    out->id_token = id_token;
    out->next = kept.next;
    return 0;
}

int oidc_logout_url(const struct oidc *o, const char *id_token, const char *back, const char **url,
                    struct err *err)
{
    struct provider p = {0};
    AUTO_BUF query = {0};
    *url = NULL;
    if (discover(o, &p, err) < 0)
        return -1;
    if (!p.end_session)
        return 0;
    if (id_token)
        add_pair(&query, "id_token_hint", id_token);
    add_pair(&query, "client_id", o->conf->oidc_client_id);
    add_pair(&query, "post_logout_redirect_uri", back);
    *url = with_query(o->arena, p.end_session, &query);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "auth/oidc.h"
#include "base/json.h"
#include "base/str.h"

static int refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_UNAUTHORIZED, "the ID token is refused: %s", why);
}

/* A text claim; NULL when it is absent, empty, or of another type. */
static const char *text_claim(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    if (!json_object_object_get_ex(o, name, &v) || !json_object_is_type(v, json_type_string))
        return NULL;
    const char *s = json_object_get_string(v);
    return *s && strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

/* A NumericDate (RFC 7519, section 2) in milliseconds; false when it is absent or no number. */
static bool time_claim(struct json_object *o, const char *name, int64_t *ms)
{
    struct json_object *v = NULL;
    if (!json_object_object_get_ex(o, name, &v) ||
        !(json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double)))
        return false;
    double seconds = json_object_get_double(v);
    if (!(seconds > 0 && seconds < 1e11))
        return false;
    *ms = (int64_t)(seconds * 1000);
    return true;
}

/* The audience: a text, or an array of texts. *others: it names somebody else too. */
static bool audience_has(struct json_object *o, const char *client_id, bool *others)
{
    struct json_object *v = NULL;
    bool found = false;
    *others = false;
    if (!json_object_object_get_ex(o, "aud", &v))
        return false;
    if (json_object_is_type(v, json_type_string))
        return str_eq(text_claim(o, "aud"), client_id);
    for (size_t i = 0; json_object_is_type(v, json_type_array) && i < json_len(v); i++) {
        struct json_object *one = json_object_array_get_idx(v, i);
        bool is_text = json_object_is_type(one, json_type_string);
        if (is_text && str_eq(json_object_get_string(one), client_id))
            found = true;
        else
            *others = true;
    }
    return found;
}

static int check_times(struct json_object *payload, int64_t now, struct err *err)
{
    static const int64_t skew = OIDC_SKEW_SECONDS * 1000LL;
    int64_t exp, iat, nbf;
    if (!time_claim(payload, "exp", &exp))
        return refuse(err, "it does not say until when it is good");
    if (exp + skew <= now)
        return refuse(err, "it has expired");
    if (!time_claim(payload, "iat", &iat))
        return refuse(err, "it does not say when it was made");
    if (iat - skew > now)
        return refuse(err, "it was made in the future");
    if (time_claim(payload, "nbf", &nbf) && nbf - skew > now)
        return refuse(err, "it is not good yet");
    return 0;
}

/* at_hash: the left half of the access token's hash. RS256 and ES256 both hash by SHA-256. */
static bool hash_matches(struct arena *a, const char *access_token, const char *at_hash)
{
    unsigned char digest[SHA256_SIZE];
    sha256(access_token, strlen(access_token), digest);
    char *right = base64url_encode(a, digest, SHA256_SIZE / 2);
    size_t n = strcspn(right, "=");
    return str_eq_secret(right, n, at_hash, strlen(at_hash));
}

int oidc_check_claims(struct arena *a, struct json_object *payload, const struct oidc_expected *x,
                      struct err *err)
{
    bool others;
    const char *nonce = text_claim(payload, "nonce"), *azp = text_claim(payload, "azp");
    const char *subject = text_claim(payload, "sub"), *at_hash = text_claim(payload, "at_hash");
    if (!str_eq(text_claim(payload, "iss"), x->issuer))
        return refuse(err, "it is of another issuer");
    if (!audience_has(payload, x->client_id, &others))
        return refuse(err, "it is for somebody else");
    if (others && !azp)
        return refuse(err, "it is for several, and does not say for whom it was made");
    if (json_object_object_get_ex(payload, "azp", NULL) && !str_eq(azp, x->client_id))
        return refuse(err, "it was made for somebody else");
    if (check_times(payload, x->now, err) < 0)
        return -1;
    if (!nonce || !str_eq_secret(nonce, strlen(nonce), x->nonce, strlen(x->nonce)))
        return refuse(err, "its nonce is of another login");
    if (!subject || strlen(subject) > 255)
        return refuse(err, "it names nobody");
    if (at_hash && x->access_token && !hash_matches(a, x->access_token, at_hash))
        return refuse(err, "it belongs to another access token");
    return 0;
}

/* ---- who it is */

static const char *claim_of(struct json_object *first, struct json_object *second, const char *name)
{
    const char *s = text_claim(first, name);
    return s || !second ? s : text_claim(second, name);
}

/* A claim by its name, or by a path of names joined by '.' ("realm_access.roles"). */
static struct json_object *find_claim(struct arena *a, struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    if (!o || json_object_object_get_ex(o, name, &v))
        return v;
    for (char **part = str_split(a, name, '.'); *part; part++) {
        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, *part, &v))
            return NULL;
        o = v;
    }
    return v;
}

static bool says(struct json_object *claim, const char *value)
{
    if (json_object_is_type(claim, json_type_string))
        return str_eq(json_object_get_string(claim), value);
    for (size_t i = 0; json_object_is_type(claim, json_type_array) && i < json_len(claim); i++) {
        struct json_object *one = json_object_array_get_idx(claim, i);
        if (json_object_is_type(one, json_type_string) &&
            str_eq(json_object_get_string(one), value))
            return true;
    }
    return false;
}

static const char *roles_of(const struct conf *conf, struct arena *a, struct json_object *claim)
{
    static const char *const order[] = {"owner", "admin", "developer", "viewer"};
    AUTO_BUF out = {0};
    struct jw w;
    char **pairs = str_split(a, conf->oidc_roles, ',');
    jw_init(&w, &out);
    jw_begin_array(&w);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        bool given = false;
        for (char **p = pairs; *p; p++) {
            const char *pair = *p + strspn(*p, " "), *eq = strrchr(pair, '=');
            given |= eq && str_eq(eq + 1, order[i]) &&
                     says(claim, arena_printf(a, "%.*s", (int)(eq - pair), pair));
        }
        if (given)
            jw_str(&w, order[i]);
    }
    jw_end_array(&w);
    return buf_dup(&out, a);
}

void oidc_read_person(const struct conf *conf, struct arena *a, struct json_object *payload,
                      struct json_object *userinfo, struct oidc_person *out)
{
    /* an address and whether it is verified are one statement: both from the same place */
    struct json_object *of_email = text_claim(payload, "email") || !userinfo ? payload : userinfo;
    struct json_object *verified = NULL;
    *out = (struct oidc_person){
        .subject = arena_strdup(a, text_claim(payload, "sub")),
        .email = arena_strdup(a, text_claim(of_email, "email")),
        .name = arena_strdup(a, claim_of(payload, userinfo, "name")),
        .picture = arena_strdup(a, claim_of(payload, userinfo, "picture")),
        .username = arena_strdup(a, claim_of(payload, userinfo, "preferred_username")),
    };
    out->email_verified =
        out->email && json_object_object_get_ex(of_email, "email_verified", &verified) &&
        json_object_is_type(verified, json_type_boolean) && json_object_get_boolean(verified);
    if (str_empty(conf->oidc_roles_claim))
        return;
    struct json_object *claim = find_claim(a, payload, conf->oidc_roles_claim);
    if (!claim)
        claim = find_claim(a, userinfo, conf->oidc_roles_claim);
    out->roles = roles_of(conf, a, claim);
}

/* ---- addresses */

static bool on_this_machine(const char *url)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        size_t n = strlen(hosts[i]);
        if (strncmp(url, hosts[i], n) == 0 && (!url[n] || strchr(":/?", url[n])))
            return true;
    }
    return false;
}

bool oidc_url_allowed(const char *url, const char *issuer)
{
    if (!url || strlen(url) > 2000)
        return false;
    for (const unsigned char *p = (const unsigned char *)url; *p; p++)
        if (*p <= 0x20 || *p >= 0x7F || strchr("\"<>\\^`{|}#", *p))
            return false;
    const char *host = strstr(url, "://");
    if (!host || !host[3] || memchr(host + 3, '@', strcspn(host + 3, "/?")))
        return false;
    return str_starts(url, "https://") || (on_this_machine(url) && on_this_machine(issuer));
}

/* SPDX-License-Identifier: MIT */
#include "auth/jws.h"

#include <cjose/cjose.h>
#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* What a key must be for each algorithm (RFC 7518, section 3.1). */
static const struct {
    const char *alg, *kty, *crv;
} algorithms[] = {
    {"RS256", "RSA", NULL},
    {"ES256", "EC", "P-256"},
};

enum { RSA_BITS_MIN = 2048 };

static int refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_UNAUTHORIZED, "the token is refused: %s", why);
}

static struct json_object *parse_part(struct arena *a, const char *part, size_t n)
{
    struct json_object *o = NULL;
    struct err ignored;
    size_t len;
    char *text = arena_alloc(a, n + 1);
    if (sodium_base642bin((unsigned char *)text, n, part, n, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        json_parse(text, len, &o, &ignored) < 0)
        return NULL;
    if (json_object_is_type(o, json_type_object))
        return o;
    json_object_put(o);
    return NULL;
}

/* base64url without padding, of the length that whole bytes have. cjose does not look and ends the
 * process over some texts that are not. */
static bool is_base64url(const char *s, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < n; i++)
        if (!s[i] || !strchr(letters, s[i]))
            return false;
    return n > 0 && n % 4 != 1;
}

static const char *text_of(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    if (!json_object_object_get_ex(o, name, &v) || !json_object_is_type(v, json_type_string) ||
        strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
        return NULL;
    return json_object_get_string(v);
}

static bool has(struct json_object *o, const char *name)
{
    return json_object_object_get_ex(o, name, NULL);
}

static int algorithm(const char *alg)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        if (str_eq(alg, algorithms[i].alg))
            return (int)i;
    return -1;
}

int jws_open(struct arena *a, const char *token, struct jws *out, struct err *err)
{
    *out = (struct jws){.token = token};
    if (strnlen(token, JWS_TOKEN_MAX + 1) > JWS_TOKEN_MAX)
        return refuse(err, "it is too long");
    const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strchr(second + 1, '.'))
        return refuse(err, "it does not have three parts");
    AUTO_JSON *header = parse_part(a, token, (size_t)(first - token));
    if (!header)
        return refuse(err, "its header is not JSON");
    const char *alg = text_of(header, "alg");
    int i = algorithm(alg);
    if (i < 0)
        return err_set(err, ERR_UNAUTHORIZED,
                       "the token is refused: its algorithm is '%.20s', not RS256 or ES256",
                       alg ? str_utf8_scrub(a, alg, strlen(alg)) : "");
    if (!is_base64url(token, (size_t)(first - token)) ||
        !is_base64url(first + 1, (size_t)(second - first - 1)) ||
        !is_base64url(second + 1, strlen(second + 1)))
        return refuse(err, "one of its parts is not base64url");
    if (has(header, "crit") || has(header, "b64"))
        return refuse(err, "its header asks for an extension");
    if (has(header, "kid") && !text_of(header, "kid"))
        return refuse(err, "its kid is no text");
    out->alg = algorithms[i].alg;
    out->kid = arena_strdup(a, text_of(header, "kid"));
    return 0;
}

int jws_keys(const char *text, size_t n, struct json_object **out, struct err *err)
{
    AUTO_JSON *o = NULL;
    struct err why;
    struct json_object *keys = NULL;
    *out = NULL;
    if (json_parse(text, n, &o, &why) < 0 || !json_object_is_type(o, json_type_object) ||
        !json_object_object_get_ex(o, "keys", &keys) || !json_object_is_type(keys, json_type_array))
        return err_set(err, ERR_UNAUTHORIZED, "the issuer's keys are no JWKS");
    if (json_len(keys) > JWS_KEYS_MAX)
        return err_set(err, ERR_UNAUTHORIZED, "the issuer has %zu keys, %d are the most",
                       json_len(keys), JWS_KEYS_MAX);
    *out = json_object_get(keys);
    return 0;
}

/* Whether a key may be used for signatures of that algorithm. */
static bool fits(struct json_object *key, int alg)
{
    const char *use = text_of(key, "use"), *its = text_of(key, "alg");
    if (!json_object_is_type(key, json_type_object) ||
        !str_eq(text_of(key, "kty"), algorithms[alg].kty))
        return false;
    if (algorithms[alg].crv && !str_eq(text_of(key, "crv"), algorithms[alg].crv))
        return false;
    return (!use || str_eq(use, "sig")) && (!its || str_eq(its, algorithms[alg].alg));
}

static struct json_object *find_key(const struct jws *t, struct json_object *keys)
{
    struct json_object *found = NULL;
    int alg = algorithm(t->alg);
    for (size_t i = 0; i < json_len(keys); i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);
        if (!fits(key, alg))
            continue;
        if (t->kid && !str_eq(text_of(key, "kid"), t->kid))
            continue;
        if (found)
            return NULL; /* which of the two is meant? */
        found = key;
    }
    return found;
}

bool jws_has_key(const struct jws *t, struct json_object *keys)
{
    return find_key(t, keys) != NULL;
}

static void release_jwk(cjose_jwk_t **k)
{
    if (*k)
        cjose_jwk_release(*k);
}

static void release_jws(cjose_jws_t **j)
{
    if (*j)
        cjose_jws_release(*j);
}

/* Its public members alone: nothing else of what the issuer wrote is to be interpreted. */
static cjose_jwk_t *import_key(struct json_object *key)
{
    static const char *const members[] = {"kty", "n", "e", "crv", "x", "y"};
    AUTO_BUF text = {0};
    cjose_err why;
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *value = text_of(key, members[i]);
        bool number = !str_eq(members[i], "kty") && !str_eq(members[i], "crv");
        if (value && number && !is_base64url(value, strlen(value)))
            return NULL;
        if (value)
            jw_kstr(&w, members[i], value);
    }
    jw_end(&w);
    cjose_jwk_t *jwk = cjose_jwk_import(buf_str(&text), text.len, &why);
    if (jwk && cjose_jwk_get_kty(jwk, &why) == CJOSE_JWK_KTY_RSA &&
        cjose_jwk_get_keysize(jwk, &why) < RSA_BITS_MIN) {
        cjose_jwk_release(jwk);
        return NULL;
    }
    return jwk;
}

int jws_verify(struct arena *a, const struct jws *t, struct json_object *keys,
               struct json_object **payload, struct err *err)
{
    cjose_err why;
    uint8_t *text;
    size_t n;
    *payload = NULL;
    struct json_object *key = find_key(t, keys);
    if (!key)
        return refuse(err, "the issuer has no such key");
    CLEANUP(release_jwk) cjose_jwk_t *jwk = import_key(key);
    if (!jwk)
        return refuse(err, "its key is damaged or too small");
    CLEANUP(release_jws) cjose_jws_t *jws = cjose_jws_import(t->token, strlen(t->token), &why);
    /* both parsers must have read the same algorithm */
    const char *alg =
        jws ? cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, &why) : NULL;
    if (!str_eq(alg, t->alg))
        return refuse(err, "it is damaged");
    if (!cjose_jws_verify(jws, jwk, &why))
        return refuse(err, "its signature is wrong");
    if (!cjose_jws_get_plaintext(jws, &text, &n, &why))
        return refuse(err, "it is damaged");
    struct err ignored;
    if (json_parse(arena_memdup(a, text, n), n, payload, &ignored) < 0 ||
        !json_object_is_type(*payload, json_type_object)) {
        json_release(payload);
        return refuse(err, "its payload is no JSON object");
    }
    return 0;
}

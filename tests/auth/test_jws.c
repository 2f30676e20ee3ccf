/* SPDX-License-Identifier: MIT */
#include <cjose/cjose.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jws.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/str.h"
#include "tests/tap.h"

static struct arena arena;

static cjose_jwk_t *must_key(cjose_jwk_t *k, const char *kid)
{
    cjose_err why;
    if (!k || !cjose_jwk_set_kid(k, kid, strlen(kid), &why))
        abort();
    return k;
}

static cjose_jwk_t *rsa(size_t bits, const char *kid)
{
    cjose_err why;
    return must_key(cjose_jwk_create_RSA_random(bits, (const uint8_t *)"\1\0\1", 3, &why), kid);
}

static cjose_jwk_t *ec(cjose_jwk_ec_curve curve, const char *kid)
{
    cjose_err why;
    return must_key(cjose_jwk_create_EC_random(curve, &why), kid);
}

static const char *public_key(const cjose_jwk_t *k)
{
    cjose_err why;
    char *text = cjose_jwk_to_json(k, false, &why);
    const char *copy = arena_strdup(&arena, text);
    free(text);
    return copy;
}

static struct json_object *jwks(const char *keys)
{
    struct json_object *out;
    struct err err;
    const char *text = arena_printf(&arena, "{\"keys\":[%s]}", keys);
    if (jws_keys(text, strlen(text), &out, &err) < 0)
        abort();
    return out;
}

static const char *sign(const cjose_jwk_t *k, const char *alg, const char *kid, const char *payload)
{
    cjose_err why;
    const char *text;
    cjose_header_t *header = cjose_header_new(&why);
    cjose_header_set(header, CJOSE_HDR_ALG, alg, &why);
    if (kid)
        cjose_header_set(header, CJOSE_HDR_KID, kid, &why);
    cjose_jws_t *jws = cjose_jws_sign(k, header, (const uint8_t *)payload, strlen(payload), &why);
    if (!jws || !cjose_jws_export(jws, &text, &why))
        abort();
    const char *copy = arena_strdup(&arena, text);
    cjose_jws_release(jws);
    cjose_header_release(header);
    return copy;
}

static const char *part(const char *text)
{
    char *out = base64url_encode(&arena, text, strlen(text));
    out[strcspn(out, "=")] = '\0';
    return out;
}

/* What jws_open() and jws_verify() say of a token; "" when all is well. */
static const char *verdict(const char *token, struct json_object *keys)
{
    struct jws t;
    struct err err = {0};
    AUTO_JSON *payload = NULL;
    if (jws_open(&arena, token, &t, &err) < 0 || jws_verify(&arena, &t, keys, &payload, &err) < 0) {
        CU_ASSERT_EQUAL(err.code, ERR_UNAUTHORIZED);
        CU_ASSERT_PTR_NULL(payload);
        return arena_strdup(&arena, err.msg);
    }
    return "";
}

static void both_algorithms(void)
{
    cjose_jwk_t *r = rsa(2048, "r"), *e = ec(CJOSE_JWK_EC_P_256, "e");
    AUTO_JSON *keys = jwks(arena_printf(&arena, "%s,%s", public_key(r), public_key(e)));
    TAP_STR(verdict(sign(r, "RS256", "r", "{\"a\":1}"), keys), "");
    TAP_STR(verdict(sign(e, "ES256", "e", "{\"a\":1}"), keys), "");
    TAP_STR(verdict(sign(r, "RS256", NULL, "{}"), keys), ""); /* the only one of its kind */
    TAP_STR(verdict(sign(r, "RS256", "x", "{}"), keys),
            "the token is refused: the issuer has no such key");
    TAP_STR(verdict(sign(r, "RS256", "e", "{}"), keys),
            "the token is refused: the issuer has no such key"); /* a key of another kind */
    TAP_STR(verdict(sign(r, "RS256", "r", "[]"), keys),
            "the token is refused: its payload is no JSON object");
    cjose_jwk_release(r);
    cjose_jwk_release(e);
}

static void other_algorithms(void)
{
    cjose_jwk_t *r = rsa(2048, "r");
    cjose_err why;
    AUTO_JSON *keys = jwks(public_key(r));
    static const char *const algs[] = {"none", "None", "HS256", "RS384", "PS256", "ES384", ""};
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        const char *header = arena_printf(&arena, "{\"alg\":\"%s\",\"kid\":\"r\"}", algs[i]);
        const char *token = arena_printf(&arena, "%s.%s.", part(header), part("{}"));
        CU_ASSERT_PTR_NOT_NULL(strstr(verdict(token, keys), "not RS256 or ES256"));
    }
    /* HMAC with what everybody knows: the public key */
    const char *text = public_key(r);
    cjose_jwk_t *oct = cjose_jwk_create_oct_spec((const uint8_t *)text, strlen(text), &why);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(verdict(sign(oct, "HS256", "r", "{}"), keys), "its algorithm is 'HS256'"));
    cjose_jwk_release(oct);
    cjose_jwk_release(r);
}

static void wrong_signatures(void)
{
    cjose_jwk_t *r = rsa(2048, "r"), *other = rsa(2048, "r");
    AUTO_JSON *keys = jwks(public_key(r));
    static const char wrong[] = "the token is refused: its signature is wrong";
    TAP_STR(verdict(sign(other, "RS256", "r", "{}"), keys), wrong);
    const char *good = sign(r, "RS256", "r", "{\"sub\":\"1\"}");
    const char *second = strrchr(good, '.');
    TAP_STR(verdict(arena_printf(&arena, "%.*s.%s%s", (int)(strchr(good, '.') - good), good,
                                 part("{\"sub\":\"2\"}"), second),
                    keys),
            wrong);
    CU_ASSERT_STRING_NOT_EQUAL(
        verdict(arena_printf(&arena, "%.*s.", (int)(second - good), good), keys),
        ""); /* no signature at all */
    cjose_jwk_release(r);
    cjose_jwk_release(other);
}

static void malformed(void)
{
    cjose_jwk_t *r = rsa(2048, "r");
    AUTO_JSON *keys = jwks(public_key(r));
    AUTO_BUF huge = {0};
    while (huge.len <= JWS_TOKEN_MAX)
        buf_addc(&huge, 'A');
    const char *body = arena_printf(&arena, ".%s.AAAA", part("{}"));
    const char *const tokens[] = {
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "e30.e30.",
        arena_printf(&arena, "%s%s", part("[]"), body),
        arena_printf(&arena, "%s%s", part("{\"alg\":1}"), body),
        arena_printf(&arena, "%s%s", part("{\"alg\":\"RS256\",\"kid\":7}"), body),
        arena_printf(&arena, "%s%s", part("{\"alg\":\"RS256\",\"crit\":[\"b64\"]}"), body),
        arena_printf(&arena, "%s%s", part("{\"alg\":\"RS256\",\"b64\":false}"), body),
        arena_printf(&arena, "%s%s", part("{\"alg\":\"RS256\"}"), ".!!!.AAAA"),
        arena_printf(&arena, " %s%s", part("{\"alg\":\"RS256\"}"), body),
        buf_str(&huge),
    };
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
        CU_ASSERT_STRING_NOT_EQUAL(verdict(tokens[i], keys), "");
    cjose_jwk_release(r);
}

static void unfit_keys(void)
{
    cjose_jwk_t *small = rsa(1024, "r"), *good = rsa(2048, "r"),
                *curve = ec(CJOSE_JWK_EC_P_384, "e");
    const char *text = public_key(good), *token = sign(good, "RS256", "r", "{}");
    const char *rest = strchr(text, ',') ? text + 1 : text;
    AUTO_JSON *too_small = jwks(public_key(small));
    TAP_STR(verdict(sign(small, "RS256", "r", "{}"), too_small),
            "the token is refused: its key is damaged or too small");
    AUTO_JSON *for_secrets = jwks(arena_printf(&arena, "{\"use\":\"enc\",%s", rest));
    TAP_STR(verdict(token, for_secrets), "the token is refused: the issuer has no such key");
    AUTO_JSON *for_others = jwks(arena_printf(&arena, "{\"alg\":\"RS512\",%s", rest));
    TAP_STR(verdict(token, for_others), "the token is refused: the issuer has no such key");
    AUTO_JSON *twice = jwks(arena_printf(&arena, "%s,%s", text, public_key(small)));
    TAP_STR(verdict(token, twice), "the token is refused: the issuer has no such key");
    AUTO_JSON *damaged = jwks("{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"!\",\"e\":\"AQAB\"}");
    TAP_STR(verdict(token, damaged), "the token is refused: its key is damaged or too small");
    AUTO_JSON *other_curve = jwks(public_key(curve));
    const char *as_es256 =
        arena_printf(&arena, "%s.e30.AAAA", part("{\"alg\":\"ES256\",\"kid\":\"e\"}"));
    TAP_STR(verdict(as_es256, other_curve), "the token is refused: the issuer has no such key");
    AUTO_JSON *odd = jwks("7,null,\"x\",[],{}");
    TAP_STR(verdict(token, odd), "the token is refused: the issuer has no such key");
    cjose_jwk_release(small);
    cjose_jwk_release(good);
    cjose_jwk_release(curve);
}

static void key_sets(void)
{
    struct json_object *out;
    struct err err;
    AUTO_BUF many = {0};
    buf_adds(&many, "{\"keys\":[{}");
    for (int i = 0; i < JWS_KEYS_MAX; i++)
        buf_adds(&many, ",{}");
    buf_adds(&many, "]}");
    const char *const bad[] = {
        "", "{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":null}", "\xff", buf_str(&many)};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CU_ASSERT_EQUAL(jws_keys(bad[i], strlen(bad[i]), &out, &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_UNAUTHORIZED);
    }
}

const struct tap_test jws_tests[] = {
    {"RS256 and ES256 are verified, by the key that is named", both_algorithms},
    {"no other algorithm is, whatever it is signed with", other_algorithms},
    {"a wrong signature is refused", wrong_signatures},
    {"a malformed token is refused", malformed},
    {"a key must fit", unfit_keys},
    {"a malformed or long list of keys is refused", key_sets},
    {NULL, NULL},
};

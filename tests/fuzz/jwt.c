/* SPDX-License-Identifier: MIT */
/* Tokens: an issuer's ID token and keys, a session's token, an API token. */
#include <string.h>

#include "auth/jws.h"
#include "auth/session.h"
#include "auth/token.h"
#include "cache/redis.h"
#include "store/pg.h"
#include "tests/fuzz/fuzz.h"

/* Public keys of nobody. */
static const char keys_text[] =
    "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"use\":\"sig\","
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"},"
    "{\"kty\":\"RSA\",\"kid\":\"r\",\"alg\":\"RS256\",\"use\":\"sig\",\"e\":\"AQAB\","
    "\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvz"
    "qY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}]}";

static void issuer(struct arena *a, const char *text, size_t size)
{
    struct err err;
    struct jws t;
    AUTO_JSON *keys = NULL;
    AUTO_JSON *given = NULL;
    AUTO_JSON *payload = NULL;
    if (jws_keys(keys_text, strlen(keys_text), &keys, &err) < 0)
        __builtin_trap();
    jws_keys(text, size, &given, &err);
    if (jws_open(a, text, &t, &err) < 0)
        return;
    jws_has_key(&t, keys);
    if (jws_verify(a, &t, keys, &payload, &err) == 0)
        __builtin_trap(); /* nobody has the private halves */
}

/* Neither gets as far as a server unless its signature is good, or it has the form of an API
 * token; these servers are nowhere. */
static void ours(struct arena *a, const char *text)
{
    static struct pg *pg;
    static struct redis *redis;
    static struct keyring keys = {.has_session = true, .session = "fuzzing"};
    struct session s;
    struct err err;
    if (!pg) {
        struct pg_config nowhere = {.url = "host=/nonexistent", .log_queries_ms = -1};
        static const struct redis_config off = {
            .host = "/nonexistent", .password = "", .prefix = ""};
        pg = pg_open_lazy(&nowhere);
        redis = redis_open(&off);
    }
    struct session_deps deps = {.pg = pg, .redis = redis, .keys = &keys};
    if (token_looks_like(text) ? token_find(&deps, a, text, &s, &err) == 0
                               : session_find(&deps, a, text, &s, &err) == 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA a = {0};
    const char *text = arena_memdup(&a, data, size);
    issuer(&a, text, size);
    ours(&a, text);
    return 0;
}

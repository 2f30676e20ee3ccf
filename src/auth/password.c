/* SPDX-License-Identifier: MIT */
#include "auth/password.h"

#include <argon2.h>
#include <malloc.h>
#include <string.h>

#include "auth/gate.h"
#include "base/rand.h"
#include "base/str.h"

/* OWASP Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1 */
enum { MEMORY_KIB = 19 * 1024, PASSES = 2, LANES = 1, SALT = 16, HASH = 32, ENCODED = 128 };

int password_hash(struct arena *a, const char *password, const char **hash, struct err *err)
{
    unsigned char salt[SALT];
    char encoded[ENCODED];
    rand_bytes(salt, sizeof(salt));
    if (gate_enter(err) < 0)
        return -1;
    int rc = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt,
                                   sizeof(salt), HASH, encoded, sizeof(encoded));
    gate_leave();
    malloc_trim(0); /* the 19 MiB are not wanted again soon */
    if (rc != ARGON2_OK)
        return err_set(err, ERR_INTERNAL, "could not hash a password: %s",
                       argon2_error_message(rc));
    *hash = arena_strdup(a, encoded);
    return 0;
}

int password_verify(const char *password, const char *hash, bool *right, struct err *err)
{
    /* made with the same parameters of a password that nobody has */
    static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$c2xpcHdheS1ub2JvZHktMQ$"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    *right = false;
    if (gate_enter(err) < 0)
        return -1;
    int rc = argon2id_verify(hash ? hash : nobody, password, strlen(password));
    gate_leave();
    malloc_trim(0);
    *right = rc == ARGON2_OK && hash;
    return 0;
}

const char *password_rule(struct arena *a, const char *password)
{
    (void)a;
    bool same = true;
    for (const char *p = password; *p; p++)
        same &= *p == *password;
    return same ? "must not be one character over and over" : NULL;
}

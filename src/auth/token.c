/* SPDX-License-Identifier: MIT */
#include "auth/token.h"

#include <string.h>

#include "auth/rbac.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/token.h"

const char *token_make(struct arena *a, unsigned char hash[SHA256_SIZE])
{
    const char *text = arena_printf(a, "slp_%s", rand_hex(a, 32));
    sha256(text, strlen(text), hash);
    return text;
}

bool token_looks_like(const char *text)
{
    return str_starts(text, "slp_");
}

int token_find(const struct session_deps *d, struct arena *a, const char *text, struct session *out,
               struct err *err)
{
    unsigned char hash[SHA256_SIZE];
    struct store_token t;
    struct store_user user;
    const char *projects;
    if (strlen(text) != TOKEN_TEXT - 1)
        return err_set(err, ERR_UNAUTHORIZED, "the API token is not good");
    sha256(text, strlen(text), hash);
    if (store_token_find(d->pg, a, hash, &t, &user, &projects, err) < 0)
        return err->code == ERR_NOT_FOUND
                   ? err_set(err, ERR_UNAUTHORIZED, "the API token is not, or no longer, good")
                   : -1;
    user.password_hash = NULL;
    *out = (struct session){
        .row = {.id = t.id,
                .user_id = user.id,
                .created_at = t.created_at,
                .expires_at = t.expires_at},
        .user = user,
        .role = rbac_strongest(user.roles),
        .token_name = t.name,
        .token_role = rbac_token_role(t.role),
    };
    out->scope = (struct store_scope){
        .user_id = user.id, .everything = rbac_sees_everything(out->role), .projects = projects};
    return 0;
}

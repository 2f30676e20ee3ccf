/* SPDX-License-Identifier: MIT */
/*
 * What opens a door elsewhere: git credentials and image registries. The secrets are of class K
 * (base/crypto.h), bound to their row's id: the web processes write them and cannot read them.
 */
#ifndef SLIPWAY_STORE_CREDENTIAL_H
#define SLIPWAY_STORE_CREDENTIAL_H

#include "store/pg.h"

#define STORE_CREDENTIAL_FIELDS(X)                  \
    X(STR, id, "c.id", "id")                        \
    X(STR, name, "c.name", "name")                  \
    X(STR, kind, "c.kind", "kind")                  \
    X(STR, username, "c.username", "username")      \
    X(STR, public_key, "c.public_key", "publicKey") \
    X(TIME, created_at, "c.created_at", "createdAt")

struct store_credential {
    STORE_CREDENTIAL_FIELDS(STORE_MEMBER)
};

struct store_credentials {
    struct store_credential *list;
    size_t n;
    bool more;
};

#define STORE_REGISTRY_FIELDS(X)                                   \
    X(STR, id, "r.id", "id")                                       \
    X(STR, name, "r.name", "name")                                 \
    X(STR, address, "r.address", "address")                        \
    X(STR, username, "r.username", "username")                     \
    X(BOOL, is_default, "r.is_default", "isDefault")               \
    X(BOOL, has_password, "r.password IS NOT NULL", "hasPassword") \
    X(TIME, created_at, "r.created_at", "createdAt")               \
    X(TIME, updated_at, "r.updated_at", "updatedAt")

struct store_registry {
    STORE_REGISTRY_FIELDS(STORE_MEMBER)
};

struct store_registries {
    struct store_registry *list;
    size_t n;
    bool more;
};

/* A sealed secret; data NULL: none. */
struct store_sealed {
    const void *data;
    size_t len;
};

/* ERR_CONFLICT: the name is taken. */
int store_credential_insert(struct pg *pg, struct arena *a, const struct store_credential *in,
                            const struct store_sealed *secret, const char *created_by,
                            struct err *err);
int store_credential_list(struct pg *pg, struct arena *a, const struct store_page *page,
                          struct store_credentials *out, struct err *err);
int store_credential_get(struct pg *pg, struct arena *a, const char *id,
                         struct store_credential *out, struct err *err);
/* Forgets the secret as well. ERR_CONFLICT: an application uses it. */
int store_credential_delete(struct pg *pg, struct arena *a, const char *id, struct err *err);
void store_credential_json(const struct store_credential *c, struct jw *w);

/* ERR_CONFLICT: the name is taken. A new default takes the place of the old one. */
int store_registry_insert(struct pg *pg, struct arena *a, const struct store_registry *in,
                          const struct store_sealed *password, struct err *err);
/* PASSWORD NULL keeps the present one. */
int store_registry_update(struct pg *pg, struct arena *a, const struct store_registry *in,
                          const struct store_sealed *password, struct err *err);
int store_registry_list(struct pg *pg, struct arena *a, const struct store_page *page,
                        struct store_registries *out, struct err *err);
int store_registry_get(struct pg *pg, struct arena *a, const char *id, struct store_registry *out,
                       struct err *err);
/* ERR_CONFLICT: an application uses it. */
int store_registry_delete(struct pg *pg, struct arena *a, const char *id, struct err *err);
void store_registry_json(const struct store_registry *r, struct jw *w);

#endif

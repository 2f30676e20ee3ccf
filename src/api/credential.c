/* SPDX-License-Identifier: MIT */
/* Git credentials and image registries. Secrets are sealed for the worker and never shown. */
#include "api/crud.h"
#include "api/routes.h"
#include "api/rules.h"
#include "base/rand.h"
#include "base/sshkey.h"
#include "base/str.h"
#include "store/credential.h"

struct credential_in {
    uint64_t set;
    struct store_credential c;
    const char *token;
};

#define AT(m) offsetof(struct credential_in, m)
static const struct valid_field credential_fields[] = {
    FIELD_ID,
    FIELD_NAME(AT(c.name), "what it is called"),
    {.name = "kind",
     .type = VALID_ENUM,
     .flags = VALID_REQUIRED,
     .choices = "token|ssh",
     .offset = AT(c.kind),
     .doc = "token: for https; ssh: a key pair is made, whose private half never leaves"},
    {.name = "username",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .min = 1,
     .max = 255,
     .rule = rule_line,
     .offset = AT(c.username),
     .doc = "of kind token: the user's name, where the host wants one"},
    {.name = "token",
     .type = VALID_STR,
     .flags = VALID_WRITE_ONLY | VALID_SECRET,
     .min = 1,
     .max = 4096,
     .rule = rule_line,
     .offset = AT(token),
     .doc = "of kind token: the token or password"},
    {.name = "publicKey",
     .type = VALID_STR,
     .flags = VALID_DERIVED | VALID_NULLABLE,
     .doc = "of kind ssh: what the git host must know, one line"},
    FIELD_CREATED,
};
#undef AT
static const struct valid_table credential_table = {
    "Credential", credential_fields, ARRAY_LEN(credential_fields), sizeof(struct credential_in)};

static int name_taken(struct api_call *c, struct err *err)
{
    return err->code == ERR_CONFLICT ? api_bad_field(c, "name", "is taken", err) : -1;
}

static int credential_list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                           struct err *err)
{
    struct store_credentials list;
    if (store_credential_list(c->api->pg, c->arena, page, &list, err) < 0)
        return -1;
    CRUD_LIST(out, list);
    return 0;
}

/* The secret of a new one: the token that came, or the private half of a new pair. */
static int take_secret(struct api_call *c, struct credential_in *new, const char **secret,
                       struct err *err)
{
    struct sshkey key;
    bool ssh = str_eq(new->c.kind, "ssh");
    if (ssh && new->token)
        api_add_problem(c, "token", "means nothing with kind ssh: the key is made here");
    if (ssh && new->c.username)
        api_add_problem(c, "username",
                        "means nothing with kind ssh: it is in the repository's address");
    if (!ssh && !new->token)
        api_add_problem(c, "token", "is required with kind token");
    if (api_refuse(c, err) < 0)
        return -1;
    *secret = new->token;
    if (ssh) {
        sshkey_make(c->arena, arena_printf(c->arena, "slipway:%s", new->c.id), &key);
        *secret = key.private_key;
        new->c.public_key = key.public_key;
    }
    return 0;
}

static int credential_create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    struct credential_in new = {.c = {.id = uuid_new(c->arena)}};
    const char *secret;
    AUTO_BUF sealed = {0};
    api_audit(c, "credential.create", new.c.id);
    if (api_require(c, NULL, PERM_CREDENTIAL_CREATE, err) < 0 ||
        api_valid(c, &credential_table, in, false, &new, err) < 0 ||
        take_secret(c, &new, &secret, err) < 0)
        return -1;
    secret_seal_k(&c->api->keys, new.c.id, secret, &sealed);
    struct store_sealed box = {.data = sealed.data, .len = sealed.len};
    if (store_credential_insert(c->api->pg, c->arena, &new.c, &box, c->session->user.id, err) < 0)
        return name_taken(c, err);
    return store_credential_get(c->api->pg, c->arena, new.c.id, out, err);
}

static int credential_get(struct api_call *c, const char *id, void *out, struct err *err)
{
    if (api_check_id(id, "credential", err) < 0)
        return -1;
    return store_credential_get(c->api->pg, c->arena, id, out, err);
}

static int credential_delete(struct api_call *c, const char *id, struct err *err)
{
    struct store_credential present;
    api_audit(c, "credential.delete", id);
    if (api_require(c, NULL, PERM_CREDENTIAL_DELETE, err) < 0 ||
        credential_get(c, id, &present, err) < 0)
        return -1;
    return store_credential_delete(c->api->pg, c->arena, id, err);
}

static void write_credential(const void *x, struct jw *w)
{
    store_credential_json(x, w);
}

static const struct crud credentials = {.path = "/api/credentials",
                                        .size = sizeof(struct store_credential),
                                        .write = write_credential,
                                        .list = credential_list,
                                        .get = credential_get,
                                        .create = credential_create,
                                        .remove = credential_delete};

/* ---- registries */

struct registry_in {
    uint64_t set;
    struct store_registry r;
    const char *password;
};

#define AT(m) offsetof(struct registry_in, m)
static const struct valid_field registry_fields[] = {
    FIELD_ID,
    FIELD_NAME(AT(r.name), "what it is called"),
    {.name = "address",
     .type = VALID_STR,
     .flags = VALID_REQUIRED,
     .min = 1,
     .max = 253,
     .rule = rule_registry,
     .offset = AT(r.address),
     .doc = "host or host:port, as images are named after it"},
    {.name = "username",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .min = 1,
     .max = 255,
     .rule = rule_line,
     .offset = AT(r.username),
     .doc = "the user's name; null: it asks for none"},
    {.name = "password",
     .type = VALID_STR,
     .flags = VALID_WRITE_ONLY | VALID_SECRET,
     .min = 1,
     .max = 4096,
     .rule = rule_line,
     .offset = AT(password),
     .doc = "the password or token; left out of a change it stays"},
    {.name = "isDefault",
     .type = VALID_BOOL,
     .offset = AT(r.is_default),
     .doc = "whether images that are built here are pushed to it"},
    {.name = "hasPassword",
     .type = VALID_BOOL,
     .flags = VALID_DERIVED,
     .doc = "whether one is kept"},
    FIELD_CREATED,
    FIELD_UPDATED,
};
#undef AT
static const struct valid_table registry_table = {
    "Registry", registry_fields, ARRAY_LEN(registry_fields), sizeof(struct registry_in)};

static int registry_list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                         struct err *err)
{
    struct store_registries list;
    if (store_registry_list(c->api->pg, c->arena, page, &list, err) < 0)
        return -1;
    CRUD_LIST(out, list);
    return 0;
}

static int registry_get(struct api_call *c, const char *id, void *out, struct err *err)
{
    if (api_check_id(id, "registry", err) < 0)
        return -1;
    return store_registry_get(c->api->pg, c->arena, id, out, err);
}

static int check_login(struct api_call *c, const struct registry_in *in, struct err *err)
{
    bool password = in->password || in->r.has_password;
    if (in->r.username && !password)
        api_add_problem(c, "password", "is required with a username");
    if (in->password && !in->r.username)
        api_add_problem(c, "username", "is required with a password");
    return api_refuse(c, err);
}

/* The password of IN as it is stored; an empty BUF for none. */
static struct store_sealed seal(struct api_call *c, const struct registry_in *in, struct buf *space)
{
    if (in->password)
        secret_seal_k(&c->api->keys, in->r.id, in->password, space);
    return (struct store_sealed){.data = in->password ? space->data : NULL, .len = space->len};
}

static int registry_create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    struct registry_in new = {.r = {.id = uuid_new(c->arena)}};
    AUTO_BUF space = {0};
    api_audit(c, "registry.create", new.r.id);
    if (api_require(c, NULL, PERM_REGISTRY_CREATE, err) < 0 ||
        api_valid(c, &registry_table, in, false, &new, err) < 0 || check_login(c, &new, err) < 0)
        return -1;
    struct store_sealed password = seal(c, &new, &space);
    if (store_registry_insert(c->api->pg, c->arena, &new.r, &password, err) < 0)
        return name_taken(c, err);
    return store_registry_get(c->api->pg, c->arena, new.r.id, out, err);
}

static int registry_update(struct api_call *c, const char *id, struct json_object *in, void *out,
                           struct err *err)
{
    struct registry_in change = {0};
    AUTO_BUF space = {0};
    api_audit(c, "registry.update", id);
    if (api_require(c, NULL, PERM_REGISTRY_UPDATE, err) < 0 ||
        registry_get(c, id, &change.r, err) < 0 ||
        api_valid(c, &registry_table, in, true, &change, err) < 0 ||
        check_login(c, &change, err) < 0)
        return -1;
    struct store_sealed password = seal(c, &change, &space);
    if (store_registry_update(c->api->pg, c->arena, &change.r, &password, err) < 0)
        return name_taken(c, err);
    return store_registry_get(c->api->pg, c->arena, id, out, err);
}

static int registry_delete(struct api_call *c, const char *id, struct err *err)
{
    struct store_registry present;
    api_audit(c, "registry.delete", id);
    if (api_require(c, NULL, PERM_REGISTRY_DELETE, err) < 0 ||
        registry_get(c, id, &present, err) < 0)
        return -1;
    return store_registry_delete(c->api->pg, c->arena, id, err);
}

static void write_registry(const void *x, struct jw *w)
{
    store_registry_json(x, w);
}

static const struct crud registries = {.path = "/api/registries",
                                       .size = sizeof(struct store_registry),
                                       .write = write_registry,
                                       .list = registry_list,
                                       .get = registry_get,
                                       .create = registry_create,
                                       .update = registry_update,
                                       .remove = registry_delete};

static const struct route routes[] = {
    ROUTE(GET, "/api/credentials", crud_list, CREDENTIAL_READ, USER,
          .doc = "List the git credentials", .crud = &credentials, .out = &credential_table,
          .flags = ROUTE_LIST),
    ROUTE(POST, "/api/credentials", crud_create, CREDENTIAL_CREATE, USER,
          .doc = "Add a git credential", .crud = &credentials, .in = &credential_table,
          .out = &credential_table, .status = 201),
    ROUTE(DELETE, "/api/credentials/:id", crud_delete, CREDENTIAL_DELETE, USER,
          .doc = "Delete a git credential", .note = "Refused while an application uses it.",
          .crud = &credentials),
    ROUTE(GET, "/api/registries", crud_list, REGISTRY_READ, USER, .doc = "List the registries",
          .crud = &registries, .out = &registry_table, .flags = ROUTE_LIST),
    ROUTE(POST, "/api/registries", crud_create, REGISTRY_CREATE, USER, .doc = "Add a registry",
          .crud = &registries, .in = &registry_table, .out = &registry_table, .status = 201),
    ROUTE(PATCH, "/api/registries/:id", crud_update, REGISTRY_UPDATE, USER,
          .doc = "Change a registry", .crud = &registries, .in = &registry_table,
          .out = &registry_table, .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/registries/:id", crud_delete, REGISTRY_DELETE, USER,
          .doc = "Delete a registry", .note = "Refused while an application uses it.",
          .crud = &registries, .flags = ROUTE_MATCH),
};
const struct route_table api_credential_routes = {routes, ARRAY_LEN(routes)};

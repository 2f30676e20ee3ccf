/* SPDX-License-Identifier: MIT */
#include "store/credential.h"

#define STORE_T struct store_credential
STORE_TABLE(credential_fields, STORE_CREDENTIAL_FIELDS);
#undef STORE_T
#define STORE_T struct store_registry
STORE_TABLE(registry_fields, STORE_REGISTRY_FIELDS);
#undef STORE_T

#define CREDENTIAL STORE_COLUMNS(STORE_CREDENTIAL_FIELDS)
#define REGISTRY STORE_COLUMNS(STORE_REGISTRY_FIELDS)

static struct pg_param sealed(const struct store_sealed *s)
{
    return s && s->data ? PG_BYTES(s->data, s->len) : PG_TEXT(NULL);
}

int store_credential_insert(struct pg *pg, struct arena *a, const struct store_credential *in,
                            const struct store_sealed *secret, const char *created_by,
                            struct err *err)
{
    return pg_run(
        pg, a,
        "INSERT INTO credentials (id, name, kind, username, secret, public_key, created_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->name), PG_TEXT(in->kind), PG_TEXT(in->username),
                  sealed(secret), PG_TEXT(in->public_key), PG_TEXT(created_by)),
        NULL, err);
}

int store_credential_list(struct pg *pg, struct arena *a, const struct store_page *page,
                          struct store_credentials *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " CREDENTIAL " FROM credentials c WHERE c.deleted_at IS NULL "
               "AND ($1::uuid IS NULL OR c.id < $1::uuid) ORDER BY c.id DESC LIMIT $2",
               PG_PARAMS(PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows, err) < 0)
        return -1;
    STORE_TAKE(a, credential_fields, &rows, page->limit, out);
    return 0;
}

int store_credential_get(struct pg *pg, struct arena *a, const char *id,
                         struct store_credential *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " CREDENTIAL
               " FROM credentials c WHERE c.id = $1::uuid AND c.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such credential");
    store_read(credential_fields, ARRAY_LEN(credential_fields), &rows, 0, 0, out);
    return 0;
}

/* Says which application stands in the way. */
static int in_use(const struct pg_rows *users, const char *what, struct err *err)
{
    return users->n ? err_set(err, ERR_CONFLICT, "the application '%s' uses this %s",
                              pg_cell(users, 0, 0), what)
                    : 0;
}

int store_credential_delete(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    struct pg_rows users;
    if (pg_run(
            pg, a,
            "SELECT name FROM applications WHERE credential_id = $1 AND deleted_at IS NULL LIMIT 1",
            PG_PARAMS(PG_TEXT(id)), &users, err) < 0 ||
        in_use(&users, "credential", err) < 0)
        return -1;
    return pg_run(pg, a, "UPDATE credentials SET deleted_at = now(), secret = '' WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

void store_credential_json(const struct store_credential *c, struct jw *w)
{
    store_write(credential_fields, ARRAY_LEN(credential_fields), c, w);
}

/* ---- registries */

/* There is one default at most. */
static int make_room(struct pg *pg, struct arena *a, const struct store_registry *in,
                     struct err *err)
{
    if (!in->is_default)
        return 0;
    return pg_run(pg, a, "UPDATE registries SET is_default = false WHERE is_default AND id <> $1",
                  PG_PARAMS(PG_TEXT(in->id)), NULL, err);
}

int store_registry_insert(struct pg *pg, struct arena *a, const struct store_registry *in,
                          const struct store_sealed *password, struct err *err)
{
    if (make_room(pg, a, in, err) < 0)
        return -1;
    return pg_run(pg, a,
                  "INSERT INTO registries (id, name, address, username, password, is_default) "
                  "VALUES ($1, $2, $3, $4, $5, $6)",
                  PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->name), PG_TEXT(in->address),
                            PG_TEXT(in->username), sealed(password), PG_BOOL(in->is_default)),
                  NULL, err);
}

int store_registry_update(struct pg *pg, struct arena *a, const struct store_registry *in,
                          const struct store_sealed *password, struct err *err)
{
    struct pg_rows rows;
    if (make_room(pg, a, in, err) < 0 ||
        pg_run(pg, a,
               "UPDATE registries SET name = $2, address = $3, username = $4, is_default = $5, "
               "password = CASE WHEN $4::text IS NULL THEN NULL ELSE coalesce($6, password) END, "
               "updated_at = greatest(now(), updated_at + interval '1 ms') WHERE id = $1 "
               "AND (extract(epoch FROM updated_at) * 1000)::bigint = $7",
               PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->name), PG_TEXT(in->address),
                         PG_TEXT(in->username), PG_BOOL(in->is_default), sealed(password),
                         PG_INT(a, in->updated_at)),
               &rows, err) < 0)
        return -1;
    return store_fresh(&rows, "registry", err);
}

int store_registry_list(struct pg *pg, struct arena *a, const struct store_page *page,
                        struct store_registries *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " REGISTRY " FROM registries r WHERE r.deleted_at IS NULL "
               "AND ($1::uuid IS NULL OR r.id < $1::uuid) ORDER BY r.id DESC LIMIT $2",
               PG_PARAMS(PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows, err) < 0)
        return -1;
    STORE_TAKE(a, registry_fields, &rows, page->limit, out);
    return 0;
}

int store_registry_get(struct pg *pg, struct arena *a, const char *id, struct store_registry *out,
                       struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " REGISTRY
               " FROM registries r WHERE r.id = $1::uuid AND r.deleted_at IS NULL",
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    if (!rows.n)
        return err_set(err, ERR_NOT_FOUND, "there is no such registry");
    store_read(registry_fields, ARRAY_LEN(registry_fields), &rows, 0, 0, out);
    return 0;
}

int store_registry_delete(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    struct pg_rows users;
    if (pg_run(
            pg, a,
            "SELECT name FROM applications WHERE registry_id = $1 AND deleted_at IS NULL LIMIT 1",
            PG_PARAMS(PG_TEXT(id)), &users, err) < 0 ||
        in_use(&users, "registry", err) < 0)
        return -1;
    return pg_run(pg, a,
                  "UPDATE registries SET deleted_at = now(), is_default = false, password = NULL "
                  "WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

void store_registry_json(const struct store_registry *r, struct jw *w)
{
    store_write(registry_fields, ARRAY_LEN(registry_fields), r, w);
}

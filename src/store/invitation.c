/* SPDX-License-Identifier: MIT */
#include "store/invitation.h"

#define STORE_T struct store_invitation
STORE_TABLE(invitation_fields, STORE_INVITATION_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_INVITATION_FIELDS)
#define NFIELDS ARRAY_LEN(invitation_fields)
#define OPEN "i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now() "

enum { HASH_SIZE = 32 };

static int one(const struct pg_rows *rows, struct store_invitation *out, struct err *err)
{
    if (!rows->n)
        return err_set(err, ERR_NOT_FOUND, "there is no such invitation");
    store_read(invitation_fields, NFIELDS, rows, 0, 0, out);
    return 0;
}

int store_invitation_insert(struct pg *pg, struct arena *a, const struct store_invitation *in,
                            const void *hash, const char *created_by, struct err *err)
{
    return pg_run(
        pg, a,
        "INSERT INTO invitations (id, email, roles, team_id, team_role, expires_at, hash, "
        "created_by) VALUES ($1, $2, ARRAY(SELECT jsonb_array_elements_text($3::jsonb)), "
        "$4, $5, to_timestamp($6::float8 / 1000), $7, $8)",
        PG_PARAMS(PG_TEXT(in->id), PG_TEXT(in->email), PG_TEXT(in->roles), PG_TEXT(in->team_id),
                  PG_TEXT(in->team_role), PG_TIME(a, in->expires_at), PG_BYTES(hash, HASH_SIZE),
                  PG_TEXT(created_by)),
        NULL, err);
}

int store_invitation_list(struct pg *pg, struct arena *a, const struct store_page *page,
                          struct store_invitations *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM invitations i WHERE " OPEN
               "AND ($1::uuid IS NULL OR i.id < $1::uuid) ORDER BY i.id DESC LIMIT $2",
               PG_PARAMS(PG_TEXT(page->cursor), PG_INT(a, page->limit + 1)), &rows, err) < 0)
        return -1;
    STORE_TAKE(a, invitation_fields, &rows, page->limit, out);
    return 0;
}

int store_invitation_get(struct pg *pg, struct arena *a, const char *id,
                         struct store_invitation *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS " FROM invitations i WHERE i.id = $1::uuid AND " OPEN,
               PG_PARAMS(PG_TEXT(id)), &rows, err) < 0)
        return -1;
    return one(&rows, out, err);
}

int store_invitation_revoke(struct pg *pg, struct arena *a, const char *id, struct err *err)
{
    return pg_run(pg, a, "UPDATE invitations SET revoked_at = now() WHERE id = $1",
                  PG_PARAMS(PG_TEXT(id)), NULL, err);
}

int store_invitation_find(struct pg *pg, struct arena *a, const void *hash,
                          struct store_invitation *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a, "SELECT " COLUMNS " FROM invitations i WHERE i.hash = $1 AND " OPEN,
               PG_PARAMS(PG_BYTES(hash, HASH_SIZE)), &rows, err) < 0)
        return -1;
    return one(&rows, out, err);
}

int store_invitation_accept(struct pg *pg, struct arena *a, const void *hash,
                            struct store_invitation *out, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "UPDATE invitations i SET accepted_at = now() WHERE i.hash = $1 AND " OPEN
               "RETURNING " COLUMNS,
               PG_PARAMS(PG_BYTES(hash, HASH_SIZE)), &rows, err) < 0)
        return -1;
    return one(&rows, out, err);
}

void store_invitation_json(const struct store_invitation *i, struct jw *w)
{
    store_write(invitation_fields, NFIELDS, i, w);
}

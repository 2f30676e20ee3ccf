/* SPDX-License-Identifier: MIT */
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/rand.h"
#include "base/str.h"

enum { BATCH = 1000 };

#define STORE_T struct store_audit
STORE_TABLE(audit_fields, STORE_AUDIT_FIELDS);
#undef STORE_T

#define COLUMNS STORE_COLUMNS(STORE_AUDIT_FIELDS)

int store_audit_add(struct pg *pg, struct arena *a, const struct store_audit *in, struct err *err)
{
    return pg_run(pg, a,
                  "INSERT INTO audit_log (id, at, actor_id, actor, action, resource, outcome, "
                  "address, request_id, change) "
                  "VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9)",
                  PG_PARAMS(PG_TEXT(uuid_new(a)), PG_TEXT(in->actor_id), PG_TEXT(in->actor),
                            PG_TEXT(in->action), PG_TEXT(in->resource), PG_TEXT(in->outcome),
                            PG_TEXT(in->address), PG_TEXT(in->request_id), PG_TEXT(in->change)),
                  NULL, err);
}

int store_audit_list(struct pg *pg, struct arena *a, const struct store_audit_filter *f,
                     const struct store_page *page, struct store_audits *out, struct err *err)
{
    struct pg_rows rows;
    const char *id = f->actor && uuid_valid(f->actor) ? f->actor : NULL;
    const char *prefix = f->action && str_ends(f->action, ".") ? f->action : NULL;
    if (pg_run(pg, a,
               "SELECT " COLUMNS " FROM audit_log l WHERE ($1::uuid IS NULL OR l.id < $1::uuid) "
               "AND ($2::uuid IS NULL OR l.actor_id = $2::uuid) "
               "AND ($3::text IS NULL OR l.actor = $3) AND ($4::text IS NULL OR l.action = $4) "
               "AND ($5::text IS NULL OR starts_with(l.action, $5)) "
               "AND ($6::text IS NULL OR l.resource = $6) "
               "AND ($7::float8 IS NULL OR l.at >= to_timestamp($7::float8 / 1000)) "
               "AND ($8::float8 IS NULL OR l.at < to_timestamp($8::float8 / 1000)) "
               "ORDER BY l.id DESC LIMIT $9",
               PG_PARAMS(PG_TEXT(page->cursor), PG_TEXT(id), PG_TEXT(id ? NULL : f->actor),
                         PG_TEXT(prefix ? NULL : f->action), PG_TEXT(prefix), PG_TEXT(f->resource),
                         PG_TIME(a, f->from), PG_TIME(a, f->to), PG_INT(a, page->limit + 1)),
               &rows, err) < 0)
        return -1;
    STORE_TAKE(a, audit_fields, &rows, page->limit, out);
    return 0;
}

void store_audit_json(const struct store_audit *e, struct jw *w)
{
    store_write(audit_fields, ARRAY_LEN(audit_fields), e, w);
}

/* ---- the chain */

/* What is hashed of an entry, in this order; the text is the same on every server. */
#define HASHED                                                                                  \
    "l.id, to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), l.actor_id, " \
    "l.actor, l.action, l.resource, l.outcome, l.address, l.request_id, l.change::text"
enum { HASHED_COLUMNS = 10 };

/* Row ROW's columns from FIRST on, at the place SEQ, behind PREVIOUS. */
static void link_hash(const unsigned char previous[SHA256_SIZE], int64_t seq,
                      const struct pg_rows *rows, size_t row, size_t first,
                      unsigned char out[SHA256_SIZE])
{
    AUTO_BUF text = {0};
    struct jw w;
    buf_add(&text, previous, SHA256_SIZE);
    jw_init(&w, &text);
    jw_begin_array(&w);
    jw_int(&w, seq);
    for (size_t i = 0; i < HASHED_COLUMNS; i++)
        jw_str(&w, pg_cell(rows, row, first + i));
    jw_end_array(&w);
    sha256(text.data, text.len, out);
}

static int read_head(struct pg *pg, struct arena *a, int64_t *seq, unsigned char hash[SHA256_SIZE],
                     struct err *err)
{
    struct pg_rows rows;
    *seq = 0;
    memset(hash, 0, SHA256_SIZE);
    if (pg_run(pg, a, "SELECT seq, hash FROM audit_chain ORDER BY seq DESC LIMIT 1", PG_NONE, &rows,
               err) < 0)
        return -1;
    if (rows.n) {
        *seq = strtoll(pg_cell(&rows, 0, 0), NULL, 10);
        memcpy(hash, pg_cell(&rows, 0, 1), SHA256_SIZE);
    }
    return 0;
}

static int append(struct pg *pg, struct arena *a, const struct pg_rows *rows, int64_t seq,
                  unsigned char hash[SHA256_SIZE], struct err *err)
{
    for (size_t i = 0; i < rows->n; i++) {
        unsigned char next[SHA256_SIZE];
        link_hash(hash, ++seq, rows, i, 0, next);
        memcpy(hash, next, SHA256_SIZE);
        if (pg_run(pg, a, "INSERT INTO audit_chain (seq, entry_id, hash) VALUES ($1, $2, $3)",
                   PG_PARAMS(PG_INT(a, seq), PG_TEXT(pg_cell(rows, i, 0)),
                             PG_BYTES(arena_memdup(a, hash, SHA256_SIZE), SHA256_SIZE)),
                   NULL, err) < 0)
            return -1;
    }
    return 0;
}

int store_audit_chain(struct pg *pg, struct arena *a, int64_t limit, int64_t *n, struct err *err)
{
    struct pg_rows rows;
    unsigned char hash[SHA256_SIZE];
    int64_t seq;
    *n = 0;
    if (pg_begin(pg, err) < 0)
        return -1;
    /* a transaction may commit an entry after newer ones are chained, but not a day after */
    if (pg_run(pg, a, "SELECT pg_advisory_xact_lock(hashtext('slipway audit chain'))", PG_NONE,
               NULL, err) < 0 ||
        read_head(pg, a, &seq, hash, err) < 0 ||
        pg_run(pg, a,
               "SELECT " HASHED " FROM audit_log l WHERE l.at > coalesce((SELECT max(h.at) "
               "FROM audit_chain c JOIN audit_log h ON h.id = c.entry_id "
               "WHERE c.seq = (SELECT max(seq) FROM audit_chain)), '-infinity') "
               "- interval '1 day' "
               "AND NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.entry_id = l.id) "
               "ORDER BY l.at, l.id LIMIT $1",
               PG_PARAMS(PG_INT(a, limit)), &rows, err) < 0 ||
        append(pg, a, &rows, seq, hash, err) < 0 || pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return -1;
    }
    *n = (int64_t)rows.n;
    return 0;
}

/* One batch of the chain behind *seq. */
static bool verify_rows(struct arena *a, const struct pg_rows *rows,
                        unsigned char hash[SHA256_SIZE], const struct store_audit_head *wanted,
                        int64_t *seq, struct store_audit_check *out)
{
    for (size_t i = 0; i < rows->n; i++) {
        int64_t at = strtoll(pg_cell(rows, i, 0), NULL, 10);
        unsigned char good[SHA256_SIZE];
        out->broken_at = *seq + 1;
        if (at != *seq + 1) {
            out->broken = "an entry is missing from the chain";
            return false;
        }
        link_hash(hash, at, rows, i, 2, good);
        if (memcmp(good, pg_cell(rows, i, 1), SHA256_SIZE) != 0) {
            out->broken =
                arena_printf(a, "the entry %s or its place was changed", pg_cell(rows, i, 2));
            return false;
        }
        memcpy(hash, good, SHA256_SIZE);
        *seq = at;
        if (wanted->seq == at && !str_eq(hex_encode(a, good, SHA256_SIZE), wanted->hash)) {
            out->broken = "the chain had another head when it was noted";
            return false;
        }
        out->broken_at = 0;
    }
    return true;
}

int store_audit_verify(struct pg *pg, struct arena *a, const struct store_audit_head *wanted,
                       struct store_audit_check *out, struct err *err)
{
    AUTO_ARENA turn = {0};
    struct pg_rows rows;
    unsigned char hash[SHA256_SIZE] = {0};
    int64_t seq = 0;
    *out = (struct store_audit_check){0};
    do {
        arena_reset(&turn);
        if (pg_run(pg, &turn,
                   "SELECT c.seq, c.hash, " HASHED " FROM audit_chain c "
                   "JOIN audit_log l ON l.id = c.entry_id WHERE c.seq > $1 ORDER BY c.seq LIMIT $2",
                   PG_PARAMS(PG_INT(&turn, seq), PG_INT(&turn, BATCH)), &rows, err) < 0)
            return -1;
        if (!verify_rows(a, &rows, hash, wanted, &seq, out))
            return 0;
    } while (rows.n == BATCH);
    out->head.seq = seq;
    memcpy(out->head.hash, hex_encode(a, hash, SHA256_SIZE), sizeof(out->head.hash));
    if (wanted->seq > seq) {
        out->broken_at = seq + 1;
        out->broken = "entries were cut off at the end";
    }
    if (pg_run(pg, a,
               "SELECT count(*) FROM audit_log l "
               "WHERE NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.entry_id = l.id)",
               PG_NONE, &rows, err) < 0)
        return -1;
    out->unchained = strtoll(pg_cell(&rows, 0, 0), NULL, 10);
    return 0;
}

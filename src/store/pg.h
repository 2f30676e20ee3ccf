/* SPDX-License-Identifier: MIT */
/*
 * The Database Client: one connection to PostgreSQL a process, and the only file that knows libpq.
 *
 * Statements are literals with $1 parameters and are prepared lazily, once a connection. When the
 * connection is lost it is made again at the next statement; a statement that only reads is then
 * repeated, one that writes gives ERR_UNAVAILABLE (whether it happened is unknown) unless it never
 * left. Results live in the caller's arena.
 */
#ifndef SLIPWAY_STORE_PG_H
#define SLIPWAY_STORE_PG_H

#include "base/arena.h"
#include "base/err.h"

struct pg;
struct buf;
struct jw;

struct pg_config {
    const char *url;
    const char *name;       /* application_name, shown in pg_stat_activity */
    int64_t timeout_ms;     /* statement_timeout; 0 is none */
    int64_t log_queries_ms; /* log statements that take at least this; -1 none */
};

/* Connects. The caller owns the result. NULL with ERR_UNAVAILABLE when PostgreSQL does not
 * answer. */
struct pg *pg_open(const struct pg_config *config, struct err *err);
/* Like pg_open(), but connects at the first statement. */
struct pg *pg_open_lazy(const struct pg_config *config);
void pg_close(struct pg *pg);
void pg_close_ptr(struct pg **pg);
#define AUTO_PG CLEANUP(pg_close_ptr) struct pg

/* Rows as text. NULL is SQL's NULL. bytea columns are decoded and have a length. */
struct pg_rows {
    size_t n, columns;
    const char **cells; /* row-major */
    size_t *lengths;
    int64_t affected; /* rows changed by INSERT, UPDATE, DELETE */
};

struct pg_param {
    const char *text; /* NULL is SQL's NULL */
    size_t len;       /* only for binary */
    bool binary;      /* a bytea */
};

#define PG_TEXT(s) ((struct pg_param){.text = (s)})
#define PG_BYTES(p, n) ((struct pg_param){.text = (const char *)(p), .len = (n), .binary = true})
#define PG_INT(a, v) ((struct pg_param){.text = arena_printf((a), "%lld", (long long)(v))})
#define PG_NUM(a, v) ((struct pg_param){.text = arena_printf((a), "%.17g", (double)(v))})
#define PG_BOOL(v) ((struct pg_param){.text = (v) ? "t" : "f"})
/* A moment in milliseconds; 0 is NULL. Use as to_timestamp($1::float8 / 1000). */
#define PG_TIME(a, ms) \
    ((struct pg_param){.text = (ms) ? arena_printf((a), "%lld", (long long)(ms)) : NULL})

#define PG_PARAMS(...)                      \
    (const struct pg_param[]){__VA_ARGS__}, \
        (sizeof((const struct pg_param[]){__VA_ARGS__}) / sizeof(struct pg_param))
#define PG_NONE NULL, 0

/* Runs SQL (a literal: its address is its name as a prepared statement). ROWS may be NULL.
 * ERR_CONFLICT: a unique or exclusion constraint; msg is the constraint's name.
 * ERR_INVALID: another constraint or a bad value. ERR_TIMEOUT: statement_timeout.
 * ERR_UNAVAILABLE: PostgreSQL is away. ERR_INTERNAL: anything else; the text is in detail. */
int pg_run(struct pg *pg, struct arena *a, const char *sql, const struct pg_param *params, size_t n,
           struct pg_rows *rows, struct err *err);

/* A file of statements without parameters (migrations). */
int pg_script(struct pg *pg, const char *sql, struct err *err);

/* Transactions. One inside another is a savepoint, so that a function that needs its statements to
 * happen together works alone and as a part of something larger. A failed statement, and a failed
 * pg_commit(), leave pg_rollback() to be called. */
int pg_begin(struct pg *pg, struct err *err);
int pg_commit(struct pg *pg, struct err *err);
void pg_rollback(struct pg *pg);
/* Undoes everything back to the outermost pg_begin(). */
void pg_rollback_all(struct pg *pg);

/* Connects when there is no connection; ERR_UNAVAILABLE when PostgreSQL is away. */
int pg_ping(struct pg *pg, struct err *err);

/* Takes the advisory lock NAME (at most 63 bytes) for as long as PG is open: a connection that is
 * made anew takes it again first. ERR_CONFLICT: somebody else has it; then and whenever it
 * cannot be had again, every further statement fails likewise. */
int pg_lock(struct pg *pg, const char *name, struct err *err);

/* What PG's own statements changed, as the triggers of sql/0009_cache.sql name it: before each
 * commit and after it; of a statement outside a transaction after it. */
typedef void pg_changed(void *arg, const char *const *names, size_t n);
void pg_on_change(struct pg *pg, pg_changed *changed, void *arg);

/* What others notified on CHANNEL since the last call; does not wait. The first call begins to
 * listen. When the connection was lost meanwhile, so may have been notifications: then the one
 * name "epoch". ERR_UNAVAILABLE. */
int pg_heard(struct pg *pg, const char *channel, pg_changed *changed, void *arg, struct err *err);

/* The server's process id of the connection, as in pg_stat_activity; 0 when not connected. */
int pg_backend(struct pg *pg);

/* The socket, for poll(); -1 when not connected. */
int pg_socket(struct pg *pg);

const char *pg_cell(const struct pg_rows *r, size_t row, size_t column);

/*
 * One field list an aggregate. STORE_X_FIELDS(X) has a row X(kind, member, sql, json) a field;
 * the macros below make the struct's members, the column list and a table out of it, and the
 * functions read a row and write JSON by that table. Kinds: STR (const char *), INT (int64_t),
 * NUM (double), BOOL (bool), TIME (int64_t, milliseconds), JSON (const char *, raw JSON text),
 * LIST (const char *, a text[] as JSON). A field whose json name is NULL is not shown.
 */
#define STORE_CTYPE_STR const char *
#define STORE_CTYPE_INT int64_t
#define STORE_CTYPE_NUM double
#define STORE_CTYPE_BOOL bool
#define STORE_CTYPE_TIME int64_t
#define STORE_CTYPE_JSON const char *

enum store_kind {
    STORE_KIND_STR,
    STORE_KIND_INT,
    STORE_KIND_NUM,
    STORE_KIND_BOOL,
    STORE_KIND_TIME,
    STORE_KIND_JSON,
};

struct store_field {
    enum store_kind kind;
    size_t offset;
    const char *json;
};

#define STORE_MEMBER(kind, member, sql, json) STORE_CTYPE_##kind member;
/* Each column with a comma behind it; the list ends with a NULL column. */
#define STORE_COLUMN_STR(sql) sql ", "
#define STORE_COLUMN_INT(sql) sql ", "
#define STORE_COLUMN_NUM(sql) sql ", "
#define STORE_COLUMN_BOOL(sql) sql ", "
#define STORE_COLUMN_TIME(sql) "(extract(epoch FROM " sql ") * 1000)::bigint, "
#define STORE_COLUMN_JSON(sql) sql ", "
#define STORE_COLUMN(kind, member, sql, json) STORE_COLUMN_##kind(sql)
#define STORE_COLUMNS(FIELDS) FIELDS(STORE_COLUMN) "NULL"

/* static const struct store_field NAME[] for struct TYPE */
#define STORE_TABLE_ROW(kind, member, sql, json) \
    {STORE_KIND_##kind, offsetof(STORE_T, member), json},
#define STORE_TABLE(name, FIELDS) static const struct store_field name[] = {FIELDS(STORE_TABLE_ROW)}

/* Fills the struct at OUT from a row, beginning at COLUMN. */
void store_read(const struct store_field *fields, size_t n, const struct pg_rows *rows, size_t row,
                size_t column, void *out);
/* Writes the shown fields as members of the object that W has open. */
void store_write(const struct store_field *fields, size_t n, const void *from, struct jw *w);

/* Whose eyes a read is done with. A getter that takes one cannot forget the tenant. */
struct store_scope {
    const char *user_id;
    bool everything;      /* a system owner or admin */
    const char *projects; /* "{id,id}": an API token's; NULL: no such limit */
};

/* $1 and $2 of STORE_PROJECT_VISIBLE */
#define PG_SCOPE(scope) \
    PG_TEXT((scope)->projects), PG_TEXT((scope)->everything ? NULL : (scope)->user_id)

/* After an UPDATE that asked for the row as it was read: ERR_PRECONDITION when it found none. */
int store_fresh(const struct pg_rows *rows, const char *what, struct err *err);

/* Up to LIMIT rows as structs of SIZE bytes; *more says whether there are others behind them. */
void *store_take(struct arena *a, const struct store_field *fields, size_t n_fields,
                 const struct pg_rows *rows, int64_t limit, size_t size, size_t *n, bool *more);
/* OUT is a pointer to a struct with list, n and more. */
#define STORE_TAKE(a, fields, rows, limit, out)                                  \
    ((out)->list = store_take((a), (fields), ARRAY_LEN(fields), (rows), (limit), \
                              sizeof(*(out)->list), &(out)->n, &(out)->more))

/* A page of a list: ids below CURSOR (NULL: from the newest), at most LIMIT. */
struct store_page {
    const char *cursor;
    int64_t limit;
};

#endif

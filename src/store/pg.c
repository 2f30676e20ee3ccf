/* SPDX-License-Identifier: MIT */
#include "store/pg.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

/* A name of what changed is a UUID or a word. */
enum { CHANGES = 16, NAME_SIZE = 40 };
enum { STATEMENTS = 512 }; /* a power of two, well above the number of literals */

/* More names than CHANGES are one: everything. */
struct changes {
    char names[CHANGES][NAME_SIZE];
    size_t n;
};

struct pg {
    struct pg_config config;
    PGconn *conn;
    int depth;                        /* of transactions: 0 none, 1 BEGIN, above it savepoints */
    const char *prepared[STATEMENTS]; /* hash table of the literals' addresses */
    pg_changed *changed;
    void *changed_arg;
    struct changes changes; /* by the transaction until now */
    bool listening;
    char lock[64]; /* advisory lock that a new connection takes again, or "" */
};

static void clear_result(PGresult **r)
{
    PQclear(*r);
}
#define AUTO_RESULT CLEANUP(clear_result) PGresult

static void add_change(struct changes *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->names[i], name))
            return;
    if (c->n == CHANGES) {
        c->n = 0;
        name = "epoch";
    }
    snprintf(c->names[c->n++], NAME_SIZE, "%s", name);
}

static void tell(const struct changes *c, pg_changed *changed, void *arg)
{
    const char *names[CHANGES];
    for (size_t i = 0; i < c->n; i++)
        names[i] = c->names[i];
    if (c->n && changed)
        changed(arg, names, c->n);
}

static void on_notice(void *arg, const PGresult *r)
{
    struct pg *pg = arg;
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (str_eq(state, "SW001") && message)
        add_change(&pg->changes, message);
    else
        log_debug("postgresql: %s", message ? message : "");
}

static void tell_changes(struct pg *pg, bool done)
{
    tell(&pg->changes, pg->changed, pg->changed_arg);
    if (done)
        pg->changes.n = 0;
}

void pg_on_change(struct pg *pg, pg_changed *changed, void *arg)
{
    pg->changed = changed;
    pg->changed_arg = arg;
}

struct pg *pg_open_lazy(const struct pg_config *config)
{
    struct pg *pg = calloc(1, sizeof(*pg));
    if (!pg)
        base_oom(sizeof(*pg));
    pg->config = *config;
    pg->config.url = strdup(config->url);
    return pg;
}

struct pg *pg_open(const struct pg_config *config, struct err *err)
{
    struct pg *pg = pg_open_lazy(config);
    if (pg_ping(pg, err) < 0) {
        pg_close(pg);
        return NULL;
    }
    return pg;
}

void pg_close(struct pg *pg)
{
    if (!pg)
        return;
    PQfinish(pg->conn);
    free((char *)(uintptr_t)pg->config.url);
    free(pg);
}

void pg_close_ptr(struct pg **pg)
{
    pg_close(*pg);
}

static int away(struct pg *pg, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "the database does not answer");
    err_detail(err, "%s", pg->conn ? PQerrorMessage(pg->conn) : "no connection");
    return -1;
}

/* The lock was the lost connection's. When somebody else has it by now, this connection is of no
 * use to its owner. */
static int take_lock(struct pg *pg, struct err *err)
{
    const char *const values[] = {pg->lock};
    AUTO_RESULT *r = PQexecParams(pg->conn, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))",
                                  1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        return away(pg, err);
    if (*PQgetvalue(r, 0, 0) == 't')
        return 0;
    PQfinish(pg->conn);
    pg->conn = NULL;
    return err_set(err, ERR_CONFLICT, "somebody else works on it");
}

static int connect_now(struct pg *pg, struct err *err)
{
    /* both sides notice within half a minute when the other's machine has vanished; what a
     * statement changed comes as a notice (sql/0009_cache.sql) */
    char options[256];
    snprintf(options, sizeof(options),
             "-c statement_timeout=%lld -c timezone=UTC -c client_min_messages=notice "
             "-c tcp_keepalives_idle=10 "
             "-c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
             (long long)pg->config.timeout_ms);
    const char *const keys[] = {"dbname",           "application_name",
                                "options",          "client_encoding",
                                "connect_timeout",  "keepalives_idle",
                                "keepalives_count", "keepalives_interval",
                                "tcp_user_timeout", NULL};
    const char *const values[] = {
        pg->config.url, pg->config.name, options, "UTF8", "5", "10", "3", "5", "30000", NULL};
    PQfinish(pg->conn);
    memset(pg->prepared, 0, sizeof(pg->prepared));
    pg->depth = 0;
    pg->conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(pg->conn) != CONNECTION_OK)
        return away(pg, err);
    PQsetNoticeReceiver(pg->conn, on_notice, pg);
    pg->listening = false;
    pg->changes.n = 0;
    return pg->lock[0] ? take_lock(pg, err) : 0;
}

static int ensure(struct pg *pg, struct err *err)
{
    if (pg->conn && PQstatus(pg->conn) == CONNECTION_OK)
        return 0;
    if (pg->depth)
        return away(pg, err); /* so does every statement until whoever began it has ended it */
    return connect_now(pg, err);
}

int pg_ping(struct pg *pg, struct err *err)
{
    if (ensure(pg, err) < 0)
        return -1;
    AUTO_RESULT *r = PQexec(pg->conn, "SELECT 1");
    if (PQresultStatus(r) == PGRES_TUPLES_OK)
        return 0;
    return connect_now(pg, err);
}

int pg_lock(struct pg *pg, const char *name, struct err *err)
{
    if (strlen(name) >= sizeof(pg->lock))
        BUG("the lock's name %s is too long", name);
    if (ensure(pg, err) < 0)
        return -1;
    snprintf(pg->lock, sizeof(pg->lock), "%s", name);
    return take_lock(pg, err);
}

int pg_backend(struct pg *pg)
{
    return pg->conn ? PQbackendPID(pg->conn) : 0;
}

int pg_socket(struct pg *pg)
{
    return pg->conn ? PQsocket(pg->conn) : -1;
}

/* libpq's outcome as a struct err. SQLSTATE classes: PostgreSQL manual, appendix A. */
static int refuse(struct pg *pg, const PGresult *r, const char *sql, struct err *err)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    if (PQstatus(pg->conn) != CONNECTION_OK || !state || str_starts(state, "57P") ||
        str_starts(state, "08"))
        return away(pg, err);
    if (str_eq(state, "23505") || str_eq(state, "23P01"))
        err_set(err, ERR_CONFLICT, "%s", constraint ? constraint : "");
    else if (str_starts(state, "23") || str_starts(state, "22"))
        err_set(err, ERR_INVALID, "the database refused a value%s%s", constraint ? ": " : "",
                constraint ? constraint : "");
    else if (str_eq(state, "57014"))
        err_set(err, ERR_TIMEOUT, "the database took too long");
    else if (str_eq(state, "40001") || str_eq(state, "40P01") || str_eq(state, "55P03") ||
             str_starts(state, "53"))
        err_set(err, ERR_UNAVAILABLE, "the database is busy");
    else
        err_set(err, ERR_INTERNAL, "the database refused a statement");
    err_detail(err, "%s %s: %.160s", state, PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), sql);
    return -1;
}

/* The statement's name; prepares it when this connection has not seen it. */
static int prepare(struct pg *pg, const char *sql, char name[32], struct err *err)
{
    uintptr_t key = (uintptr_t)sql;
    size_t at = (key >> 3) % STATEMENTS;
    for (size_t i = 0; pg->prepared[at] && pg->prepared[at] != sql; i++) {
        if (i == STATEMENTS)
            BUG("more than %d statements", STATEMENTS);
        at = (at + 1) % STATEMENTS;
    }
    snprintf(name, 32, "s%zx", (size_t)key);
    if (pg->prepared[at])
        return 0;
    AUTO_RESULT *r = PQprepare(pg->conn, name, sql, 0, NULL);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        return refuse(pg, r, sql, err);
    pg->prepared[at] = sql;
    return 0;
}

static const char *decode_bytea(struct arena *a, const char *text, size_t *len)
{
    size_t n = 0;
    unsigned char *raw = PQunescapeBytea((const unsigned char *)text, &n);
    if (!raw)
        base_oom(*len);
    char *copy = arena_memdup(a, raw, n);
    PQfreemem(raw);
    *len = n;
    return copy;
}

static void take_rows(struct arena *a, const PGresult *r, struct pg_rows *rows)
{
    enum { OID_BYTEA = 17 };
    size_t n = (size_t)PQntuples(r), columns = (size_t)PQnfields(r);
    *rows = (struct pg_rows){
        .n = n, .columns = columns, .affected = atoll(PQcmdTuples((PGresult *)(uintptr_t)r))};
    rows->cells = ARENA_ARRAY(a, n * columns + 1, const char *);
    rows->lengths = ARENA_ARRAY(a, n * columns + 1, size_t);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++) {
            size_t at = i * columns + c;
            if (PQgetisnull(r, (int)i, (int)c))
                continue;
            rows->lengths[at] = (size_t)PQgetlength(r, (int)i, (int)c);
            const char *text = PQgetvalue(r, (int)i, (int)c);
            rows->cells[at] = PQftype(r, (int)c) == OID_BYTEA
                                  ? decode_bytea(a, text, &rows->lengths[at])
                                  : arena_memdup(a, text, rows->lengths[at]);
        }
}

static PGresult *execute(struct pg *pg, const char *name, const struct pg_param *params, size_t n)
{
    const char *values[64];
    int lengths[64], formats[64];
    if (n > ARRAY_LEN(values))
        BUG("a statement with %zu parameters", n);
    for (size_t i = 0; i < n; i++) {
        values[i] = params[i].text;
        lengths[i] = (int)params[i].len;
        formats[i] = params[i].binary;
    }
    return PQexecPrepared(pg->conn, name, (int)n, values, lengths, formats, 0);
}

static bool only_reads(const char *sql)
{
    return str_starts(sql, "SELECT ") && !strstr(sql, "FOR UPDATE") && !strstr(sql, "pg_try");
}

int pg_run(struct pg *pg, struct arena *a, const char *sql, const struct pg_param *params, size_t n,
           struct pg_rows *rows, struct err *err)
{
    char name[32];
    int64_t start = time_monotonic();
    for (int attempt = 0;; attempt++) {
        if (ensure(pg, err) < 0)
            return -1;
        bool again = attempt == 0 && !pg->depth;
        if (prepare(pg, sql, name, err) < 0) {
            if (again && PQstatus(pg->conn) != CONNECTION_OK)
                continue; /* it never left */
            return -1;
        }
        AUTO_RESULT *r = execute(pg, name, params, n);
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
            struct pg_rows none;
            take_rows(a, r, rows ? rows : &none);
            break;
        }
        if (again && PQstatus(pg->conn) != CONNECTION_OK && only_reads(sql))
            continue;
        return refuse(pg, r, sql, err);
    }
    if (!pg->depth)
        tell_changes(pg, true);
    int64_t took = time_monotonic() - start;
    if (pg->config.log_queries_ms >= 0 && took >= pg->config.log_queries_ms)
        log_info("query took %lld ms: %.200s", (long long)took, sql);
    return 0;
}

int pg_script(struct pg *pg, const char *sql, struct err *err)
{
    if (ensure(pg, err) < 0)
        return -1;
    AUTO_RESULT *r = PQexec(pg->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        return refuse(pg, r, sql, err);
    if (!pg->depth)
        tell_changes(pg, true);
    return 0;
}

int pg_begin(struct pg *pg, struct err *err)
{
    struct err first;
    char savepoint[40];
    if (pg->depth) {
        snprintf(savepoint, sizeof(savepoint), "SAVEPOINT s%d", pg->depth);
        if (pg_script(pg, savepoint, err) < 0)
            return -1;
        pg->depth++;
        return 0;
    }
    /* nothing is lost by a second try on a fresh connection */
    if (pg_script(pg, "BEGIN", &first) < 0 && pg_script(pg, "BEGIN", err) < 0)
        return -1;
    pg->depth = 1;
    return 0;
}

int pg_commit(struct pg *pg, struct err *err)
{
    char release[40];
    if (!pg->depth)
        BUG("commit without a transaction");
    if (pg->depth > 1) {
        snprintf(release, sizeof(release), "RELEASE s%d", pg->depth - 1);
        if (pg_script(pg, release, err) < 0)
            return -1;
        pg->depth--;
        return 0;
    }
    pg->depth = 0;
    if (PQstatus(pg->conn) != CONNECTION_OK)
        return away(pg, err);
    tell_changes(pg, false);
    AUTO_RESULT *r = PQexec(pg->conn, "COMMIT");
    tell_changes(pg, true); /* also when it is not known whether it happened */
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        return refuse(pg, r, "COMMIT", err);
    if (!str_eq(PQcmdStatus(r), "COMMIT"))
        return err_set(err, ERR_INTERNAL, "a transaction that had failed was committed");
    return 0;
}

void pg_rollback(struct pg *pg)
{
    char undo[64] = "ROLLBACK";
    if (!pg->depth)
        return;
    pg->depth--;
    if (!pg->depth)
        pg->changes.n = 0;
    if (pg->depth)
        snprintf(undo, sizeof(undo), "ROLLBACK TO s%d; RELEASE s%d", pg->depth, pg->depth);
    if (PQstatus(pg->conn) == CONNECTION_OK)
        PQclear(PQexec(pg->conn, undo));
}

void pg_rollback_all(struct pg *pg)
{
    while (pg->depth > 1)
        pg->depth--; /* the outermost takes the others with it */
    pg_rollback(pg);
}

int pg_heard(struct pg *pg, const char *channel, pg_changed *changed, void *arg, struct err *err)
{
    static const char *const everything[] = {"epoch"};
    if (ensure(pg, err) < 0)
        return -1;
    if (!pg->listening) {
        char listen[80];
        snprintf(listen, sizeof(listen), "LISTEN %s", channel);
        if (pg_script(pg, listen, err) < 0)
            return -1;
        pg->listening = true;
        changed(arg, everything, 1);
        return 0;
    }
    if (!PQconsumeInput(pg->conn))
        return away(pg, err);
    struct changes heard = {.n = 0};
    for (PGnotify *n; (n = PQnotifies(pg->conn)) != NULL; PQfreemem(n))
        add_change(&heard, n->extra);
    tell(&heard, changed, arg);
    return 0;
}

const char *pg_cell(const struct pg_rows *r, size_t row, size_t column)
{
    if (row >= r->n || column >= r->columns)
        BUG("cell %zu, %zu of %zu by %zu", row, column, r->n, r->columns);
    return r->cells[row * r->columns + column];
}

void store_read(const struct store_field *fields, size_t n, const struct pg_rows *rows, size_t row,
                size_t column, void *out)
{
    for (size_t i = 0; i < n; i++) {
        const char *cell = pg_cell(rows, row, column + i);
        void *member = (char *)out + fields[i].offset;
        switch (fields[i].kind) {
        case STORE_KIND_STR:
        case STORE_KIND_JSON:
            *(const char **)member = cell;
            break;
        case STORE_KIND_INT:
        case STORE_KIND_TIME:
            *(int64_t *)member = cell ? strtoll(cell, NULL, 10) : 0;
            break;
        case STORE_KIND_NUM:
            *(double *)member = cell ? strtod(cell, NULL) : 0;
            break;
        case STORE_KIND_BOOL:
            *(bool *)member = cell && *cell == 't';
            break;
        }
    }
}

int store_fresh(const struct pg_rows *rows, const char *what, struct err *err)
{
    return rows->affected ? 0
                          : err_set(err, ERR_PRECONDITION,
                                    "the %s was changed by somebody else meanwhile", what);
}

void *store_take(struct arena *a, const struct store_field *fields, size_t n_fields,
                 const struct pg_rows *rows, int64_t limit, size_t size, size_t *n, bool *more)
{
    *more = rows->n > (size_t)limit;
    *n = *more ? (size_t)limit : rows->n;
    char *list = arena_alloc(a, *n * size + 1);
    for (size_t i = 0; i < *n; i++)
        store_read(fields, n_fields, rows, i, 0, list + i * size);
    return list;
}

void store_write(const struct store_field *fields, size_t n, const void *from, struct jw *w)
{
    for (size_t i = 0; i < n; i++) {
        const void *member = (const char *)from + fields[i].offset;
        if (!fields[i].json)
            continue;
        switch (fields[i].kind) {
        case STORE_KIND_STR:
            jw_kstr(w, fields[i].json, *(const char *const *)member);
            break;
        case STORE_KIND_JSON:
            jw_kraw(w, fields[i].json, *(const char *const *)member);
            break;
        case STORE_KIND_INT:
            jw_kint(w, fields[i].json, *(const int64_t *)member);
            break;
        case STORE_KIND_TIME:
            jw_ktime(w, fields[i].json, *(const int64_t *)member);
            break;
        case STORE_KIND_NUM:
            jw_knum(w, fields[i].json, *(const double *)member);
            break;
        case STORE_KIND_BOOL:
            jw_kbool(w, fields[i].json, *(const bool *)member);
            break;
        }
    }
}

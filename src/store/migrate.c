/* SPDX-License-Identifier: MIT */
#include "store/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/str.h"
#include "store/pg.h"

static int read_whole(const char *path, struct buf *out, struct err *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[8192];
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(out, chunk, (size_t)n);
    if (n < 0)
        return err_set(err, ERR_INVALID, "could not read %s: %s", path, strerror(errno));
    return 0;
}

static int is_sql(const struct dirent *d)
{
    return str_ends(d->d_name, ".sql");
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static bool well_named(const char *name)
{
    return strspn(name, "0123456789") == 4 && name[4] == '_';
}

static int read_directory(struct arena *a, const char *dir, struct migrations *out, struct err *err)
{
    struct dirent **names;
    int n = scandir(dir, &names, is_sql, alphasort);
    if (n < 0)
        return err_set(err, ERR_INVALID, "could not read the migrations in %s: %s", dir,
                       strerror(errno));
    out->list = ARENA_ARRAY(a, (size_t)n, struct migration);
    out->n = (size_t)n;
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        struct migration *m = &out->list[i];
        char *name = arena_strdup(a, names[i]->d_name);
        AUTO_BUF text = {0};
        rc = read_whole(arena_printf(a, "%s/%s", dir, name), &text, err);
        name[strlen(name) - 4] = '\0';
        m->name = name;
        m->sql = buf_dup(&text, a);
        m->checksum = sha256_hex(a, buf_str(&text), text.len);
        if (rc == 0 && !well_named(name))
            rc = err_set(err, ERR_INVALID, "the migration %s.sql is not named NNNN_name.sql", name);
        if (rc == 0 && i > 0 && strncmp(name, out->list[i - 1].name, 4) == 0)
            rc = err_set(err, ERR_INVALID, "the migrations %s and %s have the same number",
                         out->list[i - 1].name, name);
    }
    free_names(names, n);
    return rc;
}

static int match_applied(struct pg *pg, struct arena *a, struct migrations *m, struct err *err)
{
    struct pg_rows rows;
    if (pg_run(pg, a,
               "SELECT name, checksum, to_char(applied_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
               "FROM schema_migrations ORDER BY name",
               PG_NONE, &rows, err) < 0)
        return -1;
    for (size_t i = 0; i < rows.n; i++) {
        const char *name = pg_cell(&rows, i, 0);
        size_t k = 0;
        while (k < m->n && !str_eq(m->list[k].name, name))
            k++;
        if (k == m->n)
            return err_set(err, ERR_INVALID,
                           "the migration %s was applied, but this version does not have it", name);
        if (!str_eq(m->list[k].checksum, pg_cell(&rows, i, 1)))
            return err_set(err, ERR_INVALID, "the migration %s was changed after it was applied",
                           name);
        m->list[k].applied_at = pg_cell(&rows, i, 2);
    }
    m->pending = m->n - rows.n;
    return 0;
}

int migrate_status(struct pg *pg, struct arena *a, const char *dir, struct migrations *out,
                   struct err *err)
{
    *out = (struct migrations){0};
    if (pg_script(pg,
                  "CREATE TABLE IF NOT EXISTS schema_migrations ("
                  "name text PRIMARY KEY, checksum text NOT NULL, "
                  "applied_at timestamptz NOT NULL DEFAULT now())",
                  err) < 0 ||
        read_directory(a, dir, out, err) < 0)
        return -1;
    return match_applied(pg, a, out, err);
}

static int apply_one(struct pg *pg, struct arena *a, const struct migration *m, struct err *err)
{
    if (pg_begin(pg, err) < 0)
        return -1;
    if (pg_script(pg, m->sql, err) < 0 ||
        pg_run(pg, a, "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)",
               PG_PARAMS(PG_TEXT(m->name), PG_TEXT(m->checksum)), NULL, err) < 0 ||
        pg_commit(pg, err) < 0) {
        pg_rollback(pg);
        return err_wrap(err, "could not apply the migration %s", m->name);
    }
    log_info("applied the migration %s", m->name);
    return 0;
}

int migrate_apply(struct pg *pg, struct arena *a, const char *dir, size_t *done, struct err *err)
{
    struct migrations m;
    *done = 0;
    /* the lock belongs to the connection: it ends with us, however we end */
    if (pg_script(pg, "SELECT pg_advisory_lock(hashtext('slipway migrate'))", err) < 0 ||
        migrate_status(pg, a, dir, &m, err) < 0)
        return -1;
    for (size_t i = 0; i < m.n; i++) {
        if (m.list[i].applied_at)
            continue;
        if (apply_one(pg, a, &m.list[i], err) < 0)
            return -1;
        (*done)++;
    }
    return pg_script(pg, "SELECT pg_advisory_unlock(hashtext('slipway migrate'))", err);
}

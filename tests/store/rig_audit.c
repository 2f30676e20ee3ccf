/* SPDX-License-Identifier: MIT */
/* The audit log: who may touch it, and that its chain shows what was touched all the same. */
#include <string.h>

#include "base/str.h"
#include "store/audit.h"
#include "tests/rig.h"
#include "tests/tap.h"

static struct arena arena;
static struct pg *pg;

static void add(const char *action, const char *change)
{
    struct err err;
    struct store_audit e = {.actor = "anna",
                            .action = action,
                            .resource = "project:1",
                            .outcome = "success",
                            .address = "192.0.2.1",
                            .request_id = "r",
                            .change = change};
    rig_must(store_audit_add(pg, &arena, &e, &err), &err);
}

static int64_t chain(void)
{
    struct err err;
    int64_t n, all = 0;
    do {
        rig_must(store_audit_chain(pg, &arena, 2, &n, &err), &err);
        all += n;
    } while (n == 2);
    return all;
}

static struct store_audit_check verify(const struct store_audit_head *wanted)
{
    static const struct store_audit_head any;
    struct store_audit_check found;
    struct err err;
    rig_must(store_audit_verify(pg, &arena, wanted ? wanted : &any, &found, &err), &err);
    return found;
}

/* As the tables' owner who has switched the guard off. */
static void tamper(const char *sql)
{
    struct err err;
    rig_must(pg_script(pg,
                       arena_printf(&arena,
                                    "BEGIN; ALTER TABLE audit_log DISABLE TRIGGER USER; "
                                    "ALTER TABLE audit_chain DISABLE TRIGGER USER; %s; "
                                    "ALTER TABLE audit_log ENABLE TRIGGER USER; "
                                    "ALTER TABLE audit_chain ENABLE TRIGGER USER; COMMIT",
                                    sql),
                       &err),
             &err);
}

static void only_added_to(void)
{
    static const char *const refused[] = {
        "SET ROLE slipway_web; UPDATE audit_log SET actor = 'x'",
        "SET ROLE slipway_web; DELETE FROM audit_log",
        "SET ROLE slipway_web; TRUNCATE audit_log",
        "SET ROLE slipway_web; INSERT INTO audit_chain VALUES (99, gen_random_uuid(), '')",
        "SET ROLE slipway_web; UPDATE schema_migrations SET checksum = ''",
        "SET ROLE slipway_web; DROP TABLE audit_log",
        "SET ROLE slipway_worker; UPDATE audit_log SET actor = 'x'",
        "SET ROLE slipway_worker; DELETE FROM audit_log",
        "SET ROLE slipway_worker; UPDATE audit_chain SET seq = seq + 1",
        "SET ROLE slipway_live; SELECT * FROM audit_log",
        "SET ROLE slipway_live; SELECT * FROM users",
        "SET ROLE slipway_live; UPDATE applications SET name = 'x'",
        "UPDATE audit_log SET actor = 'x'", /* the owner's own slip */
        "DELETE FROM audit_chain",
        "TRUNCATE audit_log CASCADE",
    };
    struct err err;
    rig_must(pg_script(pg, "GRANT slipway_web, slipway_worker, slipway_live TO CURRENT_USER", &err),
             &err);
    add("project.create", "{\"name\": \"x\"}");
    chain();
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        err.detail[0] = '\0';
        int rc = pg_script(pg, refused[i], &err);
        bool denied =
            rc < 0 && (strstr(err.detail, "permission denied") ||
                       strstr(err.detail, "must be owner") || strstr(err.detail, "only added to"));
        if (!denied)
            printf("# %s: %s\n", refused[i], rc < 0 ? err.detail : "was done");
        CU_ASSERT(denied);
        rig_must(pg_script(pg, "RESET ROLE", &err), &err);
    }
    rig_must(pg_script(pg,
                       "SET ROLE slipway_web; INSERT INTO audit_log VALUES "
                       "('00000000-0000-7000-8000-000000000001', "
                       "now(), NULL, 'a', 'a.b', NULL, 'success', '', '', NULL); RESET ROLE",
                       &err),
             &err);
    rig_must(pg_script(pg, "SET ROLE slipway_worker", &err), &err);
    CU_ASSERT_EQUAL(chain(), 1);
    rig_must(pg_script(pg, "RESET ROLE", &err), &err);
}

static void chain_shows_changes(void)
{
    struct store_audit_check found;
    for (int i = 0; i < 7; i++)
        add("project.update", i % 2 ? NULL : "{\"name\": \"\\u00e4 \\\" x\"}");
    CU_ASSERT_EQUAL(verify(NULL).unchained, 7);
    CU_ASSERT_EQUAL(chain(), 7);
    found = verify(NULL);
    CU_ASSERT_PTR_NULL(found.broken);
    CU_ASSERT_EQUAL(found.head.seq, 9);
    CU_ASSERT_EQUAL(found.unchained, 0);
    struct store_audit_head head = found.head;

    tamper("UPDATE audit_log SET outcome = 'denied' WHERE id = "
           "(SELECT entry_id FROM audit_chain WHERE seq = 4)");
    CU_ASSERT_EQUAL(verify(NULL).broken_at, 4);
    tamper("UPDATE audit_log SET outcome = 'success'");
    CU_ASSERT_PTR_NULL(verify(NULL).broken);

    tamper("UPDATE audit_log SET at = at + interval '1 us' WHERE id = "
           "(SELECT entry_id FROM audit_chain WHERE seq = 5)");
    CU_ASSERT_EQUAL(verify(NULL).broken_at, 5);
    tamper("UPDATE audit_log SET at = at - interval '1 us' WHERE id = "
           "(SELECT entry_id FROM audit_chain WHERE seq = 5)");
    CU_ASSERT_PTR_NULL(verify(NULL).broken);

    /* two change places */
    tamper("UPDATE audit_chain SET seq = seq + 100 WHERE seq IN (3, 4); "
           "UPDATE audit_chain SET seq = 7 - (seq - 100) WHERE seq IN (103, 104)");
    CU_ASSERT_EQUAL(verify(NULL).broken_at, 3);
    tamper("UPDATE audit_chain SET seq = seq + 100 WHERE seq IN (3, 4); "
           "UPDATE audit_chain SET seq = 7 - (seq - 100) WHERE seq IN (103, 104)");
    CU_ASSERT_PTR_NULL(verify(NULL).broken);

    /* the end is cut off: seen by the head alone */
    tamper("DELETE FROM audit_chain WHERE seq = 9; DELETE FROM audit_log l WHERE NOT EXISTS "
           "(SELECT 1 FROM audit_chain c WHERE c.entry_id = l.id)");
    CU_ASSERT_PTR_NULL(verify(NULL).broken);
    CU_ASSERT_EQUAL(verify(&head).broken_at, 9);
    head.seq = 8;
    CU_ASSERT_EQUAL(verify(&head).broken_at, 8);

    /* one in the middle is removed */
    tamper("CREATE TEMP TABLE gone AS SELECT entry_id FROM audit_chain WHERE seq = 6; "
           "DELETE FROM audit_chain WHERE seq = 6; "
           "DELETE FROM audit_log WHERE id IN (SELECT entry_id FROM gone)");
    found = verify(NULL);
    CU_ASSERT_EQUAL(found.broken_at, 6);
    CU_ASSERT_STRING_EQUAL(found.broken, "an entry is missing from the chain");
}

static void filters(void)
{
    static const struct store_audit_filter all,
        auth = {.action = "auth."}, exact = {.action = "auth.failed"},
        thing = {.resource = "project:1"}, who = {.actor = "nobody at all"}, late = {.from = 1},
        early = {.to = 1};
    static const struct {
        const struct store_audit_filter *filter;
        size_t n;
    } cases[] = {{&auth, 2}, {&exact, 1}, {&who, 0}, {&early, 0}};
    struct store_page page = {.limit = 200}, small = {.limit = 2};
    struct store_audits list;
    struct err err;
    add("auth.failed", NULL);
    add("auth.success", NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        rig_must(store_audit_list(pg, &arena, cases[i].filter, &page, &list, &err), &err);
        CU_ASSERT_EQUAL(list.n, cases[i].n);
    }
    rig_must(store_audit_list(pg, &arena, &all, &page, &list, &err), &err);
    size_t n = list.n;
    CU_ASSERT_STRING_EQUAL(list.list[0].action, "auth.success");
    rig_must(store_audit_list(pg, &arena, &late, &page, &list, &err), &err);
    CU_ASSERT_EQUAL(list.n, n);
    rig_must(store_audit_list(pg, &arena, &thing, &small, &list, &err), &err);
    CU_ASSERT_EQUAL(list.n, 2);
    CU_ASSERT(list.more);
    small.cursor = list.list[1].id;
    rig_must(store_audit_list(pg, &arena, &thing, &small, &list, &err), &err);
    CU_ASSERT_STRING_NOT_EQUAL(list.list[0].id, small.cursor);
}

static void nested_transactions(void)
{
    struct err err;
    struct pg_rows rows;
    rig_must(pg_begin(pg, &err), &err);
    add("nested.outer", NULL);
    rig_must(pg_begin(pg, &err), &err);
    add("nested.undone", NULL);
    CU_ASSERT(pg_script(pg, "SELECT 1 / 0", &err) < 0);
    pg_rollback(pg);
    rig_must(pg_begin(pg, &err), &err);
    add("nested.inner", NULL);
    rig_must(pg_commit(pg, &err), &err);
    rig_must(pg_commit(pg, &err), &err);
    rig_must(pg_run(pg, &arena,
                    "SELECT string_agg(action, ' ' ORDER BY action) FROM audit_log "
                    "WHERE starts_with(action, 'nested.')",
                    PG_NONE, &rows, &err),
             &err);
    CU_ASSERT_STRING_EQUAL(pg_cell(&rows, 0, 0), "nested.inner nested.outer");
    rig_must(pg_begin(pg, &err), &err);
    rig_must(pg_begin(pg, &err), &err);
    add("nested.gone", NULL);
    pg_rollback_all(pg);
    rig_must(pg_run(pg, &arena, "SELECT count(*) FROM audit_log WHERE action = 'nested.gone'",
                    PG_NONE, &rows, &err),
             &err);
    CU_ASSERT_STRING_EQUAL(pg_cell(&rows, 0, 0), "0");
}

static const struct tap_test tests[] = {
    {"the log is added to and nothing else, by each role", only_added_to},
    {"the chain shows what was changed, moved, removed or cut off", chain_shows_changes},
    {"entries are found by actor, action, resource and time, by pages", filters},
    {"a transaction inside another is undone alone", nested_transactions},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"audit", tests}, {NULL, NULL}};
    pg = rig_pg(&arena, rig_database(&arena));
    int rc = tap_main(suites, argc, argv);
    pg_close(pg);
    arena_release(&arena);
    return rc;
}

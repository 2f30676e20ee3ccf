/* SPDX-License-Identifier: MIT */
#include "worker/housekeeping.h"

#include "base/log.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/delivery.h"
#include "store/idempotency.h"

enum { AUDIT_BATCH = 500, FORGET_MS = 600000, DELIVERY_DAYS = 30 };

static void chain_audit(struct pg *pg)
{
    AUTO_ARENA turn = {0};
    struct err err;
    int64_t n = AUDIT_BATCH;
    for (; n == AUDIT_BATCH; arena_reset(&turn))
        if (store_audit_chain(pg, &turn, AUDIT_BATCH, &n, &err) < 0) {
            log_err(LOG_LEVEL_WARN, "could not chain the audit log's entries", &err);
            return;
        }
}

void housekeeping(struct pg *pg, struct arena *a, int64_t *forget_at)
{
    struct err err;
    chain_audit(pg);
    if (time_monotonic() < *forget_at)
        return;
    *forget_at = time_monotonic() + FORGET_MS;
    if (store_repeat_clean(pg, a, &err) < 0 || store_delivery_clean(pg, a, DELIVERY_DAYS, &err) < 0)
        log_err(LOG_LEVEL_WARN, "could not forget what is old", &err);
}

/* SPDX-License-Identifier: MIT */
/* JSON bodies, against the field table of every operation that takes one. The first byte chooses
 * it; its highest bit makes the body a change. */
#include "api/api.h"
#include "base/buf.h"
#include "tests/fuzz/fuzz.h"

static const struct valid_table *choose(size_t at)
{
    static const struct valid_table *tables[64];
    static size_t n;
    for (const struct route_table *const *t = api_routes; !n && *t; t++)
        for (size_t i = 0; i < (*t)->n; i++)
            if ((*t)->routes[i].in && n < ARRAY_LEN(tables))
                tables[n++] = (*t)->routes[i].in;
    return tables[at % n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct problems problems;
    AUTO_ARENA a = {0};
    AUTO_JSON *o = NULL;
    if (!size || json_parse((const char *)data + 1, size - 1, &o, &err) < 0)
        return 0;
    const struct valid_table *table = choose(data[0] & 0x7F);
    uint64_t *out = arena_alloc(&a, table->size + sizeof(uint64_t));
    problems_init(&problems, &a);
    if (valid_object(table, o, data[0] & 0x80, table->size ? out : NULL, &problems))
        valid_redacted(&a, table, o);
    else if (!problems.n)
        __builtin_trap(); /* refused without saying why */
    return 0;
}

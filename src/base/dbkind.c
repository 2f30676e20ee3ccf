/* SPDX-License-Identifier: MIT */
#include "base/dbkind.h"

#include <ctype.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

static const struct dbkind kinds[] = {
    {"postgres", "postgres", "16", "postgresql", 5432, "app", true},
    {"mysql", "mysql", "8.4", "mysql", 3306, "app", true},
    {"mariadb", "mariadb", "11.4", "mysql", 3306, "app", true},
    {"mongodb", "mongo", "7", "mongodb", 27017, "app", true},
    {"redis", "redis", "7", "redis", 6379, NULL, false},
};

const struct dbkind *dbkind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

/* RFC 3986, section 2.3 */
static void add_encoded(struct buf *out, const char *s)
{
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
            buf_addc(out, *s);
        else
            buf_addf(out, "%%%02X", c);
    }
}

const char *dbkind_url(struct arena *a, const struct dbkind *k, const char *host, int port,
                       const char *user, const char *password, const char *name)
{
    AUTO_BUF out = {0};
    buf_addf(&out, "%s://", k->scheme);
    add_encoded(&out, user);
    buf_addc(&out, ':');
    add_encoded(&out, password);
    buf_addf(&out, "@%s:%d/", host, port);
    add_encoded(&out, name);
    return buf_dup(&out, a);
}

/* SPDX-License-Identifier: MIT */
#include "base/imageref.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

/* The first part is a host when it has a point or a port, or is localhost. */
static bool is_host(const char *part)
{
    return strpbrk(part, ".:") || str_eq(part, "localhost");
}

const char *imageref_normal(struct arena *a, const char *image)
{
    char *name = arena_memdup(a, image, strcspn(image, "@"));
    const char *host = "docker.io", *path = name;
    char *slash = strchr(name, '/');
    if (slash) {
        const char *part = arena_memdup(a, name, (size_t)(slash - name));
        if (is_host(part)) {
            host = str_lower(a, part);
            path = slash + 1;
        }
    }
    if (str_eq(host, "index.docker.io") || str_eq(host, "registry-1.docker.io"))
        host = "docker.io";
    const char *last = strrchr(path, '/');
    const char *tag = strchr(last ? last : path, ':') ? "" : ":latest";
    const char *user = str_eq(host, "docker.io") && !last ? "library/" : "";
    return arena_printf(a, "%s/%s%s%s", host, user, path, tag);
}

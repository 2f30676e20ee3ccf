/* SPDX-License-Identifier: MIT */
#include "base/giturl.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

struct parts {
    bool ssh;
    const char *user; /* with its length; may be empty */
    size_t user_len;
    const char *host;
    size_t host_len;
    const char *port;
    size_t port_len;
    const char *path;
};

/* scheme://[user[:password]@]host[:port]/path (RFC 3986) */
static int parse_url(const char *rest, struct parts *p, struct err *err)
{
    size_t auth = strcspn(rest, "/?#");
    const char *at = memchr(rest, '@', auth);
    const char *host = at ? at + 1 : rest;
    if (at) {
        p->user = rest;
        p->user_len = (size_t)(at - rest);
        if (memchr(rest, ':', p->user_len))
            return err_set(err, ERR_INVALID,
                           "must not contain a password; store it as a git credential");
    }
    size_t left = (size_t)(rest + auth - host);
    p->host = host;
    if (left && host[0] == '[') {
        const char *close = memchr(host, ']', left);
        if (!close)
            return err_set(err, ERR_INVALID, "has an unfinished IPv6 address");
        p->host_len = (size_t)(close - host) + 1;
    } else {
        const char *colon = memchr(host, ':', left);
        p->host_len = colon ? (size_t)(colon - host) : left;
    }
    if (p->host_len < left) {
        p->port = host + p->host_len + 1;
        p->port_len = left - p->host_len - 1;
        int64_t port;
        char digits[8] = "";
        if (p->port_len < sizeof(digits))
            memcpy(digits, p->port, p->port_len);
        if (host[p->host_len] != ':' || !str_to_int(digits, 1, 65535, &port))
            return err_set(err, ERR_INVALID, "has no valid port");
    }
    p->path = rest + auth;
    if (strpbrk(p->path, "?#"))
        return err_set(err, ERR_INVALID, "must not contain '?' or '#'");
    return 0;
}

static int parse(const char *url, struct parts *p, struct err *err)
{
    *p = (struct parts){.user = "", .host = "", .port = "", .path = ""};
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7F || *c == '\\')
            return err_set(err, ERR_INVALID,
                           "must not contain white space, control characters or '\\'");
    if (strlen(url) > 2048)
        return err_set(err, ERR_INVALID, "must be at most 2048 characters");
    const char *scheme = strstr(url, "://");
    if (strstr(url, "::"))
        return err_set(err, ERR_INVALID, "must not name a git remote helper ('%.*s::')",
                       (int)strcspn(url, ":"), url);
    if (str_starts(url, "https://") || str_starts(url, "http://") || str_starts(url, "ssh://")) {
        p->ssh = url[0] == 's';
        if (parse_url(scheme + 3, p, err) < 0)
            return -1;
    } else if (scheme) {
        return err_set(err, ERR_INVALID, "must start with https://, http:// or ssh://, not '%.*s'",
                       (int)(scheme + 3 - url), url);
    } else {
        const char *colon = strchr(url, ':');
        if (!colon || memchr(url, '/', (size_t)(colon - url)))
            return err_set(err, ERR_INVALID,
                           "must be an https, http or ssh address, or user@host:path");
        const char *at = memchr(url, '@', (size_t)(colon - url));
        p->ssh = true;
        if (at) {
            p->user = url;
            p->user_len = (size_t)(at - url);
        }
        p->host = at ? at + 1 : url;
        p->host_len = (size_t)(colon - p->host);
        p->path = colon + 1;
    }
    while (*p->path == '/')
        p->path++;
    if (!p->host_len)
        return err_set(err, ERR_INVALID, "has no host");
    if (!*p->path)
        return err_set(err, ERR_INVALID, "has no path to a repository");
    if (p->host[0] == '-' || (p->user_len && p->user[0] == '-') || p->path[0] == '-')
        return err_set(err, ERR_INVALID, "must not have a user, host or path that starts with '-'");
    if (strstr(p->path, "../") || str_ends(p->path, ".."))
        return err_set(err, ERR_INVALID, "must not contain '..'");
    return 0;
}

int giturl_check(const char *url, struct err *err)
{
    struct parts p;
    return parse(url, &p, err);
}

char *giturl_normal(struct arena *a, const char *url)
{
    struct parts p;
    struct err err;
    if (parse(url, &p, &err) < 0)
        return NULL;
    char *host = str_lower(a, arena_memdup(a, p.host, p.host_len));
    char *port = arena_memdup(a, p.port, p.port_len);
    bool usual = !*port || (p.ssh ? str_eq(port, "22")
                                  : str_eq(port, str_starts(url, "https") ? "443" : "80"));
    char *path = arena_strdup(a, p.path);
    size_t n = strlen(path);
    while (n && path[n - 1] == '/')
        path[--n] = '\0';
    if (n > 4 && str_ends(path, ".git"))
        path[n - 4] = '\0';
    return arena_printf(a, "%s%s%s/%s", host, usual ? "" : ":", usual ? "" : port, path);
}

bool giturl_ref_valid(const char *name)
{
    size_t n = strlen(name);
    if (!n || n > 244 || name[0] == '-' || name[0] == '/' || name[n - 1] == '/' ||
        name[n - 1] == '.' || str_eq(name, "@") || str_ends(name, ".lock"))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i], next = (unsigned char)name[i + 1];
        if (c <= 0x20 || c == 0x7F || strchr("~^:?*[\\", c))
            return false;
        if ((c == '.' && next == '.') || (c == '/' && (next == '/' || next == '.')) ||
            (c == '@' && next == '{'))
            return false;
    }
    return name[0] != '.' && !strstr(name, ".lock/");
}

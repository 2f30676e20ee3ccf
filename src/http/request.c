/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "base/str.h"

const char *http_env(const struct http_request *r, const char *name)
{
    size_t n = strlen(name);
    for (const char *const *e = r->env; *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

const char *http_header(const struct http_request *r, const char *name)
{
    char key[128] = "HTTP_";
    size_t n = 5;
    for (; *name && n + 1 < sizeof(key); name++)
        key[n++] =
            *name == '-' ? '_' : (char)(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
    key[n] = '\0';
    return http_env(r, key);
}

const char *http_cookie(const struct http_request *r, const char *name)
{
    const char *p = http_header(r, "Cookie");
    size_t n = strlen(name);
    while (p && *p) {
        p += strspn(p, " ;");
        size_t len = strcspn(p, ";");
        if (len > n && strncmp(p, name, n) == 0 && p[n] == '=')
            return arena_memdup(r->arena, p + n + 1, len - n - 1);
        p += len;
    }
    return NULL;
}

static const char *const method_names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "?"};

const char *http_method_name(enum http_method m)
{
    return method_names[m];
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *http_decode(struct arena *a, const char *s, size_t n, bool plus)
{
    char *out = arena_alloc(a, n + 1);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '+' && plus) {
            out[k++] = ' ';
        } else if (s[i] == '%') {
            int hi = i + 2 < n ? hex_digit(s[i + 1]) : -1;
            int lo = i + 2 < n ? hex_digit(s[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return NULL;
            out[k++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            out[k++] = s[i];
        }
    }
    return str_utf8(out, k) ? out : NULL;
}

char *http_encode(struct arena *a, const char *s)
{
    AUTO_BUF b = {0};
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c))
            buf_addc(&b, (char)c);
        else
            buf_addf(&b, "%%%02X", c);
    }
    return buf_dup(&b, a);
}

static int bad_path(struct err *err)
{
    return err_set(err, ERR_MALFORMED, "the path of the request cannot be read");
}

static int read_path(struct http_request *r, const char *uri, struct err *err)
{
    size_t len = strcspn(uri, "?#");
    r->query =
        uri[len] == '?' ? arena_memdup(r->arena, uri + len + 1, strcspn(uri + len + 1, "#")) : "";
    if (uri[0] != '/')
        return bad_path(err);
    size_t slashes = 0;
    for (size_t i = 0; i < len; i++)
        slashes += uri[i] == '/';
    r->segments = ARENA_ARRAY(r->arena, slashes + 1, const char *);
    AUTO_BUF path = {0};
    size_t at = 1;
    while (at < len) {
        size_t n = strcspn(uri + at, "/?#");
        char *segment = http_decode(r->arena, uri + at, n, false);
        at += n + 1;
        if (!segment || !*segment || str_eq(segment, ".") || str_eq(segment, ".."))
            return bad_path(err);
        for (const char *p = segment; *p; p++)
            if ((unsigned char)*p < 0x20 || *p == 0x7F)
                return bad_path(err);
        r->segments[r->n_segments++] = segment;
        buf_addf(&path, "/%s", segment);
    }
    r->path = path.len ? buf_dup(&path, r->arena) : "/";
    return 0;
}

static bool good_id(const char *id)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return n >= 8 && n <= 128 && !id[n];
}

int http_request_init(struct http_request *r, struct arena *a, const char *const *env,
                      struct err *err)
{
    *r = (struct http_request){.arena = a, .env = env, .path = "", .query = "", .body = ""};
    const char *method = http_env(r, "REQUEST_METHOD");
    r->method = HTTP_OTHER;
    for (int m = 0; m < HTTP_OTHER; m++)
        if (str_eq(method, method_names[m]))
            r->method = (enum http_method)m;
    const char *type = http_env(r, "CONTENT_TYPE");
    r->content_type = type ? str_lower(a, arena_memdup(a, type, strcspn(type, "; \t"))) : "";
    const char *address = http_env(r, "REMOTE_ADDR");
    r->address = address ? address : "";
    const char *host = http_header(r, "Host");
    r->host = host ? host : "";
    const char *https = http_env(r, "HTTPS");
    const char *scheme = http_env(r, "REQUEST_SCHEME");
    r->https = (https && !str_eq(https, "off") && *https) || str_eq(scheme, "https");
    const char *id = http_header(r, "X-Request-Id");
    r->id = id && good_id(id) ? id : uuid_new(a);
    static const char *const nothing[] = {NULL};
    r->segments = (const char **)(uintptr_t)nothing;
    const char *uri = http_env(r, "REQUEST_URI");
    return read_path(r, uri ? uri : "", err);
}

int http_pairs(struct arena *a, const char *text, size_t len, struct http_pairs *out,
               struct err *err)
{
    size_t max = 1;
    for (size_t i = 0; i < len; i++)
        max += text[i] == '&';
    if (max > 1000)
        return err_set(err, ERR_TOO_LARGE, "more than 1000 form fields");
    out->names = ARENA_ARRAY(a, max, const char *);
    out->values = ARENA_ARRAY(a, max, const char *);
    out->n = 0;
    for (size_t at = 0; at < len;) {
        const char *amp = memchr(text + at, '&', len - at);
        size_t n = amp ? (size_t)(amp - text) - at : len - at;
        const char *eq = memchr(text + at, '=', n);
        size_t name = eq ? (size_t)(eq - text) - at : n;
        if (n) {
            char *k = http_decode(a, text + at, name, true);
            char *v = eq ? http_decode(a, eq + 1, n - name - 1, true) : arena_strdup(a, "");
            if (!k || !v)
                return err_set(err, ERR_MALFORMED, "a form field is not percent-encoded UTF-8");
            out->names[out->n] = k;
            out->values[out->n++] = v;
        }
        at += n + 1;
    }
    return 0;
}

static const char *find_pair(struct arena *a, const char *text, size_t len, const char *name)
{
    struct http_pairs pairs;
    struct err err;
    if (http_pairs(a, text, len, &pairs, &err) < 0)
        return NULL;
    for (size_t i = 0; i < pairs.n; i++)
        if (str_eq(pairs.names[i], name))
            return pairs.values[i];
    return NULL;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return find_pair(r->arena, r->query, strlen(r->query), name);
}

const char *http_form(const struct http_request *r, const char *name)
{
    if (!str_eq(r->content_type, "application/x-www-form-urlencoded"))
        return NULL;
    return find_pair(r->arena, r->body, r->body_len, name);
}

bool http_match(const char *pattern, struct http_request *r)
{
    size_t param = 0;
    for (size_t i = 0;; i++) {
        pattern += *pattern == '/';
        if (!*pattern)
            return i == r->n_segments;
        if (i == r->n_segments)
            return false;
        size_t n = strcspn(pattern, "/");
        const char *segment = r->segments[i];
        if (*pattern == ':') {
            if (param == HTTP_PARAMS)
                BUG("route with more than %d parameters", HTTP_PARAMS);
            r->params[param++] = segment;
        } else if (strlen(segment) != n || memcmp(segment, pattern, n) != 0) {
            return false;
        }
        pattern += n;
    }
}

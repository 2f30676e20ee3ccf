/* SPDX-License-Identifier: MIT */
#include "deploy/router_nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exec.h"
#include "base/str.h"

enum { FILE_MAX = 64 * 1024 * 1024, TEST_MS = 20000, HOST_MAX = 253, PATH_MAX_BYTES = 1024 };

/* What stands for one host in the file. */
struct place {
    const char *host, *path;
    const struct route *route;
};

/* Letters, digits, '-' and '.', "*." in front. */
static bool host_fits(const char *host)
{
    size_t n = strlen(host);
    if (str_starts(host, "*."))
        host += 2;
    return n <= HOST_MAX && *host &&
           strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(host);
}

static bool path_fits(const char *path)
{
    return path[0] == '/' && strlen(path) < PATH_MAX_BYTES &&
           strspn(path,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%/@:+") ==
               strlen(path);
}

static void write_head(struct buf *out, size_t longest, const char *listen)
{
    buf_adds(out, "# Written by slipway-worker from the running tasks; changes are lost.\n\n");
    /* nginx's own default fits hosts of some 46 characters */
    if (longest > 40)
        buf_adds(out, "server_names_hash_bucket_size 512;\n\n");
    buf_adds(out, "map $http_upgrade $slipway_connection {\n"
                  "    default upgrade;\n"
                  "    '' '';\n"
                  "}\n\n");
    /* the first server is the one for hosts that no other names */
    buf_addf(out,
             "server {\n"
             "    listen %s;\n"
             "    server_name _;\n"
             "    default_type text/plain;\n"
             "    return 404 'No application has this address.\\n';\n"
             "}\n",
             listen);
}

static void write_upstream(struct buf *out, const struct route *r)
{
    if (!r->n_servers)
        return;
    buf_addf(out, "\nupstream slipway_%s {\n", r->service);
    /* nginx takes no upstream of backups alone */
    bool all_backup = true;
    for (size_t i = 0; i < r->n_servers; i++)
        all_backup &= r->servers[i].backup;
    for (size_t i = 0; i < r->n_servers; i++) {
        const struct route_server *s = &r->servers[i];
        bool six = strchr(s->address, ':') != NULL;
        buf_addf(out, "    server %s%s%s:%lld max_fails=1 fail_timeout=1s%s;\n", six ? "[" : "",
                 s->address, six ? "]" : "", (long long)s->port,
                 s->backup && !all_backup ? " backup" : "");
    }
    buf_adds(out, "}\n");
}

static void write_proxy(struct buf *out, const struct route *r)
{
    if (!r->n_servers) {
        buf_adds(out, "        default_type text/plain;\n"
                      "        add_header Retry-After 5 always;\n"
                      "        return 503 'The application is not running.\\n';\n");
        return;
    }
    buf_addf(out, "        proxy_pass http://slipway_%s;\n", r->service);
    buf_adds(out, "        proxy_http_version 1.1;\n"
                  "        proxy_set_header Host $http_host;\n"
                  "        proxy_set_header X-Real-IP $remote_addr;\n"
                  "        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
                  "        proxy_set_header X-Forwarded-Proto $scheme;\n"
                  "        proxy_set_header X-Forwarded-Host $http_host;\n"
                  "        proxy_set_header Upgrade $http_upgrade;\n"
                  "        proxy_set_header Connection $slipway_connection;\n"
                  "        proxy_connect_timeout 2s;\n"
                  "        proxy_next_upstream error timeout invalid_header;\n"
                  "        proxy_next_upstream_tries 3;\n");
}

static void write_location(struct buf *out, const struct place *p)
{
    if (str_eq(p->path, "/")) {
        buf_adds(out, "    location / {\n");
        write_proxy(out, p->route);
        buf_adds(out, "    }\n");
        return;
    }
    /* "/api" is /api and what is below it, and not /apix */
    buf_addf(out, "    location = %s {\n", p->path);
    write_proxy(out, p->route);
    buf_addf(out, "    }\n    location %s/ {\n", p->path);
    write_proxy(out, p->route);
    buf_adds(out, "    }\n");
}

/* Sorted by host, then path, so that the same routes give the same text. */
static size_t collect(struct arena *a, const struct routes *routes, struct place **out,
                      size_t *longest)
{
    size_t n = 0, most = 0;
    for (size_t i = 0; i < routes->n; i++)
        most += routes->items[i].n_domains;
    *out = ARENA_ARRAY(a, most + 1, struct place);
    for (size_t i = 0; i < routes->n; i++) {
        const struct route *r = &routes->items[i];
        for (size_t k = 0; k < r->n_domains; k++) {
            char *path = arena_strdup(a, r->domains[k].path);
            for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
                path[end - 1] = '\0'; /* "/api/" and "/api" are one place */
            struct place p = {r->domains[k].host, path, r};
            if (!host_fits(p.host) || !path_fits(p.path))
                continue;
            *longest = strlen(p.host) > *longest ? strlen(p.host) : *longest;
            size_t at = n++;
            for (; at; at--) {
                const struct place *before = &(*out)[at - 1];
                int order = strcmp(before->host, p.host);
                if (order < 0 || (order == 0 && strcmp(before->path, p.path) <= 0))
                    break;
                (*out)[at] = *before;
            }
            (*out)[at] = p;
        }
    }
    return n;
}

void router_nginx_render(const struct routes *routes, const char *listen, struct buf *out)
{
    AUTO_ARENA a = {0};
    struct place *places;
    size_t longest = 0;
    size_t n = collect(&a, routes, &places, &longest);
    write_head(out, longest, listen);
    for (size_t i = 0; i < routes->n; i++)
        write_upstream(out, &routes->items[i]);
    for (size_t i = 0; i < n; i++) {
        if (!i || !str_eq(places[i - 1].host, places[i].host))
            buf_addf(out,
                     "\nserver {\n"
                     "    listen %s;\n"
                     "    server_name %s;\n"
                     "    client_max_body_size 256m;\n",
                     listen, places[i].host);
        bool doubled = i && str_eq(places[i - 1].host, places[i].host) &&
                       str_eq(places[i - 1].path, places[i].path);
        if (!doubled)
            write_location(out, &places[i]);
        if (i + 1 == n || !str_eq(places[i + 1].host, places[i].host))
            buf_adds(out, "}\n");
    }
}

/* *there is false when there is no file. */
static int read_file(const char *path, struct buf *out, bool *there, struct err *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    *there = fd >= 0;
    if (fd < 0 && errno == ENOENT)
        return 0;
    char chunk[16384];
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0 && out->len < FILE_MAX)
        buf_add(out, chunk, (size_t)n);
    return n < 0 ? err_set(err, ERR_INTERNAL, "could not read %s: %s", path, strerror(errno)) : 0;
}

/* Beside PATH and then in its place, so that nobody ever reads half of it. */
static int put_file(const char *path, const char *text, size_t len, struct err *err)
{
    AUTO_ARENA a = {0};
    const char *temporary = arena_printf(&a, "%s.new", path);
    AUTO_FD fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    size_t done = 0;
    while (fd >= 0 && done < len) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0 || done < len || fsync(fd) < 0 || rename(temporary, path) < 0) {
        err_set(err, ERR_INTERNAL, "could not write %s: %s", path, strerror(errno));
        unlink(temporary);
        return -1;
    }
    return 0;
}

static int run_nginx(const struct conf *conf, const char *const extra[3], struct buf *out,
                     int *status, struct err *err)
{
    const char *argv[] = {
        conf->router_nginx_program, "-c", conf->router_nginx_config, extra[0], extra[1], NULL};
    if (exec_run(argv, TEST_MS, out, status, err) < 0) {
        err->code = ERR_UNAVAILABLE;
        return -1;
    }
    return 0;
}

/* What nginx complains about: its line with [emerg], or all of it. */
static const char *complaint(const struct buf *out)
{
    const char *at = strstr(buf_str(out), "[emerg]");
    return at ? at : buf_str(out);
}

int router_nginx_write(const struct conf *conf, const char *text, bool force, bool *changed,
                       struct err *err)
{
    const char *path = conf->router_nginx_file;
    AUTO_BUF old = {0};
    AUTO_BUF said = {0};
    bool there;
    int status;
    if (changed)
        *changed = false;
    if (read_file(path, &old, &there, err) < 0)
        return -1;
    if (!force && there && str_eq(buf_str(&old), text))
        return 0;
    if (put_file(path, text, strlen(text), err) < 0)
        return -1;
    struct err problem = {0};
    int rc = run_nginx(conf, (const char *const[3]){"-t", NULL, NULL}, &said, &status, &problem);
    if (rc < 0 || status != 0) {
        if (there)
            put_file(path, old.data, old.len, err);
        else
            unlink(path);
        if (rc == 0)
            err_set(&problem, ERR_INVALID, "nginx refuses the new routes: %.300s",
                    complaint(&said));
        *err = problem;
        return -1;
    }
    if (changed)
        *changed = true;
    buf_clear(&said);
    if (run_nginx(conf, (const char *const[3]){"-s", "reload", NULL}, &said, &status, err) < 0)
        return -1;
    if (status != 0)
        return err_set(err, ERR_UNAVAILABLE, "nginx could not be told of the new routes: %.300s",
                       complaint(&said));
    return 0;
}

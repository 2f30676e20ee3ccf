/* SPDX-License-Identifier: MIT */
#include "net/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/time.h"

enum {
    BODY_CAP = 8 * 1024 * 1024,
    ERROR_BODY_CAP = 64 * 1024, /* of an error answer to a request with a sink */
    CONNECT_MS = 5000,
    SLICE_MS = 100, /* how often should_stop is asked */
};

struct net_state {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    bool running;
    const struct net_request *req;
    struct net_response *res;
    struct err failure; /* set by a callback that broke the transfer off */
    int64_t started, moved;
    char curl_error[CURL_ERROR_SIZE];
};

void net_open(struct net *h, const struct net_target *target)
{
    static bool ready;
    if (!ready) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        ready = true;
    }
    struct net_state *s = calloc(1, sizeof(*s));
    if (!s)
        base_oom(sizeof(*s));
    s->easy = curl_easy_init();
    s->multi = curl_multi_init();
    if (!s->easy || !s->multi)
        base_oom(sizeof(*s));
    *h = (struct net){.target = *target, .state = s};
}

void net_abort(struct net *h)
{
    struct net_state *s = h->state;
    if (!s)
        return;
    if (s->running)
        curl_multi_remove_handle(s->multi, s->easy);
    s->running = false;
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    s->req = NULL;
    s->res = NULL;
}

void net_close(struct net *h)
{
    struct net_state *s = h->state;
    if (!s)
        return;
    net_abort(h);
    curl_easy_cleanup(s->easy);
    curl_multi_cleanup(s->multi);
    free(s);
    h->state = NULL;
}

void net_response_release(struct net_response *res)
{
    buf_release(&res->body);
}

void net_encode(struct buf *out, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c);
        if (plain)
            buf_addc(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
    struct net_state *s = arg;
    const struct net_request *req = s->req;
    (void)one;
    s->moved = time_monotonic();
    bool good = s->res->status >= 200 && s->res->status < 300;
    if (req->sink && good)
        return req->sink(req->sink_arg, data, n, &s->failure) < 0 ? n + 1 : n;
    size_t cap = req->body_cap ? req->body_cap : BODY_CAP;
    if (req->sink)
        cap = ERROR_BODY_CAP;
    if (s->res->body.len + n > cap) {
        err_set(&s->failure, ERR_TOO_LARGE, "the answer is larger than %zu bytes", cap);
        return n + 1;
    }
    buf_add(&s->res->body, data, n);
    return n;
}

static void keep_header(char *out, size_t size, const char *line, size_t n, const char *name)
{
    size_t len = strlen(name);
    if (n <= len || strncasecmp(line, name, len) != 0 || line[len] != ':')
        return;
    line += len + 1;
    n -= len + 1;
    while (n && (*line == ' ' || *line == '\t')) {
        line++;
        n--;
    }
    while (n && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' '))
        n--;
    snprintf(out, size, "%.*s", (int)n, line);
}

static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
    struct net_state *s = arg;
    (void)one;
    s->moved = time_monotonic();
    if (n > 9 && strncmp(line, "HTTP/", 5) == 0) {
        const char *space = memchr(line, ' ', n);
        s->res->status = space ? (int)strtol(space + 1, NULL, 10) : 0;
        s->res->content_type[0] = s->res->api_version[0] = '\0';
    }
    keep_header(s->res->content_type, sizeof(s->res->content_type), line, n, "content-type");
    keep_header(s->res->api_version, sizeof(s->res->api_version), line, n, "api-version");
    return n;
}

static size_t on_read(char *out, size_t one, size_t n, void *arg)
{
    struct net_state *s = arg;
    s->moved = time_monotonic();
    ssize_t got = s->req->source(s->req->source_arg, out, one * n, &s->failure);
    return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static void set_target(CURL *c, const struct net_target *t)
{
    if (t->unix_path)
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, t->unix_path);
    if (!str_empty(t->ca))
        curl_easy_setopt(c, CURLOPT_CAINFO, t->ca);
    if (!str_empty(t->cert))
        curl_easy_setopt(c, CURLOPT_SSLCERT, t->cert);
    if (!str_empty(t->key))
        curl_easy_setopt(c, CURLOPT_SSLKEY, t->key);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void set_body(CURL *c, struct net_state *s, const struct net_request *req)
{
    bool post = str_eq(req->method, "POST");
    if (req->source) {
        curl_easy_setopt(c, post ? CURLOPT_POST : CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, s);
        s->headers = curl_slist_append(s->headers, "Transfer-Encoding: chunked");
    } else if (req->body || post) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(req->body ? req->body_len : 0));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body ? req->body : "");
    }
    if (str_eq(req->method, "HEAD"))
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
}

void net_start(struct net *h, const struct net_request *req, struct net_response *res)
{
    struct net_state *s = h->state;
    net_abort(h);
    *res = (struct net_response){0};
    s->req = req;
    s->res = res;
    s->failure = (struct err){0};
    s->curl_error[0] = '\0';
    s->started = s->moved = time_monotonic();

    CURL *c = s->easy;
    curl_easy_reset(c);
    set_target(c, &h->target);
    AUTO_BUF url = {0};
    buf_addf(&url, "%s%s", h->target.base, req->path);
    curl_easy_setopt(c, CURLOPT_URL, buf_str(&url));
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(req->connect_ms ? req->connect_ms : CONNECT_MS));
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->curl_error);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
    for (size_t i = 0; req->headers && req->headers[i]; i++)
        s->headers = curl_slist_append(s->headers, req->headers[i]);
    /* the wait for "100 Continue" would cost a second with servers that do not send it */
    s->headers = curl_slist_append(s->headers, "Expect:");
    set_body(c, s, req);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->headers);
    curl_multi_add_handle(s->multi, c);
    s->running = true;
}

static void transport_error(struct net *h, CURLcode code, struct err *err)
{
    struct net_state *s = h->state;
    if (s->failure.code != ERR_NONE) {
        *err = s->failure;
        return;
    }
    const char *words = s->curl_error[0] ? s->curl_error : curl_easy_strerror(code);
    const char *name = h->target.name;
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        err_set(err, ERR_UNAVAILABLE, "%s cannot be reached", name);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        err_set(err, ERR_TIMEOUT, "%s did not answer in time", name);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        err_set(err, ERR_UNAVAILABLE, "no safe connection to %s: %s", name, words);
        break;
    default:
        err_set(err, ERR_UNAVAILABLE, "the connection to %s broke", name);
        break;
    }
    snprintf(s->res->error_detail, sizeof(s->res->error_detail), "%s", words);
    err_detail(err, "%s", words);
}

/* The limits that are ours and not libcurl's. */
static int check_limits(struct net *h, struct err *err)
{
    struct net_state *s = h->state;
    const struct net_request *req = s->req;
    int64_t now = time_monotonic();
    if (req->should_stop && req->should_stop(req->stop_arg, err) < 0)
        return -1;
    if (req->idle_ms && now - s->moved > req->idle_ms)
        return err_set(err, ERR_TIMEOUT, "%s was silent for %lld ms", h->target.name,
                       (long long)(now - s->moved));
    if (req->total_ms && now - s->started > req->total_ms)
        return err_set(err, ERR_TIMEOUT, "%s did not answer within %lld ms", h->target.name,
                       (long long)req->total_ms);
    return 0;
}

/* 1 while it runs; 0 or -1 when libcurl says that the transfer is over. */
static int look_for_end(struct net *h, struct err *err)
{
    struct net_state *s = h->state;
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(s->multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result;
        if (code != CURLE_OK)
            transport_error(h, code, err);
        net_abort(h);
        return code == CURLE_OK ? 0 : -1;
    }
    return 1;
}

int net_pump(struct net *h, int64_t wait_ms, struct err *err)
{
    struct net_state *s = h->state;
    if (!s->running)
        BUG("net_pump without a request");
    int64_t until = time_monotonic() + wait_ms;
    for (;;) {
        int active;
        curl_multi_perform(s->multi, &active);
        int rc = look_for_end(h, err);
        if (rc <= 0)
            return rc;
        if (check_limits(h, err) < 0) {
            net_abort(h);
            return -1;
        }
        int64_t left = until - time_monotonic();
        if (left <= 0)
            return 1;
        int64_t moved = s->moved;
        curl_multi_poll(s->multi, NULL, 0, (int)(left < SLICE_MS ? left : SLICE_MS), NULL);
        curl_multi_perform(s->multi, &active);
        rc = look_for_end(h, err);
        if (rc <= 0)
            return rc;
        if (s->moved != moved)
            return 1;
    }
}

int net_run(struct net *h, const struct net_request *req, struct net_response *res, struct err *err)
{
    net_start(h, req, res);
    int rc;
    do {
        rc = net_pump(h, SLICE_MS, err);
    } while (rc > 0);
    return rc;
}

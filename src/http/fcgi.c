/* SPDX-License-Identifier: MIT */
#include "http/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

enum { BACKLOG = 1024, ARENA_CAP = 256 * 1024 * 1024, STALL_S = 20 };

static volatile sig_atomic_t stopping;

void fcgi_stop(void)
{
    stopping = 1;
}

/* Reads the body to its end, whatever CONTENT_LENGTH says. Past CAP it is read and dropped, so
 * that the web server gets to read our answer. False when it stopped in the middle: a server that
 * passes an upload on as it comes may stop for ever, and this process with it. */
static bool read_body(FCGX_Stream *in, struct http_request *req, size_t cap, struct buf *body)
{
    char chunk[16384];
    size_t total = 0;
    int n;
    while ((n = FCGX_GetStr(chunk, sizeof(chunk), in)) > 0) {
        total += (size_t)n;
        if (total <= cap)
            buf_add(body, chunk, (size_t)n);
        if (total > 2 * (size_t)HTTP_BODY_MAX)
            break;
    }
    req->body_too_large = total > cap;
    req->body = req->body_too_large ? "" : buf_str(body);
    req->body_len = req->body_too_large ? 0 : body->len;
    return FCGX_GetError(in) == 0;
}

static void write_response(FCGX_Request *fr, const struct http_request *req,
                           struct http_response *res)
{
    AUTO_BUF head = {0};
    bool no_body = res->status == 204 || res->status == 304;
    buf_addf(&head, "Status: %d %s\r\n", res->status, http_status_text(res->status));
    if (!no_body)
        buf_addf(&head, "Content-Length: %zu\r\n", res->body.len);
    buf_add(&head, res->headers.data, res->headers.len);
    buf_adds(&head, "\r\n");
    FCGX_PutStr(head.data, (int)head.len, fr->out);
    if (!no_body && req->method != HTTP_HEAD && res->body.len)
        FCGX_PutStr(res->body.data, (int)res->body.len, fr->out);
}

static void serve_one(FCGX_Request *fr, const struct fcgi_handler *h, struct arena *a)
{
    struct http_request req;
    struct http_response res;
    struct err err;
    AUTO_BUF body = {0};
    http_response_init(&res);
    bool bad = http_request_init(&req, a, (const char *const *)fr->envp, &err) < 0;
    struct timeval stall = {.tv_sec = STALL_S};
    setsockopt(fr->ipcFd, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall));
    if (!read_body(fr->in, &req, bad ? 0 : h->body_cap(h->arg, &req), &body) && !bad) {
        err_set(&err, ERR_MALFORMED, "the body stopped in the middle");
        bad = true;
    }
    h->serve(h->arg, &req, bad ? &err : NULL, &res);
    write_response(fr, &req, &res);
    FCGX_Finish_r(fr);
    http_response_release(&res);
}

/* Waits until there is a connection to accept, or more to read on the one that the web server keeps
 * (KEPT, or -1). Only here SIGTERM and SIGINT get through: libfcgi takes an interrupted read for
 * the end of a connection, and would drop a request. */
static void wait_for_work(int epoll, int kept, const sigset_t *open)
{
    struct epoll_event event;
    if (kept >= 0)
        ppoll(&(struct pollfd){.fd = kept, .events = POLLIN}, 1, NULL, open);
    else
        epoll_pwait(epoll, &event, 1, -1, open);
}

/* The processes share the socket, and a new connection is to wake one of them and not all. */
static int watch_socket(int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = fd};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int flags = fcntl(fd, F_GETFL);
    if (epoll >= 0 && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return epoll;
    if (epoll >= 0)
        close(epoll);
    return -1;
}

int fcgi_loop(int fd, const struct fcgi_handler *handler)
{
    FCGX_Request fr;
    AUTO_ARENA a;
    sigset_t stop, open;
    AUTO_FD epoll = watch_socket(fd);
    arena_init(&a, ARENA_CAP);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, &open);
    if (epoll < 0 || FCGX_Init() != 0 || FCGX_InitRequest(&fr, fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
        return -1;
    while (!stopping) {
        wait_for_work(epoll, fr.ipcFd, &open);
        if (stopping)
            break;
        if (FCGX_Accept_r(&fr) < 0) {
            /* another process was quicker, or the client is gone */
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
                continue;
            return -1;
        }
        serve_one(&fr, handler, &a);
        arena_reset(&a);
    }
    FCGX_Free(&fr, 1);
    return 0;
}

static int failed(struct err *err, const char *path)
{
    return err_set(err, ERR_INVALID, "could not listen on %s: %s", path, strerror(errno));
}

int fcgi_listen(const char *path, const char *group, int *fd, struct err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(sa.sun_path))
        return err_set(err, ERR_INVALID, "the socket's path is longer than %zu bytes: %s",
                       sizeof(sa.sun_path) - 1, path);
    memcpy(sa.sun_path, path, strlen(path));
    AUTO_FD probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return failed(err, path);
    if (connect(probe, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return err_set(err, ERR_CONFLICT, "somebody listens on %s already", path);
    if (errno == ECONNREFUSED)
        unlink(path);
    AUTO_FD s = socket(AF_UNIX, SOCK_STREAM, 0);
    mode_t old = umask(0117);
    int rc = s < 0 ? -1 : bind(s, (struct sockaddr *)&sa, sizeof(sa));
    umask(old);
    if (rc < 0)
        return failed(err, path);
    if (*group) {
        const struct group *g = getgrnam(group);
        if (!g)
            return err_set(err, ERR_INVALID, "web.socket_group: there is no group '%s'", group);
        if (chown(path, (uid_t)-1, g->gr_gid) < 0)
            return failed(err, path);
    }
    if (chmod(path, 0660) < 0 || listen(s, BACKLOG) < 0)
        return failed(err, path);
    *fd = s;
    s = -1;
    return 0;
}

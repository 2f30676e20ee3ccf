/* SPDX-License-Identifier: MIT */
#include "base/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

enum { OUTPUT_MAX = 64 * 1024 };

static NORETURN void child(const char *const argv[], int out)
{
    AUTO_FD null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void collect(int fd, int64_t deadline, struct buf *out)
{
    char chunk[4096];
    for (;;) {
        int64_t left = deadline - time_monotonic();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return;
        int ready = poll(&p, 1, (int)(left > 60000 ? 60000 : left));
        if (ready < 0 && errno != EINTR)
            return;
        if (ready <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n <= 0)
            return;
        if (out && out->len < OUTPUT_MAX)
            buf_add(out, chunk, (size_t)n);
    }
}

int exec_run(const char *const argv[], int64_t timeout_ms, struct buf *out, int *status,
             struct err *err)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) < 0)
        return err_set(err, ERR_INTERNAL, "could not make a pipe for %s: %s", argv[0],
                       strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        child(argv, pipe_fd[1]);
    AUTO_FD reader = pipe_fd[0];
    close(pipe_fd[1]);
    if (pid < 0)
        return err_set(err, ERR_INTERNAL, "could not start %s: %s", argv[0], strerror(errno));

    int64_t deadline = time_monotonic() + timeout_ms;
    collect(reader, deadline, out);
    int ws = 0;
    bool killed = false;
    for (;;) {
        pid_t got = waitpid(pid, &ws, killed ? 0 : WNOHANG);
        if (got == pid)
            break;
        if (got < 0 && errno != EINTR)
            return err_set(err, ERR_INTERNAL, "could not wait for %s: %s", argv[0],
                           strerror(errno));
        if (!killed && time_monotonic() >= deadline) {
            kill(pid, SIGKILL);
            killed = true;
        } else if (got == 0) {
            time_sleep(2);
        }
    }
    if (killed)
        return err_set(err, ERR_TIMEOUT, "%s did not end within %lld ms", argv[0],
                       (long long)timeout_ms);
    *status = WIFEXITED(ws) ? WEXITSTATUS(ws) : 128 + WTERMSIG(ws);
    if (*status == 127 && (!out || !out->len))
        return err_set(err, ERR_INTERNAL, "could not start %s: no such program", argv[0]);
    return 0;
}

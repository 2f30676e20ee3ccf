/* SPDX-License-Identifier: MIT */
/* A deployment's output: deploy/job.h. */
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "deploy/job.h"

enum {
    FLUSH_MS = 400,
    LINES_MAX = 50000, /* of one deployment: a runaway build must not fill the database */
    LINE_MAX_BYTES = 8192,
    EXPLAIN_MS = 10000, /* beyond the deadline, to find out why there is no verdict */
};

const char *job_mask(struct job *j, const char *text)
{
    return secrets_mask(&j->arena, &j->secrets, text);
}

int job_flush(struct job *j, struct err *err)
{
    j->flushed = time_monotonic();
    if (!j->n_lines)
        return 0;
    if (store_log_append(j->e->pg, &j->lines_arena, j->d.id, j->attempt, j->lines, j->n_lines,
                         err) < 0)
        return -1;
    j->n_lines = 0;
    arena_reset(&j->lines_arena);
    return 0;
}

static void add_line(struct job *j, const char *stream, const char *text)
{
    struct err err;
    if (j->n_lines == JOB_LINES && job_flush(j, &err) < 0) {
        /* the newest lines are the ones that are wanted in the end */
        memmove(j->lines, j->lines + 1, sizeof(j->lines) - sizeof(j->lines[0]));
        j->n_lines--;
    }
    char *copy = arena_strdup(&j->lines_arena, job_mask(j, text));
    if (strlen(copy) > LINE_MAX_BYTES) {
        copy[LINE_MAX_BYTES] = '\0';
        str_utf8_trim(copy);
    }
    j->lines[j->n_lines++] = (struct store_log_line){
        .at = time_now(), .step = j->step ? j->step : "deploy", .stream = stream, .text = copy};
}

void job_log(struct job *j, const char *stream, const char *text)
{
    if (j->n_written > LINES_MAX && !str_eq(stream, "system"))
        return;
    add_line(j, stream, text);
    if (j->n_written++ == LINES_MAX)
        add_line(j, "system", "there is more output than is kept: the rest is left out");
}

void job_say(struct job *j, const char *fmt, ...)
{
    AUTO_BUF text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    job_log(j, "system", buf_str(&text));
}

void job_output(void *arg, const char *text)
{
    job_log(arg, "stdout", text);
}

int job_should_stop(void *arg, struct err *err)
{
    struct job *j = arg;
    int64_t now = time_monotonic();
    if (j->n_lines && now - j->flushed >= FLUSH_MS) {
        struct err problem;
        if (job_flush(j, &problem) < 0) {
            if (problem.code == ERR_STALE) {
                *err = problem;
                return -1;
            }
            log_err(LOG_LEVEL_WARN, "could not write the output yet", &problem);
        }
    }
    int64_t more = j->judging ? EXPLAIN_MS : 0;
    if (!j->ending && j->e->deadline && now > j->e->deadline + more)
        return err_set(err, ERR_TIMEOUT, "the deployment took longer than %lld s",
                       (long long)j->e->conf->limit_deployment_seconds);
    struct err stop;
    if (!j->e->should_stop || j->e->should_stop(j->e->stop_arg, &stop) == 0)
        return 0;
    if (j->ending && (stop.code == ERR_CANCELLED || stop.code == ERR_TIMEOUT))
        return 0;
    *err = stop;
    return -1;
}

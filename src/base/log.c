/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

static const char *program = "slipway";
static enum log_level threshold = LOG_LEVEL_INFO;
static char context[128];

void log_init(const char *name, enum log_level least)
{
    program = name;
    threshold = least;
}

void log_context(const char *text)
{
    snprintf(context, sizeof(context), "%s", text ? text : "");
}

static void add_quoted(struct buf *out, const char *s)
{
    buf_addc(out, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c == '\n')
            buf_adds(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            buf_addf(out, "\\x%02x", c);
        else
            buf_addc(out, (char)c);
    }
    buf_addc(out, '"');
}

void log_write(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (level < threshold)
        return;
    char now[TIME_TEXT];
    time_format(time_now(), now);
    AUTO_BUF text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    AUTO_BUF line = {0};
    buf_addf(&line, "time=%s level=%s program=%s pid=%d %s%smsg=", now, names[level], program,
             (int)getpid(), context, *context ? " " : "");
    add_quoted(&line, buf_str(&text));
    buf_addc(&line, '\n');
    /* one write, so that lines of several processes do not mix */
    ssize_t n = write(STDERR_FILENO, line.data, line.len);
    (void)n;
}

void log_err(enum log_level level, const char *what, const struct err *err)
{
    if (err->detail[0])
        log_write(level, "%s: %s (%s)", what, err->msg, err->detail);
    else
        log_write(level, "%s: %s", what, err->msg);
}

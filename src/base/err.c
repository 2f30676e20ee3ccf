/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    char text[sizeof(err->msg)]; /* FMT's arguments may point into err->msg */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    str_utf8_trim(text);
    err->code = code;
    err->detail[0] = '\0';
    memcpy(err->msg, text, sizeof(text));
    return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char text[sizeof(err->msg)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    size_t n = strlen(text);
    snprintf(text + n, sizeof(text) - n, ": %s", err->msg);
    str_utf8_trim(text);
    memcpy(err->msg, text, sizeof(text));
    return -1;
}

int err_detail(struct err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->detail, sizeof(err->detail), fmt, ap);
    va_end(ap);
    str_utf8_trim(err->detail);
    return -1;
}

int err_http_status(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return 200;
    case ERR_MALFORMED:
        return 400;
    case ERR_UNAUTHORIZED:
        return 401;
    case ERR_FORBIDDEN:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_METHOD:
        return 405;
    case ERR_CONFLICT:
    case ERR_CANCELLED:
    case ERR_STALE:
        return 409;
    case ERR_PRECONDITION:
        return 412;
    case ERR_TOO_LARGE:
        return 413;
    case ERR_INVALID:
        return 422;
    case ERR_LIMIT:
        return 429;
    case ERR_UNAVAILABLE:
        return 503;
    case ERR_TIMEOUT:
        return 504;
    case ERR_INTERNAL:
        return 500;
    }
    return 500;
}

/* SPDX-License-Identifier: MIT */
/* The answer's half of http/request.h. */
#include <stdarg.h>

#include "http/request.h"

void http_response_init(struct http_response *r)
{
    *r = (struct http_response){.status = 200};
}

void http_response_release(struct http_response *r)
{
    buf_release(&r->headers);
    buf_release(&r->body);
}

void http_response_reset(struct http_response *r)
{
    buf_clear(&r->headers);
    buf_clear(&r->body);
    r->status = 200;
}

void http_set(struct http_response *r, const char *name, const char *fmt, ...)
{
    va_list ap;
    buf_addf(&r->headers, "%s: ", name);
    size_t from = r->headers.len;
    va_start(ap, fmt);
    buf_vaddf(&r->headers, fmt, ap);
    va_end(ap);
    for (size_t i = from; i < r->headers.len; i++)
        if ((unsigned char)r->headers.data[i] < 0x20 || r->headers.data[i] == 0x7F)
            BUG("control character in the header %s", name);
    buf_adds(&r->headers, "\r\n");
}

void http_redirect(struct http_response *r, int status, const char *location)
{
    http_response_reset(r);
    r->status = status;
    http_set(r, "Location", "%s", location);
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}

/* SPDX-License-Identifier: MIT */
/*
 * What compiled templates (templates/, src/template/compile.c) call: a value, escaped for the
 * place where it stands. The macros choose by the value's type; a type that cannot be shown there
 * does not compile.
 */
#ifndef SLIPWAY_HTTP_TEMPLATE_H
#define SLIPWAY_HTTP_TEMPLATE_H

#include "base/buf.h"

/* HTML that is safe as it is: the only thing that {{{ }}} accepts. Made where the HTML is made. */
struct tpl_html {
    const char *html; /* NULL is nothing */
};

/* Text between tags, and attribute values: & < > " ' become entities; NULL is nothing. */
void tpl_text(struct buf *out, const char *s);
/* A whole address in an attribute: relative, http, https or mailto; anything else, javascript:
 * above all, is written as "#". What may not stand in an address is percent-encoded. */
void tpl_url(struct buf *out, const char *s);
/* One piece of an address: everything but unreserved characters is percent-encoded. */
void tpl_url_part(struct buf *out, const char *s);
void tpl_raw(struct buf *out, struct tpl_html h);
void tpl_int(struct buf *out, long long v);
/* The shortest decimal that reads back as V, never in exponent notation. */
void tpl_num(struct buf *out, double v);
/* With DECIMALS digits behind the point. */
void tpl_fixed(struct buf *out, double v, int decimals);
bool tpl_true_text(const char *s);
bool tpl_true_int(long long v);
bool tpl_true_num(double v);
bool tpl_same(const char *a, const char *b);

#define TPL_BY_TYPE(x, text) \
    _Generic((x),             \
        const char *: text,   \
        char *: text,         \
        int: tpl_int,         \
        unsigned: tpl_int,    \
        long: tpl_int,        \
        long long: tpl_int,   \
        unsigned long: tpl_int, \
        double: tpl_num)
#define TPL_TEXT(out, x) TPL_BY_TYPE(x, tpl_text)(out, x)
#define TPL_URL(out, x) TPL_BY_TYPE(x, tpl_url)(out, x)
#define TPL_URL_PART(out, x) TPL_BY_TYPE(x, tpl_url_part)(out, x)
#define TPL_TRUE(x) \
    _Generic((x),                     \
        const char *: tpl_true_text,  \
        char *: tpl_true_text,        \
        double: tpl_true_num,         \
        bool: tpl_true_int,           \
        int: tpl_true_int,            \
        unsigned: tpl_true_int,       \
        long: tpl_true_int,           \
        long long: tpl_true_int,      \
        unsigned long: tpl_true_int)(x)

#endif

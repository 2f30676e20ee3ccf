/* SPDX-License-Identifier: MIT */
/* The view structs of the templates that the tests compile. */
#ifndef SLIPWAY_TESTS_TEMPLATE_VIEWS_H
#define SLIPWAY_TESTS_TEMPLATE_VIEWS_H

#include "http/template.h"

struct view_item {
    const char *name;
    int64_t n;
};

struct view_all {
    const char *text, *url, *word;
    struct tpl_html safe;
    int64_t count;
    double size;
    bool yes;
    struct view_item one;
    struct {
        struct view_item *list;
        size_t n;
    } items;
};

#endif

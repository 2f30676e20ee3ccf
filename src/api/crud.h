/* SPDX-License-Identifier: MIT */
/*
 * What most resources have in common: list, make, read, change and delete one. A resource is its
 * operations and a struct crud that names them; the route rows name these handlers and it.
 */
#ifndef SLIPWAY_API_CRUD_H
#define SLIPWAY_API_CRUD_H

#include "api/api.h"

/* A page of a list, whatever it is of. */
struct crud_list {
    const void *list;
    size_t n;
    bool more;
};
#define CRUD_LIST(out, from) \
    (*(out) = (struct crud_list){.list = (from).list, .n = (from).n, .more = (from).more})

struct crud {
    const char *path; /* "/api/teams" */
    size_t size;      /* of the struct, whose first member is the id */
    api_writer *write;
    int (*list)(struct api_call *c, const struct store_page *page, struct crud_list *out,
                struct err *err);
    int (*get)(struct api_call *c, const char *id, void *out, struct err *err);
    int (*create)(struct api_call *c, struct json_object *in, void *out, struct err *err);
    int (*update)(struct api_call *c, const char *id, struct json_object *in, void *out,
                  struct err *err);
    int (*remove)(struct api_call *c, const char *id, struct err *err);
};

/* The id in the path is the route's first parameter; If-Match is compared with what get() gives. */
route_handler crud_list, crud_create, crud_get, crud_update, crud_delete;

/* 201, the resource and its Location; SECRET (may be NULL) is shown this once as the member NAME.
 */
void crud_made(struct api_call *c, const struct crud *r, const void *made, const char *name,
               const char *secret);

#endif

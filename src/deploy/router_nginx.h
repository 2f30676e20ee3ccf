/* SPDX-License-Identifier: MIT */
/*
 * The router: domains to tasks by a file that nginx includes inside http { }.
 *
 * An application has one stable address while its tasks' ports change with every update. The file
 * is written beside itself and renamed, `nginx -t` looks at it before nginx is told, and when nginx
 * refuses it the file before is put back, so that a bad one is never loaded. A request that one
 * task does not answer goes to the next. A host that nobody has is answered by 404, an application
 * without a task by 503.
 */
#ifndef SLIPWAY_DEPLOY_ROUTER_NGINX_H
#define SLIPWAY_DEPLOY_ROUTER_NGINX_H

#include "base/conf.h"
#include "deploy/route.h"

/* Appends the file's text. A domain whose spelling could break out of the file is left out. */
void router_nginx_render(const struct routes *routes, const char *listen, struct buf *out);

/* Brings nginx to TEXT: nothing when the file has it already, unless FORCE. *changed may be NULL.
 * ERR_INVALID: nginx refuses it; the file before is in place again. ERR_UNAVAILABLE: nginx does
 * not run or cannot be started. ERR_INTERNAL: the disk. */
int router_nginx_write(const struct conf *conf, const char *text, bool force, bool *changed,
                       struct err *err);

#endif

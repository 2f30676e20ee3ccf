/* SPDX-License-Identifier: MIT */
/*
 * What the pages of an application share.
 */
#ifndef SLIPWAY_PAGES_APP_H
#define SLIPWAY_PAGES_APP_H

#include "api/app.h"
#include "pages/page.h"

/* "kellerfold/shop-web, main", or the image. */
const char *app_source(struct arena *a, const struct store_app *app);

/* The frame and the head with the tab TAB ("overview", …). Reads the project for the crumbs. */
int app_head(struct api_call *c, const struct store_app *app, const char *role, const char *tab,
             struct view_page *page, struct view_app_head *head, struct err *err);

/* Remembers a secret that was just made for the page that shows it once; it travels in a cookie
 * that is sealed for the application and lasts a minute. */
void app_show_secret(struct api_call *c, const char *app_id, const char *secret);
/* That secret, or NULL; it is then forgotten. */
const char *app_shown_secret(struct api_call *c, const char *app_id);

/* ways.c: the timeline of D; PAST is the success before, or NULL. */
void ways_fill(struct arena *a, const struct store_deployment *d,
               const struct store_deployment *past, bool compact, struct view_ways *out);
/* The success that was there before D; *out.id stays NULL when there is none. */
int ways_past(struct api_call *c, const struct store_deployment *d, struct store_deployment *out,
              struct err *err);
bool ways_ended(const struct store_deployment *d);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What every page's handler uses: the frame, what is shown after a POST, times and states in words.
 */
#ifndef SLIPWAY_PAGES_PAGE_H
#define SLIPWAY_PAGES_PAGE_H

#include "api/api.h"
#include "pages/templates.gen.h"
#include "api/deployment.h"

/* What a page says after the POST that led to it. */
enum toast {
    TOAST_NONE,
    TOAST_SAVED,
    TOAST_DEPLOYING,
    TOAST_PROJECT_CREATED,
    TOAST_PROJECT_DELETED,
    TOAST_APP_CREATED,
    TOAST_APP_NOT_DEPLOYED, /* created, but not deployed */
    TOAST_APP_DELETED,
    TOAST_STARTING,
    TOAST_STOPPING,
    TOAST_RESTARTING,
    TOAST_CANCELLING,
    TOAST_ROLLING_BACK,
    TOAST_REGISTERED,
    TOAST_REDELIVERED,
    TOAST_PASSWORD,
    TOAST_SESSION_ENDED,
    TOAST_TOTP_ON,
    TOAST_TOTP_OFF,
};

/* The frame; reads (and takes away) the toast and reads the theme. PLACE is the menu's entry. */
void page_begin(struct api_call *c, struct view_page *page, const char *title, const char *place);
/* Sends what is in the body as HTML. */
int page_send(struct api_call *c, int status);
/* Sends the browser to PATH ("/…") by 303, which then shows TOAST. Headers stay. */
int page_redirect(struct api_call *c, enum toast toast, const char *path);
/* The same; the toast goes on with WHY ("the queue …"), which travels sealed. */
int page_redirect_why(struct api_call *c, enum toast toast, const char *why, const char *path);

/* The form's values stay good when the API refuses with one of these; the page is shown again with
 * the status, and what the request had changed until then is undone. False: the error is the
 * page's own. */
bool page_form_error(struct api_call *c, const struct err *err);

/* Whether the caller may do P where the project gives ROLE. */
bool page_may(const struct api_call *c, const char *role, enum permission p);

struct view_status page_status(struct arena *a, const char *word);
/* "12 min ago" within a day, else "20 Nov, 11:04" (UTC). */
struct view_time page_time(struct arena *a, int64_t ms);
/* "09:41:02", UTC */
const char *page_clock(struct arena *a, int64_t ms);
/* "4.7 s", "2 min 5 s" */
const char *page_seconds(struct arena *a, int64_t ms);
const char *page_commit(struct arena *a, const char *sha); /* its first 7, or "–" */
/* The first line of a commit's message. */
const char *page_subject(struct arena *a, const char *message);

/* Adds a step to the crumbs; url NULL is this page. */
void page_crumb(struct arena *a, struct view_crumbs *crumbs, const char *label, const char *url);
/* The links of a list of N of which there are MORE behind LAST. */
void page_list(struct api_call *c, struct view_pages *pages, size_t n, bool more, const char *last);
/* The rows of a list of deployments. */
void page_deployments(struct api_call *c, const struct store_deployments *list,
                      struct view_deployment_rows *out);
/* Where a browser finds a domain of an application. The port is the router's: 80 and 443 are not
 * written. Behind another one, when the dashboard is https, there is something in front that ends
 * TLS for both. */
const char *page_visit_url(struct arena *a, const struct conf *conf, const char *host,
                           const char *path);
/* The address of the GitHub webhook. */
const char *page_hook_url(struct api_call *c);

#endif

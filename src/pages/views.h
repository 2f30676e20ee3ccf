/* SPDX-License-Identifier: MIT */
/*
 * What templates show: one struct a template, filled by the handlers in pages/. Texts live in the
 * request's arena; NULL shows nothing. A list has `list` and `n`.
 */
#ifndef SLIPWAY_PAGES_VIEWS_H
#define SLIPWAY_PAGES_VIEWS_H

#include "base/base.h"

/* ---- parts */

/* The frame around every page. */
struct view_page {
    const char *title, *place; /* place: which entry of the menu is current */
    const char *theme;         /* "light", "dark"; NULL: the system decides */
    const char *csrf;
    const char *username, *role; /* NULL for somebody who is not signed in */
    const char *host, *version;  /* of the plain frame */
    const char *toast;           /* what was just done */
    const char *here;            /* this page's address */
    bool refresh;                /* load it again in a moment */
};

struct view_status {
    const char *word, *label; /* the API's word, and how it reads */
};

struct view_time {
    const char *iso, *text; /* iso NULL: never */
};

struct view_crumb {
    const char *label, *url; /* url NULL: this page */
};

struct view_crumbs {
    struct {
        struct view_crumb *list;
        size_t n;
    } crumbs;
};

struct view_choice {
    const char *value, *label;
    bool chosen;
};

/* kind: text, number, check, select. A check's value is any text for yes. */
struct view_field {
    const char *id, *name, *label, *help, *value, *error, *kind, *type, *autocomplete;
    const char *described; /* ids of help and error */
    bool mono, small, required;
    struct {
        struct view_choice *list;
        size_t n;
    } choices;
};

struct view_fields {
    struct view_field *list;
    size_t n;
};

struct view_form {
    const char *action, *csrf, *submit, *cancel;
    const char *version; /* of what is changed; NULL for something new */
    const char *second, *second_name, *second_value; /* another button */
    const char *problem;                             /* above the form */
    struct view_fields fields;
};

struct view_pages {
    const char *label, *newest, *older;
    bool show;
};

struct view_deployment_row {
    const char *id, *commit, *message, *by, *took, *application, *application_id;
    struct view_status status;
    struct view_time when;
};

struct view_deployment_rows {
    bool applications; /* with the column that names them */
    struct {
        struct view_deployment_row *list;
        size_t n;
    } rows;
};

/* The timeline. Paths are SVG; 1000 across is the axis, 40 down a row. */
struct view_tick {
    const char *label;
};

struct view_ways_row {
    struct view_status status; /* the glyph, and the step's name */
    const char *state;
    const char *body, *past, *now, *end;
    const char *took, *last, *difference;
    bool slower;
};

struct view_ways {
    bool compact, reached, slower;
    const char *grid, *service, *took, *last, *difference;
    const char *past_name; /* the last success's commit */
    struct {
        struct view_tick *list;
        size_t n;
    } ticks;
    struct {
        struct view_ways_row *list;
        size_t n;
    } rows;
};

/* ---- pages */

struct view_error {
    struct view_page page;
    const char *title, *message, *request;
    int status;
    bool again;
};

struct view_auth {
    struct view_page page;
    const char *problem, *next;
    const char *issuer;     /* that one may sign in through; NULL: none */
    const char *ticket;     /* of a sign-in whose code is due */
    const char *invitation; /* the token of the link that led here; NULL: none */
    bool may_register, first;
    struct view_fields fields;
};

/* On the way to the issuer, to end the sign-in there. */
struct view_leave {
    struct view_page page;
    const char *url, *issuer;
};

struct view_session_row {
    const char *id, *agent, *address;
    struct view_time begun, seen;
    bool current;
};

struct view_code {
    const char *text;
};

struct view_profile {
    struct view_page page;
    const char *username, *email, *problem;
    bool has_password;
    struct view_fields password;
    struct {
        struct view_session_row *list;
        size_t n;
    } sessions;
    struct view_pages pages;
    bool totp; /* in force */
    int64_t codes_left;
    const char *secret, *qr; /* of a factor that waits for its first code; qr is an SVG path */
    int64_t qr_size;
    struct {
        struct view_code *list;
        size_t n;
    } codes;
    struct view_fields code;
};

struct view_project_row {
    const char *id, *name, *description;
    struct view_time made;
};

struct view_projects {
    struct view_page page;
    bool can_create;
    struct {
        struct view_project_row *list;
        size_t n;
    } projects;
    struct view_pages pages;
};

struct view_project_form {
    struct view_page page;
    struct view_crumbs crumbs;
    const char *title, *name, *delete_url;
    struct view_form form;
    struct view_field sure;
};

struct view_app_row {
    const char *id, *name, *source, *deployment_id;
    struct view_status status, deployment;
    struct view_time deployed;
    int64_t replicas, memory;
};

struct view_project {
    struct view_page page;
    struct view_crumbs crumbs;
    const char *id, *name, *description;
    bool can_create, can_update;
    struct {
        struct view_app_row *list;
        size_t n;
    } apps;
    struct view_pages pages;
};

struct view_app_new {
    struct view_page page;
    struct view_crumbs crumbs;
    struct view_form form;
};

/* The head that an application's pages share. */
struct view_app_head {
    struct view_crumbs crumbs;
    const char *id, *name, *address, *csrf, *tab;
    struct view_status status;
    bool can_deploy, can_update, pending;
    bool can_start, can_stop; /* what can be stopped can be restarted */
};

/* A release that can be gone back to. */
struct view_release {
    const char *id, *commit, *message;
    struct view_time when;
    bool live, bad; /* bad: somebody has gone back from it */
    bool can_go_back;
};

struct view_app_show {
    struct view_page page;
    struct view_app_head head;
    const char *hook_url, *secret; /* secret: only just after it was made */
    const char *live_id, *live_commit;
    struct view_time live_since;
    const char *source, *source_note, *address, *cpu_unit, *replica_unit, *health, *health_note;
    const char *image, *registry, *digest, *built_from, *service, *order, *on_failure, *restart;
    const char *last_id, *last_commit;
    int64_t port, memory, replicas;
    double cpu, monitor;
    struct view_ways ways;
    struct view_deployment_rows deployments;
    struct {
        struct view_release *list;
        size_t n;
    } releases;
};

struct view_env_row {
    size_t n;
    const char *key, *value, *key_label, *value_label, *secret_label, *error;
    bool is_new, secret;
    bool kept; /* a secret whose value is not shown */
};

struct view_app_env {
    struct view_page page;
    struct view_app_head head;
    const char *problem, *summary;
    int64_t version;
    struct {
        struct view_env_row *list;
        size_t n;
    } rows;
};

struct view_app_deployments {
    struct view_page page;
    struct view_app_head head;
    struct view_deployment_rows deployments;
    struct view_pages pages;
};

struct view_app_settings {
    struct view_page page;
    struct view_app_head head;
    struct view_form form;
    const char *hook_url, *secret;
    struct view_field sure;
    bool can_delete;
};

struct view_deployments {
    struct view_page page;
    struct view_deployment_rows deployments;
    struct view_pages pages;
};

struct view_fact {
    const char *name, *value;
};

struct view_line {
    int64_t n;
    const char *class, *at, *text;
    bool bad;
};

struct view_deployment {
    struct view_page page;
    struct view_crumbs crumbs;
    const char *id, *title, *commit, *commit_sha, *branch, *application, *application_id, *by;
    struct view_status status;
    struct view_time when;
    bool can_retry, can_cancel, can_rollback;
    const char *running, *forecast, *as_of; /* running NULL: it has ended */
    bool failed;
    const char *error, *failed_step, *output, *live_id, *live_commit;
    struct {
        struct view_fact *list;
        size_t n;
    } facts;
    struct view_ways ways;
    struct {
        struct view_line *list;
        size_t n;
    } lines;
    const char *first_error; /* where it is, maybe on another page; NULL: there is none */
    const char *log_note, *log_earlier, *log_first, *log_later, *log_newest;
};

/* ---- webhooks */

struct view_delivery_row {
    const char *id, *provider, *event, *ref, *commit, *reason;
    const char *host, *path;   /* of the repository: "git.example.com/", "acme/shop" */
    const char *deployment_id; /* the first that it started; NULL: none */
    struct view_status outcome;
    struct view_time when;
};

struct view_deliveries {
    struct view_page page;
    struct {
        struct view_delivery_row *list;
        size_t n;
    } rows;
    struct view_pages pages;
};

struct view_delivery {
    struct view_page page;
    struct view_crumbs crumbs;
    struct view_delivery_row row;
    const char *application_id, *application, *address, *request_id, *headers, *payload;
    const char *repeats; /* the delivery that it did again; NULL: none */
    const char *now;     /* what it would come to now */
    bool can_redeliver;
    const char *problem;
};

/* ---- the API's description */

struct view_api_field {
    const char *name, *doc, *type;
    const char *schema; /* the one that it leads to, or NULL */
    const char *more;   /* what else is to know of it: ", required" */
};

struct view_api_schema {
    const char *name;
    struct {
        struct view_api_field *list;
        size_t n;
    } fields;
};

struct view_api_operation {
    const char *id, *method, *path, *doc, *note, *permission;
    const char *body, *answer, *answers; /* schemas; "201, or 401 403 404" */
    bool list;
    struct {
        struct view_api_field *list;
        size_t n;
    } parameters;
};

struct view_api_group {
    const char *id, *title;
    struct {
        struct view_api_operation *list;
        size_t n;
    } operations;
};

struct view_api {
    struct view_page page;
    struct {
        struct view_api_group *list;
        size_t n;
    } groups;
    struct {
        struct view_api_schema *list;
        size_t n;
    } schemas;
};

#endif

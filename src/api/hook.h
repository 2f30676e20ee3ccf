/* SPDX-License-Identifier: MIT */
/*
 * What the webhooks of all hosts have in common: who a delivery is about, whether its proof is
 * good, what it starts, and the row that says so.
 *
 * A host's file (hook_github.c, …) reads its payload into a struct hook and gives the proof; the
 * rest is the same for all.
 */
#ifndef SLIPWAY_API_HOOK_H
#define SLIPWAY_API_HOOK_H

#include "api/api.h"
#include "store/app.h"
#include "store/delivery.h"

enum hook_kind {
    HOOK_OTHER, /* known to the host and nothing to us */
    HOOK_PING,
    HOOK_PUSH, /* of a branch: branch, sha, message */
    HOOK_TAG,
    HOOK_DELETED, /* of a branch */
    HOOK_IMAGE,   /* of an image: the row's repository is its name */
};

struct hook {
    struct store_delivery row; /* provider, delivery_id, event, repository, ref filled in */
    enum hook_kind kind;
    const char *branch;
    const char *commit_sha;     /* 40 digits, lower case */
    const char *commit_message; /* of the newest commit; may be NULL */
    const char *token;          /* whose SHA-256 says which application it is of; NULL: its
                                 * repository does */
    const char **images;        /* of HOOK_IMAGE: normal names (base/imageref.h), NULL-terminated */
    struct json_object *payload; /* for the record; may be NULL */

    struct store_hook *candidates; /* the applications that it may be about */
    size_t n_candidates;
    struct store_hook *apps; /* those whose secret proved it */
    size_t n;
    struct store_deployment *starts;
    size_t n_starts;
};

/* Whether the proof that the request brings is made with SECRET; in constant time. */
typedef bool hook_proof(const struct http_request *r, const char *secret);

/* At most MAX bytes of S, well-formed UTF-8: one that is cut within a character is no text to the
 * database. NULL for NULL. */
const char *hook_text(struct arena *a, const char *s, size_t max);

/* Begins a delivery of PROVIDER: event and id from headers, cut to size. */
void hook_init(struct api_call *c, struct hook *h, const char *provider, const char *event,
               const char *delivery_id);

/* Reads `ref` and `after`, which GitHub and GitLab call alike, and takes MESSAGE (may be NULL) for
 * a push. ERR_MALFORMED. */
int hook_read_push(struct api_call *c, struct hook *h, const char *message, struct err *err);

/* Finds the candidates by the token or the row's repository, proves, plans, writes and answers:
 * 202 with what was started, 200 for a ping and for what was seen before. ERR_UNAUTHORIZED in one
 * wording when nothing fits; that is written down, too. */
int hook_run(struct api_call *c, struct hook *h, hook_proof *proof, struct err *err);

/* What the delivery starts, by the applications in h->apps as they are now: fills starts, and the
 * row's outcome and reason. */
void hook_plan(struct api_call *c, struct hook *h);

/* ---- recorded deliveries (delivery.c) */

/* By the request's ?applicationId= and ?outcome=. */
int api_delivery_list(struct api_call *c, const struct store_page *page,
                      struct store_deliveries *out, struct err *err);
/* With headers and body. *role (may be NULL) gets what the project gives the caller. */
int api_delivery_get(struct api_call *c, const char *id, struct store_delivery *out,
                     const char **role, struct err *err);
/* Does again what it says. ERR_CONFLICT: its proof was not good, or its application is gone. */
int api_delivery_redeliver(struct api_call *c, const char *id, struct store_delivery *out,
                           struct err *err);
/* What it would do now: out->row's outcome and reason, out->starts. Writes nothing. */
int api_delivery_explain(struct api_call *c, const struct store_delivery *d, struct hook *out,
                         struct err *err);

extern const struct valid_table api_hook_table; /* {"deployments": [ids], "reason"?} */
extern const struct route_table api_github_routes, api_gitlab_routes, api_docker_routes,
    api_delivery_routes;

#endif

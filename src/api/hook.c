/* SPDX-License-Identifier: MIT */
#include "api/hook.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "api/deployment.h"
#include "base/giturl.h"
#include "base/imageref.h"
#include "base/rand.h"
#include "base/str.h"

enum {
    EVENT_MAX = 100,
    ID_MAX = 200,
    REF_MAX = 300,
    MESSAGE_MAX = 10000,
    HEADER_MAX = 300,
    REASON_MAX = 300,
};

static const struct valid_field answer_fields[] = {
    {.name = "deployments", .type = VALID_LIST, .doc = "ids of what was started"},
    {.name = "reason", .type = VALID_STR, .flags = VALID_MAYBE, .doc = "why nothing was started"},
};
const struct valid_table api_hook_table = {"HookAnswer", answer_fields, ARRAY_LEN(answer_fields),
                                           0};

const char *hook_text(struct arena *a, const char *s, size_t max)
{
    return s ? str_utf8_scrub(a, s, strnlen(s, max)) : NULL;
}

void hook_init(struct api_call *c, struct hook *h, const char *provider, const char *event,
               const char *delivery_id)
{
    *h = (struct hook){.row = {.id = uuid_new(c->arena),
                               .provider = provider,
                               .event = event ? hook_text(c->arena, event, EVENT_MAX) : "",
                               .address = c->req->address,
                               .request_id = c->req->id}};
    /* without an id of its own a delivery is known by what it says */
    h->row.delivery_id = !str_empty(delivery_id) && strlen(delivery_id) <= ID_MAX
                             ? hook_text(c->arena, delivery_id, ID_MAX)
                             : sha256_hex(c->arena, c->req->body, c->req->body_len);
}

int hook_read_push(struct api_call *c, struct hook *h, const char *message, struct err *err)
{
    static const char heads[] = "refs/heads/";
    const char *ref = json_str_at(h->payload, "ref");
    const char *sha = json_str_at(h->payload, "after");
    if (!ref || !sha || !str_is_hex(sha, 40, 40))
        return err_set(err, ERR_MALFORMED, "the push has no 'ref' or no 'after'");
    h->row.ref = hook_text(c->arena, ref, REF_MAX);
    h->kind = HOOK_TAG;
    if (!str_starts(h->row.ref, heads))
        return 0;
    h->branch = h->row.ref + strlen(heads);
    h->kind = HOOK_DELETED;
    if (json_bool_at(h->payload, "deleted", false) || strspn(sha, "0") == 40)
        return 0;
    h->kind = HOOK_PUSH;
    h->commit_sha = str_lower(c->arena, sha);
    h->commit_message = arena_strdup(c->arena, message);
    return 0;
}

/* ---- the record */

static bool tells_a_secret(const char *key)
{
    static const char *const words[] = {"token",     "secret",  "password",   "authorization",
                                        "signature", "private", "credential", "cookie"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasestr(key, words[i]))
            return true;
    return false;
}

static void mask(struct json_object *o)
{
    if (json_object_is_type(o, json_type_array)) {
        for (size_t i = 0; i < json_len(o); i++)
            mask(json_object_array_get_idx(o, i));
    } else if (json_object_is_type(o, json_type_object)) {
        json_object_object_foreach(o, key, v)
        {
            if (json_object_is_type(v, json_type_string) && tells_a_secret(key))
                json_object_set_string(v, "***");
            else
                mask(v);
        }
    }
}

static const char *headers_of(struct api_call *c)
{
    static const char *const names[] = {
        "User-Agent",          "Content-Type",        "X-GitHub-Event",  "X-GitHub-Delivery",
        "X-GitHub-Hook-ID",    "X-Hub-Signature-256", "X-Hub-Signature", "X-Gitlab-Event",
        "X-Gitlab-Event-UUID", "X-Gitlab-Instance",   "X-Gitlab-Token",  "Idempotency-Key",
        "Authorization",
    };
    AUTO_BUF text = {0};
    struct jw w;
    jw_init(&w, &text);
    jw_begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = http_header(c->req, names[i]);
        if (value)
            jw_kstr(&w, names[i],
                    tells_a_secret(names[i]) ? "***" : hook_text(c->arena, value, HEADER_MAX));
    }
    jw_end(&w);
    return buf_dup(&text, c->arena);
}

static void describe(struct api_call *c, struct hook *h)
{
    struct store_delivery *row = &h->row;
    row->headers = headers_of(c);
    row->commit_sha = h->commit_sha;
    row->commit_message = hook_text(c->arena, h->commit_message, MESSAGE_MAX);
    if (!h->payload)
        return;
    mask(h->payload);
    const char *text = json_object_to_json_string_ext(h->payload, JSON_C_TO_STRING_PLAIN);
    row->body = hook_text(c->arena, text, STORE_DELIVERY_BODY_MAX);
}

/* ---- the proof */

static int secret_fits(struct api_call *c, const struct store_hook *h, hook_proof *proof,
                       bool *fits, struct err *err)
{
    const struct {
        const char *data;
        size_t len;
    } sealed[] = {{h->secret, h->secret_len}, {h->old_secret, h->old_secret_len}};
    *fits = false;
    for (size_t i = 0; i < ARRAY_LEN(sealed); i++) {
        char *secret;
        if (!sealed[i].data)
            continue;
        if (secret_open(&c->api->keys, c->arena, h->app.id, sealed[i].data, sealed[i].len, &secret,
                        err) < 0)
            return -1;
        *fits |= proof(c->req, secret);
    }
    return 0;
}

static int find_candidates(struct api_call *c, struct hook *h, struct err *err)
{
    if (h->token) {
        unsigned char hash[SHA256_SIZE];
        sha256(h->token, strlen(h->token), hash);
        return store_app_secret_hooks(c->api->pg, c->arena, hash, &h->candidates, &h->n_candidates,
                                      err);
    }
    if (!h->row.repository)
        return 0;
    return store_app_hooks(c->api->pg, c->arena, h->row.repository, &h->candidates,
                           &h->n_candidates, err);
}

/* An unknown repository costs the same work as a known one and gives the same answer. */
static int prove(struct api_call *c, struct hook *h, hook_proof *proof, struct err *err)
{
    if (find_candidates(c, h, err) < 0)
        return -1;
    if (!h->n_candidates)
        proof(c->req, "nobody's secret");
    h->apps = ARENA_ARRAY(c->arena, h->n_candidates, struct store_hook);
    for (size_t i = 0; i < h->n_candidates; i++) {
        bool fits;
        if (secret_fits(c, &h->candidates[i], proof, &fits, err) < 0)
            return -1;
        if (fits)
            h->apps[h->n++] = h->candidates[i];
    }
    return 0;
}

static int refuse(struct api_call *c, struct hook *h, struct err *err)
{
    bool fresh;
    /* whoever looks for it looks at the application that it names */
    if (h->images && *h->images &&
        store_app_image_hooks(c->api->pg, c->arena, h->images, &h->candidates, &h->n_candidates,
                              err) < 0)
        return -1;
    h->row.outcome = "refused";
    h->row.application_id = h->n_candidates ? h->candidates[0].app.id : NULL;
    h->row.reason = h->n_candidates     ? "the proof fits no application that this is deployed to"
                    : h->row.repository ? "nothing is deployed from here"
                                        : "the payload names no repository";
    if (!h->n_candidates)
        h->row.body = h->row.commit_message = NULL; /* a stranger's text is not kept */
    if (store_delivery_insert(c->api->pg, c->arena, &h->row, NULL, 0, &fresh, err) < 0)
        return -1;
    c->keep = true;
    return err_set(err, ERR_UNAUTHORIZED,
                   "the proof fits no application that is deployed from there");
}

/* ---- the plan */

static bool asks_to_skip(const char *message)
{
    return message && (strstr(message, "[skip ci]") || strstr(message, "[skip deploy]"));
}

static void start(struct api_call *c, struct hook *h, const struct store_app *app)
{
    h->starts[h->n_starts++] = (struct store_deployment){
        .id = uuid_new(c->arena),
        .application_id = app->id,
        .trigger = "webhook",
        .branch = app->branch,
        .commit_sha = h->commit_sha,
        .commit_message = hook_text(c->arena, h->commit_message, MESSAGE_MAX),
    };
}

static bool runs_image(struct api_call *c, const struct store_app *app, const struct hook *h)
{
    const char *own = app->image ? imageref_normal(c->arena, app->image) : NULL;
    for (const char **image = h->images; own && image && *image; image++)
        if (str_eq(*image, own))
            return true;
    return false;
}

void hook_plan(struct api_call *c, struct hook *h)
{
    bool off = false;
    h->row.outcome = "ignored";
    h->n_starts = 0;
    h->starts = ARENA_ARRAY(c->arena, h->n + 1, struct store_deployment);
    switch (h->kind) {
    case HOOK_PING:
        h->row.outcome = "ping";
        return;
    case HOOK_OTHER:
        h->row.reason = h->token ? "only a tag that is pushed deploys" : "only pushes deploy";
        return;
    case HOOK_TAG:
        h->row.reason =
            arena_printf(c->arena, "%s is no branch", hook_text(c->arena, h->row.ref, REASON_MAX));
        return;
    case HOOK_DELETED:
        h->row.reason = arena_printf(c->arena, "the branch %s was deleted",
                                     hook_text(c->arena, h->branch, REASON_MAX));
        return;
    case HOOK_PUSH:
    case HOOK_IMAGE:
        break;
    }
    if (h->kind == HOOK_PUSH && asks_to_skip(h->commit_message)) {
        h->row.reason = "the commit's message asks to skip";
        return;
    }
    for (size_t i = 0; i < h->n; i++) {
        const struct store_app *app = &h->apps[i].app;
        if (h->kind == HOOK_PUSH ? !str_eq(app->branch, h->branch) : !runs_image(c, app, h))
            continue;
        if (app->auto_deploy)
            start(c, h, app);
        off |= !app->auto_deploy;
    }
    if (h->n_starts)
        h->row.outcome = "deployed";
    else
        h->row.reason = off ? "automatic deployment is off"
                            : arena_printf(c->arena, "no application is deployed from '%s'",
                                           hook_text(c->arena, h->branch ? h->branch : h->images[0],
                                                     REASON_MAX));
}

static void answer(struct api_call *c, int status, const struct hook *h)
{
    struct jw w;
    api_begin(c, &w);
    jw_begin(&w);
    jw_key(&w, "deployments");
    jw_begin_array(&w);
    for (size_t i = 0; i < h->n_starts; i++)
        jw_str(&w, h->starts[i].id);
    jw_end_array(&w);
    if (h->row.reason)
        jw_kstr(&w, "reason", h->row.reason);
    jw_end(&w);
    api_send(c, status, NULL);
}

int hook_run(struct api_call *c, struct hook *h, hook_proof *proof, struct err *err)
{
    bool fresh;
    if (prove(c, h, proof, err) < 0)
        return -1;
    describe(c, h);
    if (!h->n)
        return refuse(c, h, err);
    h->row.proved = true;
    h->row.application_id = h->apps[0].app.id;
    hook_plan(c, h);
    if ((h->n_starts && api_need_queue(c, err) < 0) ||
        store_delivery_insert(c->api->pg, c->arena, &h->row, h->starts, h->n_starts, &fresh, err) <
            0)
        return -1;
    if (!fresh) {
        h->n_starts = 0;
        h->row.reason = "this delivery was seen before";
        answer(c, 200, h);
        return 0;
    }
    for (size_t i = 0; i < h->n_starts; i++)
        api_audit(c, "application.deploy", h->starts[i].application_id)->actor =
            arena_printf(c->arena, "%s webhook", h->row.provider);
    api_enqueue(c, h->starts, h->n_starts);
    answer(c, h->kind == HOOK_PING ? 200 : 202, h);
    return 0;
}

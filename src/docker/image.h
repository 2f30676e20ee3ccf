/* SPDX-License-Identifier: MIT */
/*
 * Images: build, push, pull, inspect, remove (Engine API: POST /build, /images/…).
 *
 * Building and pushing answer 200 and report failure inside the stream of messages, so success
 * here means: a 2xx status, an image id (a digest) and no errorDetail. What the Engine reports as
 * the build's own failure is ERR_INVALID with its message (the user's Dockerfile is at fault);
 * when it says that a registry does not answer, or that it is going down itself, ERR_UNAVAILABLE.
 */
#ifndef SLIPWAY_DOCKER_IMAGE_H
#define SLIPWAY_DOCKER_IMAGE_H

#include "docker/client.h"
#include "docker/trace.h"

struct docker_build {
    const char *const *tags; /* "name:tag", ended by NULL; at least one */
    const char *dockerfile;  /* path inside the context */
    const char *target;      /* stage, or NULL */
    const char *args_json;   /* build arguments as a JSON object of texts, or NULL */
    const char *labels_json; /* the image's labels as a JSON object of texts, or NULL */
    bool classic;            /* the classic builder instead of BuildKit */
    net_source *context;     /* the context as a tar archive */
    void *context_arg;
    docker_line *on_line; /* takes the progress */
    void *line_arg;
};

/* Builds and tags. *id gets the image's id ("sha256:…") in A. */
int docker_image_build(struct docker *d, struct arena *a, const struct docker_build *b, char **id,
                       struct err *err);

/* Pushes NAME:TAG; AUTH is from docker_registry_auth(). *digest gets "sha256:…" in A. */
int docker_image_push(struct docker *d, struct arena *a, const char *name, const char *tag,
                      const char *auth, docker_line *on_line, void *line_arg, char **digest,
                      struct err *err);

/* Pulls REF ("name:tag" or "name@digest"). ERR_NOT_FOUND: the registry does not have it. */
int docker_image_pull(struct docker *d, const char *ref, const char *auth, int64_t idle_ms,
                      struct err *err);

/* GET /images/REF/json. ERR_NOT_FOUND: the Engine does not have it. */
int docker_image_inspect(struct docker *d, const char *ref, struct json_object **out,
                         struct err *err);

/* Removes a name; the image goes with its last name. Success when there is none. */
int docker_image_remove(struct docker *d, const char *ref, struct err *err);

/* Splits "host:5000/a/b:tag@sha256:…" into its name and tag; TAG is NULL where none is given, and
 * a digest counts as one. */
void docker_image_split(struct arena *a, const char *ref, char **name, char **tag);

/* Whether the registry at ADDRESS ("host:5000"; NULL or "" is none) has the image REF. */
bool docker_image_is_of(const char *ref, const char *address);

/*
 * The stream of messages that build, push and pull answer with. For the tests also on its own.
 */
struct docker_messages {
    struct buf pending; /* an unfinished line */
    struct docker_trace trace;
    docker_line *on_line;
    void *arg;
    char id[80];     /* aux.ID, the last one */
    char digest[80]; /* aux.Digest */
    bool failed;     /* an errorDetail came */
    char error[400]; /* its message */
};

void docker_messages_init(struct docker_messages *m, docker_line *on_line, void *arg);
void docker_messages_release(struct docker_messages *m);
/* An net_sink; ARG is the struct docker_messages. */
int docker_messages_feed(void *arg, const char *data, size_t n, struct err *err);
/* After the end of the answer: 0, or -1 when an errorDetail came. */
int docker_messages_end(struct docker_messages *m, struct err *err);

#endif

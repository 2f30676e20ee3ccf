/* SPDX-License-Identifier: MIT */
/*
 * From a checkout to an image.
 */
#ifndef SLIPWAY_DEPLOY_BUILDER_H
#define SLIPWAY_DEPLOY_BUILDER_H

#include "base/arena.h"
#include "docker/image.h"

struct builder {
    struct docker *docker;
    const char *checkout;     /* directory */
    const char *context_path; /* as the application names them */
    const char *dockerfile;
    const char *target;
    const char *args_json;
    const char *labels_json;
    const char *const *tags; /* ended by NULL */
    int64_t mtime_s;         /* the commit's time */
    bool classic;            /* not with BuildKit */
    bool pull;               /* refresh the images that the Dockerfile begins from */
    const char *registry;    /* whose base images AUTH is for; "" is none */
    const char *auth;
    docker_line *on_line;
    void *line_arg;
};

/* Builds with BuildKit, or with the classic builder where the Engine has no BuildKit; *id gets the
 * image's id in A. With `pull` each base image is fetched anew first. One that the Engine has and
 * that no registry gives out (made here, or the registry does not answer) is used as it is, and a
 * line says so. ERR_INVALID, ERR_NOT_FOUND: the application's paths, its Dockerfile, or what it
 * runs. ERR_UNAVAILABLE: the Engine or a registry. */
int builder_run(const struct builder *b, struct arena *a, char **id, struct err *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What has to be known of a Dockerfile before it is built: the images that it begins from.
 */
#ifndef SLIPWAY_DEPLOY_DOCKERFILE_H
#define SLIPWAY_DEPLOY_DOCKERFILE_H

#include "base/arena.h"
#include "base/json.h"

/* The images of the FROM lines that are neither "scratch" nor an earlier stage, each once, as a
 * NULL-terminated array in A. Variables are filled in from ARGS (a JSON object of texts, may be
 * NULL) and from the ARG lines before the first FROM; an image whose name stays unknown is left
 * out. Text that is no Dockerfile gives no images: complaining is the builder's. */
const char **dockerfile_images(struct arena *a, const char *text, size_t len,
                               struct json_object *args);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Names of images.
 */
#ifndef SLIPWAY_BASE_IMAGEREF_H
#define SLIPWAY_BASE_IMAGEREF_H

struct arena;

/* The spelling-independent name of an image: "host/path:tag", without digest. What names no host is
 * of docker.io, there what has no user is "library/…", and what has no tag has "latest"
 * (https://github.com/distribution/reference). */
const char *imageref_normal(struct arena *a, const char *image);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * QR codes (ISO/IEC 18004) as an SVG path.
 */
#ifndef SLIPWAY_PAGES_QR_H
#define SLIPWAY_PAGES_QR_H

#include "base/arena.h"

/* The dark modules of TEXT's code, each one unit wide, with the quiet zone of four around it; *size
 * is the side of the whole. NULL: the text is too long. */
const char *qr_path(struct arena *a, const char *text, int64_t *size);

#endif

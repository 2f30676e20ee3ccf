/* SPDX-License-Identifier: MIT */
#include "pages/qr.h"

#include <qrencode.h>

#include "base/buf.h"

enum { QUIET = 4 };

static void release(QRcode **code)
{
    if (*code)
        QRcode_free(*code);
}

const char *qr_path(struct arena *a, const char *text, int64_t *size)
{
    AUTO_BUF out = {0};
    CLEANUP(release) QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code)
        return NULL;
    int n = code->width;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            int from = x;
            while (x < n && code->data[y * n + x] & 1)
                x++;
            if (x > from)
                buf_addf(&out, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from, x - from);
        }
    *size = n + 2 * QUIET;
    return buf_dup(&out, a);
}

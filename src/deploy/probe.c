/* SPDX-License-Identifier: MIT */
#include "deploy/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"

enum { PROBE_MAX = 400 * 1024 }; /* the Engine takes configs of up to 500 KB */

int probe_read(struct arena *a, const char *path, struct buf *data, char **name, struct err *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_INTERNAL, "could not read the probe %s: %s", path, strerror(errno));
    char chunk[8192];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0 && data->len < PROBE_MAX)
        buf_add(data, chunk, (size_t)n);
    if (n != 0 || !data->len)
        return err_set(err, ERR_INTERNAL, "could not read the probe %s", path);
    *name = arena_printf(a, "slipway-probe-%.16s", sha256_hex(a, data->data, data->len));
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "deploy/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "deploy/context.h"
#include "deploy/dockerfile.h"

enum { DOCKERFILE_MAX = 1024 * 1024, PULL_IDLE_MS = 20000 };

static void say(const struct builder *b, const char *text)
{
    b->on_line(b->line_arg, text);
}

static int read_dockerfile(struct arena *a, const struct context_paths *paths, struct buf *out,
                           struct err *err)
{
    const char *path = arena_printf(a, "%s/%s", paths->root, paths->dockerfile);
    AUTO_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    char chunk[8192];
    ssize_t n = fd < 0 ? -1 : 0;
    while (fd >= 0 && out->len < DOCKERFILE_MAX && (n = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(out, chunk, (size_t)n);
    if (n < 0)
        return err_set(err, ERR_INTERNAL, "could not read '%s': %s", paths->dockerfile,
                       strerror(errno));
    return 0;
}

/* Fetches one base image anew, where that is possible. */
static int refresh(const struct builder *b, struct arena *a, const char *image, struct err *err)
{
    AUTO_JSON *here = NULL;
    struct err problem;
    if (docker_image_inspect(b->docker, image, &here, &problem) < 0 &&
        problem.code != ERR_NOT_FOUND) {
        *err = problem;
        return -1;
    }
    if (here && !json_len(json_at(here, "RepoDigests"))) {
        say(b, arena_printf(a, "base image %s was made on this machine: used as it is", image));
        return 0;
    }
    const char *auth = docker_image_is_of(image, b->registry) ? b->auth : NULL;
    if (docker_image_pull(b->docker, image, auth, PULL_IDLE_MS, &problem) == 0)
        return 0;
    if (here && problem.code != ERR_CANCELLED) {
        say(b, arena_printf(a, "base image %s could not be refreshed, the copy here is used (%s)",
                            image, problem.msg));
        return 0;
    }
    *err = problem;
    return err_wrap(err, "the base image '%s' is not here", image);
}

static int refresh_all(const struct builder *b, struct arena *a, const struct context_paths *paths,
                       struct err *err)
{
    AUTO_BUF text = {0};
    AUTO_JSON *args = NULL;
    if (read_dockerfile(a, paths, &text, err) < 0)
        return -1;
    if (b->args_json && json_parse(b->args_json, strlen(b->args_json), &args, err) < 0)
        return -1;
    const char **images = dockerfile_images(a, buf_str(&text), text.len, args);
    for (size_t i = 0; images[i]; i++)
        if (refresh(b, a, images[i], err) < 0)
            return -1;
    return 0;
}

static int build(const struct builder *b, struct arena *a, const struct context_paths *paths,
                 bool classic, char **id, struct err *err)
{
    AUTO_CONTEXT context;
    if (context_open(&context, paths, b->mtime_s, err) < 0)
        return -1;
    struct docker_build build = {
        .tags = b->tags,
        .dockerfile = paths->dockerfile,
        .target = b->target,
        .args_json = b->args_json,
        .labels_json = b->labels_json,
        .classic = classic,
        .context = context_read,
        .context_arg = &context,
        .on_line = b->on_line,
        .line_arg = b->line_arg,
    };
    if (docker_image_build(b->docker, a, &build, id, err) < 0)
        return -1;
    say(b, arena_printf(a, "built %s from %u entries, %lld KiB", *id, context.entries,
                        (long long)(context.bytes / 1024)));
    return 0;
}

int builder_run(const struct builder *b, struct arena *a, char **id, struct err *err)
{
    struct context_paths paths;
    if (context_resolve(a, b->checkout, b->context_path, b->dockerfile, &paths, err) < 0)
        return -1;
    if (b->pull && refresh_all(b, a, &paths, err) < 0)
        return -1;
    struct err problem = {0};
    int rc = build(b, a, &paths, b->classic, id, &problem);
    if (rc < 0 && !b->classic && strstr(problem.msg, "buildkit not supported")) {
        say(b, "the Docker Engine has no BuildKit: building with the classic builder");
        rc = build(b, a, &paths, true, id, &problem);
    }
    if (rc == 0)
        return 0;
    *err = problem;
    return err_wrap(err, "could not build the image");
}

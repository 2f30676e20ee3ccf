/* SPDX-License-Identifier: MIT */
/* From a repository to an image that can be deployed: deploy/job.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "deploy/builder.h"
#include "deploy/job.h"
#include "deploy/spec.h"
#include "docker/image.h"
#include "git/checkout.h"

enum { SHORT_SHA = 7, OWN_DIGITS = 12, PULL_IDLE_MS = 60000 };

static int read_password(struct arena *a, const char *path, char **out, struct err *err)
{
    FILE *f = fopen(path, "re");
    char line[1024] = "";
    if (!f || !fgets(line, sizeof(line), f)) {
        err_set(err, ERR_INTERNAL, "could not read the registry's password from %s: %s", path,
                f ? "it is empty" : strerror(errno));
        if (f)
            fclose(f);
        return -1;
    }
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    *out = arena_strdup(a, line);
    return 0;
}

int job_auth(struct job *j, const char *image, const char **auth, struct err *err)
{
    const struct conf *conf = j->e->conf;
    char *password = NULL;
    *auth = NULL;
    if (!docker_image_is_of(image, conf->registry_address))
        return 0;
    if (!str_empty(conf->registry_password_file) &&
        read_password(&j->arena, conf->registry_password_file, &password, err) < 0)
        return -1;
    *auth =
        docker_registry_auth(&j->arena, conf->registry_address, conf->registry_username, password);
    return 0;
}

void job_name_image(struct job *j)
{
    const char *registry = j->e->conf->registry_address;
    struct arena *a = &j->arena;
    j->name =
        arena_printf(a, "%s/%s", str_empty(registry) ? "localhost" : registry, j->app.service_name);
    j->tag = arena_memdup(a, j->d.commit_sha, SHORT_SHA);
    j->own_tag = arena_printf(a, "%s-%s", j->tag, j->d.id + strlen(j->d.id) - OWN_DIGITS);
}

int job_has_image(struct job *j, bool *there, struct err *err)
{
    AUTO_JSON *o = NULL;
    struct err problem;
    *there = false;
    if (!str_is_hex(j->d.commit_sha ? j->d.commit_sha : "", 40, 40))
        return 0;
    job_name_image(j);
    const char *ref = arena_printf(&j->arena, "%s:%s", j->name, j->own_tag);
    if (docker_image_inspect(j->e->docker, ref, &o, &problem) == 0)
        *there = true;
    else if (problem.code != ERR_NOT_FOUND) {
        *err = problem;
        return -1;
    }
    return 0;
}

/* Fetches, finds the commit, writes it into the row, checks it out. *again: the mirror was damaged
 * and is gone, another try makes it anew. */
static int clone_once(struct job *j, const char *branch, const char *sha, bool *again,
                      struct err *err)
{
    struct arena *a = &j->arena;
    struct repo_source source = {
        .directory = j->e->conf->worker_directory,
        .url = j->app.repo_url,
        .commit = sha,
        .should_stop = job_should_stop,
        .stop_arg = j,
    };
    AUTO_MIRROR mirror;
    struct repo_commit commit;
    *again = false;
    if (repo_mirror_open(&mirror, a, &source, err) < 0 ||
        repo_resolve(&mirror, a, branch, sha, &commit, err) < 0)
        return -1;
    const char *subject = arena_memdup(a, commit.message, strcspn(commit.message, "\r\n"));
    job_say(j, "commit %s of branch %s: %s", commit.sha, branch, subject);
    if (store_deployment_set_commit(j->e->pg, a, j->d.id, j->attempt, commit.sha, commit.message,
                                    branch, err) < 0)
        return -1;
    j->d.commit_sha = arena_strdup(a, commit.sha);
    j->d.branch = branch;
    job_name_image(j);
    if (repo_checkout(&mirror, &commit, j->directory, err) == 0)
        return 0;
    repo_mirror_discard(&mirror);
    *again = true;
    return -1;
}

int job_clone(struct job *j, struct err *err)
{
    const char *branch = !str_empty(j->d.branch)     ? j->d.branch
                         : !str_empty(j->app.branch) ? j->app.branch
                                                     : "main";
    bool again;
    struct err first;
    job_say(j, "fetching %s", j->app.repo_url);
    if (clone_once(j, branch, j->d.commit_sha, &again, &first) == 0)
        return 0;
    if (!again) {
        *err = first;
        return -1;
    }
    job_say(j, "%s: trying again from a new mirror", first.msg);
    return clone_once(j, branch, j->d.commit_sha, &again, err);
}

int job_build(struct job *j, struct err *err)
{
    struct arena *a = &j->arena;
    const char *tags[] = {arena_printf(a, "%s:%s", j->name, j->tag),
                          arena_printf(a, "%s:%s", j->name, j->own_tag), NULL};
    const char *auth = NULL;
    if (j->app.pull && job_auth(j, j->name, &auth, err) < 0)
        return -1;
    AUTO_BUF labels = {0};
    struct jw w;
    jw_init(&w, &labels);
    jw_begin(&w);
    jw_kstr(&w, SPEC_LABEL_APPLICATION, j->app.id);
    jw_end(&w);
    struct builder b = {
        .docker = j->e->docker,
        .checkout = j->directory,
        .context_path = j->app.context_path,
        .dockerfile = j->app.dockerfile,
        .target = j->app.target,
        .args_json = j->app.build_args,
        .labels_json = buf_str(&labels),
        .tags = tags,
        .pull = j->app.pull,
        .registry = j->e->conf->registry_address,
        .auth = auth,
        .on_line = job_output,
        .line_arg = j,
    };
    char *id;
    if (builder_run(&b, a, &id, err) < 0)
        return -1;
    j->image = tags[1];
    j->d.image_id = id;
    return store_deployment_set_image(j->e->pg, a, j->d.id, j->attempt, j->image, id, err);
}

int job_push(struct job *j, struct err *err)
{
    struct arena *a = &j->arena;
    char *digest, *again;
    const char *auth;
    if (job_auth(j, j->name, &auth, err) < 0 ||
        docker_image_push(j->e->docker, a, j->name, j->own_tag, auth, job_output, j, &digest, err) <
            0 ||
        docker_image_push(j->e->docker, a, j->name, j->tag, auth, job_output, j, &again, err) < 0)
        return -1;
    j->image = arena_printf(a, "%s:%s@%s", j->name, j->own_tag, digest);
    return store_deployment_set_image(j->e->pg, a, j->d.id, j->attempt, j->image, j->d.image_id,
                                      err);
}

/* The first of the image's digests whose name is NAME. */
static const char *digest_of(struct json_object *inspected, const char *name)
{
    struct json_object *list = json_at(inspected, "RepoDigests");
    size_t n = strlen(name);
    for (size_t i = 0; i < json_len(list); i++) {
        const char *s = json_object_get_string(json_object_array_get_idx(list, i));
        if (s && strncmp(s, name, n) == 0 && s[n] == '@')
            return s + n + 1;
    }
    return NULL;
}

int job_fetch_image(struct job *j, struct err *err)
{
    struct arena *a = &j->arena;
    const char *ref = j->image;
    const char *auth;
    struct err pull = {0};
    AUTO_JSON *here = NULL;
    if (job_auth(j, ref, &auth, err) < 0)
        return -1;
    int pulled = docker_image_pull(j->e->docker, ref, auth, PULL_IDLE_MS, &pull);
    struct err problem;
    if (docker_image_inspect(j->e->docker, ref, &here, &problem) < 0) {
        *err = pulled < 0 && problem.code == ERR_NOT_FOUND ? pull : problem;
        return -1;
    }
    if (pulled < 0)
        job_say(j, "image %s could not be refreshed, the copy here is used (%s)", ref, pull.msg);
    char *name, *tag;
    docker_image_split(a, ref, &name, &tag);
    const char *digest = digest_of(here, name);
    if (digest && !strchr(ref, '@'))
        j->image = arena_printf(a, "%s@%s", ref, digest);
    const char *id = json_str_at(here, "Id");
    j->d.image_id = arena_strdup(a, id);
    return store_deployment_set_image(j->e->pg, a, j->d.id, j->attempt, j->image, j->d.image_id,
                                      err);
}

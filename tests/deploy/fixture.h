/* SPDX-License-Identifier: MIT */
/*
 * Real parts for the tests of the engine: a database of their own, an Engine, a registry, git over
 * HTTP, all named by SLIPWAY_TEST_… variables; and a base image made of the static busybox.
 */
#ifndef SLIPWAY_TESTS_DEPLOY_FIXTURE_H
#define SLIPWAY_TESTS_DEPLOY_FIXTURE_H

#include "deploy/engine.h"
#include "store/app.h"

struct fixture {
    struct arena arena;
    struct docker docker;
    struct pg *pg;
    struct conf conf;
    struct keyring keys;
    struct engine engine;
    const char *directory, *git_url, *git_root;
    const char *project_id;
};

/* Sets everything up; prints why and exits the program when a part is missing. With REGISTRY
 * images are pushed. */
void fixture_open(struct fixture *f, bool registry);
void fixture_close(struct fixture *f);
/* For a child process: OTHER's world with connections of its own. */
void fixture_reopen(struct fixture *f, const struct fixture *other);

/* A file of a commit. */
struct fixture_file {
    const char *path, *text;
    const char *link; /* a symbolic link to here instead */
};

/* Commits FILES (ended by a NULL path) on BRANCH of the repository NAME, which is made when it is
 * not there, and pushes. Returns the commit. */
const char *fixture_commit(struct fixture *f, const char *name, const char *branch,
                           const struct fixture_file *files);

/* An application with quick settings: one replica, port 8080, update delay 0, monitor 1 s.
 * REPOSITORY may be NULL. It may be changed and is stored by fixture_store(). */
struct store_app fixture_app(struct fixture *f, const char *service, const char *repository);
void fixture_store(struct fixture *f, const struct store_app *app,
                   const struct store_env_list *env);

/* Inserts a deployment, claims it, runs the engine, reads it again. *rc gets engine_run()'s. */
struct store_deployment fixture_deploy(struct fixture *f, const struct store_app *app,
                                       const char *branch, const char *sha, int *rc);
/* The first half of it: inserted and claimed. */
struct store_deployment fixture_claim(struct fixture *f, const struct store_app *app,
                                      const char *branch, const char *sha);
struct store_deployment fixture_read(struct fixture *f, const char *id);

/* What the application answers at PATH, through a published port of a running task; NULL when it
 * does not. */
const char *fixture_get(struct fixture *f, const struct store_app *app, const char *path);

/* Prints the deployment's output, for when a test fails. */
void fixture_show(struct fixture *f, const char *deployment_id);

/* Runs ARGV, exits the program when it fails, returns what it printed. */
const char *fixture_run(struct fixture *f, const char *const argv[]);

/* A Dockerfile and an index.html that is served by busybox on 8080. */
#define FIXTURE_DOCKERFILE                                    \
    "FROM slipway-test-base\n"                                \
    "COPY index.html /www/index.html\n"                       \
    "CMD [\"/bin/sh\", \"-c\", \"httpd -f -p 8080 -h /www & " \
    "trap 'sleep 1; exit 0' TERM; wait\"]\n"

#endif

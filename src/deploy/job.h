/* SPDX-License-Identifier: MIT */
/*
 * What the files of the engine share about the deployment that they work on. Private to deploy/.
 */
#ifndef SLIPWAY_DEPLOY_JOB_H
#define SLIPWAY_DEPLOY_JOB_H

#include "deploy/engine.h"
#include "deploy/secrets.h"
#include "deploy/verdict.h"
#include "store/app.h"

enum { JOB_LINES = 256 };

struct job {
    struct engine *e;
    struct arena arena;
    struct store_deployment d;
    struct store_app app;
    struct store_env_list env;    /* decrypted */
    struct store_app present_app; /* as a person has set them; a rollback's own are its release's */
    struct store_env_list present_env;
    struct secrets secrets; /* what job_mask() hides */
    int64_t attempt;
    const char *step;  /* the one that is under way, NULL between them */
    bool ending;       /* the last success is being put back: no deadline and no cancelling */
    bool judging;      /* the verdict is waited for, which watches the deadline by itself */
    bool touched;      /* the service was changed for this deployment, by this attempt or before */
    const char *newer; /* the newer release that the service was found with, or NULL */

    char *name;                 /* of the image, without tag */
    char *tag, *own_tag;        /* "1a2b3c4", "1a2b3c4-0123456789ab" */
    const char *image;          /* what the service is to run */
    char *directory;            /* of the checkout */
    struct verdict_cause cause; /* of a failed verdict */

    /* output that is not written yet */
    struct arena lines_arena;
    struct store_log_line lines[JOB_LINES];
    size_t n_lines;
    int64_t flushed;   /* time_monotonic() */
    int64_t n_written; /* lines in all */
};

/* ---- joblog.c */

/* Takes a line of the deployment's output; STREAM is stdout, stderr or system. Secret values are
 * masked. Written in batches. */
void job_log(struct job *j, const char *stream, const char *text);
void job_say(struct job *j, const char *fmt, ...) PRINTF_LIKE(2, 3); /* system */
/* A docker_line; ARG is the job. */
void job_output(void *arg, const char *text);
int job_flush(struct job *j, struct err *err);
/* TEXT with the secrets replaced, in the job's arena. */
const char *job_mask(struct job *j, const char *text);
/* An net_stop; ARG is the job: writes lines that are due, watches the deadline. */
int job_should_stop(void *arg, struct err *err);

/* ---- steps.c: each 0 or -1 */

int job_clone(struct job *j, struct err *err);
int job_build(struct job *j, struct err *err);
int job_push(struct job *j, struct err *err);
/* Whether the image of this release is there already. */
int job_has_image(struct job *j, bool *there, struct err *err);
/* Decides name and tags from the commit in the row. */
void job_name_image(struct job *j);
/* *auth is what the configured registry wants for IMAGE, NULL for any other's. ERR_INTERNAL: the
 * file with the password cannot be read. */
int job_auth(struct job *j, const char *image, const char **auth, struct err *err);
/* For an application that runs an image as it is: fetches it, pins it. */
int job_fetch_image(struct job *j, struct err *err);

/* ---- release.c */

/* Brings the service to this release. */
int job_release(struct job *j, struct err *err);
/* Waits for the verdict; *ok is false with j->cause filled when it failed. */
int job_verdict(struct job *j, bool *ok, struct err *err);
/* Makes the last success run again, or takes the service away when there never was one. */
int job_put_back(struct job *j, struct err *err);

#endif

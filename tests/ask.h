/* SPDX-License-Identifier: MIT */
/*
 * Requests to the middleware in process, as a web server would bring them.
 */
#ifndef SLIPWAY_TESTS_ASK_H
#define SLIPWAY_TESTS_ASK_H

#include "api/serve.h"

struct answer {
    int status;
    const char *headers, *body;
};

/* ENV are further FastCGI parameters, "HTTP_X=…" and the like, ended by NULL; may be NULL. BODY may
 * be NULL; one that begins with a letter or '_' is a form, any other JSON. The answer lives in A.
 */
struct answer ask_serve(struct serve *s, struct arena *a, const char *method, const char *uri,
                        const char *body, const char *const *env);

/* The text at PATH of a JSON answer (base/json.h). */
const char *ask_text(struct arena *a, const struct answer *answer, const char *path);

#endif

/* SPDX-License-Identifier: MIT */
#include "git/checkout.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>

#include "base/giturl.h"
#include "base/str.h"
#include "git/fetch.h"

enum { MESSAGE_MAX = 4096, SHA_LEAST = 7, SHA_WHOLE = 40 };

static int find_sha(struct repo_mirror *m, const char *sha, git_commit **out, struct err *err)
{
    AUTO_ARENA scratch = {0};
    char *lower = str_lower(&scratch, sha);
    size_t n = strlen(lower);
    git_oid oid;
    if (!str_is_hex(lower, SHA_LEAST, SHA_WHOLE) || git_oid_fromstrn(&oid, lower, n) < 0)
        return err_set(err, ERR_INVALID, "'%s' is not a commit: 7 to 40 hexadecimal digits are",
                       sha);
    int rc = git_commit_lookup_prefix(out, m->repo, &oid, n);
    if (rc == 0)
        return 0;
    if (rc == GIT_EAMBIGUOUS)
        return err_set(err, ERR_INVALID, "more than one object of %s begins with '%s'", m->url,
                       sha);
    if (rc == GIT_ENOTFOUND)
        return err_set(err, ERR_NOT_FOUND, "no branch or tag of %s contains the commit '%s'",
                       m->url, sha);
    return repo_error(rc, m->url, err);
}

static int find_branch(struct repo_mirror *m, const char *branch, git_commit **out, struct err *err)
{
    if (str_empty(branch) || !giturl_ref_valid(branch))
        return err_set(err, ERR_INVALID, "'%s' is not the name of a branch", branch ? branch : "");
    AUTO_ARENA scratch = {0};
    git_oid oid;
    int rc =
        git_reference_name_to_id(&oid, m->repo, arena_printf(&scratch, "refs/heads/%s", branch));
    if (rc < 0)
        return err_set(err, ERR_NOT_FOUND, "the repository %s has no branch '%s'", m->url, branch);
    rc = git_commit_lookup(out, m->repo, &oid);
    return rc < 0 ? repo_error(rc, m->url, err) : 0;
}

int repo_resolve(struct repo_mirror *m, struct arena *a, const char *branch, const char *sha,
                 struct repo_commit *out, struct err *err)
{
    git_commit *commit = NULL;
    int rc = str_empty(sha) ? find_branch(m, branch, &commit, err) : find_sha(m, sha, &commit, err);
    if (rc < 0)
        return -1;
    *out = (struct repo_commit){0};
    git_oid_tostr(out->sha, sizeof(out->sha), git_commit_id(commit));
    const char *text = git_commit_message(commit);
    size_t n = text ? strlen(text) : 0;
    char *message = str_utf8_scrub(a, text ? text : "", n < MESSAGE_MAX ? n : MESSAGE_MAX);
    n = strlen(message);
    while (n && strchr(" \r\n\t", message[n - 1]))
        message[--n] = '\0';
    out->message = message;
    const char *author = git_commit_author(commit)->name;
    out->author = str_utf8_scrub(a, author, strlen(author));
    out->time = git_commit_time(commit) * 1000;
    git_commit_free(commit);
    return 0;
}

int repo_checkout(struct repo_mirror *m, const struct repo_commit *commit, const char *target,
                  struct err *err)
{
    if (repo_remove_tree(target, err) < 0)
        return -1;
    git_oid oid;
    git_commit *object = NULL;
    int rc = git_oid_fromstr(&oid, commit->sha);
    if (rc == 0)
        rc = git_commit_lookup(&object, m->repo, &oid);
    if (rc == 0) {
        git_checkout_options o;
        git_checkout_options_init(&o, GIT_CHECKOUT_OPTIONS_VERSION);
        o.checkout_strategy = GIT_CHECKOUT_FORCE | GIT_CHECKOUT_RECREATE_MISSING |
                              GIT_CHECKOUT_DONT_UPDATE_INDEX | GIT_CHECKOUT_DONT_WRITE_INDEX |
                              GIT_CHECKOUT_SKIP_UNMERGED;
        o.disable_filters = 1;
        o.target_directory = target;
        rc = git_checkout_tree(m->repo, (const git_object *)object, &o);
    }
    if (rc < 0) {
        repo_error(rc, m->url, err);
        err->code = ERR_INTERNAL;
        err_wrap(err, "could not check out %s", commit->sha);
    }
    git_commit_free(object);
    return rc < 0 ? -1 : 0;
}

/* SPDX-License-Identifier: MIT */
/* Mirrors and checkouts against a real git server over HTTP; run inside tests/rig. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/exec.h"
#include "base/giturl.h"
#include "base/rand.h"
#include "base/str.h"
#include "base/time.h"
#include "git/checkout.h"
#include "tests/tap.h"

static struct arena a;
static const char *directory, *url, *bare, *work;

static const char *run(const char *const argv[])
{
    AUTO_BUF out = {0};
    struct err err = {0};
    int status = 1;
    if (exec_run(argv, 60000, &out, &status, &err) < 0 || status) {
        printf("Bail out! %s %s: %s %s\n", argv[0], argv[1], err.msg, buf_str(&out));
        exit(99);
    }
    char *text = buf_dup(&out, &a);
    text[strcspn(text, "\n")] = '\0';
    return text;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})
#define GIT(...) \
    RUN("git", "-C", work, "-c", "user.name=t", "-c", "user.email=t@t.invalid", __VA_ARGS__)

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(arena_printf(&a, "%s/%s", work, name), "w");
    fputs(text, f);
    fclose(f);
}

static const char *commit(const char *branch, const char *text)
{
    GIT("checkout", "-q", "-B", branch);
    write_text("file", text);
    GIT("add", "-A");
    GIT("commit", "-q", "-m", arena_printf(&a, "say %s\n\nand more", text));
    GIT("push", "-q", "-f", "origin", branch);
    return GIT("rev-parse", "HEAD");
}

static void setup(void)
{
    char *dir = arena_strdup(&a, "/tmp/slipway-git.XXXXXX");
    if (!mkdtemp(dir))
        exit(99);
    directory = arena_printf(&a, "%s/worker", dir);
    work = arena_printf(&a, "%s/work", dir);
    const char *name = arena_printf(&a, "git-%s", rand_hex(&a, 4));
    url = arena_printf(&a, "%s/%s.git", getenv("SLIPWAY_TEST_GIT_URL"), name);
    bare = arena_printf(&a, "%s/%s.git", getenv("SLIPWAY_TEST_GIT_ROOT"), name);
    RUN("git", "init", "-q", "--bare", "-b", "main", bare);
    RUN("touch", arena_printf(&a, "%s/git-daemon-export-ok", bare));
    RUN("git", "clone", "-q", bare, work);
}

static int open_mirror(struct repo_mirror *m, const char *sha, struct err *err)
{
    struct repo_source s = {.directory = directory, .url = url, .commit = sha};
    return repo_mirror_open(m, &a, &s, err);
}

static const char *mirror_path(void)
{
    const char *normal = giturl_normal(&a, url);
    return arena_printf(&a, "%s/mirrors/%s", directory, sha256_hex(&a, normal, strlen(normal)));
}

static void resolves(void)
{
    struct err err = {0};
    struct repo_commit c;
    const char *one = commit("main", "one");
    const char *two = commit("main", "two");
    const char *other = commit("feature/x", "other");
    AUTO_MIRROR m;
    TAP_OK(open_mirror(&m, NULL, &err), &err);
    CU_ASSERT(m.fetched);
    TAP_OK(repo_resolve(&m, &a, "main", NULL, &c, &err), &err);
    TAP_STR(c.sha, two);
    TAP_STR(c.message, "say two\n\nand more");
    TAP_STR(c.author, "t");
    TAP_OK(repo_resolve(&m, &a, "feature/x", "", &c, &err), &err);
    TAP_STR(c.sha, other);
    TAP_OK(repo_resolve(&m, &a, NULL, one, &c, &err), &err);
    TAP_STR(c.sha, one);
    char prefix[9];
    snprintf(prefix, sizeof(prefix), "%.8s", one);
    TAP_OK(repo_resolve(&m, &a, "main", prefix, &c, &err), &err);
    TAP_STR(c.sha, one);

    CU_ASSERT_EQUAL(repo_resolve(&m, &a, "gone", NULL, &c, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
    TAP_STR(err.msg, arena_printf(&a, "the repository %s has no branch 'gone'", url));
    CU_ASSERT_EQUAL(repo_resolve(&m, &a, "main", "0123456789", &c, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
    static const char *const bad[] = {"abc", "xyz1234", "main", "HEAD~1", "../../x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CU_ASSERT_EQUAL(repo_resolve(&m, &a, "main", bad[i], &c, &err), -1);
        CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    }
    CU_ASSERT_EQUAL(repo_resolve(&m, &a, "-x", NULL, &c, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
}

static void incremental(void)
{
    struct err err = {0};
    struct repo_commit c;
    const char *three = commit("main", "three");
    AUTO_MIRROR m;
    TAP_OK(open_mirror(&m, three, &err), &err);
    CU_ASSERT(m.fetched);
    repo_mirror_close(&m);
    TAP_OK(open_mirror(&m, three, &err), &err);
    CU_ASSERT_FALSE(m.fetched); /* there already */
    repo_mirror_close(&m);
    /* rewritten history and a branch that went away */
    GIT("reset", "-q", "--hard", "HEAD~1");
    const char *four = commit("main", "four");
    GIT("push", "-q", "origin", ":feature/x");
    TAP_OK(open_mirror(&m, NULL, &err), &err);
    TAP_OK(repo_resolve(&m, &a, "main", NULL, &c, &err), &err);
    TAP_STR(c.sha, four);
    CU_ASSERT_EQUAL(repo_resolve(&m, &a, "feature/x", NULL, &c, &err), -1);
}

static void checks_out(void)
{
    struct err err = {0};
    struct repo_commit c;
    RUN("mkdir", "-p", arena_printf(&a, "%s/dir", work), arena_printf(&a, "%s/.git/hooks", work));
    write_text("dir/run.sh", "#!/bin/sh\r\n");
    RUN("chmod", "+x", arena_printf(&a, "%s/dir/run.sh", work));
    RUN("ln", "-sfn", "/etc/passwd", arena_printf(&a, "%s/link", work));
    write_text(".gitattributes", "* text=auto eol=crlf filter=evil ident\n");
    write_text("ident", "$Id$\n");
    commit("main", "five");
    AUTO_MIRROR m;
    TAP_OK(open_mirror(&m, NULL, &err), &err);
    TAP_OK(repo_resolve(&m, &a, "main", NULL, &c, &err), &err);
    const char *target = arena_printf(&a, "%s/jobs/x", directory);
    RUN("mkdir", "-p", target);
    RUN("touch", arena_printf(&a, "%s/left-over", target));
    TAP_OK(repo_checkout(&m, &c, target, &err), &err);
    struct stat st;
    CU_ASSERT_EQUAL(stat(arena_printf(&a, "%s/dir/run.sh", target), &st), 0);
    CU_ASSERT(st.st_mode & 0100);
    CU_ASSERT_EQUAL(lstat(arena_printf(&a, "%s/link", target), &st), 0);
    CU_ASSERT(S_ISLNK(st.st_mode));
    CU_ASSERT_EQUAL(lstat(arena_printf(&a, "%s/left-over", target), &st), -1);
    CU_ASSERT_EQUAL(lstat(arena_printf(&a, "%s/.git", target), &st), -1);
    /* no filter of the repository was run */
    TAP_STR(RUN("cat", arena_printf(&a, "%s/ident", target)), "$Id$");
    /* removing follows no link */
    TAP_OK(repo_remove_tree(target, &err), &err);
    CU_ASSERT_EQUAL(lstat(target, &st), -1);
    CU_ASSERT_EQUAL(stat("/etc/passwd", &st), 0);
    TAP_OK(repo_remove_tree(target, &err), &err);
}

/* However the mirror was left, the next one works. */
static void damaged(void)
{
    struct err err = {0};
    struct repo_commit c;
    static const char *const harm[] = {
        "for f in $1/objects/pack/*.pack; do chmod u+w $f; echo junk > $f; done",
        "rm -rf $1/objects",
        "rm $1/HEAD",
        "echo x > $1/refs/heads/main.lock",
        "echo nonsense > $1/config",
        "touch $1/objects/pack/pack_git2_x $1/objects/pack/tmp_x",
        "rm -rf $1; mkdir $1",
        "mv $1 $1.new",
    };
    for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
        RUN("sh", "-c", harm[i], "sh", mirror_path());
        const char *sha = commit("main", arena_printf(&a, "harm %zu", i));
        AUTO_MIRROR m;
        TAP_OK(open_mirror(&m, NULL, &err), &err);
        if (!m.repo)
            continue;
        TAP_OK(repo_resolve(&m, &a, "main", NULL, &c, &err), &err);
        TAP_STR(c.sha, sha);
        TAP_OK(repo_checkout(&m, &c, arena_printf(&a, "%s/jobs/y", directory), &err), &err);
    }
}

static void discarded(void)
{
    struct err err = {0};
    struct stat st;
    AUTO_MIRROR m;
    TAP_OK(open_mirror(&m, NULL, &err), &err);
    repo_mirror_discard(&m);
    CU_ASSERT_EQUAL(stat(mirror_path(), &st), -1);
    TAP_OK(open_mirror(&m, NULL, &err), &err);
    AUTO_MIRROR other;
    TAP_OK(open_mirror(&other, GIT("rev-parse", "HEAD"), &err), &err);
    repo_mirror_discard(&m); /* somebody reads it */
    CU_ASSERT_EQUAL(stat(mirror_path(), &st), 0);
}

static void interrupted(void)
{
    struct err err = {0};
    for (int i = 0; i < 8; i++) {
        RUN("rm", "-rf", mirror_path());
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            struct repo_mirror m;
            open_mirror(&m, NULL, &err);
            _exit(0);
        }
        time_sleep(4 * i);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        AUTO_MIRROR m;
        TAP_OK(open_mirror(&m, NULL, &err), &err);
    }
}

static void parallel(void)
{
    enum { JOBS = 6 };
    pid_t pids[JOBS];
    RUN("rm", "-rf", mirror_path());
    fflush(stdout);
    for (int i = 0; i < JOBS; i++) {
        pids[i] = fork();
        if (pids[i])
            continue;
        AUTO_MIRROR m;
        struct err err = {0};
        struct repo_commit c;
        int rc = open_mirror(&m, NULL, &err);
        if (rc == 0)
            rc = repo_resolve(&m, &a, "main", NULL, &c, &err);
        if (rc == 0)
            rc = repo_checkout(&m, &c, arena_printf(&a, "%s/jobs/p%d", directory, i), &err);
        if (rc < 0)
            printf("# %s\n", err.msg);
        fflush(stdout);
        _exit(rc < 0);
    }
    for (int i = 0; i < JOBS; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        CU_ASSERT_EQUAL(status, 0);
    }
}

static int give_up(void *arg, struct err *err)
{
    int64_t *until = arg;
    return time_monotonic() < *until ? 0 : err_set(err, ERR_CANCELLED, "enough");
}

static void refused(const char *bad, enum err_code code)
{
    struct err err = {0};
    struct repo_source s = {.directory = directory, .url = bad};
    AUTO_MIRROR m;
    CU_ASSERT_EQUAL(repo_mirror_open(&m, &a, &s, &err), -1);
    if (err.code != code)
        printf("# %s: %d %s\n", bad, err.code, err.msg);
    CU_ASSERT_EQUAL(err.code, code);
}

static void servers(void)
{
    refused("file:///etc", ERR_INVALID);
    refused("ext::sh -c id", ERR_INVALID);
    refused("/etc", ERR_INVALID);
    refused("http://127.0.0.1:1/x.git", ERR_UNAVAILABLE);
    refused("http://no-such-host.invalid/x.git", ERR_UNAVAILABLE);
    refused(arena_printf(&a, "%s/none.git", getenv("SLIPWAY_TEST_GIT_URL")), ERR_NOT_FOUND);

    /* a server that accepts and never answers */
    struct err err = {0};
    const char *silent = "http://127.0.0.1:18089/x.git";
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("busybox", "busybox", "nc", "-ll", "-p", "18089", "-e", "sleep", "30", NULL);
        _exit(1);
    }
    time_sleep(300);
    int64_t began = time_monotonic();
    struct repo_source s = {.directory = directory, .url = silent, .idle_ms = 500};
    AUTO_MIRROR m;
    CU_ASSERT_EQUAL(repo_mirror_open(&m, &a, &s, &err), -1);
    CU_ASSERT(err.code == ERR_TIMEOUT);
    CU_ASSERT(time_monotonic() - began < 3000);
    repo_mirror_close(&m);
    int64_t until = time_monotonic() + 200;
    s = (struct repo_source){
        .directory = directory, .url = silent, .should_stop = give_up, .stop_arg = &until};
    CU_ASSERT_EQUAL(repo_mirror_open(&m, &a, &s, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_CANCELLED);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        {"branches, commits and beginnings of commits", resolves},
        {"fetches only what is new", incremental},
        {"checks out, and nothing of the repository is run", checks_out},
        {"a damaged mirror is made anew", damaged},
        {"a mirror that is given up", discarded},
        {"a killed first fetch leaves no harm", interrupted},
        {"several at once", parallel},
        {"servers and addresses that are no good", servers},
        {NULL, NULL},
    };
    static const struct tap_suite suites[] = {{"git", tests}, {NULL, NULL}};
    if (!getenv("SLIPWAY_TEST_GIT_URL") || !getenv("SLIPWAY_TEST_GIT_ROOT")) {
        printf("Bail out! SLIPWAY_TEST_GIT_URL is not set: run this inside tests/rig\n");
        return 1;
    }
    setup();
    int rc = tap_main(suites, argc, argv);
    RUN("rm", "-rf", bare, work, directory);
    arena_release(&a);
    return rc;
}

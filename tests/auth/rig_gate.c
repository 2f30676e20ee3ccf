/* SPDX-License-Identifier: MIT */
/* The gate before the hashing of passwords, with real processes. */
#include <argon2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/gate.h"
#include "auth/password.h"
#include "base/time.h"
#include "tests/auth/rig_auth.h"

struct shared {
    int inside, most, hashes, refused;
};
static struct shared *shared;

/* The linker leads argon2's callers here (-Wl,--wrap). */
int __real_argon2id_verify(const char *, const void *, const size_t);
int __wrap_argon2id_verify(const char *, const void *, const size_t);
int __real_argon2id_hash_encoded(uint32_t, uint32_t, uint32_t, const void *, size_t, const void *,
                                 size_t, size_t, char *, size_t);
int __wrap_argon2id_hash_encoded(uint32_t, uint32_t, uint32_t, const void *, size_t, const void *,
                                 size_t, size_t, char *, size_t);

static void count_in(void)
{
    if (!shared)
        return;
    int now = __atomic_add_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST);
    int most = __atomic_load_n(&shared->most, __ATOMIC_SEQ_CST);
    while (now > most && !__atomic_compare_exchange_n(&shared->most, &most, now, false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    __atomic_add_fetch(&shared->hashes, 1, __ATOMIC_SEQ_CST);
}

static void count_out(void)
{
    if (shared)
        __atomic_sub_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST);
}

int __wrap_argon2id_verify(const char *encoded, const void *pwd, const size_t n)
{
    count_in();
    int rc = __real_argon2id_verify(encoded, pwd, n);
    count_out();
    return rc;
}

int __wrap_argon2id_hash_encoded(uint32_t t, uint32_t m, uint32_t p, const void *pwd, size_t n,
                                 const void *salt, size_t salt_len, size_t hash_len, char *out,
                                 size_t out_len)
{
    count_in();
    int rc = __real_argon2id_hash_encoded(t, m, p, pwd, n, salt, salt_len, hash_len, out, out_len);
    count_out();
    return rc;
}

static void begin(int processes)
{
    struct err err;
    alarm(120); /* a process that waits for ever ends the program, which is a failure */
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_PTR_NOT_EQUAL_FATAL(shared, MAP_FAILED);
    TAP_OK(gate_open(processes, &err), &err);
}

static void end(void)
{
    munmap(shared, sizeof(*shared));
    shared = NULL;
    alarm(0);
}

static pid_t hasher(void)
{
    enum { TURNS = 6 };
    fflush(stdout);
    pid_t pid = fork();
    if (pid)
        return pid;
    AUTO_ARENA a = {0};
    struct err err;
    const char *hash;
    bool right;
    for (int i = 0; i < TURNS; i++)
        if (password_verify("x", NULL, &right, &err) < 0 ||
            password_hash(&a, "correct horse", &hash, &err) < 0)
            __atomic_add_fetch(&shared->refused, 1, __ATOMIC_SEQ_CST);
    arena_release(&a);
    _exit(0);
}

static void never_more_than_two(void)
{
    enum { PROCESSES = 6 };
    pid_t pids[PROCESSES];
    begin(PROCESSES + 6); /* places to wait for all */
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = hasher();
    for (int i = 0; i < PROCESSES; i++)
        CU_ASSERT_EQUAL(waitpid(pids[i], NULL, 0), pids[i]);
    CU_ASSERT_EQUAL(shared->hashes, PROCESSES * 12);
    CU_ASSERT_EQUAL(shared->refused, 0);
    CU_ASSERT_EQUAL(shared->inside, 0);
    CU_ASSERT(shared->most <= GATE_HASHING);
    printf("# at most %d at once\n", shared->most);
    end();
}

/* A process that enters, says so on OUT, and stays. */
static pid_t holder(int out)
{
    struct err err;
    fflush(stdout);
    pid_t pid = fork();
    if (pid)
        return pid;
    char verdict = gate_enter(&err) == 0 ? 'i' : err.code == ERR_UNAVAILABLE ? 'r' : 'e';
    if (write(out, &verdict, 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static char said(int in)
{
    char c = 0;
    return read(in, &c, 1) == 1 ? c : 0;
}

/* Waits until the kernel has PID among those that wait for a lock. */
static void wait_until_blocked(pid_t pid)
{
    char line[256], wanted[32];
    snprintf(wanted, sizeof(wanted), " WRITE %d ", (int)pid);
    for (;;) {
        FILE *f = fopen("/proc/locks", "r");
        bool found = false;
        while (f && fgets(line, sizeof(line), f))
            found |= strstr(line, "-> POSIX") && strstr(line, wanted);
        if (f)
            fclose(f);
        if (found)
            return;
        time_sleep(10);
    }
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void places_of_the_dead(void)
{
    int a[2], b[2], c[2], d[2];
    begin(4); /* one may wait */
    CU_ASSERT_FATAL(!pipe(a) && !pipe(b) && !pipe(c) && !pipe(d));
    pid_t first = holder(a[1]), second = holder(b[1]);
    CU_ASSERT_EQUAL(said(a[0]), 'i');
    CU_ASSERT_EQUAL(said(b[0]), 'i'); /* two are in */
    pid_t third = holder(c[1]);
    wait_until_blocked(third);
    pid_t fourth = holder(d[1]);
    CU_ASSERT_EQUAL(said(d[0]), 'r'); /* two inside and one waiting: sent away */
    end_process(first);
    end_process(second);
    CU_ASSERT_EQUAL(said(c[0]), 'i'); /* the kernel gave their places back */
    end_process(third);
    end_process(fourth);
    struct err err;
    TAP_OK(gate_enter(&err), &err);
    gate_leave();
    int *all[] = {a, b, c, d};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        close(all[i][0]);
        close(all[i][1]);
    }
    end();
}

const struct tap_test gate_tests[] = {
    {"never more than two processes hash at once", never_more_than_two},
    {"a place comes back from a process that dies; who cannot wait is sent away",
     places_of_the_dead},
    {NULL, NULL},
};

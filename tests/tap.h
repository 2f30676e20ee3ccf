/* SPDX-License-Identifier: MIT */
/*
 * CUnit's results as TAP, so that `make check` shows each test by name.
 *
 * A test program lists its suites in one table and calls tap_main().
 */
#ifndef SLIPWAY_TESTS_TAP_H
#define SLIPWAY_TESTS_TAP_H

#include <CUnit/CUnit.h>

struct tap_test {
    const char *name;
    void (*run)(void);
};

struct tap_suite {
    const char *name;
    const struct tap_test *tests; /* ended by a NULL name */
};

/* Runs every suite (ended by a NULL name) and prints TAP. Returns main's exit code. With an
 * argument only the tests whose "suite: test" contains it are run. */
int tap_main(const struct tap_suite *suites, int argc, char **argv);

/* Compares texts and prints both when they differ. */
#define TAP_STR(actual, expected) tap_str(actual, expected, #actual, __FILE__, __LINE__)
void tap_str(const char *actual, const char *expected, const char *what, const char *file,
             int line);

/* Checks that CALL (0 or -1, filling an err) succeeds, and prints the error when it does not. */
#define TAP_OK(call, err) tap_ok((call) == 0, (err)->msg, #call, __FILE__, __LINE__)
void tap_ok(int ok, const char *message, const char *what, const char *file, int line);

#endif

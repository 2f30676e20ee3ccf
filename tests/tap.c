/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

#include <CUnit/Basic.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>

static int number, failed;

static void on_test_end(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord first)
{
    printf("%sok %d - %s: %s\n", first ? "not " : "", ++number, suite->pName, test->pName);
    for (CU_pFailureRecord f = first; f; f = f->pNext)
        printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
    failed += first != NULL;
    fflush(stdout);
}

static int wanted(const char *suite, const char *test, const char *filter)
{
    char name[512];
    snprintf(name, sizeof(name), "%s: %s", suite, test);
    return !filter || strstr(name, filter);
}

int tap_main(const struct tap_suite *suites, int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : NULL;
    int planned = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    for (const struct tap_suite *s = suites; s->name; s++) {
        CU_pSuite suite = CU_add_suite(s->name, NULL, NULL);
        for (const struct tap_test *t = s->tests; suite && t->name; t++)
            if (wanted(s->name, t->name, filter)) {
                CU_add_test(suite, t->name, t->run);
                planned++;
            }
    }
    printf("1..%d\n", planned);
    CU_set_test_complete_handler(on_test_end);
    CU_run_all_tests();
    CU_cleanup_registry();
    return failed || number != planned;
}

void tap_str(const char *actual, const char *expected, const char *what, const char *file, int line)
{
    int same = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
    if (!same)
        printf("# %s is\n#   %s\n# and not\n#   %s\n", what, actual ? actual : "(null)",
               expected ? expected : "(null)");
    CU_assertImplementation(same, (unsigned)line, what, file, "", CU_FALSE);
}

void tap_ok(int ok, const char *message, const char *what, const char *file, int line)
{
    if (!ok)
        printf("# %s: %s\n", what, message);
    CU_assertImplementation(ok, (unsigned)line, what, file, "", CU_FALSE);
}

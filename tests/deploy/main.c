/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

extern const struct tap_test ignore_tests[], context_tests[], spec_tests[], verdict_tests[],
    router_tests[];

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"ignore", ignore_tests}, {"context", context_tests},
                                              {"spec", spec_tests},     {"verdict", verdict_tests},
                                              {"router", router_tests}, {NULL, NULL}};
    return tap_main(suites, argc, argv);
}

/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

extern const struct tap_test http_tests[];

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"http", http_tests}, {NULL, NULL}};
    return tap_main(suites, argc, argv);
}

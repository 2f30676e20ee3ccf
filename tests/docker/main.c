/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

extern const struct tap_test client_tests[], stream_tests[];

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {
        {"client", client_tests}, {"streams", stream_tests}, {NULL, NULL}};
    return tap_main(suites, argc, argv);
}

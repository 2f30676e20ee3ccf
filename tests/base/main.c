/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

extern const struct tap_test text_tests[], json_tests[], valid_tests[], conf_tests[],
    crypto_tests[], names_tests[];

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {
        {"text", text_tests}, {"json", json_tests},     {"valid", valid_tests},
        {"conf", conf_tests}, {"crypto", crypto_tests}, {"names", names_tests},
        {NULL, NULL},
    };
    return tap_main(suites, argc, argv);
}

/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

extern const struct tap_test totp_tests[], jws_tests[], claims_tests[];

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {
        {"totp", totp_tests},
        {"jws", jws_tests},
        {"claims", claims_tests},
        {NULL, NULL},
    };
    return tap_main(suites, argc, argv);
}

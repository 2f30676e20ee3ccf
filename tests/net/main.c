/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

extern const struct tap_test http_tests[];
void http_server_stop(void); /* the server that the tests share */

int main(int argc, char **argv)
{
    static const struct tap_suite suites[] = {{"http", http_tests}, {NULL, NULL}};
    int rc = tap_main(suites, argc, argv);
    http_server_stop();
    return rc;
}

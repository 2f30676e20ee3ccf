/* SPDX-License-Identifier: MIT */
/* What pages say, as far as it needs no database. */
#include "pages/page.h"

#include "tests/tap.h"

static void visit(void)
{
    static const struct {
        const char *listen, *public_url, *want;
    } cases[] = {
        {"80", "", "http://shop.example.com/x"},
        {"[::]:80", "https://slipway.example.com", "http://shop.example.com/x"},
        {"443 ssl", "", "https://shop.example.com/x"},
        {"0.0.0.0:443", "http://slipway.example.com", "https://shop.example.com/x"},
        {"127.0.0.1:8081", "https://slipway.example.com", "https://shop.example.com/x"},
        {"127.0.0.1:8081", "http://127.0.0.1:8080", "http://shop.example.com:8081/x"},
        {"8081", "", "http://shop.example.com:8081/x"},
        {"8081 reuseport", "", "http://shop.example.com:8081/x"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct conf conf = {.router_listen = cases[i].listen,
                            .web_public_url = cases[i].public_url};
        TAP_STR(page_visit_url(&a, &conf, "shop.example.com", "/x"), cases[i].want);
    }
    arena_release(&a);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {{"where an application is visited", visit},
                                            {NULL, NULL}};
    static const struct tap_suite suites[] = {{"pages", tests}, {NULL, NULL}};
    return tap_main(suites, argc, argv);
}

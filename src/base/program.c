/* SPDX-License-Identifier: MIT */
#include "base/program.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

const char *program_arguments(int argc, char **argv, const char *name, const char *what)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    int o;
    while ((o = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        if (o == 'c') {
            file = optarg;
        } else if (o == 'V') {
            printf("%s %s\n", name, PACKAGE_VERSION);
            exit(0);
        } else {
            fprintf(o == 'h' ? stdout : stderr, "usage: %s [--config FILE]\n%s", name, what);
            exit(o == 'h' ? 0 : 2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: it takes no argument '%s'; see --help\n", name, argv[optind]);
        exit(2);
    }
    return file;
}

void program_log(const char *name, const struct conf *c)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum log_level level = LOG_LEVEL_INFO;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(c->log_level, names[i]))
            level = (enum log_level)i;
    log_init(name, level);
}

/* SPDX-License-Identifier: MIT */
/*
 * The limit that contrib/bench-api compares with: a FastCGI program that answers every request with
 * the bytes of a file. usage: bench-echo PROCESSES FILE, the listening socket on descriptor 0.
 */
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

static void serve(const char *body, size_t n)
{
    FCGX_Request r;
    FCGX_InitRequest(&r, 0, 0);
    while (FCGX_Accept_r(&r) >= 0) {
        FCGX_FPrintF(r.out,
                     "Status: 200\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                     (int)n);
        FCGX_PutStr(body, (int)n, r.out);
        FCGX_Finish_r(&r);
    }
}

int main(int argc, char **argv)
{
    static char body[4 << 20];
    FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!f)
        return 2;
    size_t n = fread(body, 1, sizeof(body), f);
    fclose(f);
    FCGX_Init();
    for (int i = strtol(argv[1], NULL, 10); i > 1; i--)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            break;
        }
    serve(body, n);
    return 0;
}

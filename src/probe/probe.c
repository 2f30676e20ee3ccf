/* SPDX-License-Identifier: MIT */
/*
 * slipway-probe PORT: exits 0 when 127.0.0.1:PORT accepts a connection, 1 otherwise.
 *
 * It is given to containers as the health check of images that bring none, so it is linked
 * statically and needs nothing of the image: no shell, no libc, no files.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    char *end;
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end)
        return 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0;
}

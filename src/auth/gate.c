/* SPDX-License-Identifier: MIT */
#include "auth/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int gate_fd = -1;
static int waiting_places;
static int mine = -1;

int gate_open(int processes, struct err *err)
{
    int fd = memfd_create("slipway-gate", MFD_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_INTERNAL, "could not make the gate of the logins: %s",
                       strerror(errno));
    gate_fd = fd;
    /* two processes are never in a login, where there are that many */
    waiting_places = processes > GATE_HASHING + 3 ? processes - GATE_HASHING - 2 : 1;
    return 0;
}

static int set_lock(int command, short type, int place)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};
    int rc;
    do {
        rc = fcntl(gate_fd, command, &lock);
    } while (rc < 0 && errno == EINTR && command == F_SETLKW);
    return rc;
}

static int take_one_of(int from, int n)
{
    for (int i = from; i < from + n; i++)
        if (set_lock(F_SETLK, F_WRLCK, i) == 0)
            return i;
    return -1;
}

int gate_enter(struct err *err)
{
    if (gate_fd < 0)
        return 0;
    if (mine >= 0)
        BUG("a process enters the gate twice");
    mine = take_one_of(0, GATE_HASHING);
    if (mine >= 0)
        return 0;
    int seat = take_one_of(GATE_HASHING, waiting_places);
    if (seat < 0)
        return err_set(
            err, ERR_UNAVAILABLE,
            "too many passwords are being checked at this moment; try again in a moment");
    int place = (int)(getpid() % GATE_HASHING);
    int rc = set_lock(F_SETLKW, F_WRLCK, place);
    set_lock(F_SETLK, F_UNLCK, seat);
    if (rc < 0)
        return err_set(err, ERR_INTERNAL, "could not wait for a place: %s", strerror(errno));
    mine = place;
    return 0;
}

void gate_leave(void)
{
    if (mine >= 0)
        set_lock(F_SETLK, F_UNLCK, mine);
    mine = -1;
}

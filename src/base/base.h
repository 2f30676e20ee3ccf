/* SPDX-License-Identifier: MIT */
/*
 * What every file may use: a few macros and nothing that allocates.
 */
#ifndef SLIPWAY_BASE_BASE_H
#define SLIPWAY_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define MUST_USE __attribute__((warn_unused_result))

/* Runs FN on the variable's address when it goes out of scope. For handles of the operating
 * system and of libraries; memory that is returned belongs in an arena. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* A state that the code rules out: prints the place and aborts. */
#define BUG(...) base_bug(__FILE__, __LINE__, __VA_ARGS__)
void base_bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) NORETURN;

/* The system has no memory left: prints and aborts; the supervisor starts the process again. */
void base_oom(size_t wanted) NORETURN;

/* Cleanup for an int that holds a file descriptor; -1 is none. */
void base_close_fd(int *fd);
#define AUTO_FD CLEANUP(base_close_fd) int

#endif

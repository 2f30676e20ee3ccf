/* SPDX-License-Identifier: MIT */
/*
 * The parts of tests/rig-auth.
 */
#ifndef SLIPWAY_TESTS_AUTH_RIG_AUTH_H
#define SLIPWAY_TESTS_AUTH_RIG_AUTH_H

#include "tests/tap.h"

extern const struct tap_test gate_tests[];

#endif

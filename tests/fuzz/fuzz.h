/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing with libFuzzer (https://llvm.org/docs/LibFuzzer.html): configure --enable-fuzzing, then
 *
 *     make tests/fuzz-valid && tests/fuzz-valid CORPUS…
 *
 * A target takes bytes as they come from the network and must neither crash nor leak nor upset a
 * sanitizer. contrib/check replays the corpus and looks on for ten seconds each.
 */
#ifndef SLIPWAY_TESTS_FUZZ_H
#define SLIPWAY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process that reads the files of traced programs. It answers one question after the other on
 * its socket until that is closed. What it reads may kill it or make it hang: whoever asks sees to
 * it (symclient.h). See symproto.h for the questions.
 */
#ifndef CTRACE_SYMBOL_SYMWORKER_H
#define CTRACE_SYMBOL_SYMWORKER_H

#include <stdint.h>

/* For tests: called before each address is looked at, in the worker. */
typedef void (*symworker_hook)(uint32_t module, uint64_t addr);

void symworker_run(int sock, symworker_hook hook);

#endif

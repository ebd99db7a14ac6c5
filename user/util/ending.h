/* SPDX-License-Identifier: BSD-2-Clause */
/* Is somebody waiting for us to end? For what takes a while before the main loop looks at signals. */
#ifndef CTRACE_UTIL_ENDING_H
#define CTRACE_UTIL_ENDING_H

#include <stdbool.h>

/* One of the signals that end a recording has come; they are blocked, and stay pending. */
bool ending_asked(void);

#endif

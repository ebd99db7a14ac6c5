// SPDX-License-Identifier: BSD-2-Clause
/* See ending.h. */
#include "util/ending.h"

#include <signal.h>

bool ending_asked(void)
{
	sigset_t set;

	return !sigpending(&set) && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) ||
				     sigismember(&set, SIGHUP));
}

// SPDX-License-Identifier: BSD-2-Clause
/* See clock.h. */
#include "util/clock.h"

#include <inttypes.h>
#include <stdio.h>

int64_t clock_shift;

void clock_setup(void)
{
	FILE *f = fopen("/proc/self/timens_offsets", "re");
	int64_t sec, ns;

	if (!f) /* no time namespaces */
		return;
	if (fscanf(f, "monotonic %" SCNd64 " %" SCNd64, &sec, &ns) == 2)
		clock_shift = sec * 1000000000 + ns;
	fclose(f);
}

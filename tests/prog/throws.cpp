// SPDX-License-Identifier: BSD-2-Clause
/*
 * Exceptions out of regions, a frame or some deep: throws [ROUNDS]. Out: "ready PID"; after a line on stdin it
 * throws, and prints "caught N", "regions N" and "done"; ends at the end of stdin.
 */
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <unistd.h>

#include <ctrace/ctrace.h>

static long regions;

static void deep(ctrace_ctx ctx, int level)
{
	CTRACE_REGION_SCOPE(ctx, "deep");
	regions++;
	CTRACE_REGION(ctx, "block") {
		regions++;
		if (!level)
			throw std::runtime_error("out of all of them");
		deep(ctx, level - 1);
	}
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? std::atol(argv[1]) : 1000, caught = 0;
	char line[64];

	std::printf("ready %d\n", getpid());
	std::fflush(stdout);
	if (!std::fgets(line, sizeof(line), stdin))
		return 0;
	for (long i = 0; i < rounds; i++) {
		ctrace::task task("throwing");

		try {
			ctrace::region region(task, "outer");

			regions++;
			deep(task, static_cast<int>(i % 4));
		} catch (const std::runtime_error &) {
			caught++;
		}
	}
	std::printf("caught %ld\nregions %ld\ndone\n", caught, regions);
	std::fflush(stdout);
	while (std::fgets(line, sizeof(line), stdin))
		;
	return 0;
}

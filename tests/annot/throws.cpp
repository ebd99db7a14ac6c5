// SPDX-License-Identifier: BSD-2-Clause
/*
 * Exceptions through functions whose calls are regions. In and out as tests/prog/calls.c: "ready PID", a line on stdin,
 * "called NAME N" for each, "right", "done".
 */
#include <cstdio>
#include <stdexcept>
#include <string>
#include <unistd.h>

#define PROBED __attribute__((noinline))

namespace shop
{
static volatile int sink;

struct Guard {
	int &n;
	~Guard() { n++; }
};

class Till
{
      public:
	PROBED int pay(int n);
	PROBED int deep(int n, int &unwound);
};

PROBED int Till::pay(int n)
{
	sink = n;
	if (n % 3 == 0)
		throw std::runtime_error("no change for " + std::to_string(n));
	return n * 2;
}

PROBED int Till::deep(int n, int &unwound)
{
	Guard g{ unwound };

	if (!n)
		return pay(3);
	return deep(n - 1, unwound) + 1;
}
}

int main()
{
	char line[64];
	shop::Till till;
	int caught = 0, sum = 0, unwound = 0;

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	for (int i = 0; i < 300; i++) {
		try {
			sum += till.pay(i);
		} catch (const std::exception &) {
			caught++;
		}
	}
	for (int i = 0; i < 20; i++) {
		try {
			sum += till.deep(9, unwound);
		} catch (const std::exception &) {
			caught++;
		}
	}
	sum += till.pay(1); /* what the last exception left is seen to be gone */
	printf("called shop::Till::pay 321\ncalled shop::Till::deep 200\n");
	if (caught == 120 && unwound == 200 && sum == 2 + 2 * (300 * 299 / 2 - 3 * (100 * 99 / 2)))
		printf("right\n");
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * cappuccino.c in C++: the same orders, options and words.
 *
 *	g++ -std=c++11 -Iinclude docs/examples/cappuccino.cpp -o cappuccino -lpthread
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include <ctrace/ctrace.h>

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace
{

bool json;

struct stopwatch {
	const char *kind, *type;
	const std::string &order;
	steady_clock::time_point begin;

	stopwatch(const char *a_kind, const char *a_type, const std::string &of)
	    : kind(a_kind), type(a_type), order(of), begin(steady_clock::now())
	{
	}

	void tell() const
	{
		auto took = std::chrono::nanoseconds(steady_clock::now() - begin).count();

		if (json)
			std::printf("{\"%s\": \"%s\", \"order\": \"%s\", \"ns\": %lld}\n", kind,
				    type, order.c_str(), static_cast<long long>(took));
	}
};

/* Work is half thinking and half waiting. */
void take(milliseconds time)
{
	auto half = steady_clock::now() + time / 2;

	while (steady_clock::now() < half)
		;
	std::this_thread::sleep_for(time / 2);
}

void step(ctrace_ctx task, const std::string &order, const char *type, milliseconds time)
{
	stopwatch watch{ "region", type, order };

	{
		ctrace::region region(task, type);

		take(time);
	}
	watch.tell();
}

void make_cappuccino(int number)
{
	std::string order = "order-" + std::to_string(number);
	stopwatch whole{ "region", "makeCappuccino", order };

	CTRACE_REGION(ctrace::background(), "makeCappuccino")
	{
		stopwatch latency{ "task", "makeCappuccino", order };
		ctrace::task task("makeCappuccino");
		ctrace_ctx ctx = task;

		ctrace::log(ctx, "orderID", order.c_str());

		std::promise<void> milk, coffee;
		std::thread steamer([&] {
			step(ctx, order, "steamMilk", milliseconds(30));
			milk.set_value();
		});
		std::thread barista([&] {
			step(ctx, order, "extractCoffee", milliseconds(40));
			coffee.set_value();
		});
		/* the task goes along and ends with the thread's work */
		std::thread mixer(
			[&](ctrace::task mine) {
				milk.get_future().wait();
				coffee.get_future().wait();
				step(mine, order, "mixMilkCoffee", milliseconds(20));
				mine.end();
				latency.tell();
			},
			std::move(task));
		steamer.join();
		barista.join();
		mixer.join();
	}
	whole.tell();
}

} // namespace

int main(int argc, char **argv)
{
	int opt, orders = 3;

	while ((opt = getopt(argc, argv, "n:wj")) != -1) {
		switch (opt) {
		case 'n':
			orders = std::atoi(optarg);
			break;
		case 'w':
			std::printf("ready %d\n", getpid());
			std::fflush(stdout);
			if (std::getchar() == EOF)
				return 0;
			break;
		case 'j':
			json = true;
			break;
		default:
			std::fprintf(stderr, "usage: cappuccino [-n ORDERS] [-w] [-j]\n");
			return 2;
		}
	}
	for (int i = 1; i <= orders; i++)
		make_cappuccino(i);
	std::printf("done\n");
	return 0;
}

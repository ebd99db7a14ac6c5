// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//
// C++: four threads that fight for one lock, held asleep so that all others wait in futex; two threads that
// exchange bytes over a socket pair; one that syncs a file; two that share a CPU. Prints "ready", runs until it is killed.
// The name of a thread says its role. In: the directory for the file, default /tmp.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;

static std::mutex fought;

static void name(const char *n)
{
	pthread_setname_np(pthread_self(), n);
}

static void fight()
{
	name("fighter");
	for (;;) {
		fought.lock();
		std::this_thread::sleep_for(2ms);
		fought.unlock();
		std::this_thread::yield();
	}
}

static void echo(int fd, bool first)
{
	char c = 'x';

	name(first ? "client" : "server");
	for (;;) {
		if (first) {
			std::this_thread::sleep_for(1ms);
			if (write(fd, &c, 1) != 1)
				return;
		}
		if (read(fd, &c, 1) != 1)
			return;
		if (!first && write(fd, &c, 1) != 1)
			return;
	}
}

static void sync_file(const std::string &dir)
{
	std::string path = dir + "/ctrace-mutex-XXXXXX";
	std::vector<char> page(1 << 16, 'x');
	int fd = mkstemp(path.data());

	name("syncer");
	if (fd < 0)
		return;
	unlink(path.c_str());
	for (;;) {
		if (pwrite(fd, page.data(), page.size(), 0) < 0 || fsync(fd))
			return;
		std::this_thread::sleep_for(5ms);
	}
}

static void spin()
{
	static volatile unsigned long x;
	cpu_set_t set;

	name("spinner");
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;)
		x = x + 1;
}

int main(int argc, char **argv)
{
	std::vector<std::thread> all;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 1;
	for (int i = 0; i < 4; i++)
		all.emplace_back(fight);
	all.emplace_back(echo, pair[0], true);
	all.emplace_back(echo, pair[1], false);
	all.emplace_back(sync_file, argc > 1 ? argv[1] : "/tmp");
	all.emplace_back(spin);
	all.emplace_back(spin);
	puts("ready");
	fflush(stdout);
	for (auto &t : all)
		t.join();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the classes of ctrace.hpp and the macros say in C++. Exit 1 when one is wrong.
 */
#include <utility>

#include "listen.h"

static void leave(bool by_exception)
{
	ctrace::task task("leave");

	CTRACE_REGION(task, "block")
	{
		CTRACE_REGION_SCOPE(task, "scope");
		ctrace::region region(task, "object");
		CTRACE_REGION(task, "inner")
		{
#ifdef __cpp_exceptions
			if (by_exception)
				throw 1;
#endif
			(void)by_exception;
			return;
		}
	}
}

static ctrace::task make(ctrace_ctx parent)
{
	return ctrace::task(parent, "made");
}

static void moved()
{
	ctrace::task parent("parent"), task = make(parent), other(std::move(task));
	ctrace::region first("first"), second(std::move(first));

	first.end();
	task.end();
	task = std::move(other);
	second = ctrace::region(task.ctx(), "third");
	ctrace::log(task, "c", "m");
	ctrace::logf(task, "c", "%d", 5);
	task.end();
	task.end();
}

static int early_return()
{
	for (int i = 0; i < 10; i++) {
		CTRACE_REGION(ctrace::background(), "left")
		{
			if (i == 1)
				return i;
			continue;
		}
	}
	return 0;
}

int main()
{
	static const char left[] = "begin a 0 leave\nin a b block\nin a c scope\nin a d object\n"
				   "in a e inner\nout a e inner\nout a d object\nout a c scope\n"
				   "out a b block\nend a\n";

	listen_start();
	listen_to(1);
	leave(false);
	listen_expect("return", left);
#ifdef __cpp_exceptions
	try {
		leave(true);
	} catch (int) {
	}
	listen_expect("exception", left);
#endif
	moved();
	listen_expect("moved",
		      "begin a 0 parent\nbegin b a made\nin 0 c first\nin b d third\n"
		      "out 0 c first\nlog b c m\nlog b c 5\nend b\nout b d third\nend a\n");
	if (early_return() != 1)
		return 1;
	listen_expect("loop", "in 0 a left\nout 0 a left\nin 0 b left\nout 0 b left\n");
	listen_to(0);
	leave(false);
	if (ctrace::is_enabled())
		return 1;
	listen_expect("idle", "");
	listen_end();
	return listen_failed;
}

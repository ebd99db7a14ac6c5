// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the functions and macros of ctrace.h say, and when they say nothing. Exit 1 when one is
 * wrong.
 */
#include "listen.h"

static ctrace_ctx task;
static int evaluated;

static int effect(void)
{
	return ++evaluated;
}

static int by_return(int x)
{
	CTRACE_REGION(task, "outer")
	{
		CTRACE_REGION(task, "inner")
		{
			if (x)
				return x;
		}
	}
	return 0;
}

static int by_goto(void)
{
	int rounds = 0;

again:
	CTRACE_REGION(task, "goto")
	{
		if (!rounds++)
			goto again;
		if (rounds == 2)
			goto out;
		rounds = 100;
	}
out:
	return rounds;
}

static void by_break(void)
{
	int i, behind = 0;

	for (i = 0; i < 2; i++) {
		CTRACE_REGION(task, "left")
		{
			if (i)
				break;
			continue;
		}
		behind++;
	}
	if (behind != 2) {
		printf("break or continue reached the loop around\n");
		listen_failed = 1;
	}
	for (i = 0; i < 3; i++) {
		CTRACE_REGION_SCOPE(task, "scope");
		CTRACE_REGION_SCOPE(task, "second");
		if (i == 1)
			break;
	}
}

static void tasks(void)
{
	ctrace_ctx top, sub, none = ctrace_background();

	top = ctrace_task_begin(none, "top");
	sub = ctrace_task_begin(top, "sub");
	ctrace_log(sub, "", "text");
	ctrace_log(none, "cat", "");
	ctrace_task_end(sub);
	ctrace_task_end(top);
	ctrace_task_end(top); /* the tracer counts the first one alone */
	ctrace_task_end(none);
	listen_expect("tasks",
		      "begin a 0 top\nbegin b a sub\nlog b  text\nlog 0 cat \nend b\nend a\n"
		      "end a\n");
}

static void idle(void)
{
	ctrace_region region, never = { 0 };
	ctrace_ctx early;

	listen_to(0);
	if (ctrace_is_enabled())
		listen_failed = 1;
	early = ctrace_task_begin(ctrace_background(), "early");
	region = ctrace_region_begin(early, "before");
	ctrace_log(early, "nobody", "listens");
	ctrace_logf(early, "nobody", "%d", effect());
	if (evaluated)
		listen_failed = 1;
	by_return(1);
	listen_expect("idle", "");
	listen_to(1);
	if (!ctrace_is_enabled())
		listen_failed = 1;
	ctrace_region_end(region);
	ctrace_region_end(never);
	ctrace_task_end(early);
	listen_expect("begun before", "out a 0 before\nend a\n");
	region = ctrace_region_begin(early, "half");
	listen_to(0);
	ctrace_region_end(region);
	listen_to(1);
	listen_expect("ended behind", "in a b half\n");
}

static void texts(void)
{
	static char expected[1200], x[2000];

	ctrace_logf(task, "int", "%d of %s", 42, "many");
	(ctrace_logf)(task, "function", "%d", effect());
	listen_expect("logf", "log a int 42 of many\nlog a function 1\n");
	memset(x, 'x', sizeof(x) - 1);
	ctrace_logf(task, "long", "%s", x);
	snprintf(expected, sizeof(expected), "log a long %.1025s\n", x);
	listen_expect("a long text", expected);
}

/* Wherever a text points, the program does not look. */
static void nowhere(void)
{
	const char *volatile hidden = (const char *)8;
	char unset[16];

	listen_to(1);
	ctrace_log(task, (const char *)8, NULL);
	ctrace_log(task, "cat", hidden);
	ctrace_log(task, hidden, "text");
	ctrace_log(task, unset, unset);
	ctrace_region_end(ctrace_region_begin(ctrace_task_begin(task, hidden), hidden));
	listen_to(0);
}

int main(void)
{
	nowhere(); /* before a breakpoint is there, which would look */
	listen_start();
	listen_to(1);
	if (by_return(0) || by_return(7) != 7)
		listen_failed = 1;
	listen_expect("return", "in 0 a outer\nin 0 b inner\nout 0 b inner\nout 0 a outer\n"
				"in 0 c outer\nin 0 d inner\nout 0 d inner\nout 0 c outer\n");
	task = ctrace_task_begin(ctrace_background(), "main");
	listen_expect("task", "begin a 0 main\n");
	if (by_goto() != 2)
		listen_failed = 1;
	listen_expect("goto", "in a b goto\nout a b goto\nin a c goto\nout a c goto\n");
	by_break();
	listen_expect("break", "in a b left\nout a b left\nin a c left\nout a c left\n"
			       "in a d scope\nin a e second\nout a e second\nout a d scope\n"
			       "in a f scope\nin a g second\nout a g second\nout a f scope\n");
	tasks();
	texts();
	evaluated = 0;
	idle();
	listen_end();
	return listen_failed;
}

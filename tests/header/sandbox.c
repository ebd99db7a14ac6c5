// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the header may not do to a program, while somebody listens or not: sandbox HOW
 * [traced|LIBRARY].
 *
 *	strict	  annotates where only read, write and exit are allowed
 *	filter	  where every other syscall ends the process
 *	executed  in a program that was started where madvise ends it
 *	loaded	  by LIBRARY, built of part.c, which is loaded there
 *	errno	  with no memory left, and looks at errno
 *	stack	  on a stack of 4 KiB
 *	first	  says only whether this process and LIBRARY have the faster markers
 *
 * It listens to itself, or, traced, says "ready PID" and waits for a byte on stdin. Out: "alive" at
 * the end, and exit 0; with executed, first and loaded before that "first N", a line for each. Exit
 * 77: cannot be tried here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <ctrace/ctrace.h>

enum { ROUNDS = 1000, STACK = 4096 };

static ucontext_t outside, inside;
static int bad_errno;

/* Without a syscall but write, and without the C library's buffers. */
static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		syscall(SYS_exit, 1);
}

static void end(int status)
{
	say(status ? "wrong\n" : "alive\n");
	syscall(SYS_exit, status);
}

static void kept_errno(void)
{
	if (errno != EDOM)
		bad_errno++;
	errno = EDOM;
}

/* All that there is, again and again: the first calls of a probe are unlike the later ones. */
static void annotate(void)
{
	ctrace_region region;
	ctrace_ctx task;
	int i;

	errno = EDOM;
	for (i = 0; i < ROUNDS; i++) {
		task = ctrace_task_begin(ctrace_background(), "task");
		kept_errno();
		ctrace_log(task, "category", "message");
		kept_errno();
		region = ctrace_region_begin(task, "region");
		kept_errno();
		ctrace_logf(task, "round", "%d of %s", i, "many");
		kept_errno();
		ctrace_region_end(region);
		kept_errno();
		ctrace_task_end(task);
		kept_errno();
	}
}

static void filter(struct sock_filter *rules, unsigned short cnt)
{
	struct sock_fprog program = { cnt, rules };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

/* What is not said here ends the process. */
static void allow_three(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	filter(rules, sizeof(rules) / sizeof(rules[0]));
}

static void forbid_madvise(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	filter(rules, sizeof(rules) / sizeof(rules[0]));
}

static void say_first(void)
{
#if defined(__x86_64__)
	say(ctrace_is_first_() ? "first 1\n" : "first 0\n");
#else
	say("first 0\n");
#endif
}

static void load(const char *path)
{
	int (*work)(ctrace_ctx ctx) = NULL;
	int (*first)(void) = NULL;
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (lib) {
		*(void **)&work = dlsym(lib, "part_work");
		*(void **)&first = dlsym(lib, "part_first");
	}
	if (!work || !first || work(ctrace_background()) != 1)
		end(1);
	else
		say(first() ? "first 1\n" : "first 0\n");
}

static void listen(int traced)
{
	char word;

	if (!traced)
		ctrace_semaphore_ = 1;
	else if (read(0, &word, 1) != 1)
		end(1);
	while (!ctrace_is_enabled())
		;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int traced = argc > 2 && !strcmp(argv[2], "traced");
	char ready[32];

	if (traced) {
		snprintf(ready, sizeof(ready), "ready %d\n", getpid());
		say(ready);
	}
	if (!strcmp(how, "strict")) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			return 77;
		listen(traced);
		annotate();
	} else if (!strcmp(how, "filter")) {
		allow_three();
		listen(traced);
		annotate();
	} else if (!strcmp(how, "executed")) {
		forbid_madvise();
		argv[1] = (char[]){ "first" };
		execv("/proc/self/exe", argv);
		return 1;
	} else if (!strcmp(how, "loaded")) {
		forbid_madvise();
		load(argc > 2 ? argv[2] : "");
	} else if (!strcmp(how, "errno")) {
		struct rlimit none = { 1 << 20, 1 << 20 };

		listen(traced); /* who listens takes some memory of ours */
		if (setrlimit(RLIMIT_AS, &none))
			return 77;
		annotate();
	} else if (!strcmp(how, "stack")) {
		char *stack = mmap(NULL, STACK + 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (stack == MAP_FAILED || mprotect(stack, 4096, PROT_NONE) || getcontext(&inside))
			return 77;
		inside.uc_stack.ss_sp = stack + 4096;
		inside.uc_stack.ss_size = STACK;
		inside.uc_link = &outside;
		makecontext(&inside, annotate, 0);
		listen(traced);
		if (swapcontext(&outside, &inside))
			return 1;
	} else if (!strcmp(how, "first")) {
		say_first();
		load(argc > 2 ? argv[2] : "");
	} else {
		return 2;
	}
	end(bad_errno != 0);
	return 1;
}

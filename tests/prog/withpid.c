// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program with a pid of our choice: withpid PID CMD ARG…. The pid must be free. Needs root. Ends
 * as CMD does; 125 when it could not be started, with a line that says why.
 */
#include <linux/sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "prog.h"

int main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? (pid_t)atoi(argv[1]) : 0, child;
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};
	int status;

	if (pid <= 0) {
		fprintf(stderr, "usage: withpid PID CMD ARG...\n");
		return 125;
	}
	child = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (child < 0) {
		fprintf(stderr, "clone3 with pid %d: %s\n", pid, strerror(errno));
		return 125;
	}
	if (!child) {
		execvp(argv[2], &argv[2]);
		_exit(127);
	}
	OK(waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

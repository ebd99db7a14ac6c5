// SPDX-License-Identifier: BSD-2-Clause
/*
 * Children that annotate after their parent did: forks [CHILDREN]. Out: "ready PID"; for each line
 * on stdin the parent makes a log, then so many children by fork(2), by a bare clone(2), and by
 * vfork(2) and exec, which make one each and end; then "lived N of N" and "made N", and a child
 * that has stayed since the first round makes one more and says "alive". Ends with stdin.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static int made;

static void say_it(const char *who)
{
	CTRACE_REGION(ctrace_background(), "life")
	{
		ctrace_log(ctrace_background(), who, "is there");
	}
}

static int lived(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static int fork_one(void)
{
	pid_t pid = fork();

	OK(pid);
	if (!pid) {
		say_it("fork");
		_exit(0);
	}
	return lived(pid);
}

/* As those do who know better than libc, which is not asked. */
static int clone_one(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	OK(pid);
	if (!pid) {
		say_it("clone");
		_exit(0);
	}
	return lived(pid);
}

static int spawn_one(void)
{
	pid_t pid = vfork();

	OK(pid);
	if (!pid) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	return lived(pid);
}

/* Stays, and makes one for each byte that comes. */
static void stay(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1) {
		say_it("stays");
		if (write(out, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10, i, count, to[2], from[2];
	pid_t stays = 0;
	char line[64];

	OK(pipe(to));
	OK(pipe(from));
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (i = 0; i < 3; i++) /* the first hits make the kernel change the site */
			say_it("parent");
		if (!stays) {
			stays = fork();
			OK(stays);
			if (!stays) {
				close(to[1]);
				close(from[0]);
				stay(to[0], from[1]);
			}
			close(from[1]);
		}
		for (count = i = 0; i < n; i++)
			count += fork_one() + clone_one() + spawn_one();
		made += 2 * n;
		printf("lived %d of %d\nmade %d\n", count, 3 * n, made);
		if (write(to[1], line, 1) == 1 && read(from[0], line, 1) == 1)
			printf("alive\n");
		printf("done\n");
		fflush(stdout);
	}
	close(to[1]);
	return stays ? !lived(stays) : 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program that traces itself by libctrace, as it is told on stdin, a line each; it answers with
 * one:
 *
 *     start FILE   stop   error        "start: ok", or "start: ENAME: sentence"
 *     work NAME                        a thread of this name works for a moment and ends; a log
 * says so child FILE                       a forked child stops, traces itself into FILE, works,
 * and ends hold                             a forked child sleeps with all that it has inherited
 * exec goes on as sleep(1), with the same pid crowd N FILE                     N threads start and
 * stop, all the time; how often each went well files                            how many
 * descriptors are open closeall                         closes all that it does not know
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ctrace/control.h"
#include "ctrace/ctrace.h"
#include "prog.h"

#define ROUNDS 3
#define CROWD 16

static const char *answer_of(int ret)
{
	static __thread char text[400];

	if (!ret)
		return "ok";
	snprintf(text, sizeof(text), "%s: %s", strerrorname_np(errno), ctrace_error());
	return text;
}

static int start(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), ret, err;

	ret = ctrace_start(fd);
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return ret;
}

static void *work(void *name)
{
	uint64_t until = now_ns(CLOCK_MONOTONIC) + 5000000;

	prctl(PR_SET_NAME, name);
	ctrace_log(ctrace_background(), "work", name);
	while (now_ns(CLOCK_MONOTONIC) < until)
		;
	return NULL;
}

static void have_worked(char *name)
{
	pthread_t th;

	if (!pthread_create(&th, NULL, work, name))
		pthread_join(th, NULL);
}

static void child(const char *file)
{
	pid_t pid = fork();

	if (!pid) {
		printf("child stop: %s\n", answer_of(ctrace_stop()));
		printf("child start: %s\n", answer_of(start(file)));
		have_worked((char *)"of-child");
		printf("child stop: %s\n", answer_of(ctrace_stop()));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

struct crowd {
	const char *file;
	_Atomic unsigned started, stopped, other;
};

static void *one_of_many(void *arg)
{
	struct crowd *c = arg;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		if (!start(c->file)) {
			c->started++;
		} else if (errno != EALREADY) {
			c->other++;
		}
		if (!ctrace_stop())
			c->stopped++;
		else if (errno != EINVAL)
			c->other++;
	}
	return NULL;
}

static void crowd(unsigned n, const char *file)
{
	struct crowd c = { .file = file };
	pthread_t th[CROWD];
	unsigned i;

	for (i = 0; i < n && i < CROWD; i++)
		OK(-pthread_create(&th[i], NULL, one_of_many, &c));
	for (i = 0; i < n && i < CROWD; i++)
		pthread_join(th[i], NULL);
	printf("crowd: %u started, %u stopped, %u other\n", c.started, c.stopped, c.other);
}

static unsigned open_files(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int main(void)
{
	char line[256], word[32], arg[128], file[128];
	unsigned n;
	pid_t pid;

	signal(SIGPIPE, SIG_DFL); /* one that the library raises ends it */
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		*word = *arg = 0;
		sscanf(line, "%31s %127[^\n]", word, arg);
		if (!strcmp(word, "start"))
			printf("start: %s\n", answer_of(start(arg)));
		else if (!strcmp(word, "stop"))
			printf("stop: %s\n", answer_of(ctrace_stop()));
		else if (!strcmp(word, "error"))
			printf("error: '%s'\n", ctrace_error());
		else if (!strcmp(word, "child"))
			child(arg);
		else if (!strcmp(word, "files"))
			printf("files: %u\n", open_files());
		else if (!strcmp(word, "closeall"))
			close_range(3, ~0u, 0);
		else if (!strcmp(word, "work"))
			have_worked(arg);
		else if (!strcmp(word, "crowd") && sscanf(arg, "%u %127s", &n, file) == 2)
			crowd(n, file);
		if (!strcmp(word, "hold")) {
			pid = fork();
			if (!pid) {
				pause();
				_exit(0);
			}
			printf("held: %d\n", pid);
		}
		if (!strcmp(word, "exec"))
			execlp("sleep", "sleep", "infinity", (char *)NULL);
		printf("did %s", line);
		fflush(stdout);
	}
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * A recording by a process of its own: how it begins, goes on, is stopped and dies, to each kind of
 * descriptor, for whom, and what is left. What is recorded is a child that turns and sleeps. All
 * but the channel needs root.
 */
#include "helpers.h"

#include "bpf/event.h" /* ahead of others, which have another EV_NONE */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/options.h"
#include "control/job.h"
#include "record/remote.h"
#include "util/log.h"
#include "util/loop.h"
#include "util/signals.h"

#define SEC 1000000000ull
#define NOBODY 65534
#define MAGIC "go 1."

/* ---- the world of a test ---- */

static char dir[TEMP_LEN], path[96];
static struct loop *loop;
static pid_t target;
static unsigned nchanged;
static unsigned nsnapshot;
static int snapshot_err;
static char snapshot_why[256];

static pid_t start_target(uid_t uid)
{
	struct timespec moment = { 0, 1000000 };
	pid_t pid = fork();

	if (pid) {
		assert_true(pid > 0);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		_exit(1);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	for (;;)
		nanosleep(&moment, NULL);
}

static void end_target(void)
{
	if (!target)
		return;
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	target = 0;
}

static int setup(void **state)
{
	(void)state;
	if (geteuid() || temp_dir(dir, "job"))
		return geteuid() ? 0 : -1;
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/trace", dir);
	alarm(SANITIZED || getenv("CTRACE_JOBS_N") ? 900 : 60); /* a test that waits in vain ends */
	log_set_level(LOG_NOTICE);
	signals_no_sigpipe();
	nchanged = nsnapshot = 0;
	loop = loop__new();
	target = start_target(0);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	struct dirent *e;
	DIR *d;

	(void)state;
	if (geteuid())
		return 0;
	end_target();
	loop__free(loop);
	d = opendir(dir);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

static void count_change(void *ctx, struct job *j)
{
	(void)ctx;
	(void)j;
	nchanged++;
	loop__stop(loop);
}

static void too_late(void *ctx)
{
	(void)ctx;
	fail_msg("nothing has come for 30 s");
}

/* Until something is told. */
static void wait_a_change(void)
{
	struct loop_timer *t = loop__timer(loop, too_late, NULL);

	loop_timer__set(t, 30 * SEC);
	loop__run(loop);
	loop_timer__end(t);
}

static void wait_until(struct job *j, enum job_state state)
{
	while (job__state(j) < state)
		wait_a_change();
}

/* A recording of the target, with more words. */
struct ask {
	const char *words[8];
	struct job_opts opts;
};

static struct job *started(const struct ask *a)
{
	struct strbuf why = STRBUF_INIT;
	struct job_opts opts = a->opts;
	char pid[32], *argv[16];
	struct options o;
	struct job *j;
	int n = 0, i;

	snprintf(pid, sizeof(pid), "--pid=%d", target);
	argv[n++] = (char *)"record";
	argv[n++] = pid;
	argv[n++] = (char *)"--output=the file";
	for (i = 0; i < 8 && a->words[i]; i++)
		argv[n++] = (char *)a->words[i];
	argv[n] = NULL;
	if (options_parse(&o, FOR_RECORD, n, argv, &why))
		fail_msg("%s", why.buf);
	opts.loop = loop;
	opts.o = &o;
	opts.changed = count_change;
	j = job__new(&opts);
	options_free(&o);
	strbuf_free(&why);
	assert_non_null(j);
	assert_int_equal(job__state(j), JOB_STARTING);
	return j;
}

static const struct caller everything = { .rank = CALLER_ALL };
static const struct caller user = { .rank = CALLER_USER, .uid = NOBODY, .gid = NOBODY };

/* For all, to fd. */
static struct job *recording_to(int fd)
{
	return started(&(struct ask){
		.opts = { .caller = everything, .out_fd = fd, .err_fd = -1, .json_fd = -1 } });
}

static int new_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void is_fine(const struct job *j)
{
	assert_string_equal(job__why(j), "");
	assert_int_equal(job__code(j), EXIT_FINE);
	assert_true(job__begun(j));
}

static void is_trace(const char *name)
{
	char head[16] = "";
	int fd = open(name, O_RDONLY);

	assert_true(read(fd, head, sizeof(head)) == sizeof(head));
	assert_memory_equal(head, MAGIC, strlen(MAGIC));
	close(fd);
}

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : st.st_size;
}

#define NEEDS_ROOT()            \
	do {                    \
		(void)state;    \
		if (geteuid())  \
			skip(); \
	} while (0)

/* ---- the channel ---- */

static void messages_and_descriptors(void **state)
{
	struct remote_msg m = { .verb = REMOTE_SNAPSHOT, .why = "words" }, got;
	int pair[2], fd;

	(void)state;
	assert_int_equal(remote_pair(pair), 0);
	assert_int_equal(remote_receive(pair[1], &got, &fd), -EAGAIN);
	assert_int_equal(remote_send(pair[0], &m, STDERR_FILENO), 0);
	assert_int_equal(remote_send(pair[0], &m, -1), 0);
	assert_int_equal(remote_receive(pair[1], &got, &fd), 0);
	assert_int_equal(got.verb, REMOTE_SNAPSHOT);
	assert_string_equal(got.why, "words");
	assert_true(fd > STDERR_FILENO);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	assert_int_equal(remote_receive(pair[1], &got, &fd), 0);
	assert_int_equal(fd, -1);
	/* what is no message is the end */
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(remote_receive(pair[1], &got, &fd), -EPIPE);
	close(pair[0]);
	assert_int_equal(remote_receive(pair[1], &got, &fd), -EPIPE);
	assert_int_equal(remote_send(pair[1], &m, -1), -EPIPE);
	close(pair[1]);
}

/* The kernel tells first that ours was not read. */
static void last_word(void **state)
{
	struct remote_msg stop = { .verb = REMOTE_STOP }, m = { .verb = REMOTE_ENDED }, got;
	int pair[2], fd;

	(void)state;
	assert_int_equal(remote_pair(pair), 0);
	assert_int_equal(remote_send(pair[0], &stop, -1), 0);
	assert_int_equal(remote_send(pair[1], &m, -1), 0);
	close(pair[1]);
	assert_int_equal(remote_receive(pair[0], &got, &fd), 0);
	assert_int_equal(got.verb, REMOTE_ENDED);
	assert_int_equal(remote_receive(pair[0], &got, &fd), -EPIPE);
	close(pair[0]);
}

/* ---- how one goes ---- */

static void begins_and_is_stopped(void **state)
{
	struct job *j;
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	j = recording_to(fd);
	close(fd);
	wait_until(j, JOB_RECORDING);
	assert_true(job__begun(j));
	assert_int_equal(getpgid(job__pid(j)), job__pid(j));
	while (job__numbers(j).events < 10) { /* told twice a second */
		struct loop_timer *t = loop__timer(loop, (loop_timer_fn)loop__stop, loop);

		loop_timer__set(t, SEC / 20);
		loop__run(loop);
		loop_timer__end(t);
	}
	job__stop(j);
	wait_until(j, JOB_ENDED);
	is_fine(j);
	assert_int_equal(nchanged, 2);
	is_trace(path);
	assert_int_equal(job__numbers(j).bytes, size_of(path));
	assert_true(job__numbers(j).seconds > 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0); /* the target alone */
	job__free(j);
}

/* Before it has begun, it begins and ends. */
static void stopped_at_once(void **state)
{
	struct job *j;
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	j = recording_to(fd);
	job__stop(j);
	close(fd);
	wait_until(j, JOB_ENDED);
	is_fine(j);
	is_trace(path);
	job__free(j);
}

static void ends_by_time_and_with_its_target(void **state)
{
	struct job *j;
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	j = started(&(struct ask){
		.words = { "--duration=50ms" },
		.opts = { .caller = everything, .out_fd = fd, .err_fd = -1, .json_fd = -1 } });
	wait_until(j, JOB_ENDED);
	is_fine(j);
	job__free(j);
	j = recording_to(fd);
	wait_until(j, JOB_RECORDING);
	end_target();
	wait_until(j, JOB_ENDED);
	is_fine(j);
	is_trace(path);
	job__free(j);
	close(fd);
}

static void cannot_begin(void **state)
{
	struct job *j;
	char want[64];
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	assert_int_equal(write(fd, "stays", 5), 5);
	snprintf(want, sizeof(want), "no process with pid %d", target);
	kill(target, SIGKILL);
	waitpid(target, NULL, 0);
	j = recording_to(fd);
	target = 0;
	wait_until(j, JOB_ENDED);
	assert_false(job__begun(j));
	assert_int_equal(job__code(j), EXIT_FAILED);
	assert_string_equal(job__why(j), want);
	assert_int_equal(nchanged, 1);
	assert_int_equal(size_of(path), 5); /* as it was */
	job__free(j);
	close(fd);
}

/* ---- where it goes ---- */

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 30000) == 1;
}

/* Bytes come before the end; and who stops reading ends it. */
static void into_a_pipe(void **state)
{
	char head[5];
	struct job *j;
	int pair[2];

	NEEDS_ROOT();
	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	j = recording_to(pair[1]);
	close(pair[1]);
	wait_until(j, JOB_RECORDING);
	assert_true(readable(pair[0]));
	assert_int_equal(job__state(j), JOB_RECORDING);
	assert_int_equal(read(pair[0], head, 5), 5);
	assert_memory_equal(head, MAGIC, 5);
	close(pair[0]);
	wait_until(j, JOB_ENDED);
	assert_int_equal(job__code(j), EXIT_FAILED);
	assert_non_null(strstr(job__why(j), "cannot write the file: Broken pipe"));
	job__free(j);
}

static void words_and_json(void **state)
{
	char text[4096] = "";
	int fd, err[2], json[2];
	struct job *j;

	NEEDS_ROOT();
	fd = new_file();
	assert_int_equal(pipe(err), 0);
	assert_int_equal(pipe(json), 0);
	j = started(&(struct ask){ .words = { "--json" },
				   .opts = { .caller = everything,
					     .out_fd = fd,
					     .err_fd = err[1],
					     .loud = LOG_NOTICE,
					     .json_fd = json[1] } });
	close(err[1]);
	close(json[1]);
	close(fd);
	wait_until(j, JOB_RECORDING);
	job__stop(j);
	wait_until(j, JOB_ENDED);
	is_fine(j);
	assert_true(read(err[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "ctrace-bpf: recording; Ctrl-C stops\n"));
	memset(text, 0, sizeof(text));
	assert_true(read(json[0], text, sizeof(text) - 1) > 0);
	assert_int_equal(text[0], '{');
	assert_non_null(strstr(text, "the file"));
	assert_int_equal(read(json[0], text, 1), 0); /* nobody has it open any more */
	job__free(j);
	close(err[0]);
	close(json[0]);
}

/* ---- for whom ---- */

static unsigned uid_of(pid_t pid)
{
	char name[64], line[256];
	unsigned uid = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	f = fopen(name, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Uid: %u", &uid) == 1)
			break;
	fclose(f);
	return uid;
}

/* He records what is his, and the recorder is his then; what is not his it refuses. */
static void for_a_user(void **state)
{
	struct ask a = { .opts = { .caller = user, .err_fd = -1, .json_fd = -1 } };
	struct job *j;
	int fd;

	NEEDS_ROOT();
	a.opts.out_fd = fd = new_file();
	j = started(&a);
	wait_until(j, JOB_ENDED);
	assert_false(job__begun(j));
	assert_int_equal(job__code(j), EXIT_MACHINE);
	assert_non_null(strstr(job__why(j), "is not yours to look at"));
	assert_int_equal(size_of(path), 0);
	job__free(j);

	end_target();
	target = start_target(NOBODY);
	while (uid_of(target) != NOBODY)
		sched_yield();
	j = started(&a);
	close(fd);
	wait_until(j, JOB_RECORDING);
	assert_int_equal(uid_of(job__pid(j)), NOBODY);
	job__stop(j);
	wait_until(j, JOB_ENDED);
	is_fine(j);
	is_trace(path);
	job__free(j);
}

/* Root's rights are used, and then it is the caller's. */
static void for_one_of_the_group(void **state)
{
	const struct caller member = { .rank = CALLER_ALL, .uid = NOBODY, .gid = NOBODY };
	struct job *j;
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	j = started(&(struct ask){
		.opts = { .caller = member, .out_fd = fd, .err_fd = -1, .json_fd = -1 } });
	close(fd);
	wait_until(j, JOB_RECORDING);
	assert_int_equal(uid_of(job__pid(j)), NOBODY);
	job__stop(j);
	wait_until(j, JOB_ENDED);
	is_fine(j);
	job__free(j);
}

/* ---- a flight recorder ---- */

static void note_snapshot(void *ctx, int err, const char *why)
{
	(void)ctx;
	nsnapshot++;
	snapshot_err = err;
	snprintf(snapshot_why, sizeof(snapshot_why), "%s", why);
	loop__stop(loop);
}

static void snapshots(void **state)
{
	struct ask a = {
		.words = { "--flight-recorder=10s" },
		.opts = { .caller = everything, .out_fd = -1, .err_fd = -1, .json_fd = -1 }
	};
	char output[128];
	struct job *j;
	int fd;

	NEEDS_ROOT();
	snprintf(output, sizeof(output), "--output=%s/named", dir);
	a.words[1] = output;
	fd = new_file();
	j = started(&a);
	assert_int_equal(job__snapshot(j, fd, note_snapshot, NULL), -EAGAIN);
	wait_until(j, JOB_RECORDING);
	assert_int_equal(job__snapshot(j, fd, note_snapshot, NULL), 0);
	assert_int_equal(job__snapshot(j, fd, note_snapshot, NULL), -EALREADY);
	while (!nsnapshot)
		wait_a_change();
	assert_string_equal(snapshot_why, "");
	assert_int_equal(snapshot_err, 0);
	is_trace(path);
	assert_int_equal(job__snapshot(j, fd, note_snapshot, NULL), 0);
	job__kill(j); /* it is told all the same */
	wait_until(j, JOB_ENDED);
	assert_int_equal(nsnapshot, 2);
	assert_int_equal(job__snapshot(j, fd, note_snapshot, NULL), -EAGAIN);
	job__free(j);
	j = recording_to(fd);
	assert_int_equal(job__snapshot(j, fd, note_snapshot, NULL), -ENOTSUP);
	job__kill(j);
	wait_until(j, JOB_ENDED);
	job__free(j);
	close(fd);
}

/* ---- deaths ---- */

static void killed(void **state)
{
	struct job *j;
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	j = recording_to(fd);
	close(fd);
	wait_until(j, JOB_RECORDING);
	kill(job__pid(j), SIGKILL);
	wait_until(j, JOB_ENDED);
	assert_int_equal(job__code(j), EXIT_FAILED);
	assert_string_equal(job__why(j), "the recorder was ended by a signal (Killed)");
	assert_true(job__begun(j));
	job__free(j);
}

/* Who had it made dies: it completes its file and ends. */
static void left_alone(void **state)
{
	int fd, pair[2];
	char end[64];
	pid_t pid;

	NEEDS_ROOT();
	fd = new_file();
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		struct job *j;

		close(pair[0]);
		loop__free(loop);
		loop = loop__new();
		/* the recorder's stderr is this pipe: its end is seen by that */
		j = started(&(struct ask){ .opts = { .caller = everything,
						     .out_fd = fd,
						     .err_fd = pair[1],
						     .json_fd = -1 } });
		wait_until(j, JOB_RECORDING);
		raise(SIGKILL);
	}
	close(pair[1]);
	waitpid(pid, NULL, 0);
	while (read(pair[0], end, sizeof(end)) > 0)
		;
	is_trace(path);
	close(pair[0]);
	close(fd);
}

/* Nobody asks any more: it ends by itself, and is waited for. */
static void let_go(void **state)
{
	struct loop_timer *t;
	int fd;

	NEEDS_ROOT();
	fd = new_file();
	end_target();
	target = start_target(0);
	job__free(recording_to(fd));
	close(fd);
	t = loop__timer(loop, (loop_timer_fn)loop__stop, loop);
	while (size_of(path) <= 0 ||
	       waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT)) {
		loop_timer__set(t, SEC / 20);
		loop__run(loop);
	}
	is_trace(path);
	assert_int_equal(nchanged, 0);
	loop_timer__set(t, SEC / 2);
	loop__run(loop);
	loop_timer__end(t);
}

/* ---- many ---- */

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Starts and stops, some of them killed, leave no descriptor and no process. CTRACE_JOBS_N: how
 * many. */
static void leave_nothing(void **state)
{
	const char *n = getenv("CTRACE_JOBS_N");
	unsigned before, i, most = n ? (unsigned)atoi(n) : 8;
	struct job *j;
	int fd;

	NEEDS_ROOT();
	before = open_files();
	for (i = 0; i < most; i++) {
		fd = new_file();
		j = recording_to(fd);
		close(fd);
		if (i % 3)
			wait_until(j, JOB_RECORDING);
		if (i % 4 == 3)
			job__kill(j);
		else
			job__stop(j);
		wait_until(j, JOB_ENDED);
		job__free(j);
	}
	assert_int_equal(open_files(), before);
	end_target();
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_and_descriptors),
		cmocka_unit_test(last_word),
		TEST(begins_and_is_stopped),
		TEST(stopped_at_once),
		TEST(ends_by_time_and_with_its_target),
		TEST(cannot_begin),
		TEST(into_a_pipe),
		TEST(words_and_json),
		TEST(for_a_user),
		TEST(for_one_of_the_group),
		TEST(snapshots),
		TEST(killed),
		TEST(left_alone),
		TEST(let_go),
		TEST(leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Recordings that are asked for: rights, limits, files, and who is told what. The processes that
 * record are not there: jobs begin and end when the test says so (the linker brings their calls
 * here, --wrap).
 */
#include "helpers.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "cli/options.h"
#include "rights/outdir.h"
#include "control/recordings.h"
#include "output/rotation.h"
#include "util/log.h"
#include "util/loop.h"

/* ---- jobs ---- */

struct job {
	struct job_opts opts;
	uint64_t duration_ns, max_size;
	enum job_state state;
	bool begun, freed;
	unsigned stops, kills;
	enum exit_code code;
	const char *why;
	struct job_numbers numbers;
	job_snapshot_fn snapshot;
	void *snapshot_ctx;
	int fd; /* its own */
};

static struct job jobs[64];
static size_t njobs;

struct job *__wrap_job__new(const struct job_opts *opts);
void __wrap_job__free(struct job *j);
void __wrap_job__stop(struct job *j);
void __wrap_job__kill(struct job *j);
enum job_state __wrap_job__state(const struct job *j);
struct job_numbers __wrap_job__numbers(const struct job *j);
enum exit_code __wrap_job__code(const struct job *j);
const char *__wrap_job__why(const struct job *j);
bool __wrap_job__begun(const struct job *j);
int __wrap_job__snapshot(struct job *j, int fd, job_snapshot_fn done, void *ctx);

struct job *__wrap_job__new(const struct job_opts *opts)
{
	struct job *j = &jobs[njobs++];

	assert_true(njobs <= COUNT(jobs));
	*j = (struct job){ .opts = *opts,
			   .duration_ns = opts->o->duration_ns,
			   .max_size = opts->o->max_size,
			   .why = "",
			   .fd = opts->out_fd < 0 ? -1 : fcntl(opts->out_fd, F_DUPFD_CLOEXEC, 0) };
	return j;
}

void __wrap_job__free(struct job *j)
{
	if (!j)
		return;
	assert_false(j->freed);
	j->freed = true;
	if (j->fd >= 0)
		close(j->fd);
}

void __wrap_job__stop(struct job *j)
{
	j->stops++;
}

void __wrap_job__kill(struct job *j)
{
	j->kills++;
}

enum job_state __wrap_job__state(const struct job *j)
{
	return j->state;
}

struct job_numbers __wrap_job__numbers(const struct job *j)
{
	return j->numbers;
}

enum exit_code __wrap_job__code(const struct job *j)
{
	return j->code;
}

const char *__wrap_job__why(const struct job *j)
{
	return j->why;
}

bool __wrap_job__begun(const struct job *j)
{
	return j->begun;
}

int __wrap_job__snapshot(struct job *j, int fd, job_snapshot_fn done, void *ctx)
{
	if (j->snapshot)
		return -EALREADY;
	assert_true(fd >= 0);
	j->snapshot = done;
	j->snapshot_ctx = ctx;
	return 0;
}

static void job_begins(struct job *j)
{
	j->begun = true;
	j->state = JOB_RECORDING;
	j->opts.changed(j->opts.ctx, j);
}

static void job_ends(struct job *j, enum exit_code code, const char *why)
{
	j->state = JOB_ENDED;
	j->code = code;
	j->why = why;
	j->opts.changed(j->opts.ctx, j);
}

/* ---- a service ---- */

struct service {
	char dir[TEMP_LEN];
	struct loop *loop;
	struct outdir *outdir;
	struct options o;
	char copy[256];
	char *argv[16];
	struct recordings *r;
	struct caller self; /* an ordinary user, whose processes are ours */
	struct caller root;
	unsigned begun, ended, idle;
	int result;
	struct strbuf why;
	uint64_t patience_ns;
	struct loop_timer *look;
};

static void on_idle(void *ctx)
{
	((struct service *)ctx)->idle++;
}

static void make(struct service *s, const char *line)
{
	struct recordings_opts opts = { .o = &s->o, .idle = on_idle, .ctx = s };
	char *at = s->copy;
	int argc = 1;

	njobs = 0;
	s->why = STRBUF_INIT;
	s->argv[0] = (char *)"serve";
	snprintf(s->copy, sizeof(s->copy), "%s", line);
	while (*line && (s->argv[argc] = strsep(&at, " ")))
		argc++;
	if (options_parse(&s->o, FOR_SERVE, argc, s->argv, &s->why))
		fail_msg("%s", s->why.buf);
	assert_false(temp_dir(s->dir, "recordings"));
	s->loop = loop__new();
	s->outdir = outdir__new(s->dir, &s->why);
	assert_non_null(s->outdir);
	opts.loop = s->loop;
	opts.outdir = s->outdir;
	opts.patience_ns = s->patience_ns;
	s->r = recordings__new(&opts, &s->why);
	assert_non_null(s->r);
	s->self = (struct caller){ CALLER_USER, geteuid(), getegid(), 7, false, true };
	s->root = (struct caller){ CALLER_ALL, geteuid(), getegid(), 8, false, true };
}

static void unmake(struct service *s)
{
	char line[128];

	recordings__free(s->r);
	outdir__free(s->outdir);
	loop__free(s->loop);
	options_free(&s->o);
	strbuf_free(&s->why);
	snprintf(line, sizeof(line), "rm -rf %s", s->dir);
	assert_false(system(line));
}

static void on_begun(void *ctx, struct served *served)
{
	(void)served;
	((struct service *)ctx)->begun++;
}

static void on_ended(void *ctx, struct served *served)
{
	struct service *s = ctx;

	s->ended++;
	s->result = served__result(served, &s->why);
}

static struct served_wish wish_of(struct service *s, enum served_door door, const char *file)
{
	return (struct served_wish){ .caller = s->self,
				     .door = door,
				     .file = file,
				     .fd = -1,
				     .err_fd = -1,
				     .json_fd = -1,
				     .begun = on_begun,
				     .ended = on_ended,
				     .ctx = s };
}

static struct served *starts(struct service *s, const struct served_wish *wish)
{
	struct served *served = recordings__start(s->r, wish, &s->why);

	if (!served)
		fail_msg("%s", s->why.buf);
	assert_int_equal(s->why.len, 0);
	return served;
}

static void refused(struct service *s, const struct served_wish *wish, int err, const char *words)
{
	size_t before = njobs, count = recordings__count(s->r);

	assert_null(recordings__start(s->r, wish, &s->why));
	if (errno != err || !strstr(s->why.buf, words))
		fail_msg("%d: '%s' has no '%s'", errno, s->why.buf, words);
	assert_int_equal(njobs, before);
	assert_int_equal(recordings__count(s->r), count);
}

static bool is_there(const struct service *s, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return !access(path, F_OK);
}

static const char *own(char *line, size_t sz, const char *more)
{
	snprintf(line, sz, "-p %d %s", getpid(), more);
	if (!*more)
		line[strlen(line) - 1] = 0;
	return line;
}

/* ---- what is shown ---- */

static void begin_and_end(void **state)
{
	struct service s = { 0 };
	struct served_wish wish = { 0 };
	struct served *served;
	char line[64];

	(void)state;
	make(&s, own(line, sizeof(line), ""));
	wish = wish_of(&s, DOOR_RPC, "go.trace");
	served = starts(&s, &wish);
	assert_int_equal(recordings__count(s.r), 1);
	assert_int_equal(s.begun, 0); /* not from within */
	assert_true(is_there(&s, "go.trace"));
	assert_int_equal(jobs[0].duration_ns, 600ull * 1000000000); /* --max-time */
	assert_ptr_equal(recordings__of(s.r, &s.self), served);
	job_begins(&jobs[0]);
	assert_int_equal(s.begun, 1);
	served__stop(served);
	served__stop(served);
	assert_int_equal(jobs[0].stops, 1); /* twice would give up symbols */
	assert_int_equal(s.ended, 0);
	job_ends(&jobs[0], EXIT_FINE, "");
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.result, 0);
	assert_true(jobs[0].freed);
	assert_int_equal(recordings__count(s.r), 0);
	assert_null(recordings__of(s.r, &s.self));
	assert_true(is_there(&s, "go.trace"));
	unmake(&s);
}

/* One that never begins leaves no file behind, and one that is gone tells nobody. */
static void could_not_begin(void **state)
{
	struct service s = { 0 };
	struct served_wish wish;
	struct served *served;
	char line[64];

	(void)state;
	make(&s, own(line, sizeof(line), ""));
	wish = wish_of(&s, DOOR_RPC, "go.trace");
	starts(&s, &wish);
	job_ends(&jobs[0], EXIT_MACHINE, "no BPF here");
	assert_int_equal(s.begun, 0);
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.result, -ENOTSUP);
	assert_string_equal(s.why.buf, "no BPF here");
	assert_false(is_there(&s, "go.trace"));
	strbuf_reset(&s.why);
	served = starts(&s, &wish);
	served__let_go(served);
	job_begins(&jobs[1]);
	served__kill(served);
	assert_int_equal(jobs[1].kills, 1);
	job_ends(&jobs[1], EXIT_FAILED, "killed");
	assert_int_equal(s.begun, 0);
	assert_int_equal(s.ended, 1);
	/* and one that is written and fails */
	starts(&s, &wish);
	job_begins(&jobs[2]);
	job_ends(&jobs[2], EXIT_FAILED, "no space left on device");
	assert_int_equal(s.result, -EIO);
	assert_string_equal(s.why.buf, "no space left on device");
	unmake(&s);
}

static void one_at_a_time(void **state)
{
	struct service s = { 0 };
	struct served_wish wish, other;
	struct served *first;
	char line[64];

	(void)state;
	make(&s, own(line, sizeof(line), "--max-recordings 16"));
	wish = wish_of(&s, DOOR_RPC, "a.trace");
	starts(&s, &wish);
	wish.file = "b.trace";
	refused(&s, &wish, EALREADY, "trace already in progress");
	assert_false(is_there(&s, "b.trace"));
	/* another user has his own */
	wish.caller.rank = CALLER_ALL;
	wish.caller.uid++;
	if (!geteuid())
		starts(&s, &wish);
	/* of the library's it is the process that counts */
	other = wish_of(&s, DOOR_LIBRARY, NULL);
	other.fd = STDERR_FILENO;
	first = starts(&s, &other);
	refused(&s, &other, EALREADY, "tracing is already enabled");
	/* … and whether it has gone from it, as by exec */
	served__stop(first);
	served__let_go(first);
	starts(&s, &other);
	other.caller.pid++;
	starts(&s, &other);
	/* over HTTP as many as there may be */
	other.door = DOOR_HTTP;
	starts(&s, &other);
	unmake(&s);
}

static void limits(void **state)
{
	struct service s = { 0 };
	struct served_wish wish;
	char line[96];
	int i;

	(void)state;
	make(&s, own(line, sizeof(line), "--max-recordings 4 --max-time 10"));
	wish = wish_of(&s, DOOR_HTTP, NULL);
	wish.fd = STDERR_FILENO;
	wish.duration_ns = 10000000001;
	refused(&s, &wish, EINVAL, "longer than this service records");
	wish.duration_ns = 10000000000;
	starts(&s, &wish);
	assert_int_equal(jobs[0].duration_ns, wish.duration_ns);
	starts(&s, &wish);
	/* half of them are for those who may do everything */
	refused(&s, &wish, EBUSY, "you have 2 recordings under way");
	wish.caller = s.root;
	starts(&s, &wish);
	starts(&s, &wish);
	refused(&s, &wish, EBUSY, "4 recordings are under way");
	for (i = 0; i < 4; i++)
		job_ends(&jobs[i], EXIT_FINE, "");
	starts(&s, &wish);
	unmake(&s);
	memset(&s, 0, sizeof(s));
	make(&s, own(line, sizeof(line), "--max-recordings 2"));
	wish = wish_of(&s, DOOR_HTTP, NULL);
	wish.fd = STDERR_FILENO;
	starts(&s, &wish);
	/* however many users there are, they do not have them all */
	wish.caller.uid++;
	refused(&s, &wish, EBUSY, "users have 1 recordings under way");
	wish.caller = s.root;
	starts(&s, &wish);
	unmake(&s);
}

/* Its trace is whole, and not what was asked for. */
static void cut_by_a_bound(void **state)
{
	struct service s = { 0 };
	struct served_wish wish;
	char line[96];

	(void)state;
	make(&s, own(line, sizeof(line), "--max-total 1M"));
	wish = wish_of(&s, DOOR_RPC, "T");
	starts(&s, &wish);
	job_begins(&jobs[0]);
	jobs[0].numbers =
		(struct job_numbers){ .seconds = .3, .bytes = 1000000, .bound = ROTATION_MAX_SIZE };
	job_ends(&jobs[0], EXIT_FINE, "");
	assert_int_equal(s.result, -EFBIG);
	assert_non_null(strstr(s.why.buf, "ends after 0.3 s, with 1.0 MB: --max-size, or what"));
	unmake(&s);
}

static void rights(void **state)
{
	struct service s = { 0 };
	struct served_wish wish;
	json_t *one = json_pack("{s:i}", "pid", 1), *none = json_pack("{s:i}", "pid", 4194303);
	json_t *all = json_pack("{s:b}", "all", 1), *bad = json_pack("{s:i}", "nonsense", 1);

	(void)state;
	make(&s, "");
	wish = wish_of(&s, DOOR_HTTP, "x");
	refused(&s, &wish, EINVAL, "what shall be recorded?");
	wish.object = bad;
	refused(&s, &wish, EINVAL, "there is no option 'nonsense'");
	wish.object = none;
	refused(&s, &wish, ESRCH, "no process with pid 4194303");
	wish.object = all;
	refused(&s, &wish, EPERM, "every process of the machine");
	wish.object = one;
	wish.caller.uid = 54321;
	refused(&s, &wish, EPERM, "process 1 (");
	wish.caller = (struct caller){ .rank = CALLER_NOBODY };
	refused(&s, &wish, EPERM, "nobody knows who asks");
	wish.caller = s.root;
	wish.file = "../x";
	refused(&s, &wish, EACCES, "open ../x: permission denied");
	wish.file = "x";
	assert_false(is_there(&s, "x")); /* of all that was refused */
	wish.object = all;
	starts(&s, &wish);
	json_decref(one);
	json_decref(none);
	json_decref(all);
	json_decref(bad);
	unmake(&s);
}

static void files(void **state)
{
	struct service s = { 0 };
	struct served_wish wish, second;
	char line[96], path[PATH_MAX];

	(void)state;
	make(&s, own(line, sizeof(line), "--max-total 100"));
	wish = wish_of(&s, DOOR_RPC, "a.trace");
	starts(&s, &wish);
	assert_int_equal(jobs[0].max_size, 100);
	/* two do not write one file */
	second = wish_of(&s, DOOR_HTTP, "./a.trace");
	refused(&s, &second, EAGAIN, "open ./a.trace: resource temporarily unavailable");
	job_begins(&jobs[0]);
	assert_int_equal(write(jobs[0].fd, line, 60), 60);
	job_ends(&jobs[0], EXIT_FINE, "");
	wish.file = "b.trace";
	starts(&s, &wish);
	assert_int_equal(jobs[1].max_size, 40);
	job_begins(&jobs[1]);
	assert_int_equal(write(jobs[1].fd, line, 40), 40);
	job_ends(&jobs[1], EXIT_FINE, "");
	wish.file = "c.trace";
	refused(&s, &wish, EBUSY, "--max-total");
	assert_false(is_there(&s, "c.trace"));
	/* what is removed makes room */
	snprintf(path, sizeof(path), "%s/a.trace", s.dir);
	assert_false(unlink(path));
	starts(&s, &wish);
	assert_int_equal(jobs[2].max_size, 60);
	unmake(&s);
}

static void told_to_whom(void **state)
{
	struct service s = { 0 };
	struct caller stranger = { .rank = CALLER_USER, .uid = 54321 };
	struct served_wish wish;
	char line[64];
	json_t *list;

	(void)state;
	make(&s, own(line, sizeof(line), ""));
	snprintf(line, sizeof(line), "process %d (test_recordings)", getpid());
	assert_string_equal(recordings__default(s.r), line);
	wish = wish_of(&s, DOOR_RPC, "a.trace");
	starts(&s, &wish);
	list = recordings__list(s.r, &stranger);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	list = recordings__list(s.r, &s.self);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "what")),
			    line);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "file")),
			    "a.trace");
	json_decref(list);
	list = recordings__list(s.r, &s.root);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	assert_null(recordings__flight(s.r));
	unmake(&s);
}

static void the_end(void **state)
{
	struct service s = { 0 };
	struct served_wish wish;
	char line[64];

	(void)state;
	make(&s, own(line, sizeof(line), ""));
	wish = wish_of(&s, DOOR_RPC, "a.trace");
	starts(&s, &wish);
	job_begins(&jobs[0]);
	recordings__end(s.r);
	assert_int_equal(jobs[0].stops, 1);
	assert_int_equal(s.idle, 0);
	wish.door = DOOR_HTTP;
	refused(&s, &wish, EBUSY, "the service ends");
	job_ends(&jobs[0], EXIT_FINE, "");
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.idle, 1);
	recordings__end(s.r);
	assert_int_equal(s.idle, 1);
	unmake(&s);
	memset(&s, 0, sizeof(s));
	make(&s, "");
	recordings__end(s.r);
	assert_int_equal(s.idle, 1);
	unmake(&s);
}

/* Until the first job has been killed. */
static void look_at_job(void *ctx)
{
	struct service *s = ctx;

	if (jobs[0].kills)
		loop__stop(s->loop);
	else
		loop_timer__set(s->look, 1000000);
}

/* Whoever holds it: first it is told to give up what takes long, and then it is killed. */
static void does_not_end(void **state)
{
	struct service s = { .patience_ns = 6000000 };
	struct served_wish wish;
	struct served *served;
	int stopped;

	(void)state;
	for (stopped = 0; stopped < 2; stopped++) {
		char line[64];

		make(&s, own(line, sizeof(line), stopped ? "" : "--max-time 1ms"));
		s.look = loop__timer(s.loop, look_at_job, &s);
		wish = wish_of(&s, DOOR_RPC, "a.trace");
		served = starts(&s, &wish);
		job_begins(&jobs[0]);
		if (stopped)
			served__stop(served);
		loop_timer__set(s.look, 1);
		assert_int_equal(loop__run(s.loop), 0);
		assert_int_equal(jobs[0].stops, 2 + stopped);
		assert_int_equal(jobs[0].kills, 1);
		job_ends(&jobs[0], EXIT_FAILED, "killed");
		assert_int_equal(s.ended, 1);
		assert_int_equal(s.result, -EIO);
		assert_non_null(strstr(s.why.buf, "did not end when it should have"));
		assert_int_equal(recordings__count(s.r), 0);
		unmake(&s);
		memset(&s, 0, sizeof(s));
		s.patience_ns = 6000000;
	}
}

static void on_snapshot(void *ctx, int err, const char *why)
{
	struct service *s = ctx;

	s->ended++;
	s->result = err;
	strbuf_set_f(&s->why, "%s", why);
}

static void the_flight_recorder(void **state)
{
	struct service s = { 0 };
	char line[96];

	(void)state;
	make(&s, "");
	assert_int_equal(recordings__snapshot(s.r, &s.root, "a", on_snapshot, &s, &s.why),
			 -ENOTSUP);
	unmake(&s);
	memset(&s, 0, sizeof(s));
	make(&s, own(line, sizeof(line), "--flight-recorder 10s"));
	assert_int_equal(njobs, 1);
	assert_int_equal(jobs[0].opts.out_fd, -1);
	assert_int_equal(recordings__count(s.r), 0);
	job_begins(&jobs[0]);
	assert_string_equal(recordings__flight(s.r), "keeps the last 10 s");
	assert_int_equal(recordings__snapshot(s.r, &s.self, "a", on_snapshot, &s, &s.why), -EPERM);
	assert_false(is_there(&s, "a"));
	assert_int_equal(recordings__snapshot(s.r, &s.root, "/a", on_snapshot, &s, &s.why),
			 -EACCES);
	assert_int_equal(recordings__snapshot(s.r, &s.root, "a", on_snapshot, &s, &s.why), 0);
	assert_int_equal(recordings__snapshot(s.r, &s.root, "b", on_snapshot, &s, &s.why),
			 -EALREADY);
	assert_false(is_there(&s, "b"));
	assert_int_equal(s.ended, 0);
	jobs[0].snapshot(jobs[0].snapshot_ctx, -EIO, "broken");
	jobs[0].snapshot = NULL;
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.result, -EIO);
	assert_false(is_there(&s, "a"));
	/* what it recorded has ended: there is none to begin anew */
	job_ends(&jobs[0], EXIT_FINE, "");
	assert_non_null(strstr(recordings__flight(s.r), "has ended"));
	assert_int_equal(recordings__snapshot(s.r, &s.root, "a", on_snapshot, &s, &s.why),
			 -ENOTSUP);
	recordings__end(s.r);
	assert_int_equal(s.idle, 1);
	unmake(&s);
	memset(&s, 0, sizeof(s));
	make(&s, "-a --flight-recorder 10s");
	job_begins(&jobs[0]);
	recordings__end(s.r);
	assert_int_equal(jobs[0].stops, 1);
	assert_int_equal(s.idle, 0);
	job_ends(&jobs[0], EXIT_FINE, "");
	assert_int_equal(s.idle, 1);
	unmake(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begin_and_end),
		cmocka_unit_test(could_not_begin),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(limits),
		cmocka_unit_test(cut_by_a_bound),
		cmocka_unit_test(rights),
		cmocka_unit_test(files),
		cmocka_unit_test(told_to_whom),
		cmocka_unit_test(the_end),
		cmocka_unit_test(does_not_end),
		cmocka_unit_test(the_flight_recorder),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctrace-bpf trace PID: records for five seconds, says where the trace is, and opens it, as `gops
 * trace PID` does.
 *
 * The recording is a process of its own: it gives up rights and takes a place before all others,
 * and the viewer is to have neither.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "gops/tracefile.h"
#include "gops/viewer.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "trace"

#define DEFAULT_NS 5000000000ull

/* ---- the recording that is meant ---- */

/* The words that a recording would have been asked for with, and what they mean. */
struct meant {
	char **word;
	size_t cnt, cap;
	struct options o;
};

static void __attribute__((format(printf, 2, 3))) add(struct meant *m, const char *fmt, ...)
{
	struct strbuf word = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_addv(&word, fmt, ap);
	va_end(ap);
	m->word = xgrow(m->word, m->cnt, &m->cap, sizeof(*m->word));
	m->word[m->cnt++] = word.buf; /* and its memory */
	m->word = xgrow(m->word, m->cnt, &m->cap, sizeof(*m->word));
	m->word[m->cnt] = NULL;
}

static uint64_t duration_of(const struct options *o)
{
	uint64_t ns = o->duration_ns ? o->duration_ns : DEFAULT_NS;

	if (o->nrest > 1)
		parse_duration(o->rest[1], &ns);
	return ns;
}

/* file: NULL while that is not known. 0 or -EINVAL with the sentence in why; meant_free() in both
 * cases. */
static int meant_parse(struct meant *m, const struct options *o, const char *file,
		       struct strbuf *why)
{
	char *const *word;
	int err;

	*m = (struct meant){ 0 };
	add(m, "trace");
	for (word = options_words(o); *word; word++)
		add(m, "%s", *word);
	add(m, "--pid=%s", o->rest[0]);
	add(m, "--duration=%" PRIu64 "us", duration_of(o) / 1000);
	if (file)
		add(m, "--output=%s", file);
	if (o->strict)
		add(m, "--strict");
	if (o->json)
		add(m, "--json");
	err = options_parse(&m->o, FOR_RECORD, (int)m->cnt, m->word, why);
	return err ? -EINVAL : check_recording(&m->o, why);
}

static void meant_free(struct meant *m)
{
	size_t i;

	options_free(&m->o);
	for (i = 0; i < m->cnt; i++)
		free(m->word[i]);
	free(m->word);
}

/* ---- the file ---- */

/* /tmp/traceXXXXXX, nobody else's, which is there from now on. */
static int make_file(void *ctx, const struct invoker *who)
{
	char *path = ctx;
	mode_t mask = umask(077);
	int fd = mkostemp(path, O_CLOEXEC), err = fd < 0 ? -errno : 0;

	(void)who;
	umask(mask);
	if (fd >= 0)
		close(fd);
	return err;
}

/* One in which nothing came is of no use. */
static int remove_empty(void *ctx, const struct invoker *who)
{
	struct stat st;

	(void)who;
	if (!stat(ctx, &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(ctx);
	return 0;
}

/* ---- it is made ---- */

/* Those that a recorder listens to. From the terminal they come to it, too. */
static sigset_t recorders_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGCHLD };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	return set;
}

/* Waits for its end; passes on what is sent to us alone. */
static enum exit_code wait_for(pid_t child, const sigset_t *signals)
{
	siginfo_t si;
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (sigwaitinfo(signals, &si) > 0 && si.si_signo != SIGCHLD &&
		    si.si_code != SI_KERNEL)
			kill(child, si.si_signo);
	}
	return WIFEXITED(status) ? (enum exit_code)WEXITSTATUS(status) :
				   (enum exit_code)(EXIT_SIGNAL + WTERMSIG(status));
}

static void __attribute__((noreturn)) record(const struct options *o)
{
	struct strbuf why = STRBUF_INIT;
	enum exit_code code = cmd_record.run(o, &why); /* by a service, where that is due */

	if (code != EXIT_FINE && why.len)
		cmd_fail(code, &why);
	if (fflush(stdout) && code == EXIT_FINE)
		code = EXIT_FAILED;
	_exit((int)code);
}

static enum exit_code record_apart(const struct options *o, struct strbuf *why)
{
	sigset_t signals = recorders_signals(), was;
	enum exit_code code = EXIT_FAILED;
	pid_t child;

	fflush(NULL);
	sigprocmask(SIG_BLOCK, &signals, &was);
	child = fork();
	if (!child) {
		sigprocmask(SIG_SETMASK, &was, NULL);
		record(o);
	}
	if (child < 0)
		strbuf_set_f(why, "cannot make a process: %s", strerror(errno));
	else
		code = wait_for(child, &signals);
	sigprocmask(SIG_SETMASK, &was, NULL);
	return code;
}

/* ---- it is opened ---- */

/* What was recorded is there, whether it is opened or not. */
static void open_it(const struct options *o, const char *file)
{
	struct strbuf why = STRBUF_INIT;
	int minor;

	if (o->no_view || o->json || !isatty(STDOUT_FILENO))
		return;
	minor = tracefile_check(file, &why);
	if (minor > 0)
		viewer_execute(file, minor, o->http, &why);
	log_notice("it was not opened: %s", why.buf);
	strbuf_free(&why);
}

static void announce(const struct options *o)
{
	double s = (double)duration_of(o) / 1e9;

	if (!o->json)
		printf("Tracing now, will take %g sec%s...\n", s, s == 1 ? "" : "s");
}

static enum exit_code trace(const struct options *o, struct strbuf *why)
{
	char made[] = "/tmp/traceXXXXXX";
	const char *file = o->output ? o->output : made;
	enum exit_code code;
	struct meant m;
	int err = o->output ? 0 : invoker_do(make_file, made);

	if (err) {
		strbuf_set_f(why, "cannot make a file in /tmp: %s", strerror(-err));
		return EXIT_FAILED;
	}
	err = meant_parse(&m, o, file, why);
	if (!err)
		announce(o);
	code = err ? EXIT_USAGE : record_apart(&m.o, why);
	if (!o->output)
		invoker_do(remove_empty, made);
	if (code == EXIT_FINE || code == EXIT_LOST) {
		if (!o->json)
			printf("Trace dump saved to: %s\n", file);
		fflush(stdout);
		open_it(o, file);
	}
	meant_free(&m);
	return code;
}

static int check(const struct options *o, struct strbuf *why)
{
	struct meant m;
	uint64_t ns;
	int err;

	if (o->nrest < 1 || o->nrest > 2) {
		strbuf_set_f(why, "trace takes a PID, and a time; see ctrace-bpf trace --help");
		return -EINVAL;
	}
	if (parse_u64(o->rest[0], &ns)) {
		strbuf_set_f(
			why,
			"couldn't parse PID: '%s' is not a process id; write one as ctrace-bpf ps shows them",
			o->rest[0]);
		return -EINVAL;
	}
	if (o->nrest > 1 && o->duration_ns) {
		strbuf_set_f(why, "trace takes one time: leave out %s, or -d", o->rest[1]);
		return -EINVAL;
	}
	if (o->nrest > 1 && (parse_duration(o->rest[1], &ns) || ns < 1000)) {
		strbuf_set_f(why, "trace %s %s: not a time; write 5, 500ms or 1m", o->rest[0],
			     o->rest[1]);
		return -EINVAL;
	}
	err = meant_parse(&m, o, NULL, why);
	meant_free(&m);
	return err;
}

const struct cmd cmd_trace = {
	.name = "trace",
	.synopsis = "trace PID [TIME] [options]",
	.summary = "records a process for five seconds, and opens the trace",
	.options = FOR_TRACE,
	.words = OFFER_PIDS,
	.check = check,
	.run = trace,
};

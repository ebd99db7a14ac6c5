// SPDX-License-Identifier: BSD-2-Clause
/* See proxy.h. */
#define LOG_TAG "record"

#include "record/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/features.h"
#include "capture/session.h"
#include "cli/options.h"
#include "client/client.h"
#include "control/service.h"
#include "output/outfile.h"
#include "record/record.h"
#include "util/env.h"
#include "util/log.h"
#include "util/strbuf.h"

struct proxy {
	const struct options *o;
	struct client *client;
	struct outfile *out;
	json_t *words;
	int signal_fd;
	unsigned signals; /* that ask for the end */
};

static const char *where(void)
{
	const char *path = secure_getenv(ENV_SOCKET);

	return path && *path ? path : CONTROL_SOCKET;
}

bool proxy_is_due(const struct options *o)
{
	struct stat st;

	if (o->command || !geteuid() ||
	    (features[FEATURE_CAP_BPF].ask() && features[FEATURE_CAP_PERFMON].ask()))
		return false;
	return !stat(where(), &st) && S_ISSOCK(st.st_mode);
}

/* ---- what is asked for ---- */

/* What the service does not do for others; NULL: it does all. */
static const char *own_affair(const struct options *o)
{
	return options_rotated(o) ? "--rotate" :
	       o->duty_ns	  ? "--duty" :
	       o->flight_ns	  ? "--flight-recorder" :
	       o->raw		  ? "--raw" :
	       o->min_free	  ? "--min-free" :
				    NULL;
}

static void add_word(struct proxy *p, const char *word)
{
	json_array_append_new(p->words, json_string(word));
}

static void add_words(struct proxy *p)
{
	const struct options *o = p->o;
	char *const *word = options_words(o);
	struct strbuf text = STRBUF_INIT;

	p->words = json_array();
	for (; *word; word++)
		add_word(p, *word);
	if (o->duration_ns) {
		strbuf_addf(&text, "--duration=%" PRIu64 "ns", o->duration_ns);
		add_word(p, text.buf);
	}
	strbuf_set_f(&text, "--output=%s", recording_output(o));
	add_word(p, text.buf);
	if (o->strict)
		add_word(p, "--strict");
	if (!log_wants("", LOG_NOTICE))
		add_word(p, "--quiet");
	if (log_wants("", LOG_INFO))
		add_word(p, "--verbose");
	if (log_wants("", LOG_DEBUG))
		add_word(p, "--verbose");
	strbuf_free(&text);
}

static int ask(struct proxy *p, struct strbuf *why)
{
	const int fd[] = { outfile__fd(p->out), STDERR_FILENO, STDOUT_FILENO };

	add_words(p);
	return client__send(p->client, "ctrace_record", p->words, fd, p->o->json ? 3 : 2, why);
}

/* ---- until the end ---- */

/* The first one stops it, and we wait for the file; with a second one we do not. */
static void on_signals(struct proxy *p)
{
	struct signalfd_siginfo si;

	while (read(p->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGUSR1)
			log_notice(
				"SIGUSR1: the service at %s records; ctrace-bpf console tells how that goes",
				client__where(p->client));
		else if (si.ssi_signo == SIGUSR2)
			log_notice("SIGUSR2: there is no flight recorder to write a snapshot of");
		else if (!p->signals++)
			shutdown(client__fd(p->client), SHUT_WR);
	}
}

static enum exit_code take_result(const json_t *result, struct strbuf *why)
{
	const char *text = json_string_value(json_object_get(result, "why"));
	const json_t *code = json_object_get(result, "code");

	if (!json_is_integer(code)) {
		strbuf_set_f(why, "what answers is no service of this version");
		return EXIT_FAILED;
	}
	strbuf_set_f(why, "%s", text ? text : "");
	return (enum exit_code)json_integer_value(code);
}

/*
 * The service has gone: the recorder, whose parent it was, completes the file and ends. It holds the
 * file's lock, by the opening that it was given: with another one for us we see when it lets go.
 */
static void outwait_recorder(struct proxy *p)
{
	struct timespec moment = { 0, 20000000 };
	int own, fd = outfile__fd(p->out);
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = fd > STDERR_FILENO ? open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (own < 0)
		return;
	dup3(own, fd, O_CLOEXEC);
	close(own);
	while (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && p->signals < 2) {
		nanosleep(&moment, NULL);
		on_signals(p);
	}
}

static enum exit_code wait_for_it(struct proxy *p, struct strbuf *why)
{
	struct pollfd fds[] = { { .fd = p->signal_fd, .events = POLLIN },
				{ .fd = client__fd(p->client), .events = POLLIN } };
	enum exit_code code = EXIT_FAILED;
	json_t *result = NULL;
	int err = -EAGAIN;

	while (err == -EAGAIN && p->signals < 2) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			on_signals(p);
		if (fds[1].revents)
			err = client__receive(p->client, &result, NULL, why);
	}
	if (err == -EAGAIN)
		strbuf_set_f(why, "not waited for: the service completes %s by itself",
			     outfile__path(p->out));
	else if (!err)
		code = take_result(result, why);
	else
		outwait_recorder(p);
	json_decref(result);
	return code;
}

static enum exit_code run(struct proxy *p, struct strbuf *why)
{
	const char *own = own_affair(p->o);

	p->client = client__new(&(struct client_opts){ .where = where() }, why);
	if (!p->client)
		return EXIT_MACHINE;
	if (own) {
		strbuf_set_f(
			why,
			"%s: the service at %s does not do that for others; leave it out, or record as root",
			own, client__where(p->client));
		return EXIT_MACHINE;
	}
	p->out = outfile__open_to_lend(recording_output(p->o), why);
	if (!p->out)
		return EXIT_FAILED;
	log_info("the service at %s records", client__where(p->client));
	if (ask(p, why))
		return EXIT_FAILED;
	return wait_for_it(p, why);
}

enum exit_code proxy_run(const struct options *o, struct strbuf *why)
{
	struct proxy p = { .o = o };
	enum exit_code code;

	p.signal_fd = session_signals(false);
	fflush(stdout);
	code = run(&p, why);
	if (p.out && p.signals < 2) { /* else it is the recorder's still */
		outfile__take_back(p.out);
		outfile__close(p.out);
	}
	json_decref(p.words);
	client__free(p.client);
	if (p.signal_fd >= 0)
		close(p.signal_fd);
	return code;
}

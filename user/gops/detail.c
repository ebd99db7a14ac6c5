// SPDX-License-Identifier: BSD-2-Clause
/* See detail.h. */
#include "gops/detail.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/harmless.h"
#include "util/json.h"
#include "util/procfs.h"

#define SECOND_NS 1000000000ull

/* CPU time of all its threads, those that have ended too; 0: it is gone. */
static uint64_t cpu_ns(uint32_t pid)
{
	unsigned long long user, sys;
	char path[64], text[4096];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	if (procfs_read(path, text, sizeof(text)) <= 0 || !(at = strrchr(text, ')')) ||
	    sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys) !=
		    2)
		return 0;
	return (user + sys) * (SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t since_boot(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void look(struct detail *d, uint64_t looking_ns)
{
	uint64_t begin = clock_mono(), was = cpu_ns(d->p.pid), end = begin + looking_ns, now;

	while ((now = clock_mono()) < end)
		poll(NULL, 0, (int)((end - now) / 1000000) + 1); /* an hour fits */
	d->looked_ns = now - begin;
	now = cpu_ns(d->p.pid);
	d->cpu_now = now > was ? 100.0 * (double)(now - was) / (double)d->looked_ns : 0;
}

int detail_read(struct detail *d, struct proclist *pl, uint32_t pid, uint64_t looking_ns)
{
	uint64_t now, ram = procfs_ram();
	int err;

	*d = (struct detail){ .command = STRBUF_INIT };
	err = proclist__one(pl, pid, &d->p, &d->command);
	if (err)
		return err;
	connections_read(&d->connections, pid);
	now = since_boot();
	d->age_ns = now > d->p.started_ns ? now - d->p.started_ns : 0;
	d->memory = ram ? 100.0 * (double)procfs_rss(pid) / (double)ram : 0;
	d->cpu = d->age_ns ? 100.0 * (double)cpu_ns(pid) / (double)d->age_ns : 0;
	if (looking_ns)
		look(d, looking_ns);
	return 0;
}

void detail_free(struct detail *d)
{
	process_free(&d->p);
	strbuf_free(&d->command);
	connections_free(&d->connections);
}

char *format_elapsed(char *buf, uint64_t ns)
{
	uint64_t s = ns / SECOND_NS, days = s / 86400, hours = s / 3600 % 24;
	int n = 0;

	if (days)
		n = snprintf(buf, 32, "%02llu-", (unsigned long long)days);
	if (days || hours)
		n += snprintf(buf + n, 32 - (size_t)n, "%02u:", (unsigned)hours);
	snprintf(buf + n, 32 - (size_t)n, "%02u:%02u", (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	return buf;
}

/* ---- for people ---- */

static void add_command(struct strbuf *out, const struct strbuf *command)
{
	size_t at = 0;

	while (at < command->len) {
		if (at)
			strbuf_addch(out, ' ');
		add_harmless(out, command->buf + at);
		at += strlen(command->buf + at) + 1;
	}
}

static void add_user(struct strbuf *out, uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		strbuf_addstr(out, pw->pw_name);
	else
		strbuf_addf(out, "%u", uid);
}

void detail_print(struct strbuf *out, const struct detail *d)
{
	const struct connection *c = d->connections.c;
	char words[FACTS_VERSION_MAX + 16], elapsed[32];
	size_t i;

	strbuf_addf(out, "parent PID:\t%u\nthreads:\t%u\n", d->p.ppid, d->p.threads);
	strbuf_addf(out, "memory usage:\t%.3f%%\ncpu usage:\t%.3f%%\n", d->memory, d->cpu);
	if (d->looked_ns)
		strbuf_addf(out, "cpu usage (%.3gs):\t%.3f%%\n", (double)d->looked_ns / 1e9,
			    d->cpu_now);
	strbuf_addstr(out, "username:\t");
	add_user(out, d->p.uid);
	strbuf_addstr(out, "\ncmd+args:\t");
	add_command(out, &d->command);
	strbuf_addf(out, "\nelapsed time:\t%s\n", format_elapsed(elapsed, d->age_ns));
	for (i = 0; i < d->connections.cnt; i++)
		strbuf_addf(out, "local/remote:\t%s:%u <-> %s:%u (%s)\n", c[i].local,
			    c[i].local_port, c[i].remote, c[i].remote_port, c[i].state);
	runtime_words(d->p.runtime, d->p.version, words, sizeof(words));
	strbuf_addf(out, "runtime:\t%s\npath:\t", words);
	add_harmless(out, *d->p.path ? d->p.path : "?");
	strbuf_addf(out, "\nmarkers:\t%s\n",
		    d->p.runtime == RUNTIME_UNKNOWN ? "?" :
		    d->p.marked			    ? "yes" :
						      "no");
	strbuf_addf(out, "recordable:\t%s\n",
		    process_may_be_recorded(&d->p, NULL) ? "yes" : "no, not by this user");
}

/* ---- for machines ---- */

static void add_connections(struct strbuf *out, const struct connections *all)
{
	const struct connection *c = all->c;
	size_t i;

	for (i = 0; i < all->cnt; i++)
		strbuf_addf(out,
			    "%s{\"local\":\"%s\",\"local_port\":%u,\"remote\":\"%s\","
			    "\"remote_port\":%u,\"state\":\"%s\"}",
			    i ? "," : "", c[i].local, c[i].local_port, c[i].remote,
			    c[i].remote_port, c[i].state);
}

void detail_json(struct strbuf *out, const struct detail *d)
{
	struct strbuf user = STRBUF_INIT;
	size_t at = 0;

	process_json(out, &d->p, NULL);
	out->buf[--out->len] = 0; /* goes on where its object ended */
	strbuf_addf(out, ",\"memory_percent\":%.3f,\"cpu_percent\":%.3f", d->memory, d->cpu);
	if (d->looked_ns)
		strbuf_addf(out, ",\"cpu_now_percent\":%.3f", d->cpu_now);
	add_user(&user, d->p.uid);
	strbuf_addstr(out, ",\"user\":");
	json_quote(out, user.buf);
	strbuf_free(&user);
	strbuf_addf(out, ",\"elapsed_seconds\":%.2f,\"command\":[", (double)d->age_ns / 1e9);
	while (at < d->command.len) {
		if (at)
			strbuf_addch(out, ',');
		json_quote(out, d->command.buf + at);
		at += strlen(d->command.buf + at) + 1;
	}
	strbuf_addstr(out, "],\"connections\":[");
	add_connections(out, &d->connections);
	strbuf_addstr(out, "]}");
}

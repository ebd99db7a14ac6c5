// SPDX-License-Identifier: BSD-2-Clause
/*
 * The names of threads.
 *
 * Viewers name a goroutine for good by the outermost frame of the first stack it shows, and group
 * by it. So every stack of a thread ends in one synthetic frame, and its text is decided late, when
 * the generation closes: at its creation a thread still has its creator's name. From then on the
 * text stays; a rename is a label. The frame itself is made in each generation again, so that a
 * name takes memory while its thread lives and no longer.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "model/state.h"

/* ---- names ---- */

/* worker-12 and worker-7 become worker-#, and GC Thread#0 becomes GC Thread# */
static void group_digits(char *name)
{
	size_t end = strlen(name), begin = end;

	while (begin && isdigit((unsigned char)name[begin - 1]))
		begin--;
	if (begin && begin < end)
		strcpy(name + begin, name[begin - 1] == '#' ? "" : "#");
}

/* The threads that the kernel has for each CPU, and as many workers as it likes, are one group:
 * kworker/1:0H becomes kworker, ksoftirqd/0 becomes ksoftirqd. */
static void group_kernel(char *name)
{
	char *slash = strrchr(name, '/');

	if (!slash)
		return;
	if (slash[1] == 'u' && isdigit((unsigned char)slash[2]) && !strncmp(name, "kworker", 7))
		*slash = 0; /* one for any CPU */
	else if (isdigit((unsigned char)slash[1]) &&
		 strspn(slash + 1, "0123456789:H") == strlen(slash + 1))
		*slash = 0;
}

/* process/thread where several processes are recorded and the two differ */
static void thread_name(const struct model *m, const struct g_state *g, char *out, size_t sz)
{
	char comm[EV_COMM_LEN + 1], proc[EV_COMM_LEN + 1];
	const char *prefix = "", *slash = "";

	snprintf(comm, sizeof(comm), "%.*s", EV_COMM_LEN, g->comm);
	if (g->stand_in) {
		snprintf(out, sz, "%s", comm);
		return;
	}
	snprintf(proc, sizeof(proc), "%.*s", EV_COMM_LEN, g->proc ? g->proc->comm : "");
	if (m->opts.group_digits && !g->kthread)
		group_digits(comm);
	if (g->kthread) {
		group_kernel(comm);
		prefix = "kernel";
		slash = "/";
	} else if (m->many && proc[0] && strcmp(proc, g->comm)) {
		prefix = proc;
		slash = "/";
	}
	if (!comm[0])
		snprintf(comm, sizeof(comm), "tid %u", g->tid);
	snprintf(out, sz, "%s%s%s", prefix, slash, comm);
	if (!strncmp(out, "runtime.", 8)) /* viewers would take it for a part of Go and hide it */
		snprintf(out, sz, "thread %s%s%s", prefix, slash, comm);
}

static const char *path_of(const struct g_state *g)
{
	if (g->stand_in)
		return "[not recorded]";
	if (g->kthread)
		return "[kernel]";
	return g->proc && g->proc->path ? g->proc->path : "?";
}

uint32_t names_frame(struct model *m, struct g_state *g)
{
	if (g->root_gen == trace_writer__gen(m->w))
		return g->root;
	g->root_gen = trace_writer__gen(m->w);
	if (g->named) {
		g->root = trace_writer__local_frame(m->w, g->name, path_of(g), 1);
		return g->root;
	}
	g->root = trace_writer__late_frame(m->w);
	g->late = true;
	g->next_late = m->late;
	m->late = g;
	return g->root;
}

static void settle(struct model *m, struct g_state *g)
{
	thread_name(m, g, g->name, sizeof(g->name));
	trace_writer__settle(m->w, g->root,
			     trace_writer__local_frame(m->w, g->name, path_of(g), 1));
	g->named = true;
	g->late = false;
}

void names_settle_all(struct model *m)
{
	struct g_state *g;

	while ((g = m->late)) {
		m->late = g->next_late;
		settle(m, g);
	}
}

void names_settle(struct model *m, struct g_state *g)
{
	struct g_state **at;

	if (!g->late)
		return;
	for (at = &m->late; *at != g; at = &(*at)->next_late)
		;
	*at = g->next_late;
	settle(m, g);
}

void names_new_image(struct model *m, struct g_state *g)
{
	names_settle(m, g);
	g->named = g->label = false;
	g->root_gen = 0;
	g->cache.gen = 0;
}

void names_renamed(struct model *m, struct g_state *g, const char *comm)
{
	if (!strncmp(g->comm, comm, EV_COMM_LEN))
		return;
	memcpy(g->comm, comm, EV_COMM_LEN);
	if (g->proc && g->proc->pid == g->tid)
		memcpy(g->proc->comm, comm, EV_COMM_LEN);
	g->label = m->live && g->named;
}

void names_label(struct model *m, uint64_t ts, struct g_state *g)
{
	char name[EV_COMM_LEN + 1];

	if (!g->label)
		return;
	g->label = false;
	snprintf(name, sizeof(name), "%.*s", EV_COMM_LEN, g->comm);
	if (name[0])
		wire_ev(m, ts, &g->stream, GO_EV_GO_LABEL, wire_string(m, name));
}

// SPDX-License-Identifier: BSD-2-Clause
/* Interrupts that took long: a log of the thread whose time they took. */
#include <stdio.h>
#include <string.h>

#include "event/evspec.h"
#include "model/state.h"

/* 812us, 1.2ms, 35ms, 1.2s */
static void format_time(char *out, size_t sz, uint64_t ns)
{
	if (ns < 1000000)
		snprintf(out, sz, "%lluus", (unsigned long long)(ns / 1000));
	else if (ns < 10000000)
		snprintf(out, sz, "%.1fms", (double)ns / 1e6);
	else if (ns < 1000000000)
		snprintf(out, sz, "%llums", (unsigned long long)(ns / 1000000));
	else
		snprintf(out, sz, "%.1fs", (double)ns / 1e9);
}

/*
 * It stands where the interrupt ended. A thread that is not on that CPU any more by the model has
 * lost records, or was in the middle of its switch: nothing is told then, as it would be told of
 * another moment.
 */
void on_irq(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_irq *ev = (const struct ev_irq *)h;
	struct g_state *g = table_find(m, ev->thr);
	char name[EV_COMM_LEN + 1], took[24], text[64];

	(void)len;
	if (!m->live)
		return;
	if (!g || !g->p || g->p != table_cpu(m, h->ts, h->cpu)) {
		model_fix(m, REPAIR_IRQ_ELSEWHERE);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", EV_COMM_LEN, ev->name);
	format_time(took, sizeof(took), ev->ns);
	snprintf(text, sizeof(text), "%s %s", name[0] ? name : "?", took);
	wire_ev(m, h->ts, &g->stream, GO_EV_USER_LOG, 0,
		wire_string(m, h->arg == EV_IRQ_SOFT ? "softirq" : "irq"), wire_string(m, text),
		stacks_root(m, g));
}

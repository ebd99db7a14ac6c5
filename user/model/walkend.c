// SPDX-License-Identifier: BSD-2-Clause
/* See walkend.h. */
#include "model/walkend.h"

#include "bpf/event.h"

static const struct {
	enum walkend_class class;
	const char *words;
} ends[EV_END_MAX] = {
	[EV_END_NONE] = { WALKEND_NONE, "" },
	[EV_END_COMPLETE] = { WALKEND_COMPLETE, "" },
	[EV_END_DEEP] = { WALKEND_CUT, "too deep" },
	[EV_END_NO_PROCESS] = { WALKEND_CUT, "process not known yet" },
	[EV_END_NO_MAPPING] = { WALKEND_BROKEN, "outside of all code" },
	[EV_END_NO_TABLE] = { WALKEND_CUT, "no tables" },
	[EV_END_NO_RULE] = { WALKEND_BROKEN, "no rule" },
	[EV_END_READ] = { WALKEND_CUT, "not in memory" },
	[EV_END_LOOP] = { WALKEND_BROKEN, "went round" },
};

enum walkend_class walkend_class(unsigned end)
{
	return end < EV_END_MAX ? ends[end].class : WALKEND_NONE;
}

const char *walkend_words(unsigned end)
{
	return end < EV_END_MAX ? ends[end].words : "";
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the model had to mend, and how that is called in the summary. A repair is the trace of a
 * lost or late record; a few are natural where noted.
 */
#ifndef CTRACE_MODEL_REPAIR_H
#define CTRACE_MODEL_REPAIR_H

#define REPAIR_LIST(X)                                                                          \
	X(TIME_BACK, "time_back", "a record was older than one already written")                \
	X(UNKNOWN_THREAD, "unknown_thread", "a thread was never introduced")                    \
	X(INTRODUCED, "introduced", "a thread ran whose creation was not seen")                 \
	X(FORCED_OUT, "forced_out", "a thread left its CPU without a switch record")            \
	X(FORCED_IN, "forced_in", "a thread was on a CPU without a switch record")              \
	X(NO_WAKEUP, "no_wakeup", "a sleeping thread ran without a wake-up record")             \
	X(EARLY_WAKEUP, "early_wakeup", "a wake-up was written before the sleep that it ended") \
	X(LOST_ENTER, "lost_enter", "a thread slept in a syscall whose entry was not seen")     \
	X(LOST_EXIT, "lost_exit", "a syscall had ended without a record")                       \
	X(TID_REUSED, "tid_reused", "a thread died without a record and its tid came back")     \
	X(FORK_ORPHAN, "fork_orphan", "a thread's creator was not running")                     \
	X(LOST_CPU, "lost_cpu", "the thread of a CPU that lost records was set aside")          \
	X(BAD_RECORD, "bad_record", "a record had impossible values")

enum repair {
#define X(id, name, text) REPAIR_##id,
	REPAIR_LIST(X)
#undef X
		REPAIR_MAX
};

const char *repair_name(enum repair r); /* a key: snake_case */
const char *repair_text(enum repair r); /* a sentence */

#endif

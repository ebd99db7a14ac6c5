/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the model counts by name: what it had to mend, and what became of annotations. A row is the
 * number's id, its name in the summary's JSON, and its words for people.
 */
#ifndef CTRACE_MODEL_COUNTS_H
#define CTRACE_MODEL_COUNTS_H

/* A repair is the trace of a lost or late record; a few are natural where noted. */
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
	X(IRQ_ELSEWHERE, "irq_elsewhere",                                                       \
	  "a long interrupt was of a thread that was not on that CPU, and is left out")         \
	X(BAD_RECORD, "bad_record", "a record had impossible values")

/*
 * Of annotations: all but the first few are mistakes of the program, or the trace of lost records;
 * the trace is sound all the same.
 */
#define MARK_LIST(X)                                                                    \
	X(TASKS, "tasks", "tasks")                                                      \
	X(REGIONS, "regions", "regions")                                                \
	X(LOGS, "logs", "logs")                                                         \
	X(GOROUTINES, "goroutines", "goroutines")                                       \
	X(MOVED, "moved", "told late")                                                  \
	X(CROSSED, "crossed", "regions crossed")                                        \
	X(UNWOUND, "unwound",                                                           \
	  "calls left by an exception or a longjmp (their times are too long)")         \
	X(CLOSED_EARLY, "closed_early",                                                 \
	  "calls of coroutines taken for left (their times are too short)")             \
	X(UNENDED, "unended", "calls that had not ended when their thread did")         \
	X(ELSEWHERE, "elsewhere", "regions ended on another thread, left out")          \
	X(INHERITED, "inherited", "tasks ended by a child process, left out")           \
	X(UNMATCHED, "unmatched", "ends without a begin, left out")                     \
	X(REGION_TWICE, "region_ended_twice", "second ends of regions, left out")       \
	X(ENDED_TWICE, "ended_twice", "second ends of tasks, left out")                 \
	X(BEGUN_TWICE, "begun_twice", "tasks begun again")                              \
	X(CUT, "cut", "texts cut")                                                      \
	X(UNREADABLE, "unreadable", "texts not readable")                               \
	X(DEEP, "deep", "regions too deep, left out")                                   \
	X(FORGOTTEN, "forgotten",                                                       \
	  "forgotten while open (too many tasks, regions, or goroutines with regions)") \
	X(UNPLACED, "unplaced", "never run again, left out")                            \
	X(NONSENSE, "nonsense", "without sense, left out")

#define REPAIR_ID(id, name, text) REPAIR_##id,
enum repair { REPAIR_LIST(REPAIR_ID) REPAIR_MAX };

#define MARK_COUNT_ID(id, name, text) MARK_COUNT_##id,
enum mark_count { MARK_LIST(MARK_COUNT_ID) MARK_COUNT_MAX };

struct count_words {
	const char *name; /* a key: snake_case */
	const char *text; /* of a repair a sentence; of annotations what stands before the number */
};

extern const struct count_words repair_words[REPAIR_MAX];
extern const struct count_words mark_words[MARK_COUNT_MAX];

#endif

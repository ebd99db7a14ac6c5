/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of the annotations of a recording, and how that is called in the summary. All but the
 * first few are mistakes of the program, or the trace of lost records; the trace is sound all the
 * same.
 */
#ifndef CTRACE_MODEL_MARKCOUNT_H
#define CTRACE_MODEL_MARKCOUNT_H

#define MARK_LIST(X)                                                              \
	X(TASKS, "tasks", "tasks")                                                \
	X(REGIONS, "regions", "regions")                                          \
	X(LOGS, "logs", "logs")                                                   \
	X(GOROUTINES, "goroutines", "goroutines")                                 \
	X(MOVED, "moved", "told late")                                            \
	X(CROSSED, "crossed", "regions crossed")                                  \
	X(UNWOUND, "unwound",                                                     \
	  "calls left by an exception or a longjmp (their times are too long)")   \
	X(ELSEWHERE, "elsewhere", "regions ended on another thread, left out")    \
	X(INHERITED, "inherited", "tasks ended by a child process, left out")     \
	X(UNMATCHED, "unmatched", "ends without a begin, left out")               \
	X(REGION_TWICE, "region_ended_twice", "second ends of regions, left out") \
	X(ENDED_TWICE, "ended_twice", "second ends of tasks, left out")           \
	X(BEGUN_TWICE, "begun_twice", "tasks begun again")                        \
	X(CUT, "cut", "texts cut")                                                \
	X(UNREADABLE, "unreadable", "texts not readable")                         \
	X(DEEP, "deep", "regions too deep, left out")                             \
	X(FORGOTTEN, "forgotten",                                                 \
	  "forgotten while open (too many tasks, or goroutines with regions)")    \
	X(UNPLACED, "unplaced", "never run again, left out")                      \
	X(NONSENSE, "nonsense", "without sense, left out")

enum mark_count {
#define X(id, name, text) MARK_COUNT_##id,
	MARK_LIST(X)
#undef X
		MARK_COUNT_MAX
};

const char *mark_count_name(enum mark_count c); /* a key: snake_case */
const char *mark_count_text(enum mark_count c); /* stands before the number */

#endif

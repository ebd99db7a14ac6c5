/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of the annotations of a recording, and how that is called in the summary. All but the
 * first few are mistakes of the program, or the trace of lost records; the trace is sound all the
 * same.
 */
#ifndef CTRACE_MODEL_MARKCOUNT_H
#define CTRACE_MODEL_MARKCOUNT_H

#define MARK_LIST(X)                                                                        \
	X(TASKS, "tasks", "tasks begun")                                                    \
	X(REGIONS, "regions", "regions begun")                                              \
	X(LOGS, "logs", "logs")                                                             \
	X(GOROUTINES, "goroutines", "goroutines that annotate")                             \
	X(MOVED, "moved", "came late and stand at the next moment of their thread")         \
	X(CROSSED, "crossed", "regions ended with one that they had begun in")              \
	X(UNWOUND, "unwound", "calls were left by an exception or a longjmp")               \
	X(ELSEWHERE, "elsewhere", "ends of regions were left out: begun on another thread") \
	X(UNMATCHED, "unmatched", "ends of regions were left out: never begun")             \
	X(ENDED_TWICE, "ended_twice", "ends of tasks were left out: ended before")          \
	X(BEGUN_TWICE, "begun_twice", "tasks ended because their number was given again")   \
	X(CUT, "cut", "texts are cut")                                                      \
	X(UNREADABLE, "unreadable", "texts could not be read")                              \
	X(DEEP, "deep", "regions were left out: too many open on their thread")             \
	X(FORGOTTEN, "forgotten", "open tasks were forgotten: too many")                    \
	X(UNPLACED, "unplaced", "were left out: their thread did not run any more")         \
	X(NONSENSE, "nonsense", "were left out: impossible values")

enum mark_count {
#define X(id, name, text) MARK_COUNT_##id,
	MARK_LIST(X)
#undef X
		MARK_COUNT_MAX
};

const char *mark_count_name(enum mark_count c); /* a key: snake_case */
const char *mark_count_text(enum mark_count c); /* what follows the number */

#endif

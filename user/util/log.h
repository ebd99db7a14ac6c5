/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the program says on stderr. A file defines LOG_TAG before it includes this.
 * Levels: 0 errors and warnings, 1 notices (default), 2 info (-v), 3 debug (-vv). -q is level 0.
 * CTRACE_LOG=collector:3,libbpf:2 raises single tags (see util/env.h).
 */
#ifndef CTRACE_UTIL_LOG_H
#define CTRACE_UTIL_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
bool log_wants(const char *tag, enum log_level level);
__attribute__((format(printf, 3, 4))) void log_line(const char *tag, enum log_level level,
						    const char *fmt, ...);

/*
 * A line that is written over by the next one (the progress of a recording) is open on the
 * terminal: the next message starts on a line of its own.
 */
void log_progress_open(bool open);

#define log_error(...) log_line(LOG_TAG, LOG_ERROR, __VA_ARGS__)
#define log_notice(...) log_line(LOG_TAG, LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_TAG, LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                             \
	do {                                                       \
		if (log_wants(LOG_TAG, LOG_DEBUG))                 \
			log_line(LOG_TAG, LOG_DEBUG, __VA_ARGS__); \
	} while (0)

#endif

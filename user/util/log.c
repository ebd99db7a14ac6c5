// SPDX-License-Identifier: BSD-2-Clause
/* See log.h. Mutable globals: the level, and whether the progress line is open. */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/env.h"

static enum log_level level_all = LOG_NOTICE;
static bool progress_open;

void log_set_level(enum log_level level)
{
	level_all = level;
}

void log_progress_open(bool open)
{
	progress_open = open;
}

/* CTRACE_LOG is a list of TAG:LEVEL */
static int level_of_tag(const char *tag)
{
	const char *p = secure_getenv(ENV_LOG);
	size_t len = strlen(tag);

	while (p && *p) {
		if (!strncmp(p, tag, len) && p[len] == ':')
			return atoi(p + len + 1);
		p = strchr(p, ',');
		if (p)
			p++;
	}
	return -1;
}

bool log_wants(const char *tag, enum log_level level)
{
	return level <= level_all || (int)level <= level_of_tag(tag);
}

void log_line(const char *tag, enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!log_wants(tag, level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (progress_open)
		fputc('\n', stderr);
	progress_open = false;
	if (level >= LOG_INFO)
		fprintf(stderr, "ctrace-bpf: %s: %s\n", tag, text);
	else
		fprintf(stderr, "ctrace-bpf: %s\n", text);
}

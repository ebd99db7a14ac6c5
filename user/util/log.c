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

/*
 * What comes from others, as names and messages do, tells a terminal nothing: control characters
 * are shown as \x1b, and those of two bytes (C1) as \u009b. out: room for six bytes for each.
 */
static void show_controls(char *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++) {
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
			out += sprintf(out, "\\x%02x", *p);
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			out += sprintf(out, "\\u%04x", *++p);
		else
			*out++ = (char)*p;
	}
	*out = 0;
}

void log_line(const char *tag, enum log_level level, const char *fmt, ...)
{
	char text[1024], shown[6 * sizeof(text)];
	va_list ap;

	if (!log_wants(tag, level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (progress_open)
		fputc('\n', stderr);
	progress_open = false;
	show_controls(shown, text);
	if (level >= LOG_INFO)
		fprintf(stderr, "ctrace-bpf: %s: %s\n", tag, shown);
	else
		fprintf(stderr, "ctrace-bpf: %s\n", shown);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records as text, both ways: the language of fixtures and of `convert --text`.
 *
 *	#ctrace-events 1 cpus=2 mono=1000 wall=-5      first line; mono and wall may be left out
 *	1010 0 switch prev=100 next=0 state=S fd=sock nr=202
 *	TIME CPU KIND [KEY=VALUE | WORD]…              one record; CPU `-` is the collector (0xffff)
 *	!advance 1010                                  everything older may be emitted
 *	!stream 1 | !stream - | !stream                of the next lines; -: the collector's
 *	# anything                                     a comment, as are blank lines
 *
 * Words and keys per kind are the rows of evspec.c, in any order but `kernel` before `user` and
 * `func` before `file`, `name` before `text`. A thread is TID or TID.SERIAL: TID alone is serial 1,
 * 0 is nobody. A syscall is its number, ia32_4 one of the 32-bit table. Addresses are hex without
 * prefix; a user frame is MODULE:ADDRESS, the module's number in decimal. Text stands in double
 * quotes with \" \\ \xNN. What has its default is left out: state, fd, nr (none), stack of a
 * snap. Bits of flags and arg that have no word appear as flags=N arg=N.
 *
 * Invariant: for every record that passes ev_check(), parsing its line gives the same bytes again.
 */
#ifndef CTRACE_EVENT_EVTEXT_H
#define CTRACE_EVENT_EVTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/event.h"
#include "event/evlog.h"

struct strbuf;
struct evtext_reader;

#define EVTEXT_MAGIC "#ctrace-events " /* the first bytes of a text file */
#define EVTEXT_CPU_NONE 0xffffu	       /* `-` */
#define EVTEXT_LINE_MAX 16384 /* bytes of a line in a file; the longest that we write is 8.5 KiB */

enum evtext_what {
	EVTEXT_NOTHING = 0, /* blank or comment */
	EVTEXT_HEAD,
	EVTEXT_STREAM,
	EVTEXT_ADVANCE,
	EVTEXT_RECORD,
};

/* Values of evtext_line.stream that are no number of a stream. */
#define EVTEXT_STREAM_BY_CPU \
	UINT32_MAX /* `!stream` alone; a record whose CPU is a number: that one */
#define EVTEXT_STREAM_LAST (UINT32_MAX - 1) /* the collector's */

struct evtext_line {
	enum evtext_what what;
	struct evlog_head head; /* head: nstream is cpus + 1 */
	uint32_t stream;    /* stream, record: what the line says; a record's is its CPU or _LAST */
	uint64_t watermark; /* advance */
	size_t len;	    /* record */
	unsigned char rec[EV_RECORD_MAX] __attribute__((aligned(8)));
};

/* One line, with or without its newline. 0, or -EINVAL with the reason in `why`; a record has
 * passed ev_check(). */
int evtext_parse_line(const char *line, struct evtext_line *out, struct strbuf *why);

/* Adds the line of a record, without a newline. What does not pass ev_check() becomes a comment
 * with its bytes. */
void evtext_format(struct strbuf *out, const void *rec, size_t len);

/*
 * A text file as a source of records; the same contract as evlog_reader. A wrong line ends it early
 * with its number in why; complete is true when every line was read. The descriptor stays open.
 */
struct evtext_reader *evtext_reader__new(int fd, struct strbuf *why);
const struct evlog_head *evtext_reader__head(const struct evtext_reader *r);
int evtext_reader__next(struct evtext_reader *r, struct evlog_item *it);
bool evtext_reader__complete(const struct evtext_reader *r);
const char *evtext_reader__why(const struct evtext_reader *r);
void evtext_reader__free(struct evtext_reader *r);

/*
 * A raw record file as text. 0, or -errno with the reason in `why`. When the file was cut off, what
 * is whole is written, a comment says so at the end, and `why` is not empty although 0 is returned.
 */
int evtext_dump(int fd, FILE *out, struct strbuf *why);

#endif

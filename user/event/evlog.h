/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The raw record file: what the collector drained, as it came, to be converted later or elsewhere.
 *
 *	file  := head chunk*                     little endian, everything aligned to 8
 *	head  := "ctraceRW" u32 version = 4, u32 nstream, u64 start_mono_ns, s64 wall_offset_ns,
 *	         u32 flags = 0, zeros up to 64 bytes
 *	chunk := u32 len, u16 stream, u16 kind, len bytes
 *	kind 1   records of one stream: { u32 len, u32 0, bytes padded to 8 }*
 *	kind 2   advance: u64 watermark; everything older may be emitted
 *	kind 3   end, without bytes: the file is whole
 *
 * Records of a stream stand in the order in which they were drained. A file without its end was cut
 * off; what is whole of it is still read. Readers and writers keep their own buffers; a reader
 * leaves its descriptor open. One thread at a time.
 */
#ifndef CTRACE_EVENT_EVLOG_H
#define CTRACE_EVENT_EVLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/sink.h"

struct strbuf;
struct evlog_writer;
struct evlog_reader;

#define EVLOG_MAGIC "ctraceRW" /* the first 8 bytes */
#define EVLOG_VERSION 4	       /* counts up with every change of bpf/event.h */
#define EVLOG_HEAD_SZ 64
#define EVLOG_STREAM_MAX 65536
#define EVLOG_PIECE_MAX (256u << 10) /* bytes that a sink gets at once */

struct evlog_head {
	uint32_t nstream;	/* possible CPUs + 1; the last stream is the collector's own */
	uint64_t start_mono_ns; /* CLOCK_MONOTONIC at the start */
	int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC at the start */
};

enum evlog_what {
	EVLOG_RECORD = 1,
	EVLOG_ADVANCE = 2,
	EVLOG_END = 3, /* nothing more to read; see `complete` */
};

/* What a reader of records gives, this one's and evtext.h's. */
struct evlog_item {
	enum evlog_what what;
	uint32_t stream;    /* record: below nstream */
	const void *rec;    /* record: aligned to 8, passed ev_check(); valid until the next call */
	size_t len;	    /* record */
	uint64_t watermark; /* advance */
};

/* Gives pieces of up to EVLOG_PIECE_MAX bytes; the head goes out at once. NULL with errno set:
 * EINVAL for a head that no reader takes, else that of the sink. */
struct evlog_writer *evlog_writer__new(const struct sink *sink, const struct evlog_head *head);
/*
 * These return 0 or -errno; the first error of the sink stays and every later call returns it.
 * -EINVAL: no such stream, or a record that is empty or longer than EV_RECORD_MAX; nothing is
 * written then.
 */
int evlog_writer__records(struct evlog_writer *w, uint32_t stream, const void *rec, size_t len);
int evlog_writer__advance(struct evlog_writer *w, uint64_t watermark);
int evlog_writer__flush(struct evlog_writer *w);  /* everything so far is handed to the sink */
int evlog_writer__finish(struct evlog_writer *w); /* the end and a flush; nothing may follow */
uint64_t
evlog_writer__bytes(const struct evlog_writer *w); /* length of the file, buffered part included */
void evlog_writer__free(
	struct evlog_writer *w); /* without an end, the file says that it was cut off */

/*
 * A reader from the descriptor's position on, which may be a pipe. NULL with errno set and the
 * reason in `why`: EINVAL when it is no such file, else that of read(2).
 */
struct evlog_reader *evlog_reader__new(int fd, struct strbuf *why);
const struct evlog_head *evlog_reader__head(const struct evlog_reader *r);
/* From now on only the records of this stream; those of others are passed over, whatever is in
 * them. */
void evlog_reader__only(struct evlog_reader *r, uint32_t stream);
/*
 * 0 with the next item, or -errno of read(2). A file that is cut off or not legal ends early with
 * EVLOG_END: evlog_reader__complete() is false then and evlog_reader__why() tells what and where.
 */
int evlog_reader__next(struct evlog_reader *r, struct evlog_item *it);
bool evlog_reader__complete(const struct evlog_reader *r); /* its end was read */
const char *evlog_reader__why(const struct evlog_reader *r);
void evlog_reader__free(struct evlog_reader *r);

#endif

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files of records as text: a source of records with the contract of evlog_reader, and the text of
 * a raw record file. Lines are evtext.c's business; here is which stream a record belongs to, and
 * where a file ends.
 */
#include "event/evtext.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/strbuf.h"
#include "util/xalloc.h"

struct evtext_reader {
	FILE *f;
	bool ended, complete;
	struct evlog_head head;
	uint32_t stream; /* of the last !stream */
	unsigned long line_nr;
	struct strbuf why;
	struct evtext_line line;
	char text[EVTEXT_LINE_MAX];
};

/* 1 with a line in r->line, 0 at the end of the file, -EINVAL with r->why, -errno of the read
 * without it */
static int read_line(struct evtext_reader *r)
{
	struct strbuf why = STRBUF_INIT;
	size_t len;
	int err;

	errno = 0;
	if (!fgets(r->text, sizeof(r->text), r->f)) {
		err = errno ? errno : EIO;
		return ferror(r->f) ? -err : 0;
	}
	r->line_nr++;
	len = strlen(r->text);
	if ((!len || r->text[len - 1] != '\n') && !feof(r->f)) {
		strbuf_set_f(&r->why, "line %lu: too long, or with a NUL in it", r->line_nr);
		return -EINVAL;
	}
	err = evtext_parse_line(r->text, &r->line, &why);
	if (err)
		strbuf_set_f(&r->why, "line %lu: %s", r->line_nr, why.buf);
	strbuf_free(&why);
	return err ? err : 1;
}

struct evtext_reader *evtext_reader__new(int fd, struct strbuf *why)
{
	struct evtext_reader *r = NULL;
	int copy, err;

	copy = dup(fd);
	if (copy < 0) {
		err = -errno;
		strbuf_set_f(why, "cannot read: %s", strerror(-err));
		goto out;
	}
	r = xcalloc(1, sizeof(*r));
	r->why = (struct strbuf)STRBUF_INIT;
	r->stream = EVTEXT_STREAM_BY_CPU;
	r->f = fdopen(copy, "r");
	if (!r->f) {
		err = -errno;
		close(copy);
		strbuf_set_f(why, "cannot read: %s", strerror(-err));
		goto out;
	}
	err = read_line(r);
	if (err > 0 && r->line.what == EVTEXT_HEAD) {
		r->head = r->line.head;
		return r;
	}
	if (err < 0 && !r->why.len) {
		strbuf_set_f(why, "cannot read: %s", strerror(-err));
	} else {
		strbuf_set_f(why, "not a text of records: the first line is not `" EVTEXT_MAGIC
				  "1 cpus=N …`");
		err = -EINVAL;
	}
out:
	evtext_reader__free(r);
	errno = -err;
	return NULL;
}

const struct evlog_head *evtext_reader__head(const struct evtext_reader *r)
{
	return &r->head;
}

static int stop_reading(struct evtext_reader *r, struct evlog_item *it)
{
	r->ended = true;
	*it = (struct evlog_item){ .what = EVLOG_END };
	return 0;
}

static int give_record(struct evtext_reader *r, struct evlog_item *it)
{
	uint32_t stream = r->stream == EVTEXT_STREAM_BY_CPU ? r->line.stream : r->stream;

	if (stream == EVTEXT_STREAM_LAST)
		stream = r->head.nstream - 1;
	else if (r->stream == EVTEXT_STREAM_BY_CPU && stream >= r->head.nstream - 1)
		stream = r->head.nstream; /* a CPU that the head does not count */
	if (stream >= r->head.nstream) {
		strbuf_set_f(&r->why, "line %lu: the file has %u CPUs", r->line_nr,
			     r->head.nstream - 1);
		return stop_reading(r, it);
	}
	it->what = EVLOG_RECORD;
	it->stream = stream;
	it->rec = r->line.rec;
	it->len = r->line.len;
	return 0;
}

int evtext_reader__next(struct evtext_reader *r, struct evlog_item *it)
{
	*it = (struct evlog_item){ .what = EVLOG_END };
	while (!r->ended) {
		int err = read_line(r);

		if (err < 0 && !r->why.len)
			return err;
		if (err <= 0) {
			r->complete = err == 0;
			return stop_reading(r, it);
		}
		switch (r->line.what) {
		case EVTEXT_NOTHING:
			break;
		case EVTEXT_HEAD:
			strbuf_set_f(&r->why, "line %lu: a second first line", r->line_nr);
			return stop_reading(r, it);
		case EVTEXT_STREAM:
			r->stream = r->line.stream;
			break;
		case EVTEXT_ADVANCE:
			it->what = EVLOG_ADVANCE;
			it->watermark = r->line.watermark;
			return 0;
		case EVTEXT_RECORD:
			return give_record(r, it);
		}
	}
	return 0;
}

bool evtext_reader__complete(const struct evtext_reader *r)
{
	return r->complete;
}

const char *evtext_reader__why(const struct evtext_reader *r)
{
	return r->why.buf;
}

void evtext_reader__free(struct evtext_reader *r)
{
	if (!r)
		return;
	if (r->f)
		fclose(r->f);
	strbuf_free(&r->why);
	free(r);
}

/* Adds the line of a record, after a !stream where its stream is not the one that a reader would
 * take. */
static void dump_record(struct strbuf *sb, const struct evlog_item *it, uint32_t nstream,
			uint32_t *mode)
{
	const struct ev_hdr *h = it->rec;
	uint32_t by_cpu = h->cpu == EVTEXT_CPU_NONE ? nstream - 1 :
			  h->cpu < nstream - 1	    ? h->cpu :
						      EVTEXT_STREAM_BY_CPU;
	uint32_t want = by_cpu == it->stream ? EVTEXT_STREAM_BY_CPU : it->stream;

	if (want != *mode) {
		if (want == EVTEXT_STREAM_BY_CPU)
			strbuf_addstr(sb, "!stream\n");
		else if (want == nstream - 1)
			strbuf_addstr(sb, "!stream -\n");
		else
			strbuf_addf(sb, "!stream %u\n", want);
		*mode = want;
	}
	evtext_format(sb, it->rec, it->len);
	strbuf_addch(sb, '\n');
}

int evtext_dump(int fd, FILE *out, struct strbuf *why)
{
	uint32_t mode = EVTEXT_STREAM_BY_CPU;
	struct strbuf sb = STRBUF_INIT;
	const struct evlog_head *head;
	struct evlog_reader *r;
	struct evlog_item it;
	int err;

	strbuf_reset(why);
	r = evlog_reader__new(fd, why);
	if (!r)
		return -errno;
	head = evlog_reader__head(r);
	strbuf_addf(&sb, EVTEXT_MAGIC "1 cpus=%u mono=%" PRIu64 " wall=%" PRId64 "\n",
		    head->nstream - 1, head->start_mono_ns, head->wall_offset_ns);
	do {
		err = evlog_reader__next(r, &it);
		if (err) {
			strbuf_set_f(why, "cannot read: %s", strerror(-err));
			goto out;
		}
		if (it.what == EVLOG_RECORD)
			dump_record(&sb, &it, head->nstream, &mode);
		else if (it.what == EVLOG_ADVANCE)
			strbuf_addf(&sb, "!advance %" PRIu64 "\n", it.watermark);
		else if (!evlog_reader__complete(r))
			strbuf_addf(&sb, "# incomplete: %s\n", evlog_reader__why(r));
		if (fwrite(sb.buf, 1, sb.len, out) != sb.len) {
			err = errno ? -errno : -EIO;
			strbuf_set_f(why, "cannot write: %s", strerror(-err));
			goto out;
		}
		strbuf_reset(&sb);
	} while (it.what != EVLOG_END);
	if (!evlog_reader__complete(r))
		strbuf_set_f(why, "incomplete: %s", evlog_reader__why(r));
out:
	evlog_reader__free(r);
	strbuf_free(&sb);
	return err;
}

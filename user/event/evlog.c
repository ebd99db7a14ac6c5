// SPDX-License-Identifier: BSD-2-Clause
/*
 * The raw record file, written and read; the layout is drawn in evlog.h.
 *
 * The writer fills one buffer with chunks and patches the length of the open one when another
 * stream, an advance or a full buffer closes it. The reader trusts nothing: it holds one record at
 * a time, so no length in a file makes it allocate.
 */
#include "event/evlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/evspec.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the raw record file is little endian and written as memory"
#endif

enum chunk_kind { CHUNK_RECORDS = 1, CHUNK_ADVANCE = 2, CHUNK_END = 3 };

struct file_head {
	char magic[8];
	uint32_t version;
	uint32_t nstream;
	uint64_t start_mono_ns;
	int64_t wall_offset_ns;
	uint32_t flags;
	char zero[28];
};
_Static_assert(sizeof(struct file_head) == EVLOG_HEAD_SZ, "the head has no holes");

struct chunk_head {
	uint32_t len;
	uint16_t stream;
	uint16_t kind;
};

struct rec_head {
	uint32_t len;
	uint32_t zero;
};

#define READ_BUF_SZ (256u << 10)
#define PAD8(n) (((n) + 7) & ~(size_t)7)

static bool nstream_ok(uint32_t nstream)
{
	return nstream >= 1 && nstream <= EVLOG_STREAM_MAX;
}

/* ---- writer ---- */

struct evlog_writer {
	struct sink sink;
	int err; /* its first -errno */
	bool finished;
	uint32_t nstream;
	uint64_t written; /* bytes that left the buffer */
	size_t used;
	size_t open_at; /* offset of the open chunk's head in buf, or NO_CHUNK */
	uint32_t open_stream;
	unsigned char buf[EVLOG_PIECE_MAX];
};

#define NO_CHUNK SIZE_MAX

static void close_chunk(struct evlog_writer *w)
{
	struct chunk_head ch = { .stream = (uint16_t)w->open_stream, .kind = CHUNK_RECORDS };

	if (w->open_at == NO_CHUNK)
		return;
	ch.len = (uint32_t)(w->used - w->open_at - sizeof(ch));
	memcpy(w->buf + w->open_at, &ch, sizeof(ch));
	w->open_at = NO_CHUNK;
}

int evlog_writer__flush(struct evlog_writer *w)
{
	close_chunk(w);
	if (!w->err && w->used)
		w->err = w->sink.write(w->sink.ctx, w->buf, w->used);
	if (!w->err)
		w->written += w->used;
	w->used = 0;
	return w->err;
}

/* Makes room for sz bytes; the open chunk may be closed by it. */
static int reserve(struct evlog_writer *w, size_t sz)
{
	return w->used + sz > sizeof(w->buf) ? evlog_writer__flush(w) : w->err;
}

static void put(struct evlog_writer *w, const void *data, size_t len)
{
	memcpy(w->buf + w->used, data, len);
	w->used += len;
}

struct evlog_writer *evlog_writer__new(const struct sink *sink, const struct evlog_head *head)
{
	struct file_head fh = {
		.version = EVLOG_VERSION,
		.nstream = head->nstream,
		.start_mono_ns = head->start_mono_ns,
		.wall_offset_ns = head->wall_offset_ns,
	};
	struct evlog_writer *w;
	int err;

	if (!nstream_ok(head->nstream)) {
		errno = EINVAL;
		return NULL;
	}
	memcpy(fh.magic, EVLOG_MAGIC, sizeof(fh.magic));
	w = xmalloc(sizeof(*w));
	w->sink = *sink;
	w->err = 0;
	w->finished = false;
	w->nstream = head->nstream;
	w->written = 0;
	w->used = 0;
	w->open_at = NO_CHUNK;
	put(w, &fh, sizeof(fh));
	err = evlog_writer__flush(w);
	if (err) {
		evlog_writer__free(w);
		errno = -err;
		return NULL;
	}
	return w;
}

int evlog_writer__records(struct evlog_writer *w, uint32_t stream, const void *rec, size_t len)
{
	struct rec_head rh = { .len = (uint32_t)len };
	size_t padded = PAD8(len);

	if (stream >= w->nstream || len == 0 || len > EV_RECORD_MAX || w->finished)
		return -EINVAL;
	if (reserve(w, sizeof(struct chunk_head) + sizeof(rh) + padded))
		return w->err;
	if (w->open_at == NO_CHUNK || w->open_stream != stream) {
		close_chunk(w);
		w->open_at = w->used;
		w->open_stream = stream;
		w->used += sizeof(struct chunk_head); /* written by close_chunk() */
	}
	put(w, &rh, sizeof(rh));
	put(w, rec, len);
	memset(w->buf + w->used, 0, padded - len);
	w->used += padded - len;
	return 0;
}

int evlog_writer__advance(struct evlog_writer *w, uint64_t watermark)
{
	struct chunk_head ch = { .len = sizeof(watermark), .kind = CHUNK_ADVANCE };

	if (w->finished)
		return -EINVAL;
	if (reserve(w, sizeof(ch) + sizeof(watermark)))
		return w->err;
	close_chunk(w);
	put(w, &ch, sizeof(ch));
	put(w, &watermark, sizeof(watermark));
	return 0;
}

int evlog_writer__finish(struct evlog_writer *w)
{
	struct chunk_head ch = { .kind = CHUNK_END };

	if (w->finished)
		return w->err;
	if (reserve(w, sizeof(ch)))
		return w->err;
	close_chunk(w);
	put(w, &ch, sizeof(ch));
	w->finished = true;
	return evlog_writer__flush(w);
}

uint64_t evlog_writer__bytes(const struct evlog_writer *w)
{
	return w->written + w->used;
}

void evlog_writer__free(struct evlog_writer *w)
{
	free(w);
}

/* ---- reader ---- */

struct evlog_reader {
	int fd;
	bool ended;    /* nothing more will be given */
	bool complete; /* the end was there */
	struct evlog_head head;
	struct strbuf why;
	uint64_t off;	   /* in the file, of what was taken from buf */
	uint32_t left;	   /* bytes left of the records chunk that is being read */
	uint32_t stream;   /* of that chunk */
	int64_t only;	   /* the one stream that is wanted, -1 all */
	size_t pos, avail; /* in buf */
	unsigned char rec[PAD8(EV_RECORD_MAX)] __attribute__((aligned(8)));
	unsigned char buf[READ_BUF_SZ];
};

/* 1: len bytes were copied; 0: the file ends before them; -errno */
static int take(struct evlog_reader *r, void *to, size_t len)
{
	size_t got = 0;

	while (got < len) {
		size_t n = r->avail - r->pos;

		if (n > len - got)
			n = len - got;
		if (n == 0) {
			ssize_t rd = read(r->fd, r->buf, sizeof(r->buf));

			if (rd < 0 && errno == EINTR)
				continue;
			if (rd < 0)
				return -errno;
			r->pos = 0;
			r->avail = (size_t)rd;
			if (rd == 0)
				return 0;
			continue;
		}
		memcpy((char *)to + got, r->buf + r->pos, n);
		r->pos += n;
		r->off += n;
		got += n;
	}
	return 1;
}

static int read_head(struct evlog_reader *r, struct strbuf *why)
{
	struct file_head fh;
	int err = take(r, &fh, sizeof(fh));

	if (err < 0) {
		strbuf_set_f(why, "cannot read: %s", strerror(-err));
		return err;
	}
	if (err == 0) {
		strbuf_set_f(why, "not a raw record file: too short");
		return -EINVAL;
	}
	if (memcmp(fh.magic, EVLOG_MAGIC, sizeof(fh.magic)) != 0) {
		strbuf_set_f(why, "not a raw record file");
		return -EINVAL;
	}
	if (fh.version != EVLOG_VERSION || fh.flags) {
		strbuf_set_f(why,
			     "raw record file of version %u, flags %#x: only version %u is known",
			     fh.version, fh.flags, EVLOG_VERSION);
		return -EINVAL;
	}
	if (!nstream_ok(fh.nstream)) {
		strbuf_set_f(why, "raw record file of %u streams", fh.nstream);
		return -EINVAL;
	}
	r->head.nstream = fh.nstream;
	r->head.start_mono_ns = fh.start_mono_ns;
	r->head.wall_offset_ns = fh.wall_offset_ns;
	return 0;
}

struct evlog_reader *evlog_reader__new(int fd, struct strbuf *why)
{
	struct evlog_reader *r = xmalloc(sizeof(*r));
	int err;

	r->fd = fd;
	r->ended = r->complete = false;
	r->why = (struct strbuf)STRBUF_INIT;
	r->off = 0;
	r->left = r->stream = 0;
	r->only = -1;
	r->pos = r->avail = 0;
	err = read_head(r, why);
	if (err) {
		evlog_reader__free(r);
		errno = -err;
		return NULL;
	}
	return r;
}

const struct evlog_head *evlog_reader__head(const struct evlog_reader *r)
{
	return &r->head;
}

void evlog_reader__only(struct evlog_reader *r, uint32_t stream)
{
	r->only = (int64_t)stream;
}

/* Passes over len bytes, which a pipe has to read. 1, 0 at the end, -errno. */
static int skip(struct evlog_reader *r, size_t len)
{
	size_t n = len < r->avail - r->pos ? len : r->avail - r->pos;
	int err = 1;

	r->pos += n;
	r->off += n;
	len -= n;
	if (len && lseek(r->fd, (off_t)len, SEEK_CUR) >= 0) {
		r->off += len;
		return 1;
	}
	for (; len && err > 0; len -= n) {
		n = len < sizeof(r->rec) ? len : sizeof(r->rec);
		err = take(r, r->rec, n);
	}
	return err;
}

static int end_at(struct evlog_reader *r, struct evlog_item *it, uint64_t off, const char *what)
{
	r->ended = true;
	strbuf_set_f(&r->why, "%s at byte %llu", what, (unsigned long long)off);
	it->what = EVLOG_END;
	return 0;
}

static int next_record(struct evlog_reader *r, struct evlog_item *it)
{
	uint64_t off = r->off;
	struct rec_head rh = { 0 };
	int err;

	if (r->left < sizeof(rh))
		return end_at(r, it, off, "a records chunk of a wrong length");
	err = take(r, &rh, sizeof(rh));
	if (err < 0)
		return err;
	if (err == 0)
		return end_at(r, it, off, "cut off");
	if (rh.zero || rh.len == 0 || rh.len > EV_RECORD_MAX || PAD8(rh.len) > r->left - sizeof(rh))
		return end_at(r, it, off, "a record of a wrong length");
	err = take(r, r->rec, PAD8(rh.len));
	if (err < 0)
		return err;
	if (err == 0)
		return end_at(r, it, off, "cut off");
	if (ev_check(r->rec, rh.len))
		return end_at(r, it, off, "a record that is not legal");
	r->left -= (uint32_t)(sizeof(rh) + PAD8(rh.len));
	it->what = EVLOG_RECORD;
	it->stream = r->stream;
	it->rec = r->rec;
	it->len = rh.len;
	return 0;
}

int evlog_reader__next(struct evlog_reader *r, struct evlog_item *it)
{
	struct chunk_head ch;
	uint64_t off;
	int err;

	*it = (struct evlog_item){ .what = EVLOG_END };
	if (r->ended)
		return 0;
	while (!r->left) {
		off = r->off;
		err = take(r, &ch, sizeof(ch));
		if (err < 0)
			return err;
		if (err == 0)
			return end_at(r, it, off, "cut off");
		switch (ch.kind) {
		case CHUNK_RECORDS:
			if (ch.len % 8)
				return end_at(r, it, off, "a records chunk of a wrong length");
			if (ch.stream >= r->head.nstream)
				return end_at(r, it, off, "a stream that the file does not have");
			if (r->only >= 0 && ch.stream != r->only) {
				err = skip(r, ch.len);
				if (err < 0)
					return err;
				if (err == 0)
					return end_at(r, it, off, "cut off");
				break;
			}
			r->left = ch.len;
			r->stream = ch.stream;
			break;
		case CHUNK_ADVANCE:
			if (ch.len != sizeof(it->watermark))
				return end_at(r, it, off, "an advance of a wrong length");
			err = take(r, &it->watermark, sizeof(it->watermark));
			if (err < 0)
				return err;
			if (err == 0)
				return end_at(r, it, off, "cut off");
			it->what = EVLOG_ADVANCE;
			return 0;
		case CHUNK_END:
			if (ch.len)
				return end_at(r, it, off, "an end of a wrong length");
			r->ended = r->complete = true;
			return 0;
		default:
			return end_at(r, it, off, "a chunk of an unknown kind");
		}
	}
	return next_record(r, it);
}

bool evlog_reader__complete(const struct evlog_reader *r)
{
	return r->complete;
}

const char *evlog_reader__why(const struct evlog_reader *r)
{
	return r->why.buf;
}

void evlog_reader__free(struct evlog_reader *r)
{
	if (!r)
		return;
	strbuf_free(&r->why);
	free(r);
}

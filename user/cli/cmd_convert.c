// SPDX-License-Identifier: BSD-2-Clause
/*
 * ctrace-bpf convert: from what was recorded to what is wanted, without root; under sudo it reads
 * and writes as the user who called that. The first bytes of the input say what it is: raw records,
 * records as text, or a Go trace. A pipe is copied to a file first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "event/evlog.h"
#include "event/evtext.h"
#include "gotrace/rawtext.h"
#include "gotrace/repair.h"
#include "output/claim.h"
#include "output/outfile.h"
#include "output/rotation.h"
#include "output/trail.h"
#include "pipeline.h"
#include "recorded.h"
#include "util/fileio.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "convert"

enum input { INPUT_RAW, INPUT_TEXT, INPUT_TRACE, INPUT_OTHER };

static enum input kind_of_input(int fd)
{
	char head[16] = "";

	if (pread(fd, head, sizeof(head), 0) <= 0)
		return INPUT_OTHER;
	if (!memcmp(head, EVLOG_MAGIC, 8))
		return INPUT_RAW;
	if (!strncmp(head, EVTEXT_MAGIC, strlen(EVTEXT_MAGIC)))
		return INPUT_TEXT;
	return !memcmp(head, "go 1.", 5) ? INPUT_TRACE : INPUT_OTHER;
}

/* ---- records to a trace ---- */

/* The two forms of records behind one face. */
struct source {
	struct evlog_reader *raw;
	struct evtext_reader *text;
};

static int source_next(struct source *s, struct evlog_item *it)
{
	return s->raw ? evlog_reader__next(s->raw, it) : evtext_reader__next(s->text, it);
}

static const char *source_trouble(struct source *s)
{
	if (s->raw)
		return evlog_reader__complete(s->raw) ? NULL : evlog_reader__why(s->raw);
	return evtext_reader__complete(s->text) ? NULL : evtext_reader__why(s->text);
}

static const struct evlog_head *source_head(const struct source *s)
{
	return s->raw ? evlog_reader__head(s->raw) : evtext_reader__head(s->text);
}

static void source_close(struct source *s)
{
	evlog_reader__free(s->raw);
	evtext_reader__free(s->text);
	*s = (struct source){ 0 };
}

/* From the file's begin. 0 or -errno with the reason. */
static int source_open(struct source *s, int fd, enum input kind, struct strbuf *why)
{
	*s = (struct source){ 0 };
	if (lseek(fd, 0, SEEK_SET) < 0) {
		strbuf_set_f(why, "cannot go back to the begin: %s", strerror(errno));
		return -errno;
	}
	if (kind == INPUT_RAW)
		s->raw = evlog_reader__new(fd, why);
	else
		s->text = evtext_reader__new(fd, why);
	return s->raw || s->text ? 0 : -errno;
}

/* The names of user frames stand at the end of a recording, and are needed from its begin. */
static int collect_names(int fd, enum input kind, struct recorded *names, struct strbuf *why)
{
	struct evlog_item it;
	struct source s;
	int err = source_open(&s, fd, kind, why);

	if (err)
		return err;
	if (s.raw) /* the collector's stream, the last one, has them all */
		evlog_reader__only(s.raw, source_head(&s)->nstream - 1);
	while (!source_next(&s, &it) && it.what != EVLOG_END)
		if (it.what == EVLOG_RECORD)
			recorded__take(names, it.rec, it.len);
	source_close(&s);
	return 0; /* the replay meets the same trouble, and tells */
}

/* Where the trace goes: one file, or with --rotate several. */
struct outlet {
	struct outfile *one;
	struct rotation *files; /* in place of it; NULL none */
	int claim;		/* on the name that those are named after; -1: none */
};

static uint64_t outlet_bytes(const struct outlet *to)
{
	return to->one ? outfile__bytes(to->one) : rotation__files(to->files)->bytes;
}

static int outlet_finish(struct outlet *to)
{
	return to->one ? outfile__finish(to->one) : rotation__finish(to->files);
}

static void outlet_explain(const struct outlet *to, int err, struct strbuf *why)
{
	if (to->one)
		outfile__explain(to->one, err, why);
	else
		rotation__explain(to->files, err, why);
}

static void outlet_close(struct outlet *to)
{
	if (to->one)
		outfile__close(to->one);
	rotation__free(to->files);
	if (to->claim >= 0)
		close(to->claim);
}

static int outlet_open(struct outlet *to, const struct options *o, const struct evlog_head *head,
		       struct strbuf *why)
{
	const char *path = o->output ? o->output : "go.trace";

	*to = (struct outlet){ .claim = -1 };
	if (!o->rotate_bytes && !o->rotate_ns) {
		to->one = outfile__open(path, why);
		return to->one ? 0 : -errno;
	}
	if (outfile_check_more(path, why) || claim_series(path, &to->claim, why))
		return -EINVAL;
	to->files = rotation__new(&(struct rotation_opts){
		.path = path,
		.file_bytes = o->rotate_bytes,
		.period_ns = o->rotate_ns,
		.wall_offset = head->wall_offset_ns,
		.replay = true,
	});
	return 0;
}

/* A file ends where a recording with this option would have ended one: all that is older than the
 * watermark is in it. A watermark behind all that there is tells no time. */
static void cut_where_due(struct pipeline *p, struct rotation *files, unsigned stream,
			  uint64_t watermark, uint64_t newest)
{
	uint64_t ts = watermark < newest ? watermark : newest;
	struct ev_hdr cut = { .kind = EV_CUT, .cpu = 0xffff, .ts = ts, .arg = EV_CUT_FILE };

	if (ts && rotation__due(files, ts))
		pipeline__push(p, stream, &cut, sizeof(cut));
}

/* Time passes while nothing happens, but a watermark that is far ahead of all records is a damaged
 * one. */
#define QUIET_MAX 3600000000000ull

static uint64_t believed(uint64_t watermark, uint64_t newest)
{
	return watermark > newest && watermark - newest > QUIET_MAX ? newest : watermark;
}

static int pump(struct source *s, struct pipeline *p, struct rotation *files)
{
	unsigned own = source_head(s)->nstream; /* a stream behind those of the recording */
	const struct ev_hdr *h;
	struct evlog_item it;
	uint64_t newest = 0;
	int err;

	while (!(err = source_next(s, &it)) && it.what != EVLOG_END) {
		h = it.rec;
		if (it.what == EVLOG_RECORD) {
			newest = h->ts > newest ? h->ts : newest;
			if (!files || h->kind != EV_CUT) /* those of the recording go for nothing */
				pipeline__push(p, it.stream, it.rec, it.len);
		} else {
			if (files)
				cut_where_due(p, files, own, it.watermark, newest);
			pipeline__advance(p, believed(it.watermark, newest));
		}
		if (pipeline__stalled(p))
			pipeline__wait(p);
	}
	return err;
}

static void sum_up(struct outlet *to, struct pipeline *p, const struct options *o)
{
	struct pipeline_stats st = pipeline__stats(p);
	struct summary s = {
		.model = st.model,
		.writer = st.writer,
		.late = st.late,
	};

	if (to->one)
		s.file = outfile__path(to->one);
	else
		summary_add_files(&s, rotation__files(to->files));
	summary_print(&s, o->json);
}

static int convert_with(struct source *s, struct recorded *names, const struct options *o,
			struct outlet *to, struct strbuf *why)
{
	const struct evlog_head *head = source_head(s);
	struct pipeline *p;
	const char *trouble;
	int err, code = EXIT_FAILED;

	p = pipeline__new(&(struct pipeline_opts){
		.go_minor = (int)o->go_minor,
		.first_proc = o->first_proc,
		.group_digits = o->group_digits,
		.nstream = head->nstream + 1,
		.start_ts = head->start_mono_ns,
		.wall_offset = head->wall_offset_ns,
		.trigger = o->trigger,
		.ntrigger = o->ntrigger,
		.resolver = recorded__resolver(names),
		.sink = { outfile__write, to->one },
		.parts = { to->files ? rotation__take : NULL, to->files },
		.openings = o->rotate_bytes,
		.gen_bytes = rotation_gen_bytes(o->rotate_bytes),
	});
	if (!p) {
		strbuf_set_f(why, "cannot start a thread: %s", strerror(errno));
		return EXIT_FAILED;
	}
	err = pump(s, p, to->files);
	if (err) {
		strbuf_set_f(why, "cannot read %s: %s", o->rest[0], strerror(-err));
		pipeline__finish(p);
		goto out;
	}
	err = pipeline__finish(p);
	if (!err)
		err = outlet_finish(to);
	if (err) {
		outlet_explain(to, err, why);
		goto out;
	}
	trouble = source_trouble(s);
	if (!outlet_bytes(to)) {
		strbuf_set_f(why, "%s holds no recording: %s", o->rest[0],
			     trouble ? trouble : "it never began");
		goto out;
	}
	if (trouble) /* also with -q: who asked for the whole gets less */
		log_error("%s: %s; what is whole was converted", o->rest[0], trouble);
	sum_up(to, p, o);
	code = EXIT_FINE;
out:
	pipeline__free(p);
	return code;
}

static int convert_records(int fd, enum input kind, const struct options *o, struct strbuf *why)
{
	struct recorded *names = recorded__new();
	struct source s = { 0 };
	struct outlet to;
	int code = EXIT_FAILED;

	if (!collect_names(fd, kind, names, why) && !source_open(&s, fd, kind, why) &&
	    !outlet_open(&to, o, source_head(&s), why)) {
		code = convert_with(&s, names, o, &to, why);
		outlet_close(&to);
	}
	source_close(&s);
	recorded__free(names);
	return code;
}

/* ---- anything to text ---- */

static int write_text(int fd, enum input kind, FILE *out, const struct options *o,
		      struct strbuf *why)
{
	struct strbuf trouble = STRBUF_INIT;
	int err;

	err = kind == INPUT_RAW ? evtext_dump(fd, out, &trouble) :
				  rawtext_dump(fd, RAWTEXT_FRAMES, out, &trouble);
	if (fflush(out) || ferror(out))
		err = errno ? -errno : -EIO;
	else if (err)
		strbuf_set_f(why, "%s: %s", o->rest[0], trouble.buf);
	else if (trouble.len)
		log_notice("%s: %s", o->rest[0], trouble.buf);
	strbuf_free(&trouble);
	return err;
}

static int text_to_file(int fd, enum input kind, const struct options *o, struct strbuf *why)
{
	struct outfile *out = outfile__open(o->output, why);
	FILE *stream;
	int err;

	if (!out)
		return -EIO;
	stream = outfile__stream(out);
	err = stream ? write_text(fd, kind, stream, o, why) : -errno;
	if (stream)
		fclose(stream);
	if (!err)
		err = outfile__finish(out);
	if (err && !why->len)
		outfile__explain(out, err, why);
	outfile__close(out);
	return err;
}

static int to_text(int fd, enum input kind, const struct options *o, struct strbuf *why)
{
	int err;

	if (kind == INPUT_TEXT) {
		strbuf_set_f(why, "%s is text already; without --text it becomes a trace",
			     o->rest[0]);
		return EXIT_USAGE;
	}
	if (o->output && strcmp(o->output, "-")) {
		err = text_to_file(fd, kind, o, why);
	} else {
		err = write_text(fd, kind, stdout, o, why);
		if (err && !why->len)
			strbuf_set_f(why, "cannot write standard output: %s", strerror(-err));
	}
	return err ? EXIT_FAILED : EXIT_FINE;
}

/* ---- mending ---- */

static int repair_copy(int fd, const char *path, struct go_repair *res, struct strbuf *trouble,
		       struct strbuf *why)
{
	struct outfile *out = outfile__open(path, why);
	int err;

	if (!out)
		return -EIO;
	err = go_repair_copy(fd, &(struct sink){ outfile__write, out }, res, trouble);
	if (!err) {
		err = outfile__finish(out);
		if (err)
			strbuf_reset(trouble);
	}
	if (err && !trouble->len)
		outfile__explain(out, err, why);
	outfile__close(out);
	return err;
}

static int repair(int fd, const struct options *o, struct strbuf *why)
{
	struct strbuf trouble = STRBUF_INIT;
	struct go_repair res;
	int err;

	if (o->output)
		err = repair_copy(fd, o->output, &res, &trouble, why);
	else
		err = go_repair_in_place(fd, &res, &trouble);
	if (err && !why->len)
		strbuf_set_f(why, "%s: %s", o->rest[0], trouble.buf);
	else if (!err && res.end == res.size)
		log_notice("%s is whole: %zu generations", o->rest[0], res.ngen);
	else if (!err)
		log_notice("%s: %zu whole generations in %" PRIu64 " of %" PRIu64 " bytes; %s",
			   o->rest[0], res.ngen, res.end, res.size, trouble.buf);
	strbuf_free(&trouble);
	return err ? EXIT_FAILED : EXIT_FINE;
}

static bool is_same_file(int fd, const char *path)
{
	struct stat a, b;

	return path && !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && S_ISREG(a.st_mode);
}

/* What is wanted and what there is have to fit; 0, or -EINVAL with the reason. */
static int check_input(int fd, enum input kind, const struct options *o, struct strbuf *why)
{
	if (is_same_file(fd, o->output))
		strbuf_set_f(why, "%s is the input; choose another file for -o", o->output);
	else if (o->repair && kind != INPUT_TRACE)
		strbuf_set_f(why, "%s is not a Go trace, so there is nothing to repair",
			     o->rest[0]);
	else if (kind == INPUT_OTHER)
		strbuf_set_f(
			why,
			"%s is neither a raw recording nor a Go trace; convert takes what --raw or -o wrote",
			o->rest[0]);
	else if (kind == INPUT_TRACE && !o->repair && !o->text)
		strbuf_set_f(why, "%s is a Go trace already; convert it with --text or --repair",
			     o->rest[0]);
	else
		return 0;
	return -EINVAL;
}

static int open_input(const struct options *o, struct strbuf *why)
{
	struct invoker who = invoker_get();
	int fd;

	if (o->repair && !o->output)
		return outfile_open_in_place(o->rest[0], why);
	fd = invoker_open(o->rest[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0 && who.other && errno == EACCES)
		strbuf_set_f(why, "cannot open %s as user %u, who called sudo: %s", o->rest[0],
			     who.uid, strerror(errno));
	else if (fd < 0)
		strbuf_set_f(why, "cannot open %s: %s", o->rest[0], strerror(errno));
	return fd;
}

/* A file without a name, with all that the pipe `fd` gives, in its place. 0 or -errno. */
static int copy_pipe(int fd)
{
	FILE *copy = tmpfile();
	char buf[1 << 16];
	ssize_t n = 0;
	int err = copy ? 0 : -errno;

	while (!err) {
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno != EINTR)
			err = -errno;
		if (!n)
			break;
		if (n > 0)
			err = write_all(fileno(copy), buf, (size_t)n);
	}
	if (!err && (lseek(fileno(copy), 0, SEEK_SET) < 0 || dup3(fileno(copy), fd, O_CLOEXEC) < 0))
		err = -errno;
	if (copy)
		fclose(copy);
	return err;
}

static int make_seekable(int fd, const struct options *o, struct strbuf *why)
{
	int err;

	if (lseek(fd, 0, SEEK_CUR) >= 0 || errno != ESPIPE)
		return 0;
	if (o->repair && !o->output) {
		strbuf_set_f(why, "%s is a pipe, which cannot be mended in place; give -o FILE",
			     o->rest[0]);
		return -ESPIPE;
	}
	err = copy_pipe(fd);
	if (err)
		strbuf_set_f(why, "cannot copy %s to a file: %s", o->rest[0], strerror(-err));
	return err;
}

static enum exit_code convert_file(const struct options *o, struct strbuf *why)
{
	int fd = open_input(o, why);
	enum input kind;
	enum exit_code code;

	if (fd < 0)
		return EXIT_FAILED;
	if (make_seekable(fd, o, why)) {
		close(fd);
		return EXIT_FAILED;
	}
	kind = kind_of_input(fd);
	if (check_input(fd, kind, o, why))
		code = EXIT_FAILED;
	else if (o->repair)
		code = repair(fd, o, why);
	else if (o->text)
		code = to_text(fd, kind, o, why);
	else
		code = convert_records(fd, kind, o, why);
	close(fd);
	return code;
}

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest != 1)
		strbuf_set_f(why, "convert takes one file; see ctrace-bpf convert --help");
	else if (o->text && o->repair)
		strbuf_set_f(why,
			     "--text and --repair are two different conversions; give one of them");
	else if (options_rotated(o) && (o->text || o->repair))
		strbuf_set_f(
			why,
			"--rotate is for traces that are made from records: it cannot be added to %s",
			o->text ? "--text" : "--repair");
	else if (options_rotated(o) && o->output && !strcmp(o->output, "-"))
		strbuf_set_f(
			why,
			"--rotate makes more than one file: give -o FILE, after which they are named");
	else
		return 0;
	return -EINVAL;
}

const struct cmd cmd_convert = {
	.name = "convert",
	.synopsis = "convert [options] FILE",
	.summary =
		"makes a trace from a raw recording, text from either, or mends a trace that was broken off",
	.options = FOR_CONVERT,
	.words = OFFER_FILES,
	.check = check,
	.run = convert_file,
};

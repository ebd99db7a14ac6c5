// SPDX-License-Identifier: BSD-2-Clause
/*
 * See recorded.h. The functions of a frame come in records one behind the other: they are gathered
 * and become an answer when the next frame begins.
 */
#include "recorded.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gotrace/frametab.h"
#include "util/arena.h"
#include "util/u64map.h"
#include "util/xalloc.h"

struct answer {
	size_t cnt;
	struct sym_frame frame[];
};

struct recorded {
	struct arena arena;
	struct frametab *texts; /* its handles are the serials */
	size_t bytes;		/* of texts taken */
	struct u64map answers;	/* frame + 1 → struct answer * */
	struct u64map modules;	/* number → char *: its path */

	uint64_t frame; /* whose functions are being gathered */
	size_t cnt;
	struct sym_frame gathered[EV_SYM_FRAMES];
};

struct recorded *recorded__new(void)
{
	struct recorded *r = xcalloc(1, sizeof(*r));

	r->texts = frametab__new();
	return r;
}

void recorded__free(struct recorded *r)
{
	if (!r)
		return;
	frametab__free(r->texts);
	u64map_free(&r->answers);
	u64map_free(&r->modules);
	arena_free(&r->arena);
	free(r);
}

static struct sym_frame make(struct recorded *r, const char *func, const char *file, uint32_t line)
{
	uint32_t serial = frametab__id(r->texts, func, file, line);
	struct frame f = frametab__get(r->texts, serial);

	return (struct sym_frame){ f.func, f.file, f.line, serial };
}

static struct answer *settle(struct recorded *r)
{
	size_t size = r->cnt * sizeof(r->gathered[0]);
	struct answer *a = arena_alloc(&r->arena, sizeof(*a) + size);

	a->cnt = r->cnt;
	memcpy(a->frame, r->gathered, size);
	*u64map_put(&r->answers, r->frame + 1, NULL) = (uintptr_t)a;
	r->bytes += sizeof(*a) + size;
	r->cnt = 0;
	return a;
}

/* Depths come in order; what does not is left out. */
static void take_sym(struct recorded *r, const struct ev_sym *ev, size_t len)
{
	if (r->cnt && (!ev->depth || ev->frame != r->frame))
		settle(r);
	if (ev->frame == UINT64_MAX || ev->depth != r->cnt || r->bytes >= RECORDED_BYTES)
		return;
	r->frame = ev->frame;
	r->gathered[r->cnt++] = make(r, ev->text, ev->text + ev->nfunc, ev->h.arg);
	r->bytes += len;
}

static void take_module(struct recorded *r, const struct ev_module *ev, size_t len)
{
	size_t n = strnlen(ev->path, len - EV_MODULE_SHORT);
	char *path;

	if (!n || r->bytes >= RECORDED_BYTES)
		return;
	path = arena_alloc(&r->arena, n + 1);
	memcpy(path, ev->path, n);
	path[n] = '\0';
	r->bytes += n;
	*u64map_put(&r->modules, ev->h.arg, NULL) = (uintptr_t)path;
}

void recorded__take(struct recorded *r, const struct ev_hdr *rec, size_t len)
{
	if (rec->kind == EV_SYM)
		take_sym(r, (const struct ev_sym *)rec, len);
	else if (rec->kind == EV_MODULE)
		take_module(r, (const struct ev_module *)rec, len);
}

/* What to call a frame that has no name. */
static struct answer *by_number(struct recorded *r, uint64_t frame)
{
	uint64_t *slot = u64map_get(&r->modules, EV_FRAME_MODULE(frame));
	const char *path = slot ? (const char *)(uintptr_t)*slot : "", *base = strrchr(path, '/');
	char text[EV_PATH_MAX + 32];

	base = base ? base + 1 : path;
	if (*base)
		snprintf(text, sizeof(text), "%s+0x%" PRIx64, base, (uint64_t)EV_FRAME_ADDR(frame));
	else if (EV_FRAME_MODULE(frame))
		snprintf(text, sizeof(text), "module %u+0x%" PRIx64, EV_FRAME_MODULE(frame),
			 (uint64_t)EV_FRAME_ADDR(frame));
	else
		snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)EV_FRAME_ADDR(frame));
	r->frame = frame;
	r->gathered[r->cnt++] = make(r, text, path, 0);
	return settle(r);
}

/* The encoder asks for no frame twice in a generation, so one that did not fit is asked for again
 * and again; it stays a number. */
static size_t resolve(void *ctx, uint64_t frame, const struct sym_frame **out)
{
	struct recorded *r = ctx;
	uint64_t *slot = u64map_get(&r->answers, frame + 1);
	struct answer *a = slot ? (struct answer *)(uintptr_t)*slot : NULL;

	if (!a && (frame == UINT64_MAX || r->bytes >= 2 * (size_t)RECORDED_BYTES))
		return 0;
	if (!a)
		a = by_number(r, frame);
	*out = a->frame;
	return a->cnt;
}

struct frame_resolver recorded__resolver(struct recorded *r)
{
	if (r->cnt)
		settle(r);
	return (struct frame_resolver){ .ctx = r, .resolve = resolve };
}

// SPDX-License-Identifier: BSD-2-Clause
/* See marktext.h. */
#include "model/marktext.h"

#include <stdlib.h>

#include "model/state.h"
#include "util/hash.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define ELLIPSIS "\xe2\x80\xa6"
#define ELLIPSIS_LEN 3u
#define UNNAMED "(unnamed)"

/* Copies a text as it may stand in a trace. Returns its length. */
static size_t clean(char out[GO_STRING_MAX], const char *text, size_t len, enum mark_fate fate)
{
	char wide[3 * EV_MARK_STR];
	size_t n;

	if (fate == MARK_BAD) {
		text = MARK_UNREADABLE;
		len = strlen(MARK_UNREADABLE);
	}
	n = utf8_clean(wide, sizeof(wide), text, len);
	if (fate != MARK_CUT && n <= GO_STRING_MAX) {
		memcpy(out, wide, n);
		return n;
	}
	n = utf8_clean(out, GO_STRING_MAX - ELLIPSIS_LEN, wide, n);
	memcpy(out + n, ELLIPSIS, ELLIPSIS_LEN);
	return n + ELLIPSIS_LEN;
}

static struct mark_text *new_text(const char *text, size_t len)
{
	struct mark_text *mt = xmalloc(sizeof(*mt) + len);

	*mt = (struct mark_text){ .refs = 1, .len = (uint32_t)len };
	memcpy(mt->text, text, len);
	return mt;
}

/* Most names come as they may stand: no bytes but ASCII ones, so that a look is enough. */
static bool is_plain(const char *text, size_t len, enum mark_fate fate)
{
	size_t i;

	if (fate || len > GO_STRING_MAX)
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

struct mark_text *marktext_get(struct mark_texts *t, const char *text, size_t len,
			       enum mark_fate fate)
{
	char buf[GO_STRING_MAX];
	struct mark_text **slot;

	if (!is_plain(text, len, fate)) {
		len = clean(buf, text, len, fate);
		text = buf;
	}
	if (!len) {
		text = UNNAMED;
		len = strlen(UNNAMED);
	}
	slot = &t->slot[hash_bytes(text, len) % MARK_TEXTS];
	if (!*slot || (*slot)->len != len || memcmp((*slot)->text, text, len) != 0) {
		marktext_put(*slot);
		*slot = new_text(text, len);
	}
	return marktext_hold(*slot);
}

struct mark_text *marktext_hold(struct mark_text *mt)
{
	mt->refs++;
	return mt;
}

void marktext_put(struct mark_text *mt)
{
	if (mt && !--mt->refs)
		free(mt);
}

void marktexts_free(struct mark_texts *t)
{
	size_t i;

	for (i = 0; i < MARK_TEXTS; i++)
		marktext_put(t->slot[i]);
	*t = (struct mark_texts){ 0 };
}

uint32_t marktext_string(struct model *m, struct mark_text *mt)
{
	uint64_t gen = trace_writer__gen(m->w);

	if (!m->live)
		return 0;
	if (mt->gen != gen) {
		mt->gen = gen;
		mt->string = trace_writer__string(m->w, mt->text, mt->len);
	}
	return mt->string;
}

uint32_t marktext_once(struct model *m, const char *text, size_t len, enum mark_fate fate)
{
	char buf[GO_STRING_MAX];

	if (!m->live)
		return 0;
	if (!is_plain(text, len, fate)) {
		len = clean(buf, text, len, fate);
		text = buf;
	}
	return trace_writer__string(m->w, text, len);
}

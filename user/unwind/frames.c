// SPDX-License-Identifier: BSD-2-Clause
/* See frames.h. */
#include "unwind/frames.h"

#include <errno.h>
#include <stdlib.h>

#include "unwind/cfa.h"
#include "util/u64map.h"
#include "util/xalloc.h"

/* In a row: a hole of the file is nothing but end marks. */
#define EMPTY_MAX 4096

struct frames {
	struct unw_bytes s;
	bool eh; /* .eh_frame */
	const struct unw_elf *elf;
	struct unw_spans *out;
	struct cfa_common *common; /* of CIEs, as they are asked for */
	size_t ncommon, cap;
	struct u64map by_offset; /* offset of a CIE + 1 → its number in common */
};

/* A CIE or an FDE. */
struct record {
	uint64_t id_at;	 /* offset of the id */
	uint64_t id;	 /* a CIE's mark, or where the FDE's CIE is */
	bool wide;	 /* 64-bit DWARF */
	struct cursor c; /* behind the id */
};

static uint64_t offset_of(const struct frames *f, const uint8_t *p)
{
	return (uint64_t)(p - f->s.data);
}

/* The record at an offset, and the offset behind it. 0 is an end mark; false: absurd. */
static bool read_record(const struct frames *f, uint64_t off, struct record *r, uint64_t *next)
{
	struct cursor c = cursor_of(f->s.data + off, f->s.size - off);
	uint64_t len = cursor_u32(&c);

	r->wide = len == 0xffffffff;
	if (r->wide)
		len = cursor_u64(&c);
	c = cursor_cut(&c, len);
	r->id_at = offset_of(f, c.p);
	*next = offset_of(f, c.end);
	if (c.bad)
		return false;
	r->id = r->wide ? cursor_u64(&c) : cursor_u32(&c);
	r->c = c;
	return true;
}

static bool is_common(const struct frames *f, const struct record *r)
{
	if (f->eh)
		return !r->id;
	return r->id == (r->wide ? ~0ull : 0xffffffffu);
}

/* What the letters of an augmentation say. False: something that we do not know. */
static bool read_augmentation(struct cfa_common *k, const char *letters, struct cursor *data)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 'R':
			k->encoding = cursor_u8(data);
			break;
		case 'L':
			cursor_u8(data);
			break;
		case 'P': {
			uint8_t encoding = cursor_u8(data);

			if ((encoding & 0xf0) == 0x50) /* aligned: nobody writes it */
				return false;
			cfa_address(data, encoding & 0x0f, 0);
			break;
		}
		case 'S':
			k->signal = true;
			break;
		case 'B': /* only of other machines, and without data */
		case 'G':
			break;
		default:
			return false;
		}
	}
	return !data->bad;
}

static struct cfa_common read_common(const struct record *r)
{
	struct cfa_common k = { 0 };
	struct cursor c = r->c, data;
	uint8_t version = cursor_u8(&c);
	const char *letters = (const char *)c.p;
	const uint8_t *nul = memchr(c.p, 0, cursor_left(&c));
	uint64_t ra;

	if (!nul || (version != 1 && version != 3 && version != 4))
		return k;
	c.p = nul + 1;
	if (version == 4 && (cursor_u8(&c) != 8 || cursor_u8(&c)))
		return k; /* of other addresses, or with segments */
	if (!strcmp(letters, "eh")) {
		cursor_u64(&c); /* of gcc 2: a pointer to something */
		letters = "";
	}
	k.code_align = cursor_uleb(&c);
	k.data_align = cursor_sleb(&c);
	ra = version == 1 ? cursor_u8(&c) : cursor_uleb(&c);
	k.usable = !c.bad && ra == CFA_REG_RA;
	if (*letters == 'z') {
		k.has_data = true;
		data = cursor_cut(&c, cursor_uleb(&c));
		k.usable = read_augmentation(&k, letters + 1, &data) && k.usable;
	} else if (*letters) {
		k.usable = false;
	}
	cfa_begin(&k, c);
	return k;
}

/* The CIE at an offset: NULL when none is there. */
static const struct cfa_common *common_at(struct frames *f, uint64_t off)
{
	struct record r;
	uint64_t next, *number;
	bool fresh;

	if (off >= f->s.size)
		return NULL;
	number = u64map_put(&f->by_offset, off + 1, &fresh);
	if (fresh) {
		f->common = xgrow(f->common, f->ncommon, &f->cap, sizeof(*f->common));
		f->common[f->ncommon] = (struct cfa_common){ 0 };
		if (read_record(f, off, &r, &next) && !r.c.bad && is_common(f, &r))
			f->common[f->ncommon] = read_common(&r);
		*number = f->ncommon++;
	}
	return &f->common[*number];
}

static int read_function(struct frames *f, const struct record *r)
{
	/* in .eh_frame the id counts back from itself */
	uint64_t where = f->eh ? r->id_at - r->id : r->id, start, size, at;
	const struct cfa_common *k;
	const struct unw_seg *seg;
	struct cursor c = r->c;

	if (f->eh && r->id > r->id_at)
		return 0;
	k = common_at(f, where);
	if (!k)
		return 0;
	at = f->s.addr + offset_of(f, c.p);
	start = cfa_address(&c, k->encoding, at);
	size = cfa_address(&c, k->encoding & 0x0f, 0);
	if (k->has_data)
		cursor_take(&c, cursor_uleb(&c));
	if (c.bad || !start || !size)
		return 0;
	seg = unw_elf_seg(f->elf, start);
	if (!seg || !seg->exec)
		return 0;
	if (size > seg->addr + seg->size - start)
		size = seg->addr + seg->size - start;
	at = f->s.addr + offset_of(f, c.p);
	return cfa_function(k, c, at, start, start + size,
			    f->eh ? UNW_FROM_EH_FRAME : UNW_FROM_DEBUG_FRAME, f->out);
}

int unw_frames_read(const struct unw_bytes *section, enum unw_source source,
		    const struct unw_elf *elf, struct unw_spans *out)
{
	struct frames f = {
		.s = *section,
		.eh = source == UNW_FROM_EH_FRAME,
		.elf = elf,
		.out = out,
	};
	uint64_t off = 0, next;
	unsigned empty = 0;
	struct record r;
	int err = 0;

	while (!err && empty < EMPTY_MAX && off < f.s.size && read_record(&f, off, &r, &next)) {
		/* an empty one ends a part of the section, which the linker put together */
		empty = next - off <= sizeof(uint32_t) ? empty + 1 : 0;
		if (!r.c.bad && !is_common(&f, &r))
			err = read_function(&f, &r);
		off = next;
	}
	free(f.common);
	u64map_free(&f.by_offset);
	return err;
}

uint64_t unw_frames_start(const struct unw_bytes *hdr)
{
	struct cursor c = cursor_of(hdr->data, hdr->size);
	uint8_t version = cursor_u8(&c), encoding = cursor_u8(&c);
	uint64_t start;

	cursor_u16(&c); /* encodings of the table, which we do not need */
	start = cfa_address(&c, encoding, hdr->addr + 4);
	return version == 1 && !c.bad ? start : 0;
}

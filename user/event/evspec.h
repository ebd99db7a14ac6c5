/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of bpf/event.h as data: one row per kind with its name, legal lengths and fields. The
 * text form (evtext.h) and the check of foreign records are driven by it.
 *
 * In: a kind, or the bytes of a record, aligned to 8. Out: constants; nothing allocates.
 * A record that passed ev_check() may be read through its struct: its length is one of its kind's,
 * comm and texts end in a NUL, frame counts and indices are in range. What a kind may leave out is
 * still to be asked of the length, for which ev_stack_id() exists.
 */
#ifndef CTRACE_EVENT_EVSPEC_H
#define CTRACE_EVENT_EVSPEC_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

/* How a field lies in the record, and how it is written as text. */
enum ev_ftype {
	EVT_NONE = 0,
	EVT_KEY,     /* u64: a thread, never nobody; TID or TID.SERIAL */
	EVT_KEY_ANY, /* the same, or 0: nobody */
	EVT_U64,
	EVT_U32,
	EVT_HEX64,   /* u64 as hex digits */
	EVT_COMM,    /* char[EV_COMM_LEN], with a NUL */
	EVT_TAIL,    /* text from `off` to the record's end, with its NUL; left out when nothing is
			there */
	EVT_STATE,   /* u32 of EV_ST_PACK: the letter */
	EVT_FDCLASS, /* the same word: the fd class */
	EVT_NR,	     /* the same word: the syscall; `ia32_4` of the 32-bit table */
	EVT_SYSNR,   /* u32: a syscall alone */
	EVT_KFRAMES, /* struct ev_stack: the first nkernel addresses */
	EVT_UFRAMES, /* struct ev_stack: the nuser ones after them, MODULE:ADDRESS */
	EVT_END,     /* u8: enum ev_stack_end, as a word */
	EVT_METRIC,  /* u64 whose meaning is h.arg; the field stands for the one named by `id` */
	EVT_FLAG,    /* bare word: h.flags has the bit `id` */
	EVT_ARGBIT,  /* bare word: h.arg has the bit `id` */
	EVT_U16,
	EVT_FRAME,  /* u64: a user frame, MODULE:ADDRESS */
	EVT_MODULE, /* u8: enum ev_module_kind, as a word */
	EVT_BUILD,  /* struct ev_module: the build id, two hex digits a byte */
	EVT_FUNC,   /* struct ev_sym: the first text */
	EVT_FILE,   /* struct ev_sym: the second text; ends the record */
	EVT_OP,	    /* low byte of h.arg: enum ev_mark_op, as a word */
	EVT_BY,	    /* the byte above: enum ev_mark_by, as a word */
	EVT_NAME,   /* struct ev_mark: its first nname bytes of text */
	EVT_TEXT,   /* struct ev_mark: the ntext bytes after them; ends the record */
};

/* When a field stands in the text. */
enum ev_need {
	EVN_ALWAYS = 0,
	EVN_NONZERO, /* left out when it has its default: 0, no fd class, EV_NR_NONE, no frames */
	EVN_LONG,    /* exactly when the record is long enough to hold it */
	EVN_FUNC,    /* a mark: as EVN_NONZERO, but only by EV_BY_FUNC … */
	EVN_NOTFUNC, /* … and only by others: the two share their place */
};

struct ev_field {
	const char *name;
	uint8_t type; /* enum ev_ftype */
	uint8_t need; /* enum ev_need */
	uint16_t off; /* from the start of the record */
	uint32_t id;
};

#define EV_FIELDS_MAX 17

struct ev_spec {
	const char *name;
	uint16_t min, max; /* bytes, with the header */
	uint16_t step;	   /* a legal length is min + n * step; 0 when min == max */
	struct ev_field field[EV_FIELDS_MAX]; /* up to the first without a name */
};

/* The row of a kind; NULL when there is no such kind. */
const struct ev_spec *ev_spec(unsigned kind);

/* The kind with this name; EV_NONE when there is none. */
unsigned ev_kind_by_name(const char *name, size_t len);

/* 0 when the record is legal for its kind, -EINVAL otherwise. For bytes of any origin. */
int ev_check(const void *rec, size_t len);

/* The words of enum ev_fdclass; NULL when it is none. */
const char *ev_fdclass_name(unsigned fdclass);

/* The words of enum ev_stack_end and of enum ev_module_kind; NULL when it is none. */
const char *ev_end_name(unsigned end);
const char *ev_module_name(unsigned type);
/* Those of enum ev_mark_op and of enum ev_mark_by. */
const char *ev_op_name(unsigned op);
const char *ev_by_name(unsigned by);

/* The id of the stack that a checked record refers to; 0: it has none. */
uint32_t ev_stack_id(const struct ev_hdr *h, size_t len);

#endif

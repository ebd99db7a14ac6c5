/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an option is, as a row of a table: its names, its help, the kind of its value and the field
 * that takes it. Values are read, and refused, here for all rows alike: a sentence names the
 * option, the value, the reason and what to write instead.
 *
 * OPT_FIELD fills in a row's kind and field, and does not compile where the field has another type.
 */
#ifndef CTRACE_CLI_OPTKIND_H
#define CTRACE_CLI_OPTKIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

enum opt_kind {
	OPT_HEADING = 1, /* no option: .help stands above those that follow, .name is NULL */
	OPT_STOP,	 /* nothing is read: the parser returns .unsaid at once */
	OPT_FLAG,	 /* bool: it was given */
	OPT_STRING,	 /* const char *, not empty, borrowed; what .words has in it is refused */
	OPT_STRINGS,	 /* struct opt_strings: each that was given */
	OPT_NUMBER,	 /* unsigned, min to max */
	OPT_PERCENT,	 /* unsigned, min to max, 100 if that is not set; with or without the % */
	OPT_DURATION,	 /* uint64_t, ns, min to max */
	OPT_SIZE,	 /* uint64_t, bytes, min to max */
	OPT_WORD,	 /* unsigned: the value of one of .words */
	OPT_WORDS,	 /* unsigned: the values of words apart by commas, or-ed */
	OPT_OWN,	 /* whatever .set does */
};

/* What completion offers for a value. */
enum opt_offer {
	OFFER_BY_KIND = 0, /* its .words or .examples; some of each where it is a time, a size or a
			      percentage */
	OFFER_FILES,
	OFFER_PROGRAMS, /* files behind whose names something follows */
	OFFER_PIDS,
	OFFER_NAMES, /* of processes */
	OFFER_NAMES_AND_PIDS,
	OFFER_USERS,
	OFFER_GROUPS,
	OFFER_CONTAINERS,
};

/* May one who asks the service for a recording set it? */
enum opt_request {
	REQUEST_NO = 0,
	REQUEST_DEFAULT, /* no, but it is true of each recording when serve was given it */
	REQUEST_YES,
	REQUEST_RULE,	/* … and what serve was given of it is true of its own targets alone */
	REQUEST_TARGET, /* … and takes the place of all targets and rules that serve was given */
};

struct opt_word {
	const char *word; /* NULL: the end of the list */
	unsigned value;	  /* in OPT_WORDS 0 is a word that stands alone */
	const char *no;	  /* why it cannot be given, where that needs to be said */
};

struct opt_strings {
	const char **v; /* borrowed, the array is not */
	size_t cnt, cap;
};

struct opt_row {
	char letter; /* 0 none */
	const char *name;
	const char *arg; /* NULL: takes none; in brackets: may be left out */
	unsigned cmds;	 /* which commands know it */
	const char *help;

	enum opt_kind kind;
	size_t at;		/* where the field is */
	uint64_t min, max;	/* max 0: as much as the field holds */
	unsigned unsaid;	/* of OPT_NUMBER: what it is when the value is left out */
	const char *what;	/* is no such value: "a row number" */
	const char *low, *high; /* reasons against what is below min and above max */
	const char *way;	/* to write it; NULL: as the kind says */
	const struct opt_word *words;
	enum opt_offer offer;
	const char *examples; /* values apart by spaces, each of which is taken */
	bool once;	      /* OPT_STRING: two values would contradict each other */
	enum opt_request request;
	bool many; /* may be given again; of OPT_STRINGS it is known */
	int (*set)(const struct opt_row *row, void *options, const char *arg, struct strbuf *why);
};

/* Reads a value into the row's field. 0, or -EINVAL with the sentence in why. arg is NULL where
 * none was given. */
int opt_set(const struct opt_row *row, void *options, const char *arg, struct strbuf *why);

/* For a setter of its own: "-p x: REASON; write WAY", and -EINVAL. */
__attribute__((format(printf, 4, 5))) int opt_refuse(const struct opt_row *row, const char *arg,
						     struct strbuf *why, const char *reason, ...);

bool opt_may_be_bare(const struct opt_row *row); /* its value may be left out */

/* The type of a field, by kind. */
typedef bool opt_type_FLAG;
typedef const char *opt_type_STRING;
typedef struct opt_strings opt_type_STRINGS;
typedef unsigned opt_type_NUMBER, opt_type_PERCENT, opt_type_WORD, opt_type_WORDS;
typedef uint64_t opt_type_DURATION, opt_type_SIZE;

/* A row's kind and field, OPT_FIELD(DURATION, struct options, duration_ns); an error where the
 * field has another type. */
#define OPT_FIELD(k, options, field)                      \
	.kind = OPT_##k, .at = offsetof(options, field) + \
			       0 * sizeof(_Generic(&((options *)0)->field, opt_type_##k * : 0))

#endif

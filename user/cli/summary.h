/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last words of a recording or a conversion: for people on stderr, as JSON on stdout when
 * asked. Where a recording could not be written, it is what was lost before, and the caller tells
 * the error behind it.
 */
#ifndef CTRACE_CLI_SUMMARY_H
#define CTRACE_CLI_SUMMARY_H

#include <stdbool.h>

#include "bpf/event.h"
#include "gotrace/writer.h"
#include "model/model.h"

struct flight_stats;
struct strbuf;
struct trail;

#define SUMMARY_PROGS 16

/* Programs that could not run because they already ran on the CPU: the kernel skips them without a
 * record. */
struct missed {
	const char *prog;
	uint64_t cnt;
};

/* What went wrong beside the main thing, a sentence each. */
struct summary_troubles {
	const char *const *text;
	size_t cnt;
};

struct summary {
	const char *file;		   /* of several the newest; NULL: none was written */
	const struct trail *files;	   /* that there are; NULL: the one */
	const struct flight_stats *flight; /* NULL: all is written */
	const char *ended;    /* which bound ended it, as an option's name; NULL none */
	double ended_seconds; /* where, from the begin on: what follows is in no file */
	const struct model_stats *model;
	struct trace_writer_stats writer;
	uint64_t late;
	struct summary_troubles symbol_troubles; /* with stacks and names of functions */
	struct summary_troubles annot_troubles;	 /* with annotations */
	/* of a recording only */
	bool recorded;
	bool stdout_taken; /* by a command that we have started */
	const char *error; /* the sentence, when not all could be written; NULL fine */
	uint64_t lost_kind[EV_KERNEL_MAX];
	const uint64_t *lost_cpu; /* by CPU, ncpu of them; NULL none */
	unsigned ncpu;
	uint64_t no_storage; /* of the lost ones: their thread had no place in the kernel */
	uint64_t refused;    /* records that are not legal; left out */
	uint64_t unfollowed; /* processes that were meant, and for which there was no room */
	struct missed missed[SUMMARY_PROGS];
	const uint64_t *walks; /* of user stacks, by enum ev_stack_end, EV_END_MAX of them; NULL:
				  not told */
	uint64_t walked_frames;
	double cpu_seconds; /* our own, user and system */
	double user_seconds;
	uint64_t rss_bytes;  /* our own, the greatest, with the buffers, which are mapped twice */
	double stop_seconds; /* from the stop to the complete file */
	uint64_t buffer_bytes;
};

/* Sets file, files and the bytes of the writer: those that are there. */
void summary_add_files(struct summary *s, const struct trail *files);

/* Adds the members files_written and files to an object that has others; shares: what each file
 * holds of the recording, too. */
void summary_json_files(struct strbuf *out, const struct trail *t, bool shares);

/* JSON goes to stderr where stdout is the trace's, or the command's. */
void summary_print(const struct summary *s, bool json);

#endif

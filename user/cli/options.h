/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of all commands: one table feeds the parser, --help, the completion of shells and the
 * test that the man page knows them all. Options are const once parsed.
 */
#ifndef CTRACE_CLI_OPTIONS_H
#define CTRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "annot/spec.h"
#include "bpf/config.h"
#include "cli/optkind.h"
#include "model/trigger_spec.h"

struct strbuf;

/* which commands know an option */
#define FOR_RECORD 0x1
#define FOR_CONVERT 0x2
#define FOR_FEATURES 0x4
#define FOR_MARKERS 0x8
#define FOR_SERVE 0x10
#define FOR_CONSOLE 0x20
#define FOR_PS 0x40
#define FOR_TREE 0x80
#define FOR_TRACE 0x100
#define FOR_VIEW 0x200
#define FOR_ALL 0x3ff

enum syscall_mode { SYSCALLS_ALL, SYSCALLS_BLOCKING, SYSCALLS_NONE };
enum listen { LISTEN_AUTO, LISTEN_OFF };

#define IRQ_UNSAID UINT64_MAX
#define TRIGGER_GAP_UNSAID UINT64_MAX
#define TRIGGER_GAP_NS 1000000000ull /* when it is not told */

struct options {
	uint32_t *pid; /* as the user wrote them, each once */
	size_t npid, cap_pid;
	bool all;
	bool follow;			  /* children of what is recorded, too */
	const char *cgroup, *container;	  /* NULL: none */
	struct opt_strings comm, exclude; /* of -a and --cgroup: names as globs, exclude pids too */
	struct opt_strings uid;		  /* names or numbers */
	bool kernel_threads;
	unsigned sample_processes; /* percent; 0: all of them */
	uint64_t irq_ns; /* interrupts that take longer are told; 0: none, IRQ_UNSAID: as the mode
			    has it */
	uint64_t duration_ns; /* 0: until stopped */
	const char *output;   /* NULL: the command's default */
	enum syscall_mode syscalls;
	unsigned stacks; /* enum ct_stacks, of bpf/config.h: which records carry one */
	enum ct_call_graph call_graph; /* how user stacks are walked */
	unsigned sample_hz;	       /* CPU samples a second; 0 none */
	uint64_t buffer;	       /* bytes, 0 default */
	bool strict;
	bool json;
	unsigned completion; /* enum shell, of completion.h; 0: is not asked for */
	unsigned go_minor;
	bool group_digits;
	unsigned first_proc;
	const char *raw;
	bool text;
	bool repair;
	uint64_t rotate_ns, rotate_bytes; /* 0: one file */
	unsigned keep;			  /* files; 0: all of them */
	uint64_t max_size, min_free;	  /* bytes, 0: no limit */
	uint64_t duty_on_ns, duty_ns;	  /* so much of each so much; 0: all the time */
	uint64_t flight_ns, flight_bytes; /* of the flight recorder; flight_ns 0: none */
	struct trigger_spec *trigger;
	size_t ntrigger, cap_trigger;
	uint64_t trigger_gap_ns;  /* between two snapshots that triggers write; TRIGGER_GAP_UNSAID:
				     not told */
	struct annot_spec *annot; /* --region, --usdt, --usdt-region, as they were given */
	size_t nannot, cap_annot;
	enum listen annotations;    /* off: neither markers of ctrace.h nor of Go are listened to */
	enum listen go;		    /* off: Go programs are like others */
	struct opt_strings regions; /* markers --region: globs of functions */

	const char *listen, *socket; /* of the service; NULL: as the command has it */
	const char *output_dir;	     /* NULL: the current one */
	const char *token_file, *tls_cert, *tls_key;
	bool gops;		 /* port files for the processes of -p */
	const char *tls_ca;	 /* of the console, as token_file */
	struct opt_strings exec; /* of the console: lines to do */
	unsigned max_recordings;
	uint64_t max_time_ns, max_total;

	char **words; /* see options_words() */
	size_t nwords, cap_words;

	bool no_view;	  /* of trace: what it recorded is not opened */
	const char *http; /* where the viewer listens; NULL: as it likes */

	char **rest; /* what is no option */
	int nrest;
	char **command; /* behind --, with its arguments and a NULL; NULL: there is no -- */
};

/*
 * 0; -EINVAL with the reason in why; 1 when --help was asked for, 2 for --version: the caller
 * prints it. Strings are borrowed from argv. The caller frees with options_free in each case.
 */
int options_parse(struct options *o, unsigned cmd, int argc, char **argv, struct strbuf *why);
void options_free(struct options *o);

void options_help(FILE *out, unsigned cmd);

/* The rows of the table, those of all commands and headings included; NULL behind the last one. */
const struct opt_row *options_row(size_t nth);

/*
 * What was said of the recording, as words that options_parse() takes again, `--pid=42`, in their
 * order, and a NULL: of rows whose .request is not REQUEST_NO. They live as long as the options.
 */
char *const *options_words(const struct options *o);

/* Is the trace parted into files, by time or by size? */
bool options_rotated(const struct options *o);

#endif

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sets a program that does nothing on a marker: bare FILE OFFSET SEMAPHORE PID, offsets in the
 * file. Out: "ready" on stderr once it is attached; ends at SIGINT or SIGTERM.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bare.skel.h"

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts);
	unsigned long offset, semaphore;
	struct bare_bpf *skel;
	struct bpf_link *link;
	sigset_t stop;
	int sig;

	if (argc < 5) {
		fprintf(stderr, "usage: bare FILE OFFSET SEMAPHORE PID\n");
		return 2;
	}
	offset = strtoul(argv[2], NULL, 0);
	semaphore = strtoul(argv[3], NULL, 0);
	opts.offsets = &offset;
	opts.ref_ctr_offsets = &semaphore;
	opts.cnt = 1;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	skel = bare_bpf__open_and_load();
	if (!skel) {
		fprintf(stderr, "bare: cannot load: %s\n", strerror(errno));
		return 1;
	}
	link = bpf_program__attach_uprobe_multi(skel->progs.bare_hit, atoi(argv[4]), argv[1], NULL,
						&opts);
	if (!link) {
		fprintf(stderr, "bare: cannot attach: %s\n", strerror(errno));
		bare_bpf__destroy(skel);
		return 1;
	}
	fprintf(stderr, "ready\n");
	sigwait(&stop, &sig);
	bpf_link__destroy(link);
	bare_bpf__destroy(skel);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/* See sampler.h. */
#include "capture/sampler.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/config.h"
#include "bpf/launch.h"
#include "bpf/mark.h"
#include "ctrace.skel.h"
#include "util/xalloc.h"

struct sampler {
	unsigned ncpu;
	struct bpf_link **link; /* by CPU, NULL none */
};

static int open_clock(struct perf_event_attr *attr, unsigned cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static struct perf_event_attr cycles(unsigned hz)
{
	return (struct perf_event_attr){
		.size = sizeof(struct perf_event_attr),
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.freq = 1,
		.sample_freq = hz,
	};
}

bool sampler_has_cycles(void)
{
	struct perf_event_attr attr = cycles(99);
	int fd = open_clock(&attr, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct sampler *sampler__new(unsigned ncpu)
{
	struct sampler *s = xcalloc(1, sizeof(*s));

	s->ncpu = ncpu;
	s->link = xcalloc(ncpu, sizeof(struct bpf_link *));
	return s;
}

static int attach(struct sampler *s, struct ctrace *skel, unsigned hz, unsigned cpu)
{
	struct perf_event_attr attr = cycles(hz);
	int fd, err;

	if (!skel->rodata->ct_cfg.sample_nmi) {
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_CPU_CLOCK;
	}
	fd = open_clock(&attr, cpu);
	if (fd < 0)
		return -errno;
	s->link[cpu] = bpf_program__attach_perf_event(skel->progs.ct_sample, fd);
	if (s->link[cpu])
		return 0;
	err = -errno;
	close(fd);
	return err;
}

int sampler__attach(struct sampler *s, struct ctrace *skel, unsigned hz, const bool *online)
{
	unsigned i;
	int err = 0;

	for (i = 0; !err && i < s->ncpu; i++)
		err = online[i] ? attach(s, skel, hz, i) : 0;
	return err;
}

void sampler__free(struct sampler *s)
{
	unsigned i;

	if (!s)
		return;
	for (i = 0; i < s->ncpu; i++)
		bpf_link__destroy(s->link[i]);
	free(s->link);
	free(s);
}

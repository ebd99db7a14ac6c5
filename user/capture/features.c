// SPDX-License-Identifier: BSD-2-Clause
/* See features.h. */
#include "capture/features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "symbol/ksyms.h"
#include "util/env.h"
#include "util/strbuf.h"

static bool has_cap(cap_value_t cap)
{
	cap_flag_value_t v = CAP_CLEAR, admin = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (!caps)
		return false;
	cap_get_flag(caps, cap, CAP_EFFECTIVE, &v);
	cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &admin);
	cap_free(caps);
	return v == CAP_SET || (admin == CAP_SET && (cap == CAP_BPF || cap == CAP_PERFMON ||
						     cap == CAP_CHECKPOINT_RESTORE));
}

const char *features_btf_path(void)
{
	return secure_getenv(ENV_BTF);
}

static struct btf *kernel_btf(void)
{
	static struct btf *btf;

	if (!btf)
		btf = features_btf_path() ? btf__parse(features_btf_path(), NULL) :
					    btf__load_vmlinux_btf();
	return btf;
}

static bool ask_btf(void)
{
	return kernel_btf();
}

static bool ask_bpf(void)
{
	return has_cap(CAP_BPF);
}

static bool ask_perfmon(void)
{
	return has_cap(CAP_PERFMON);
}

/* A question to the types needs no privilege, unlike a trial load. */
static bool btf_has(const char *name, unsigned kind)
{
	return kernel_btf() && btf__find_by_name_kind(kernel_btf(), name, kind) > 0;
}

static bool ask_tp_btf(void)
{
	return btf_has("btf_trace_sched_switch", BTF_KIND_TYPEDEF) &&
	       btf_has("btf_trace_sched_waking", BTF_KIND_TYPEDEF);
}

static bool ask_raw_tp(void)
{
	return btf_has("bpf_raw_tp_link", BTF_KIND_STRUCT);
}

static bool ask_ringbuf(void)
{
	return btf_has("bpf_ringbuf", BTF_KIND_STRUCT);
}

static bool ask_task_storage(void)
{
	return btf_has("bpf_task_storage_get", BTF_KIND_FUNC);
}

static bool ask_task_iter(void)
{
	return btf_has("bpf_iter__task", BTF_KIND_STRUCT);
}

static bool ask_pt_regs(void)
{
	return btf_has("bpf_task_pt_regs", BTF_KIND_FUNC);
}

static bool ask_perf_event(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* /proc/PID/map_files leads to the file that is mapped, whatever has become of its name. */
static bool ask_read_others(void)
{
	return has_cap(CAP_CHECKPOINT_RESTORE) && has_cap(CAP_DAC_READ_SEARCH);
}

/* A capability of the file is everybody's who may run it: it does not make root of who called. */
static bool lent; /* a mutable global: it is the process that is somebody else's */

void features_lend_rights(void)
{
	lent = true;
}

bool features_rights_are_callers(void)
{
	if (lent)
		return false;
	return !getuid() || !getauxval(AT_SECURE);
}

static bool ask_see_all(void)
{
	return has_cap(CAP_SYS_PTRACE) && features_rights_are_callers();
}

/*
 * Before 6.6.33, 6.9.4 and 6.10 (46ba0e49b642) such a link to a process saw one of its threads
 * alone. The fix also has a pid that makes no sense refused before the path is looked at. Who may
 * not ask is told what the types say.
 */
static bool takes_thread_for_process(void)
{
	/* r0 = 0; exit */
	const struct bpf_insn insn[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K },
					 { .code = BPF_JMP | BPF_EXIT } };
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = FEATURES_UPROBE_MULTI_TYPE);
	const unsigned long offset = 0;
	LIBBPF_OPTS(bpf_link_create_opts, link, .uprobe_multi.path = "/",
		    .uprobe_multi.offsets = &offset, .uprobe_multi.cnt = 1,
		    .uprobe_multi.pid = (uint32_t)-1);
	int prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insn, 2, &load), fd, err;

	if (prog < 0)
		return false;
	fd = bpf_link_create(prog, 0, FEATURES_UPROBE_MULTI_TYPE, &link);
	err = errno;
	if (fd >= 0)
		close(fd);
	close(prog);
	return fd >= 0 || err != EINVAL;
}

static bool ask_uprobe_multi(void)
{
	static int known = -1; /* rights that are given up later do not change the answer */

	if (known < 0)
		known = btf_has("bpf_uprobe_multi_link", BTF_KIND_STRUCT) &&
			!takes_thread_for_process();
	return known;
}

static bool ask_nice(void)
{
	return has_cap(CAP_SYS_NICE);
}

#define AS_ROOT "run as root (sudo ctrace-bpf …)"

const struct feature features[FEATURE_MAX] = {
	[FEATURE_BTF] = { "btf", "the kernel's own types (BTF)", NULL,
			  "a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's, Ubuntu's and Fedora's are, and /sys mounted",
			  ask_btf },
	[FEATURE_CAP_BPF] = { "cap_bpf", "we may load BPF programs (CAP_BPF)", NULL,
			      AS_ROOT ", or: sudo setcap cap_bpf,cap_perfmon+ep ctrace-bpf",
			      ask_bpf },
	[FEATURE_CAP_PERFMON] = { "cap_perfmon", "we may read kernel events (CAP_PERFMON)", NULL,
				  AS_ROOT ", or: sudo setcap cap_bpf,cap_perfmon+ep ctrace-bpf",
				  ask_perfmon },
	[FEATURE_TP_BTF] = { "tp_btf", "typed tracepoints of the scheduler", NULL,
			     "Linux 6.1 or newer", ask_tp_btf },
	[FEATURE_RAW_TP] = { "raw_tp", "raw tracepoints of syscalls", NULL, "Linux 6.1 or newer",
			     ask_raw_tp },
	[FEATURE_RINGBUF] = { "ringbuf", "BPF ring buffers", NULL, "Linux 6.1 or newer",
			      ask_ringbuf },
	[FEATURE_TASK_STORAGE] = { "task_storage", "memory kept with each thread (task storage)",
				   NULL, "Linux 6.1 or newer", ask_task_storage },
	[FEATURE_TASK_ITER] = { "task_iter",
				"a walk over all threads inside the kernel (task iterator)", NULL,
				"Linux 6.1 or newer", ask_task_iter },
	[FEATURE_PT_REGS] = { "task_pt_regs", "the syscall that a sleeping thread is in", NULL,
			      "Linux 6.1 or newer", ask_pt_regs },
	[FEATURE_PERF_EVENT] = { "perf_event",
				 "news of what is mapped where, and a clock for CPU samples (perf events)",
				 "stacks end at code that is loaded while recording; no --sample",
				 "run as root, or add cap_perfmon; in a container, allow perf_event_open",
				 ask_perf_event },
	[FEATURE_READ_OTHERS] = { "read_others",
				  "files that were deleted or replaced after they were mapped (CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH)",
				  "stacks end in such files, and in those that we may not read",
				  AS_ROOT, ask_read_others },
	[FEATURE_SEE_ALL] = { "see_all", "processes of every user (CAP_SYS_PTRACE)",
			      "-p takes only your own processes", AS_ROOT, ask_see_all },
	[FEATURE_UPROBE_MULTI] = { "uprobe_multi",
				   "annotations with CAP_BPF and CAP_PERFMON alone, many probes at once (uprobe_multi)",
				   "annotations need root (CAP_SYS_ADMIN), and a file descriptor for each probe",
				   "Linux 6.6.33 or newer; before, run as root (CAP_SYS_ADMIN), or add cap_sys_admin",
				   ask_uprobe_multi },
	[FEATURE_KALLSYMS] = { "kallsyms", "names of kernel functions",
			       "kernel stacks are addresses",
			       AS_ROOT ", or: sysctl kernel.kptr_restrict=0, or add cap_syslog",
			       ksyms_visible },
	[FEATURE_NICE] = { "nice", "we may run before others when all CPUs are busy (CAP_SYS_NICE)",
			   "records may be lost under full load", AS_ROOT ", or add cap_sys_nice",
			   ask_nice },
};

bool features_probes_call(void)
{
	return btf_has("arch_uprobe_optimize", BTF_KIND_FUNC);
}

bool features_may_probe(void)
{
	return features[FEATURE_UPROBE_MULTI].ask() || has_cap(CAP_SYS_ADMIN);
}

int features_require(struct strbuf *why)
{
	struct utsname un;
	size_t i;

	for (i = 0; i < FEATURE_MAX; i++) {
		if (features[i].without || features[i].ask())
			continue;
		uname(&un);
		if (i == FEATURE_CAP_BPF || i == FEATURE_CAP_PERFMON)
			strbuf_set_f(why, "not enough privileges: %s", features[i].remedy);
		else
			strbuf_set_f(why, "this kernel (%s) lacks %s: %s", un.release,
				     features[i].what, features[i].remedy);
		return -ENOTSUP;
	}
	return 0;
}

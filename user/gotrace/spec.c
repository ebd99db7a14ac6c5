// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table behind spec.h: one row per event of the Go trace format, by its number on the wire.
 * Argument names are ours where the Go tools' would be long; order and meaning are those of the
 * wire.
 */
#include "gotrace/spec.h"

#include <stddef.h>

// clang-format off
#define TIMED(ver, ev_name, ...) \
	{ .name = ev_name, .since = ver, .shape = GO_SHAPE_TIMED, ARGS(__VA_ARGS__) }
#define OTHER(ver, ev_name, ev_shape, ...) \
	{ .name = ev_name, .since = ver, .shape = ev_shape, ARGS(__VA_ARGS__) }
#define ARGS(...)                                                                        \
	.narg = sizeof((const struct go_arg_spec[]){ { 0 }, ##__VA_ARGS__ }) /           \
			sizeof(struct go_arg_spec) -                                     \
		1,                                                                       \
	.arg = { __VA_ARGS__ }

#define NUM(n) { n, GO_ARG_NUM }
#define SEQ(n) { n, GO_ARG_SEQ }
#define STR(n) { n, GO_ARG_STRING }
#define STK(n) { n, GO_ARG_STACK }
#define TASK(n) { n, GO_ARG_TASK }
#define G(n) { n, GO_ARG_G }
#define M { "m", GO_ARG_M }
#define P { "p", GO_ARG_P }
#define TIME { "time", GO_ARG_TIME }
#define GSTATUS { "status", GO_ARG_GSTATUS }
#define PSTATUS { "status", GO_ARG_PSTATUS }

static const struct go_ev_spec specs[] = {
	[GO_EV_EVENT_BATCH] =
		OTHER(22, "EventBatch", GO_SHAPE_DATA, NUM("gen"), M, TIME),
	[GO_EV_STACKS] = OTHER(22, "Stacks", GO_SHAPE_SECTION),
	[GO_EV_STACK] = OTHER(22, "Stack", GO_SHAPE_FRAMES, NUM("id"), NUM("nframes")),
	[GO_EV_STRINGS] = OTHER(22, "Strings", GO_SHAPE_SECTION),
	[GO_EV_STRING] = OTHER(22, "String", GO_SHAPE_DATA, NUM("id")),
	[GO_EV_CPU_SAMPLES] = OTHER(22, "CPUSamples", GO_SHAPE_SECTION),
	[GO_EV_CPU_SAMPLE] =
		OTHER(22, "CPUSample", GO_SHAPE_PLAIN, TIME, M, P, G("g"), STK("stack")),
	[GO_EV_FREQUENCY] = OTHER(22, "Frequency", GO_SHAPE_PLAIN, NUM("freq")),

	[GO_EV_PROCS_CHANGE] = TIMED(22, "ProcsChange", NUM("procs"), STK("stack")),
	[GO_EV_PROC_START] = TIMED(22, "ProcStart", P, SEQ("seq")),
	[GO_EV_PROC_STOP] = TIMED(22, "ProcStop"),
	[GO_EV_PROC_STEAL] = TIMED(22, "ProcSteal", P, SEQ("seq"), M),
	[GO_EV_PROC_STATUS] = TIMED(22, "ProcStatus", P, PSTATUS),

	[GO_EV_GO_CREATE] = TIMED(22, "GoCreate", G("newg"), STK("newstack"), STK("stack")),
	[GO_EV_GO_CREATE_SYSCALL] = TIMED(22, "GoCreateSyscall", G("newg")),
	[GO_EV_GO_START] = TIMED(22, "GoStart", G("g"), SEQ("seq")),
	[GO_EV_GO_DESTROY] = TIMED(22, "GoDestroy"),
	[GO_EV_GO_DESTROY_SYSCALL] = TIMED(22, "GoDestroySyscall"),
	[GO_EV_GO_STOP] = TIMED(22, "GoStop", STR("reason"), STK("stack")),
	[GO_EV_GO_BLOCK] = TIMED(22, "GoBlock", STR("reason"), STK("stack")),
	[GO_EV_GO_UNBLOCK] = TIMED(22, "GoUnblock", G("g"), SEQ("seq"), STK("stack")),
	[GO_EV_GO_SYSCALL_BEGIN] = TIMED(22, "GoSyscallBegin", SEQ("pseq"), STK("stack")),
	[GO_EV_GO_SYSCALL_END] = TIMED(22, "GoSyscallEnd"),
	[GO_EV_GO_SYSCALL_END_BLOCKED] = TIMED(22, "GoSyscallEndBlocked"),
	[GO_EV_GO_STATUS] = TIMED(22, "GoStatus", G("g"), M, GSTATUS),

	[GO_EV_STW_BEGIN] = TIMED(22, "STWBegin", STR("kind"), STK("stack")),
	[GO_EV_STW_END] = TIMED(22, "STWEnd"),
	[GO_EV_GC_ACTIVE] = TIMED(22, "GCActive", SEQ("seq")),
	[GO_EV_GC_BEGIN] = TIMED(22, "GCBegin", SEQ("seq"), STK("stack")),
	[GO_EV_GC_END] = TIMED(22, "GCEnd", SEQ("seq")),
	[GO_EV_GC_SWEEP_ACTIVE] = TIMED(22, "GCSweepActive", P),
	[GO_EV_GC_SWEEP_BEGIN] = TIMED(22, "GCSweepBegin", STK("stack")),
	[GO_EV_GC_SWEEP_END] = TIMED(22, "GCSweepEnd", NUM("swept"), NUM("reclaimed")),
	[GO_EV_GC_MARK_ASSIST_ACTIVE] = TIMED(22, "GCMarkAssistActive", G("g")),
	[GO_EV_GC_MARK_ASSIST_BEGIN] = TIMED(22, "GCMarkAssistBegin", STK("stack")),
	[GO_EV_GC_MARK_ASSIST_END] = TIMED(22, "GCMarkAssistEnd"),
	[GO_EV_HEAP_ALLOC] = TIMED(22, "HeapAlloc", NUM("bytes")),
	[GO_EV_HEAP_GOAL] = TIMED(22, "HeapGoal", NUM("bytes")),

	[GO_EV_GO_LABEL] = TIMED(22, "GoLabel", STR("label")),
	[GO_EV_USER_TASK_BEGIN] =
		TIMED(22, "UserTaskBegin", TASK("task"), TASK("parent"), STR("name"), STK("stack")),
	[GO_EV_USER_TASK_END] = TIMED(22, "UserTaskEnd", TASK("task"), STK("stack")),
	[GO_EV_USER_REGION_BEGIN] =
		TIMED(22, "UserRegionBegin", TASK("task"), STR("name"), STK("stack")),
	[GO_EV_USER_REGION_END] =
		TIMED(22, "UserRegionEnd", TASK("task"), STR("name"), STK("stack")),
	[GO_EV_USER_LOG] =
		TIMED(22, "UserLog", TASK("task"), STR("key"), STR("value"), STK("stack")),

	[GO_EV_GO_SWITCH] = TIMED(23, "GoSwitch", G("g"), SEQ("seq")),
	[GO_EV_GO_SWITCH_DESTROY] = TIMED(23, "GoSwitchDestroy", G("g"), SEQ("seq")),
	[GO_EV_GO_CREATE_BLOCKED] =
		TIMED(23, "GoCreateBlocked", G("newg"), STK("newstack"), STK("stack")),
	[GO_EV_GO_STATUS_STACK] = TIMED(23, "GoStatusStack", G("g"), M, GSTATUS, STK("stack")),
	[GO_EV_EXPERIMENTAL_BATCH] =
		OTHER(23, "ExperimentalBatch", GO_SHAPE_DATA, NUM("exp"), NUM("gen"), M, TIME),

	[GO_EV_SYNC] = OTHER(25, "Sync", GO_SHAPE_SECTION),
	[GO_EV_CLOCK_SNAPSHOT] =
		TIMED(25, "ClockSnapshot", NUM("mono"), NUM("sec"), NUM("nsec")),

	[GO_EV_END_OF_GENERATION] = OTHER(26, "EndOfGeneration", GO_SHAPE_SECTION),
};
// clang-format on
_Static_assert(sizeof(specs) / sizeof(specs[0]) == GO_EV_MAX, "one row per event number");

const struct go_ev_spec *go_ev_spec(unsigned ev)
{
	return ev < GO_EV_MAX && specs[ev].name ? &specs[ev] : NULL;
}

const struct go_ev_spec *go_ev_spec_at(unsigned ev, unsigned minor)
{
	const struct go_ev_spec *s = go_ev_spec(ev);

	return s && s->since <= minor ? s : NULL;
}

const char *go_status_name(uint64_t status)
{
	switch (status) {
	case GO_RUNNABLE:
		return "Runnable";
	case GO_RUNNING:
		return "Running";
	case GO_SYSCALL:
		return "Syscall";
	case GO_WAITING:
		return "Waiting";
	default:
		return NULL;
	}
}

const char *proc_status_name(uint64_t status)
{
	switch (status) {
	case PROC_RUNNING:
		return "Running";
	case PROC_IDLE:
		return "Idle";
	case PROC_SYSCALL:
		return "Syscall";
	case PROC_SYSCALL_ABANDONED:
		return "SyscallAbandoned";
	default:
		return NULL;
	}
}

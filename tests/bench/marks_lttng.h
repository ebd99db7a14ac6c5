/* SPDX-License-Identifier: BSD-2-Clause */
/* What ctrace_log() says, as an event of lttng-ust: a number and a string. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ctrace_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./marks_lttng.h"

#if !defined(CTRACE_BENCH_MARKS_LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define CTRACE_BENCH_MARKS_LTTNG_H
#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(ctrace_bench, log,
			   LTTNG_UST_TP_ARGS(uint64_t, task, const char *, message),
			   LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, task, task)
						       lttng_ust_field_string(message, message)))

#endif
#include <lttng/tracepoint-event.h>

// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf features: what this kernel and these privileges give, and how to get the rest. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "capture/features.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "util/json.h"
#include "util/strbuf.h"
#include "version.h"

static int silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

static void print_json(const bool *has, bool can_record)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;

	strbuf_addf(&out, "{\"version\":\"%s\",\"can_record\":%s,\"features\":{", CTRACE_VERSION,
		    can_record ? "true" : "false");
	for (i = 0; i < FEATURE_MAX; i++)
		strbuf_addf(&out, "%s\"%s\":%s", i ? "," : "", features[i].key,
			    has[i] ? "true" : "false");
	strbuf_addstr(&out, "}}\n");
	fputs(out.buf, stdout);
	strbuf_free(&out);
}

static void print_words(const bool *has, bool can_record)
{
	struct utsname un;
	size_t i;

	uname(&un);
	printf("ctrace-bpf %s, Linux %s, libbpf %u.%u\n", CTRACE_VERSION, un.release,
	       libbpf_major_version(), libbpf_minor_version());
	for (i = 0; i < FEATURE_MAX; i++) {
		printf("  %-3s  %s\n", has[i] ? "yes" : "no", features[i].what);
		if (has[i])
			continue;
		printf("       without it: %s\n",
		       features[i].without ? features[i].without : "no recording");
		printf("       to get it:  %s\n", features[i].remedy);
	}
	printf("%s\n", can_record ? "Recording works here." : "Nothing can be recorded here.");
}

static int check(const struct options *o, struct strbuf *why)
{
	if (!o->nrest)
		return 0;
	strbuf_set_f(why, "features takes no argument: %s; see ctrace-bpf features --help",
		     o->rest[0]);
	return -EINVAL;
}

static enum exit_code tell_features(const struct options *o, struct strbuf *why)
{
	bool has[FEATURE_MAX], can_record = true;
	size_t i;

	(void)why; /* what lacks is the answer, and no error */
	libbpf_set_print(silent);
	for (i = 0; i < FEATURE_MAX; i++) {
		has[i] = features[i].ask();
		can_record = can_record && (has[i] || features[i].without);
	}
	if (o->json)
		print_json(has, can_record);
	else
		print_words(has, can_record);
	return can_record ? EXIT_FINE : EXIT_MACHINE;
}

const struct cmd cmd_features = {
	.name = "features",
	.synopsis = "features [--json]",
	.summary = "what this kernel and these privileges give, and how to get the rest",
	.options = FOR_FEATURES,
	.check = check,
	.run = tell_features,
};

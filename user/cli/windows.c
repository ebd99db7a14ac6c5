// SPDX-License-Identifier: BSD-2-Clause
/* See windows.h. */
#include "cli/windows.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/summary.h"
#include "output/trail.h"
#include "util/json.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"

#define LOG_TAG "summary"

static const struct trail_file *newest(const struct trail *t)
{
	return t->cnt ? &t->file[t->cnt - 1] : NULL;
}

static void print_json(const struct windows_summary *s)
{
	const struct trail_file *last = newest(s->files);
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, "{\"file\":");
	if (last)
		json_quote(&out, last->path);
	else
		strbuf_addstr(&out, "null");
	strbuf_addf(&out,
		    ",\"bytes\":%" PRIu64 ",\"windows\":%u,\"windows_left_out\":%" PRIu64
		    ",\"seconds\":%.6f,\"wall_seconds\":%.6f,\"events\":%" PRIu64
		    ",\"lost\":%" PRIu64 ",\"cpu_seconds\":%.4f,\"rss_bytes\":%" PRIu64,
		    s->files->bytes, s->windows, s->left_out, s->seconds, s->wall_seconds,
		    s->events, s->lost, s->cpu_seconds, s->rss_bytes);
	summary_json_files(&out, s->files, true);
	if (s->ended)
		strbuf_addf(&out, ",\"ended_by\":\"%s\"", s->ended);
	if (s->error) {
		strbuf_addstr(&out, ",\"error\":");
		json_quote(&out, s->error);
	}
	strbuf_addstr(&out, "}\n");
	fputs(out.buf, stdout);
	strbuf_free(&out);
}

void windows_print(const struct windows_summary *s, bool json)
{
	const struct trail_file *last = newest(s->files);
	char size[16];

	if (json)
		print_json(s);
	if (!last)
		return; /* the error says why */
	log_notice("%u window%s, %.1f of %.1f s: %" PRIu64 " events, %" PRIu64
		   " lost; %zu file%s, %s",
		   s->windows, s->windows == 1 ? "" : "s", s->seconds, s->wall_seconds, s->events,
		   s->lost, s->files->cnt, s->files->cnt == 1 ? "" : "s",
		   format_size(size, s->files->bytes));
	log_notice("cost: %.2f s CPU. Open the newest with: go tool trace %s", s->cpu_seconds,
		   last->path);
}

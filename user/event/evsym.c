// SPDX-License-Identifier: BSD-2-Clause
/* See evsym.h. */
#include "event/evsym.h"

#include <string.h>

#include "util/utf8.h"

#define CPU_COLLECTOR 0xffff
#define FUNC_MAX 1023 /* bytes; readers of traces take no longer string either */

size_t evsym_make(struct ev_sym *out, uint64_t ts, uint64_t frame, unsigned depth,
		  const struct sym_frame *f)
{
	size_t nfunc, nfile;

	memset(out, 0, EV_SYM_SHORT);
	out->h = (struct ev_hdr){ .ts = ts, .kind = EV_SYM, .cpu = CPU_COLLECTOR, .arg = f->line };
	out->frame = frame;
	out->depth = (uint16_t)depth;
	nfunc = utf8_clean(out->text, FUNC_MAX, f->func, strlen(f->func));
	out->text[nfunc++] = '\0';
	out->nfunc = (uint16_t)nfunc;
	nfile = utf8_clean(out->text + nfunc, sizeof(out->text) - nfunc - 1, f->file,
			   strlen(f->file));
	out->text[nfunc + nfile++] = '\0';
	return EV_SYM_SHORT + nfunc + nfile;
}

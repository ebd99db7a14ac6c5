/* SPDX-License-Identifier: BSD-2-Clause */
/* How the walk of a user stack ended (enum ev_stack_end), in words. */
#ifndef CTRACE_MODEL_WALKEND_H
#define CTRACE_MODEL_WALKEND_H

enum walkend_class {
	WALKEND_NONE,	  /* there was none */
	WALKEND_COMPLETE, /* at the outermost function */
	WALKEND_CUT,	  /* what is there is right */
	WALKEND_BROKEN,	  /* the way on was lost; the outermost frame may be wrong */
};

/* For any number: what is no end counts as none. */
enum walkend_class walkend_class(unsigned end);
const char *walkend_words(unsigned end); /* the reason, "" for the first two */

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Go built a program, and what follows from that: where things lie in the runtime's structs.
 * Only versions that were looked at are known.
 */
#ifndef CTRACE_ANNOT_GOBUILD_H
#define CTRACE_ANNOT_GOBUILD_H

#include <stdbool.h>

#include "bpf/mark.h"
#include "unwind/elf.h"

struct strbuf;

/* 22 for Go 1.22.x; 0: no Go program; -1: one whose version cannot be told, or is not a release. */
int go_build_minor(const struct unw_elf *e);

/* What the toolchain that built it calls itself, "go1.22.12", also of versions before 1.18; added
 * to out. false: no Go program. Nothing is added where it is one that does not say. */
bool go_build_version(const struct unw_elf *e, struct strbuf *out);

/* false: with the sentence in why. */
bool go_build_known(int minor, struct strbuf *why);

/* The offsets of a version that is known. */
void go_build_offsets(int minor, struct ct_go *go);

#endif

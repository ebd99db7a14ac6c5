/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A function's name as its programmer wrote it.
 *
 * C++ (Itanium ABI) and Rust (legacy and v0) are demangled by libiberty, without parameters and
 * return type, as perf shows them: with them the names of templates fill the line, and the Go
 * viewer has one line for a frame. So it is "ns::Class::method", and the hash of Rust is gone. What
 * the compiler put behind the mangled name stays (".cold"), but for LLVM's ".llvm.NUMBER". A
 * version of the linker ("@@GLIBC_2.2.5") goes, "@plt" stays.
 */
#ifndef CTRACE_SYMBOL_SYMNAME_H
#define CTRACE_SYMBOL_SYMNAME_H

struct strbuf;

/* Adds the name to out; something is added whenever raw is not empty. */
void symname(struct strbuf *out, const char *raw);

#endif

# SPDX-License-Identifier: BSD-2-Clause
# ctrace-bpf. Everything that is built goes to $(O); `make help` tells the targets.

O       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= bpftool
VMLINUX_BTF ?= /sys/kernel/btf/vmlinux
VERSION := $(shell cat VERSION)

ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
OPT  := $(if $(DEBUG),-O0 -g3,-O2 -g)
# Calls between the stages are short and many: a tenth of convert's time goes when the linker may inline them. Objects hold
# plain code as well, for the unit tests, which are linked two dozen times.
LTO  := $(if $(DEBUG)$(SAN),,$(if $(findstring Free Software Foundation,$(shell $(CC) --version)),-flto=auto -ffat-lto-objects))
Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-8s %s\n' $(1) $(2))

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
CPPFLAGS += -D_GNU_SOURCE -Iuser -I. -I$(O)/gen
CFLAGS   += -std=gnu11 $(OPT) $(WARN) $(SAN)
LDFLAGS  += $(SAN)
LDLIBS   := -lbpf -ldw -lelf -liberty -llzma -lz -lcap -lZydis -lmicrohttpd -ljansson -ledit -lpthread -lm
BPFFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter \
            $(if $(WERROR),-Werror) -I$(O)/gen -I. -idirafter /usr/include/$(shell $(CC) -print-multiarch)

SRC  := $(sort $(filter-out user/libctrace/%,$(wildcard user/*.c user/*/*.c)))
OBJ  := $(SRC:%.c=$(O)/%.o)
BPF  := $(sort $(wildcard bpf/*.bpf.c))
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
PROG := $(patsubst tests/prog/%.c,$(O)/prog/%,$(wildcard tests/prog/*.c)) \
        $(patsubst tests/prog/%.cpp,$(O)/prog/%,$(wildcard tests/prog/*.cpp)) $(O)/prog/cappuccino $(O)/prog/cappuccino-cpp

all: $(O)/ctrace-bpf ## the program

# ---- generated headers ----

$(O)/gen/vmlinux.h: $(VMLINUX_BTF)
	$(call say,BTF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) btf dump file $(VMLINUX_BTF) format c >$@.tmp && mv $@.tmp $@

$(O)/gen/syscall_names.h: scripts/syscall-names.sh
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)CC='$(CC)' scripts/syscall-names.sh >$@.tmp && mv $@.tmp $@

$(O)/gen/version.h: VERSION
	$(Q)mkdir -p $(@D)
	$(Q)echo '#define CTRACE_VERSION "$(VERSION)"' >$@

# A script as C text: completion.c puts the table into it.
$(O)/gen/completion_%.h: user/cli/completion.%
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< >$@

# The page of the service, for index.c.
$(O)/gen/index_html.h: user/http/index.html
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< >$@

# Only where the file is missing: make has nothing to do for one that is there.
$(VMLINUX_BTF):
	@echo "$@ is missing: the BPF programs are compiled with the types of a kernel. A kernel has them there when" \
		"it was built with CONFIG_DEBUG_INFO_BTF=y; or take the file of another machine: make VMLINUX_BTF=FILE" >&2; false

# ---- BPF: one object a file, linked into one skeleton ----

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/gen/vmlinux.h
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -DCT_OBJECT=$(*F) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(O)/gen/ctfind.skel.h: $(O)/bpf/find.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name ctfind >$@.tmp && mv $@.tmp $@

$(O)/gen/ctrace.skel.h: $(filter-out $(O)/bpf/find.bpf.o,$(BPF:%.c=$(O)/%.o))
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen object $(O)/bpf/ctrace.linked.o $^
	$(Q)$(BPFTOOL) gen skeleton $(O)/bpf/ctrace.linked.o name ctrace >$@.tmp && mv $@.tmp $@

# ---- the program ----

SHELLS_KNOWN := bash zsh fish
GENERATED := $(addprefix $(O)/gen/,syscall_names.h version.h ctrace.skel.h ctfind.skel.h index_html.h $(SHELLS_KNOWN:%=completion_%.h))

$(OBJ): | $(GENERATED)

$(O)/user/%.o: user/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LTO) -MMD -MP -c $< -o $@

$(O)/ctrace-bpf: $(OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LTO) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# ---- the library of programs that trace themselves: nothing of the program is in it but headers ----

LIBDIR ?= $(PREFIX)/lib
LIB    := $(O)/lib/libctrace.a $(O)/lib/libctrace.so

lib: $(LIB) ## libctrace, static and shared, for programs that trace themselves

$(O)/lib/control.o: user/libctrace/control.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@

$(O)/lib/libctrace.a: $(O)/lib/control.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $<

$(O)/lib/libctrace.so.1: $(O)/lib/control.o user/libctrace/libctrace.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -shared -Wl,-soname,libctrace.so.1 -Wl,--version-script=user/libctrace/libctrace.map \
		-o $@ $<

$(O)/lib/libctrace.so: $(O)/lib/libctrace.so.1
	$(Q)ln -sf libctrace.so.1 $@

# ---- tests ----

$(O)/unit/%: tests/unit/%.c $(filter-out $(O)/user/main.o,$(OBJ))
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(LTO),-fno-lto) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c %.o,$^) $(LDLIBS) -lcmocka

$(O)/unit/test_libctrace: $(O)/lib/libctrace.a
$(O)/unit/test_libctrace: LDLIBS += $(O)/lib/libctrace.a

check-header: ## include/ctrace with each compiler and in each way of linking, no root
	$(Q)O=$(O) tests/header/check.sh

# libdw is the judge of our unwinding rules
$(O)/unit/test_unwind_oracle: LDLIBS += -ldw

# Recordings that the test makes begin and end: tests/unit/fake_recordings.h.
FAKED = recordings__start recordings__snapshot recordings__list recordings__default recordings__flight served__stop served__result served__code
$(O)/unit/test_methods $(O)/unit/test_stream: LDFLAGS += $(FAKED:%=-Wl,--wrap=%)
$(O)/unit/test_stream: FAKED += libwire__new libwire__take libwire__free http__take accept4

# Its jobs begin and end when the test says so.
$(O)/unit/test_recordings: LDFLAGS += $(foreach f,new free stop kill state numbers code why begun snapshot,-Wl,--wrap=job__$(f))

$(O)/prog/selftrace: tests/prog/selftrace.c $(O)/lib/libctrace.a
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -Iinclude -I. -O2 -g -Wall -Wextra -MMD -MP -MF $@.d -o $@ $(filter %.c %.a,$^) -lpthread

$(O)/prog/%: tests/prog/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -Iinclude -I. -O2 -g -Wall -Wextra -MMD -MP -MF $@.d -o $@ $< -lpthread

$(O)/prog/%: tests/prog/%.cpp
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -Iinclude -O2 -g -Wall -Wextra -MMD -MP -MF $@.d -o $@ $< -lpthread

$(O)/prog/cappuccino: docs/examples/cappuccino.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Iinclude -O2 -g -Wall -Wextra -MMD -MP -MF $@.d -o $@ $< -lpthread

$(O)/prog/cappuccino-cpp: docs/examples/cappuccino.cpp
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -Iinclude -O2 -g -Wall -Wextra -MMD -MP -MF $@.d -o $@ $< -lpthread

progs: $(PROG) ## the programs that the tests trace

check: $(O)/ctrace-bpf $(UNIT:%=$(O)/unit/%) ## unit and golden tests, no root
	$(Q)O=$(O) tests/lib/check.sh $(UNIT)

check-root: $(O)/ctrace-bpf progs ## end-to-end tests, as root
	$(Q)O=$(O) tests/lib/check-root.sh

check-programs: $(O)/ctrace-bpf progs ## C, C++, Rust, Python, Java, Go, redis, postgres, read by every Go since 1.22; as root
	$(Q)O=$(O) tests/programs/readers.sh $(PROGRAMS)

check-stacks: $(O)/ctrace-bpf ## user stacks against eu-stack, at random moments of programs without frame pointers; as root; N=60 each
	$(Q)O=$(O) N=$(or $(N),60) tests/stacks/truth.sh $(PROGRAMS)

shots: $(O)/ctrace-bpf progs ## what the viewer shows, as pictures in $(O)/shots; as root, with chromium
	$(Q)O=$(O) tests/judge/shots/check.sh

fuzz: $(O)/ctrace-bpf ## damaged record streams, judged by Go's parser; N=2000
	$(Q)O=$(O) tests/lib/fuzz.sh $(or $(N),2000)

fuzz-elf: ## damaged ELF files through the unwinding tables, under sanitizers; N=100000
	$(Q)$(FIXED_ADDRESSES) $(MAKE) --no-print-directory O=$(O)/asan SAN='$(ASAN)' $(O)/asan/unit/test_unwind_fuzz
	$(Q)CTRACE_FUZZ_N=$(or $(N),100000) $(FIXED_ADDRESSES) $(O)/asan/unit/test_unwind_fuzz

# The second one is built without sanitizers, as it is used.
fuzz-sym: ## damaged ELF files through the reader of symbols, under sanitizers and as it is used; N=100000
	$(Q)$(MAKE) --no-print-directory O=$(O)/asan SAN='$(ASAN)' $(O)/asan/fuzzers/fuzz_sym
	$(Q)$(MAKE) --no-print-directory $(O)/fuzzers/fuzz_sym
	$(Q)$(FIXED_ADDRESSES) $(O)/asan/fuzzers/fuzz_sym -n $(or $(N),100000)
	$(Q)$(O)/fuzzers/fuzz_sym -p -n $(or $(N),100000)

fuzz-rpc: ## damaged JSON-RPC requests, under sanitizers, judged by another reader; N=100000
	$(Q)$(MAKE) --no-print-directory O=$(O)/asan SAN='$(ASAN)' $(O)/asan/fuzzers/fuzz_rpc
	$(Q)$(FIXED_ADDRESSES) $(O)/asan/fuzzers/fuzz_rpc -n $(or $(N),100000)

$(O)/fuzzers/%: tests/fuzz/%.c $(filter-out $(O)/user/main.o,$(OBJ))
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(LTO),-fno-lto) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c %.o,$^) $(LDLIBS) -lcmocka

# The sanitizers of older compilers do not find their way in an address space that is random with 32 bits.
FIXED_ADDRESSES = $(shell setarch -R true 2>/dev/null && echo setarch -R)
ASAN = -fsanitize=address,undefined -fno-sanitize-recover=undefined

asan: ## unit and golden tests under address and undefined-behaviour sanitizers
	$(Q)$(FIXED_ADDRESSES) $(MAKE) --no-print-directory O=$(O)/asan SAN='$(ASAN)' check

tsan: ## the same under the thread sanitizer
	$(Q)$(FIXED_ADDRESSES) $(MAKE) --no-print-directory O=$(O)/tsan SAN=-fsanitize=thread check

bench: $(O)/ctrace-bpf ## cost, paired with untraced and with other tracers; as root
	$(Q)tests/bench/run.sh $(BENCH)

soak: $(O)/ctrace-bpf progs ## ten minutes of recording, ten of the flight recorder: memory, stop time, triggers, nothing left behind; as root
	$(Q)tests/bench/soak.sh
	$(Q)tests/bench/soak.sh --flight

bench-system: $(O)/ctrace-bpf ## the whole system recorded under load, a minute each: losses, names, idle time, memory; as root
	$(Q)tests/bench/system.sh $(BENCH)

check-kernels: $(O)/ctrace-bpf $(O)/unit/test_probes progs ## Debian's other kernels under qemu
	$(Q)scripts/check-kernels.sh

# ---- care ----

FORMATTED = $(shell git ls-files 'bpf/*.[ch]' 'user/*.[ch]' 'include/*.h' 'tests/*.[ch]')
SHELLS    = $(shell git ls-files 'scripts/*.sh' 'tests/*.sh' '.ci/run')

format: ## clang-format and shfmt over the tree
	$(Q)clang-format -i $(FORMATTED)
	$(Q)shfmt -w $(SHELLS)

lint: $(GENERATED) ## formatting, static analysis, both compilers
	$(Q)O=$(O) tests/lib/lint.sh

man: $(O)/man/ctrace-bpf.1 $(O)/man/ctrace-control.3 ## man pages

$(O)/man/%: docs/%.scd
	$(Q)mkdir -p $(@D)
	$(Q)scdoc <$< >$@

completion: $(SHELLS_KNOWN:%=$(O)/completion/%) ## what shells complete, as the program prints it

$(O)/completion/%: $(O)/ctrace-bpf
	$(Q)mkdir -p $(@D)
	$(Q)$< --completion=$(@F) >$@.tmp && mv $@.tmp $@

# Where each shell looks without being told, below /usr and below /usr/local.
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS  ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d

# Where systemd looks, below /usr and below /usr/local.
SYSTEMD_UNITS ?= $(PREFIX)/lib/systemd/system

install-units: ## the service and its sockets, for systemd
	install -d $(DESTDIR)$(SYSTEMD_UNITS)
	sed 's,/usr/local/bin,$(PREFIX)/bin,' scripts/ctrace-bpf.service | \
		install -m 644 /dev/stdin $(DESTDIR)$(SYSTEMD_UNITS)/ctrace-bpf.service
	install -m 644 scripts/ctrace-bpf.socket $(DESTDIR)$(SYSTEMD_UNITS)/ctrace-bpf.socket

install-lib: lib $(O)/man/ctrace-control.3 ## the headers and libctrace, for programs that annotate or trace themselves
	install -d $(DESTDIR)$(PREFIX)/include/ctrace
	install -m 644 include/ctrace/* $(DESTDIR)$(PREFIX)/include/ctrace
	install -D -m 644 $(O)/lib/libctrace.a $(DESTDIR)$(LIBDIR)/libctrace.a
	install -D -m 755 $(O)/lib/libctrace.so.1 $(DESTDIR)$(LIBDIR)/libctrace.so.1
	ln -sf libctrace.so.1 $(DESTDIR)$(LIBDIR)/libctrace.so
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' user/libctrace/ctrace.pc.in | \
		install -m 644 /dev/stdin $(DESTDIR)$(LIBDIR)/pkgconfig/ctrace.pc
	install -D -m 644 $(O)/man/ctrace-control.3 $(DESTDIR)$(PREFIX)/share/man/man3/ctrace-control.3
	for f in start stop error; do ln -sf ctrace-control.3 $(DESTDIR)$(PREFIX)/share/man/man3/ctrace_$$f.3; done
	@# or no program finds the new library; who installs it for himself may not, and need not
	[ -n "$(DESTDIR)" ] || PATH=$$PATH:/sbin:/usr/sbin ldconfig 2>/dev/null || true

install: all man completion install-units install-lib ## DESTDIR= PREFIX=
	install -D -m 755 $(O)/ctrace-bpf $(DESTDIR)$(PREFIX)/bin/ctrace-bpf
	install -D -m 644 $(O)/man/ctrace-bpf.1 $(DESTDIR)$(PREFIX)/share/man/man1/ctrace-bpf.1
	install -D -m 644 $(O)/completion/bash $(DESTDIR)$(BASH_COMPLETIONS)/ctrace-bpf
	install -D -m 644 $(O)/completion/zsh $(DESTDIR)$(ZSH_COMPLETIONS)/_ctrace-bpf
	install -D -m 644 $(O)/completion/fish $(DESTDIR)$(FISH_COMPLETIONS)/ctrace-bpf.fish

clean: ## removes $(O)
	rm -rf $(O)

help: ## this text
	$(Q)sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' Makefile | expand -t 16
	@echo 'Variables: V=1 O=DIR DEBUG=1 WERROR=1 CC= CLANG= VMLINUX_BTF= N= BENCH="--quick" PROGRAMS="c go"'

.PHONY: all lib progs completion check check-header check-root check-programs check-stacks shots fuzz asan tsan bench bench-system soak check-kernels format lint man install install-lib install-units clean help fuzz-elf fuzz-sym fuzz-rpc
.SECONDARY: $(BPF:%.c=$(O)/%.o)

-include $(OBJ:.o=.d) $(BPF:%.c=$(O)/%.d) $(wildcard $(O)/unit/*.d $(O)/fuzzers/*.d $(O)/prog/*.d)

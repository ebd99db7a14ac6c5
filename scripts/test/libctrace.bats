#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The library of programs that trace themselves, as it is installed: what it offers, what it needs, and that programs in C and
# C++ find it. Nobody records here: tests/unit/test_libctrace.c and tests/e2e/selftrace.bats do.

setup_file() {
	export root out dest
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	dest=$BATS_FILE_TMPDIR/dest
	unset MAKEFLAGS MAKELEVEL MFLAGS SAN # it is installed as users have it, whatever is tested here
	out=$BATS_FILE_TMPDIR/build
	command -v scdoc >/dev/null || skip "no scdoc"
	(umask 077 && make -s -C "$root" "O=$out" "DESTDIR=$dest" PREFIX=/opt/c install-lib)
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	lib=$dest/opt/c/lib
	export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest
	cat >uses.c <<-'END'
		#include <ctrace/control.h>
		#include <stdio.h>
		int main(void)
		{
			if (!ctrace_stop() || !ctrace_start(1))
				return 1;
			puts(ctrace_error());
			return 0;
		}
	END
	export CTRACE_SOCKET=$PWD/nobody
}

no() { ! "$@"; }
offers() { nm -D --defined-only "$lib/libctrace.so.1" | awk '$2 != "A" { print $3 }' | sort | paste -sd' '; }
says_no_service() { [ "$("$@")" = "no service at $CTRACE_SOCKET: start it with ctrace-bpf serve" ]; }

@test "three functions, with a version, and nothing else" {
	[ "$(offers)" = "ctrace_error@@CTRACE_1.0 ctrace_start@@CTRACE_1.0 ctrace_stop@@CTRACE_1.0" ] || { offers && false; }
	readelf -d "$lib/libctrace.so.1" | grep -q 'SONAME.*\[libctrace.so.1\]'
	[ "$(nm -g --defined-only "$lib/libctrace.a" | awk 'NF == 3 { print $3 }' | sort | paste -sd' ')" = "ctrace_error ctrace_start ctrace_stop" ]
}

@test "it needs the C library alone, and no memory of its own" {
	if nm -D "$lib/libctrace.so.1" | grep -q __asan; then skip "built for a sanitizer"; fi
	[ "$(readelf -d "$lib/libctrace.so.1" | grep NEEDED | grep -v -e 'libc\.so' -e 'ld-linux')" = "" ]
	no grep -E 'malloc|calloc|realloc|pthread_create|sigaction|signal|atexit|atfork' <(nm -D --undefined-only "$lib/libctrace.so.1")
}

@test "pkg-config leads to it, in C99 and C++11, shared and static" {
	command -v pkg-config >/dev/null || skip "no pkg-config"
	if nm -D "$lib/libctrace.so.1" | grep -q __asan; then skip "built for a sanitizer"; fi
	[ "$(pkg-config --modversion ctrace)" = "$(cat "$root/VERSION")" ]
	read -ra flags < <(pkg-config --cflags --libs ctrace)
	cc -std=c99 -pedantic -Wall -Wextra -Werror -o shared uses.c "${flags[@]}"
	says_no_service env LD_LIBRARY_PATH="$lib" ./shared
	cc -std=c99 -o static uses.c "-I$dest/opt/c/include" "$lib/libctrace.a" -static
	says_no_service ./static
	c++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -o cpp uses.c "${flags[@]}"
	says_no_service env LD_LIBRARY_PATH="$lib" ./cpp
	if command -v clang >/dev/null; then
		clang -std=c99 -Weverything -Wno-unknown-warning-option -Wno-unsafe-buffer-usage -Werror -o other uses.c "${flags[@]}"
	fi
}

@test "everybody may read what is installed, whatever the umask is" {
	[ -z "$(find "$dest/opt" ! -type l ! -perm -444)" ]
}

@test "valgrind finds nothing in it" {
	command -v valgrind >/dev/null || skip "no valgrind"
	if nm -D "$lib/libctrace.so.1" | grep -q __asan; then skip "built for a sanitizer"; fi
	cc -g -o uses uses.c "-I$dest/opt/c/include" "$lib/libctrace.a"
	says_no_service valgrind -q --error-exitcode=9 --leak-check=full --track-fds=yes ./uses 2>words || { cat words && false; }
	no grep -q 'Invalid\|uninit\|lost' words
}

@test "its manual page is found by the names of its functions" {
	for name in ctrace-control ctrace_start ctrace_stop ctrace_error; do
		[ -s "$dest/opt/c/share/man/man3/$name.3" ]
	done
	command -v man >/dev/null || return 0
	MANWIDTH=80 man --warnings -l "$dest/opt/c/share/man/man3/ctrace_start.3" >text 2>warnings
	[ ! -s warnings ]
	for error in EALREADY EINVAL ENOENT ECONNREFUSED EBADF EBUSY EPERM ESRCH EIO ETIME EPIPE EPROTO; do
		grep -q "$error" text
	done
}

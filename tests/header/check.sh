#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# include/ctrace with each compiler, language and way of linking: check.sh [PATTERN]   (O: the build directory; called by `make check-header`)
#
# Each case is compiled with all warnings as errors, its notes are read (notes.py), and it is run: it listens to itself
# (listen.h) or looks at what it shares with its other parts (main.c). A compiler that is not there is a skip. PATTERN:
# only the cases whose name matches. Prints TAP; no root.
# shellcheck disable=SC2086 # compilers and flags are words
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lib/common.bash
. "$here/../lib/common.bash"

dir=$O/header
warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wcast-qual -Wundef -Wredundant-decls -Werror -I$ROOT/include"
all=task_begin,task_end,region_begin,region_end,log
native=$(uname -m)
only=${1:-}
count=0 failed=0

# verdict NAME NEEDS COMMAND…: a case, which is skipped where there is no command NEEDS. In the background, because
# set -e is of no effect in a condition.
verdict() {
	local name=$1 needs=$2 log=$dir/log status=0
	shift 2
	[[ $name =~ $only ]] || return 0
	count=$((count + 1))
	if ! command -v "$needs" >/dev/null; then
		echo "ok $count - $name # SKIP no $needs"
		return
	fi
	("$@") >"$log" 2>&1 &
	wait $! || status=$?
	if [ "$status" = 0 ]; then
		echo "ok $count - $name"
	else
		sed 's/^/# /' "$log" | head -n 40
		echo "not ok $count - $name"
		failed=1
	fi
}

# compile WORD…: a compiler and its flags, with ours. No word has a blank.
compile() {
	local compiler=$1
	shift
	"$compiler" $warn "$@"
}

notes() { python3 "$here/notes.py" "$@"; }

# what a source says: says COMPILER SOURCE FLAG…
says() {
	local compiler=$1 source=$2
	shift 2
	rm -f "$dir/says"
	compile "$compiler" "$@" "$here/$source" -o "$dir/says"
	notes "$dir/says" $all --bare
	"$dir/says"
}

# A program of three source files in two languages: parts CC CXX FLAGS [LINK-FLAGS [NOTES [MAIN]]]
parts() {
	local cc=$1 cxx=$2 flags=$3 link=${4:-} kind=${5:---bare} main=${6:-c} std=-std=gnu11
	rm -f "$dir"/*.o "$dir/parts"
	[ "$main" = c ] || std=-std=c++17
	{
		if [ "$main" = c ]; then set -- "$cc"; else set -- "$cxx" -x c++; fi
		compile "$@" $std $flags -DWITH_CPP -c "$here/main.c" -o "$dir/main.o"
		compile "$cc" -std=c11 $flags -c "$here/part.c" -o "$dir/part.o"
		compile "$cxx" -std=c++17 -Wold-style-cast $flags -c "$here/part2.cpp" -o "$dir/part2.o"
		"$cxx" $flags $link "$dir"/main.o "$dir"/part.o "$dir"/part2.o -o "$dir/parts"
	}
	notes "$dir/parts" $all "$kind"
	[ -n "${RUN_NOT:-}" ] || "$dir/parts"
}
parts_not_run() { RUN_NOT=1 parts "$@"; }

# The same in C alone: musl has no C++ library here, and C++'s is not built for code far away. c_parts CC FLAGS
c_parts() {
	compile "$1" -std=c11 $2 "$here/main.c" "$here/part.c" -o "$dir/parts"
	notes "$dir/parts" $all --bare
	"$dir/parts"
}

# A library that the program loads; everything is hidden but what must not be. loaded CC FLAGS
loaded() {
	local made=task_begin,region_begin,region_end,log
	[[ "$1 $2" != "gcc -O0" ]] || made=$all # which leaves nothing out
	{
		compile "$1" $2 -fPIC -shared -fvisibility=hidden "$here/part.c" -o "$dir/part.so"
		compile "$1" $2 -DWITH_DLOPEN "$here/main.c" "$here/part.c" -o "$dir/loads" -ldl
	}
	notes "$dir/part.so" "$made"
	no grep -q ctrace_ <(nm -D --defined-only "$dir/part.so")
	"$dir/loads" "$dir/part.so"
}

# ids CC FLAGS
ids() {
	{
		compile "$1" $2 -fPIC -shared "$here/part.c" -o "$dir/one.so"
		cp "$dir/one.so" "$dir/two.so"
		compile "$1" $2 -pthread "$here/ids.c" -o "$dir/ids" -ldl
	}
	"$dir/ids" "$dir"
}

# What the header may not do to a program (sandbox.c): unharmed HOW FIRST CC FLAGS
unharmed() {
	local how=$1 first=$2 status=0
	{
		compile "$3" $4 -O2 -fPIC -shared "$here/part.c" -o "$dir/part.so"
		compile "$3" $4 -O2 -std=gnu11 "$here/sandbox.c" -o "$dir/sandbox" -ldl
	}
	"$dir/sandbox" "$how" "$dir/part.so" >"$dir/says" || status=$?
	if [ "$status" = 77 ]; then return; fi # there is a sandbox around us
	cat "$dir/says"
	[ "$status" = 0 ]
	[ -z "$first" ] || no grep -qx "first $((1 - first))" "$dir/says"
	grep -qx alive "$dir/says"
}

# Nothing of it is left: gone COMPILER FLAGS SOURCE…
gone_with() {
	local compiler=$1 flags=$2
	shift 2
	compile "$compiler" $flags "$@" -o "$dir/without"
	no grep -q -e stapsdt -e '\.probes' <(readelf -SW "$dir/without")
	"$dir/without"
}

# What the README tells everybody to compile. example COMPILER STD SOURCE
example() {
	"$1" -std="$2" -Wall -Wextra -Wpedantic -Werror "-I$ROOT/include" "$ROOT/docs/examples/$3" -o "$dir/example" -lpthread
	"$dir/example" -n 1
}

# The compiler looks at the arguments of ctrace_logf. refuses COMPILER FLAG…
refuses() {
	local source=$dir/bad.c
	printf '#include <ctrace/ctrace.h>\nint main(void)\n{\n\tctrace_logf(ctrace_background(), "a", "%%d", "text");\n\treturn 0;\n}\n' >"$source"
	no compile "$@" "$source" -o "$dir/bad" 2>"$dir/bad.err"
	grep -q -e format "$dir/bad.err"
}

matrix() {
	local cc cxx o std link how first large null
	mkdir -p "$dir"
	if [ "$native" = x86_64 ]; then
		for o in -O0 -O1 -O2 -O3; do
			for cc in gcc clang; do
				verdict "C says what it should: $cc $o" $cc says $cc say.c -std=gnu11 $o
			done
			for cxx in g++ clang++; do
				verdict "C++ says what it should: $cxx $o" $cxx says $cxx say.cpp -std=c++17 $o
			done
		done
		for std in c++11 gnu++17 c++20; do
			for cxx in g++ clang++; do
				verdict "$cxx -std=$std" $cxx says $cxx say.cpp -std=$std -O2
			done
		done
		for cxx in g++ clang++; do
			verdict "$cxx -fno-exceptions -fno-rtti" $cxx says $cxx say.cpp -std=c++17 -O2 -fno-exceptions -fno-rtti
			null=-Wzero-as-null-pointer-constant
			[ $cxx != g++ ] || null="$null -Wuseless-cast"
			verdict "$cxx with warnings that few ask for" $cxx says $cxx say.cpp -std=c++17 -O2 $null
		done
		for cc in gcc clang; do
			for how in strict filter errno stack; do
				verdict "nothing happens to a program: $how, $cc" $cc unharmed $how "" $cc ""
			done
			verdict "nothing happens to a program: stack, -z lazy, $cc" $cc unharmed stack "" $cc "-Wl,-z,lazy"
			# none of these may ask the kernel for anything, and so they have the slower markers
			verdict "a program in a sandbox is executed: $cc" $cc unharmed executed 0 $cc ""
			verdict "a library is loaded in a sandbox: $cc" $cc unharmed loaded 0 $cc ""
			# outside of one a program has the faster ones
			grep -q $'^Seccomp:\t0' /proc/self/status && first=1 || first=0
			verdict "a program without a sandbox: $cc" $cc unharmed first $first $cc ""
			for large in "-fPIC" "-fPIE -pie" "-fno-pic -no-pie"; do
				verdict "three sources: $cc -mcmodel=large $large" $cc c_parts $cc "-O2 -mcmodel=large $large"
			done
			verdict "$cc -std=gnu17 -Os -fPIE, protected" $cc says $cc say.c -std=gnu17 -Os -fPIE -pie -fstack-protector-strong -fcf-protection
		done
	fi
	for cc in gcc clang; do
		cxx=g++
		[ $cc = gcc ] || cxx=clang++
		for o in -O0 -O2; do
			verdict "three sources: $cc $o" $cc parts $cc $cxx "$o"
			verdict "three sources: $cc $o -fPIC -pie -z now" $cc parts $cc $cxx "$o -fPIC" "-pie -Wl,-z,now"
			verdict "three sources: $cc $o -no-pie" $cc parts $cc $cxx "$o -fno-pie" "-no-pie"
			verdict "three sources: $cc $o -static" $cc parts $cc $cxx "$o" "-static"
			verdict "three sources: $cc $o -static-pie" $cc parts $cc $cxx "$o -fPIE" "-static-pie"
			verdict "three sources: $cc $o --gc-sections" $cc parts $cc $cxx "$o -ffunction-sections -fdata-sections" "-Wl,--gc-sections"
			verdict "three sources, main in C++: $cxx $o -fvisibility=hidden" $cxx parts $cc $cxx "$o -fvisibility=hidden" "" --bare c++
			verdict "a loaded library: $cc $o" $cc loaded $cc "$o"
			verdict "numbers of tasks: $cc $o" $cc ids $cc "$o -std=gnu11"
			verdict "without anything: $cc $o" $cc gone_with $cc "$o -DCTRACE_DISABLE -std=c11" "$here/main.c" "$here/part.c"
		done
		verdict "three sources, optimised together: $cc" $cc parts $cc $cxx "-O2 -flto" "$([ $cc = gcc ] || echo -fuse-ld=lld)"
		verdict "a loaded library, optimised together: $cc" $cc loaded $cc "-O2 -flto $([ $cc = gcc ] || echo -fuse-ld=lld)"
		verdict "three sources, --gc-sections of lld: $cc" ld.lld parts $cc $cxx "-O2 -ffunction-sections -fdata-sections" "-fuse-ld=lld -Wl,--gc-sections"
		for link in address undefined thread; do
			verdict "three sources, -fsanitize=$link: $cc" $cc parts $cc $cxx "-O1 -fsanitize=$link -fno-sanitize-recover=undefined" "" --any
		done
		verdict "without anything: $cxx" $cxx gone_with $cxx "-DCTRACE_DISABLE -std=c++17 -DWITH_CPP" -x c++ "$here/main.c" "$here/part.c" "$here/part2.cpp"
		verdict "a wrong format is refused: $cc" $cc refuses $cc -std=c11
	done
	verdict "a wrong format is refused: g++" g++ refuses g++ -x c++ -std=c++17
	for cc in gcc clang; do
		verdict "the example in C: $cc -std=c11" $cc example $cc c11 cappuccino.c
	done
	for cxx in g++ clang++; do
		for std in c++11 c++17; do
			verdict "the example in C++: $cxx -std=$std" $cxx example $cxx $std cappuccino.cpp
		done
	done
	verdict "two compilers, one program" clang parts gcc clang++ "-O2"
	for o in -O0 -O2; do
		verdict "musl: $o" musl-gcc c_parts musl-gcc "$o"
		verdict "musl: $o -static" musl-gcc c_parts musl-gcc "$o -static"
	done
	for o in -O0 -O2; do
		for link in "" -static "-fPIC -pie" "-flto"; do
			verdict "arm64: $o $link" aarch64-linux-gnu-g++ parts_not_run aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ "$o $link"
		done
	done
	verdict "arm64: clang -O2" aarch64-linux-gnu-g++ parts_not_run clang clang++ "-O2 --target=aarch64-linux-gnu"
	verdict "a system that is not known" gcc gone_with gcc "-U__linux__ -std=c11" "$here/main.c" "$here/part.c"
	echo "1..$count"
	return "$failed"
}
if [ "$only" = --tap ]; then
	only=${2:-}
	matrix
else
	# a process of its own: a suite runs in a condition, where set -e is of no effect
	suite header bash "$here/check.sh" --tap "$only"
	exit "$suites_failed"
fi

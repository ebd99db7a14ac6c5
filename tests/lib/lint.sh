#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Formatting, static analysis, and both compilers with every warning an error: lint.sh [PART…]   (called by `make lint`)
#
# One TAP line a part; what a part has to say stands in front of it. A tool that is not there is a skip.
# shellcheck disable=SC2317 # functions are called by name
set -eu
# shellcheck source=tests/lib/common.bash
. "$(dirname "$0")/common.bash"
cd "$ROOT"

files() { git ls-files -co --exclude-standard "$@" | while read -r f; do if [ -e "$f" ]; then echo "$f"; fi; done; }
mapfile -t c_files < <(files 'bpf/*.[ch]' 'user/*.[ch]' 'include/*.h' 'tests/*.[ch]')
mapfile -t user_c < <(files 'user/*.c')
mapfile -t shells < <(files 'scripts/*.sh' 'tests/*.sh' '.ci/run' '*.bash')
mapfile -t bats < <(files '*.bats')

# It breaks a long comment line behind the star, without a blank, where a tab is in the comment.
clang_format() { clang-format --dry-run -Werror "${c_files[@]}" && no_broken_comment; }
no_broken_comment() { if grep -nP '^\t* \*[^\s*/]' "${c_files[@]}"; then return 1; fi; }
shell_check() { shellcheck -x -e SC2317 "${shells[@]}" && shellcheck -x -s bats -e SC2016,SC2030,SC2031,SC2034,SC2094,SC2154,SC2164,SC2238,SC2258,SC2317 "${bats[@]}"; }
shell_format() { shfmt -d "${shells[@]}" && shfmt -ln bats -d "${bats[@]}"; }
c_check() {
	cppcheck -q --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 --library=posix \
		-j 2 --suppress=readdirCalled --suppress=getpwuidCalled '-DLIBBPF_OPTS(t,n,...)=struct t n={__VA_ARGS__}' \
		'-Djson_object_foreach(o,k,v)=while (((k)=next_key(o)) && ((v)=next_value(o)))' \
		'-Djson_array_foreach(a,i,v)=while (((v)=next_value(a,i)))' \
		--suppress=missingInclude --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		-D_GNU_SOURCE -Iuser -I. -I"$O/gen" user
}
clang_tidy() {
	local status=0
	# shellcheck disable=SC2016 # expanded by the inner shell
	printf '%s\n' "${user_c[@]}" | O=$O xargs -P 2 -n 6 sh -c \
		'clang-tidy --quiet --warnings-as-errors="*" "$@" -- -std=gnu11 -D_GNU_SOURCE -Iuser -I. "-I$O/gen" 2>/dev/null' tidy || status=1
	return "$status"
}
builds() { # COMPILER
	make --no-print-directory -j2 O="$O/lint-$1" CC="$1" WERROR=1 VMLINUX_BTF="${VMLINUX_BTF:-/sys/kernel/btf/vmlinux}" all progs
}
with_gcc() { builds gcc; }
with_clang() { builds clang; }

parts=("clang_format clang-format" "shell_check shellcheck" "shell_format shfmt" "c_check cppcheck" "clang_tidy clang-tidy"
	"with_gcc gcc" "with_clang clang")
lint() {
	local n=0 part fn tool failed=0 log
	log=$(mktemp)
	echo "1..${#parts[@]}"
	for part in "${parts[@]}"; do
		read -r fn tool <<<"$part"
		n=$((n + 1))
		if ! command -v "$tool" >/dev/null; then
			echo "ok $n - $tool # SKIP not installed"
		elif "$fn" >"$log" 2>&1; then
			echo "ok $n - $tool"
		else
			sed 's/^/# /' "$log" | head -n 200
			echo "not ok $n - $tool"
			failed=1
		fi
	done
	rm -f "$log"
	return "$failed"
}
if [ $# -gt 0 ]; then
	keep=()
	for part in "${parts[@]}"; do
		case " $* " in *" ${part##* } "*) keep+=("$part") ;; esac
	done
	parts=("${keep[@]}")
fi
suite lint lint
exit "$suites_failed"

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Every test, from nothing: installs what is missing, builds, runs, adds up.
#
#   sudo scripts/test.sh [PART…]      default: build check check-root check-stacks check-programs asan tsan fuzz lint shots check-kernels
#
# A part is a make target; only those that record run as root under sudo. Their TAP comes in $TAP_DIR, a target without
# any counts as one test. The last line is "N passed, N failed[, N skipped]", and the exit status is 0 when something passed and
# nothing failed. CTRACE_TEST_MINUTES limits the whole [85], CTRACE_FUZZ_N is the number of invented recordings [2000].
set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help)
	sed -n '/^#   sudo/s/^# *//p' "$0"
	exit 0
	;;
-*)
	say "no such option: $1"
	exit 2
	;;
esac
[ $# -gt 0 ] || set -- build check check-root check-stacks check-programs asan tsan fuzz lint shots check-kernels

deadline=$((SECONDS + 60 * ${CTRACE_TEST_MINUTES:-85}))
fuzz_cnt=${CTRACE_FUZZ_N:-2000}
tap=$root/build/tap log=$root/build/log
hurt=0 # something went wrong that is no test

setup_parts="test"
case " $* " in *" check-kernels "*) setup_parts="test kernels" ;; esac
# shellcheck disable=SC2086 # two words
if ! "$root/scripts/setup.sh" $setup_parts; then
	say "the machine could not be set up: nothing was run"
	echo "0 passed, 1 failed"
	exit 1
fi

prefix=()
if user_can_build; then
	prefix=(${as_user[@]+"${as_user[@]}"})
fi
if go=$(find_go); then
	PATH=$PATH:$(dirname "$go")
fi

# What tracing needs and a small container or a chroot lacks.
mount_if_missing() { # TYPE DIRECTORY
	if [ "$(id -u)" = 0 ] && [ -d "$2" ] && ! mountpoint -q "$2"; then
		mount -t "$1" "$1" "$2" 2>/dev/null || say "$1 could not be mounted on $2: tests that need it skip"
	fi
}
mount_if_missing tracefs /sys/kernel/tracing
mount_if_missing bpf /sys/fs/bpf

# What root wrote into build/ goes back to the one who builds.
# shellcheck disable=SC2317 # called by the trap
hand_back() {
	if [ ${#prefix[@]} -gt 0 ] && [ -d "$root/build" ]; then
		chown -hR --from=0 "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$root/build" || :
	fi
}
trap hand_back EXIT
trap 'exit 130' INT TERM

as_builder() {
	${prefix[@]+"${prefix[@]}"} "$@"
}

as_builder mkdir -p "$log"
rm -rf "$tap"
as_builder mkdir -p "$tap"

one_result() { # PART ok|"not ok" TEXT: a result for what wrote none
	printf '1..1\n%s 1 - %s\n' "$2" "$3" >"$tap/$1/part.tap"
}

run_part() {
	local part=$1 left=$((deadline - SECONDS)) status=0 began=$SECONDS target=$1 run=(as_builder) args=() jobs

	printf '\n==== %s\n' "$part"
	as_builder mkdir -p "$tap/$part"
	case $part in
	build) target=all ;;
	fuzz) args=("N=$fuzz_cnt") ;;
	check-root | check-programs | check-stacks | shots)
		if [ "$(id -u)" != 0 ]; then
			echo "1..0 # SKIP not root" >"$tap/$part/part.tap"
			return 0
		fi
		run=()
		;;
	esac
	if [ $left -le 0 ]; then
		one_result "$part" "not ok" "make $target: no time was left"
		return 0
	fi
	jobs=$(nproc)
	[ "$jobs" -le 2 ] || jobs=2
	${run[@]+"${run[@]}"} timeout --foreground -k 20 "$left" make -C "$root" --no-print-directory -j"$jobs" "$target" \
		"TAP_DIR=$tap/$part" ${args[@]+"${args[@]}"} 2>&1 </dev/null | tee "$log/$part.log" || status=$?

	if [ -z "$(find "$tap/$part" -name '*.tap' -print -quit)" ]; then
		case $status:$part in
		0:check | 0:check-root | 0:check-programs | 0:check-stacks) one_result "$part" "not ok" "make $target ran no test" ;;
		0:*) one_result "$part" ok "make $target" ;;
		*) one_result "$part" "not ok" "make $target: status $status" ;;
		esac
	elif [ $status != 0 ] && sum_of "$part" >/dev/null; then
		# make says it failed, and no test does
		one_result "$part" "not ok" "make $target: status $status without a failed test"
	fi
	printf -- '---- %s: %s (%d s)\n' "$part" "$(sum_of "$part")" $((SECONDS - began))
}

sum_of() { # PART, or . for all
	find "$tap/$1" -name '*.tap' -print0 | sort -z | xargs -0 -r "$root/scripts/tap-sum.sh" ${2+"$2"}
}

for part; do
	run_part "$part" || hurt=1
done

printf '\n==== %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
status=0
total=$(sum_of . -v) || status=1
if [ $hurt != 0 ]; then
	say "a part could not be run"
	status=1
fi
echo "${total:-0 passed, 0 failed}"
[ -n "$total" ] || status=1
exit $status

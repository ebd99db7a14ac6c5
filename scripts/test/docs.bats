#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The words about the program against the program: what --help lists is in the man page and in README, and what those
# name is in --help.

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	program=${O:-build}/ctrace-bpf
	[[ $program = /* ]] || program=$root/$program
	man=$root/docs/ctrace-bpf.1.scd
	readme=$root/README.md
	[ -x "$program" ] || skip "no $program"
}

help_of() { # [COMMAND]
	if [ -n "${1:-}" ]; then "$program" "$1" --help; else "$program" --help; fi
}

# "-p --pid", " --raw": letter and name of each option, a line each
options_of() { # [COMMAND]
	help_of "$@" | sed -n 's/^  \(-[a-zA-Z]\|  \)[, ] \(--[a-z-]*\).*/\1 \2/p'
}

commands() { help_of | sed -n '/^commands/,$s/^  ctrace-bpf \([a-z]*\) .*/\1/p'; }

has() { # FILE WHAT TEXT…: each TEXT is in the file
	local file=$1 text
	shift
	for text; do
		if ! grep -qF -e "$text" "$file"; then
			echo "${file##*/} does not tell of $text"
			return 1
		fi
	done
}

@test "help lists options" {
	[ "$(options_of | wc -l)" -ge 10 ]
	[ "$(options_of convert | wc -l)" -ge 5 ]
	[ "$(options_of features | wc -l)" -ge 2 ]
	[ "$(options_of markers | wc -l)" -ge 5 ]
}

@test "each option has its entry in the man page" {
	for cmd in "" $(commands); do
		while read -r letter name; do
			[ -n "$name" ] || name=$letter letter=""
			grep -q -e "^	*\(\*-[a-zA-Z]\*, \)\?\*$name\*" "$man" || {
				echo "the man page has no entry for $name"
				return 1
			}
			[ -z "$letter" ] || has "$man" "*$letter*, *$name*"
		done < <(options_of "$cmd")
	done
}

@test "each option of a recording has its row in README" {
	while read -r letter name; do
		[ -n "$name" ] || name=$letter letter=""
		grep -q -e "^|.*\`${name}[=\`]" "$readme" || {
			echo "README has no row for $name"
			return 1
		}
		[ -z "$letter" ] || has "$readme" "\`$letter\`, \`$name"
	done < <(options_of)
}

@test "each option of the commands is named in README" {
	for cmd in $(commands); do
		while read -r letter name; do
			has "$readme" "\`${name:-$letter}"
		done < <(options_of "$cmd")
	done
}

@test "man page and README name no option of ours that is not there" {
	known=$(for cmd in "" $(commands); do options_of "$cmd"; done | grep -o -e '--[a-z-]*' | sort -u)
	named=$({
		grep -oE -e '\*--[a-z][a-z-]*' "$man" | tr -d '*'
		grep -oE -e '`--[a-z][a-z-]*' "$readme" | tr -d '`'
		grep -hoE -e 'ctrace-bpf .*' "$man" "$readme" "$root/HACKING.md" | sed 's/ -- .*//' | grep -oE -e ' --[a-z][a-z-]*' | tr -d ' '
	} | sort -u)
	[ -n "$named" ]
	strange=$(comm -13 <(echo "$known") <(echo "$named"))
	echo "not in --help: $strange"
	[ -z "$strange" ]
}

@test "each command is in the man page and in README" {
	[ "$(commands | wc -l)" -ge 3 ]
	for cmd in $(commands); do
		has "$man" "*ctrace-bpf $cmd*"
		has "$readme" "ctrace-bpf $cmd"
	done
}

@test "each exit code is in the man page and in README" {
	codes=$(sed -n 's/^\tEXIT_[A-Z]* = \([0-9]*\),.*/\1/p' "$root/user/util/exitcode.h")
	[ "$(wc -l <<<"$codes")" -ge 5 ]
	for code in $codes; do
		grep -qx -e "\*$code\*" "$man"
		grep -q -e "^| $code |" "$readme"
	done
}

@test "each signal that is handled is in the man page and in README" {
	signals=$(grep -oE 'sigaddset\(&set, SIG[A-Z0-9]+' "$root/user/capture/session.c" | grep -oE 'SIG[A-Z0-9]+' |
		grep -vx SIGCHLD) # nobody sends it
	[ -n "$signals" ]
	for signal in $signals; do
		has "$man" "*$signal*"
		has "$readme" "$signal"
	done
}

@test "each environment variable is in the man page and in HACKING" {
	names=$(sed -n 's/^#define ENV_[A-Z_]* "\(.*\)"/\1/p' "$root/user/util/env.h")
	[ -n "$names" ]
	for name in $names; do
		has "$man" "*$name*"
		has "$root/HACKING.md" "\`$name"
	done
}

@test "each make target of help is in the make file's help, and HACKING names no other" {
	while read -r target; do
		grep -qE "^$target:" "$root/Makefile" || {
			echo "no target $target"
			return 1
		}
	done < <(grep -oE '(^|[`( ])make [a-z][a-z-]*' "$root/HACKING.md" | sed 's/.*make //' | sort -u)
}

@test "files that README and HACKING name are there" {
	for path in $(grep -ohE '`(bpf|user|scripts|tests/(bench|fuzz|judge|prog|unit))/[a-zA-Z0-9_./-]+`' "$readme" "$root/HACKING.md" | tr -d '`' | sort -u); do
		case $path in *NAME* | *_X.c) continue ;; esac
		[ -e "$root/$path" ] || [ -e "$root/$path.c" ] || {
			echo "no $path"
			return 1
		}
	done
}

@test "the man page can be made and has no fault" {
	command -v scdoc >/dev/null || skip "no scdoc"
	scdoc <"$man" >"$BATS_TEST_TMPDIR/ctrace-bpf.1"
	command -v man >/dev/null || return 0
	MANWIDTH=80 man --warnings -l "$BATS_TEST_TMPDIR/ctrace-bpf.1" >"$BATS_TEST_TMPDIR/text" 2>"$BATS_TEST_TMPDIR/warnings"
	cat "$BATS_TEST_TMPDIR/warnings"
	[ ! -s "$BATS_TEST_TMPDIR/warnings" ]
	for section in NAME SYNOPSIS OPTIONS COMMANDS SIGNALS "EXIT STATUS" ENVIRONMENT FILES EXAMPLES; do
		grep -qx "$section" "$BATS_TEST_TMPDIR/text"
	done
}

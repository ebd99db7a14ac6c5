# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scripts share; sourced, never run. Sets $root (the checkout) and $me (the script's name).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$(basename "$0")
go_min_minor=23 # Go 1.23 reads every version of the trace format that we write but the newest header

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

die() {
	say "$@"
	exit 1
}

# have COMMAND…: all of them are in PATH
have() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null 2>&1 || return 1
	done
}

# Prints the path of a Go that is recent enough, or fails. Debian keeps versions apart in /usr/lib/go-*.
find_go() {
	local go version minor

	for go in "$(command -v go || :)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
		[ -x "$go" ] || continue
		version=$(cd / && HOME=${HOME:-/} GOTOOLCHAIN=local "$go" env GOVERSION 2>/dev/null) || continue
		minor=${version#go1.}
		minor=${minor%%[!0-9]*}
		if [ "${minor:-0}" -ge "$go_min_minor" ]; then
			echo "$go"
			return 0
		fi
	done
	return 1
}

# as_user: words to put before a command so that it runs as the one who called sudo; none when nobody
# did. They exec, so `"${as_user[@]}" CMD &` has CMD's pid in $!.
as_user=()
if [ "$(id -u)" = 0 ] && [ "${SUDO_UID:-0}" != 0 ] && have setpriv; then
	as_user=(setpriv --reuid "$SUDO_UID" --regid "${SUDO_GID:-$SUDO_UID}" --inh-caps=-all)
	if getent passwd "$SUDO_UID" >/dev/null; then
		as_user+=(--init-groups -- env "HOME=$(getent passwd "$SUDO_UID" | cut -d: -f6)")
	else
		as_user+=(--clear-groups -- env HOME=/)
	fi
	as_user+=("USER=${SUDO_USER:-}" "LOGNAME=${SUDO_USER:-}")
fi

# The user of as_user may write where we build: nothing is left from a build as root.
user_can_build() {
	"${as_user[@]}" test -w "$root" || return 1
	[ ! -e "$root/build" ] ||
		[ -z "$("${as_user[@]}" find "$root/build" ! -type l ! -user "${SUDO_UID:-0}" ! -writable -print -quit)" ]
}

# build TARGET…: make, as the invoking user where that works, at most two jobs
build() {
	local jobs

	jobs=$(nproc 2>/dev/null || echo 1)
	[ "$jobs" -le 2 ] || jobs=2
	if user_can_build; then
		"${as_user[@]}" make -C "$root" --no-print-directory -j"$jobs" "$@"
	else
		make -C "$root" --no-print-directory -j"$jobs" "$@"
	fi
}

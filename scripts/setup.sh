#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs what a part of the project needs, by package name, on Debian 12 or newer.
#
#   sudo scripts/setup.sh [build|demo|test|bench|kernels]…        default: build
#
# build    compiler, BPF compiler, libbpf 1.4 or newer
# demo     build, and Go for the viewer (without Go the demo still records)
# test     demo, and all that the tests use
# bench    build, and the tracers that we are compared with
# kernels  build, and qemu to boot the kernels of other releases
#
# A package that is there is left as it is; where the release has one that is too old, that package alone
# comes from the backports suite. Nothing that is installed here is started or enabled. Says nothing
# and takes a moment when there is nothing to do.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

libbpf_min=1:1.4

declare -A packages_of=(
	[build]="make scdoc gcc g++ libc6-dev clang llvm bpftool libelf-dev libdw-dev libiberty-dev liblzma-dev zlib1g-dev libcap-dev libzydis-dev
		libmicrohttpd-dev libjansson-dev libedit-dev libcurl4-gnutls-dev pkg-config"
	[demo]=""
	[test]="bats libcmocka-dev libclang-rt-dev clang-format clang-tidy cppcheck shellcheck shfmt jq python3
		ca-certificates git file binutils dwz xz-utils util-linux procps iproute2 strace gdb libcap2-bin
		rustc default-jdk-headless chromium redis-server redis-tools postgresql postgresql-contrib elfutils nginx
		lld musl-tools gcc-aarch64-linux-gnu g++-aarch64-linux-gnu bpftrace zsh fish podman runc busybox-static
		curl apache2-utils wrk systemd openssl"
	[bench]="linux-perf trace-cmd bpftrace jq python3 redis-server redis-tools postgresql lttng-tools liblttng-ust-dev uftrace stress-ng"
	[kernels]="qemu-system-x86 busybox-static cpio"
)

# For systems where we do not know the packages: the commands that tell whether the set is there.
declare -A commands_of=(
	[build]="make scdoc gcc g++ clang llvm-strip bpftool pkg-config"
	[demo]=""
	[test]="bats clang-format clang-tidy cppcheck shellcheck shfmt scdoc jq python3 git strace redis-server"
	[bench]="perf trace-cmd bpftrace jq python3"
	[kernels]="qemu-system-x86_64 busybox cpio"
)

usage() {
	sed -n '/^#   sudo/,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# ---- what is asked for ----

want_libbpf=0 want_go=no sets=""

add_set() {
	case " $sets " in *" $1 "*) return ;; esac
	case $1 in
	build) want_libbpf=1 ;;
	demo)
		add_set build
		[ $want_go = needed ] || want_go=wished
		;;
	test)
		add_set demo
		want_go=needed
		;;
	bench | kernels) add_set build ;;
	-h | --help | help)
		usage
		exit 0
		;;
	*)
		say "no such part: $1 (there are: build demo test bench kernels)"
		exit 2
		;;
	esac
	sets="$sets $1"
}

[ $# -gt 0 ] || set -- build
for part; do
	add_set "$part"
done

packages="" commands=""
for part in $sets; do
	packages="$packages ${packages_of[$part]}"
	commands="$commands ${commands_of[$part]}"
done

# ---- what is missing ----

# Prints those of the names that are not installed, nor provided by something that is.
missing_packages() {
	local present

	# shellcheck disable=SC2016 # the dollars are dpkg's
	present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n${db:Status-Status} ${Provides}\n' 2>/dev/null |
		sed -n 's/^installed //p' | tr -d ',' | tr ' ' '\n')
	comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$present")
}

libbpf_ok() {
	local have_version

	if [ "$family" = debian ]; then
		# shellcheck disable=SC2016
		have_version=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' libbpf-dev 2>/dev/null |
			sed -n 's/^installed //p' | head -n 1)
		if [ -n "$have_version" ]; then
			dpkg --compare-versions "$have_version" ge "$libbpf_min"
			return
		fi
	fi
	have pkg-config && pkg-config --atleast-version="${libbpf_min#1:}" libbpf
}

# ---- other systems ----

family=debian release=""
if [ -r /etc/os-release ]; then
	# shellcheck disable=SC1091
	. /etc/os-release
	release=${VERSION_CODENAME:-}
	[ "${ID:-}" = debian ] || family=other
	case ${VERSION_ID:-} in
	'' | 1[2-9] | [2-9][0-9]) ;; # testing and unstable have no number
	*) [ "$family" = other ] || family=old ;;
	esac
else
	family=other
fi
have apt-get dpkg-query || family=other

if [ "$family" != debian ]; then
	lacking=""
	for cmd in $commands; do
		have "$cmd" || lacking="$lacking $cmd"
	done
	libbpf_ok || lacking="$lacking libbpf>=${libbpf_min#1:}(headers)"
	if [ $want_go = needed ]; then
		find_go >/dev/null || lacking="$lacking go>=1.$go_min_minor"
	fi
	if [ -n "$lacking" ]; then
		say "this is not Debian 12 or newer (${PRETTY_NAME:-unknown system}), so nothing is installed;" \
			"missing:$lacking. On Debian they come from:" \
			"$(tr -s ' \t\n' ' ' <<<"$packages libbpf-dev")"
		exit 3
	fi
	say "this is not Debian 12 or newer; the commands that are needed are here, going on"
	exit 0
fi

# shellcheck disable=SC2086 # lists of words
missing=$(missing_packages $packages | tr '\n' ' ')
need_libbpf=0 need_go=0
if [ $want_libbpf = 1 ] && ! libbpf_ok; then
	need_libbpf=1
fi
if [ $want_go != no ] && ! find_go >/dev/null; then
	need_go=1
fi
if [ -z "${missing// /}" ] && [ $need_libbpf = 0 ] && [ $need_go = 0 ]; then
	exit 0
fi

wanted=$missing
[ $need_libbpf = 0 ] || wanted="$wanted libbpf-dev(>=${libbpf_min#1:})"
[ $need_go = 0 ] || wanted="$wanted golang-go(>=1.$go_min_minor)"
wanted=$(xargs <<<"$wanted")
[ "$(id -u)" = 0 ] || die "to install $wanted run: sudo $0 $*"

# ---- installing ----

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export HOME=${HOME:-/root} LC_ALL=C.UTF-8
export NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1

policy=/usr/sbin/policy-rc.d
policy_mark="ctrace-bpf setup: packages start no services while it installs"
log=$(mktemp)

policy_restore() {
	if grep -qs "$policy_mark" "$policy"; then
		rm -f "$policy"
	fi
	if [ -e "$policy.ctrace-saved" ] || [ -L "$policy.ctrace-saved" ]; then
		mv -f "$policy.ctrace-saved" "$policy"
	fi
}

finish() {
	policy_restore
	rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# One door to apt-get: quiet when well, its last lines and our sentence when not.
apt() {
	apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
		-o APT::Install-Recommends=false -o Dpkg::Options::=--force-confold "$@" </dev/null >"$log" 2>&1
}

apt_failed() {
	tail -n 15 "$log" | sed 's/^/    /' >&2
	die "$@"
}

# A source that does not answer is no error to apt-get, and it may be one that we do not need.
lists_reason=""
update_lists() {
	if ! apt update; then
		apt_failed "the package lists could not be fetched: mend the sources in /etc/apt and run $0 again"
	fi
	lists_reason=$(sed -n 's/^W: \(Failed to fetch.*\)/\1/p' "$log" | head -n 1)
}

# For the end of an error sentence: why a package may not be there.
lists_hint() {
	[ -z "$lists_reason" ] || printf ' (the package lists are not complete: %s)' "$lists_reason"
}

# version_ge HAVE MIN, false for an empty HAVE
version_ge() {
	[ -n "$1" ] && [ "$1" != '(none)' ] && dpkg --compare-versions "$1" ge "$2"
}

candidate() {
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p'
}

# The newest version of a package in one suite, empty when it is not there.
version_in() {
	apt-cache madison "$1" 2>/dev/null | awk -F ' *[|] *' -v suite=" $2/" 'index(" " $3, suite) { print $2; exit }'
}

# apt's own view of its sources: also those that are in files we would not think of
# shellcheck disable=SC2016
have_suite() {
	apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' 2>/dev/null | grep -qx "$1"
}

add_backports() {
	local file=/etc/apt/sources.list.d/ctrace-bpf-backports.sources mirror

	[ -n "$release" ] || return 0
	have_suite "$release-backports" && return
	# the mirror that this machine uses for the release itself
	# shellcheck disable=SC2016
	mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n "s/^$release //p" | head -n 1)
	cat >"$file" <<-EOF
		# Written by ctrace-bpf's scripts/setup.sh. Packages of this suite are only taken when asked for by name.
		Types: deb
		URIs: ${mirror:-http://deb.debian.org/debian}
		Suites: $release-backports
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	EOF
	say "added $release-backports to the package sources ($file)"
	update_lists
}

say "installing: $wanted"
update_lists

# Each package by itself, so that the error names it.
unknown=""
for package in $missing; do
	case $(candidate "$package") in
	'' | '(none)') unknown="$unknown $package" ;;
	esac
done
[ -z "$unknown" ] || die "the package sources of this machine do not have:$unknown$(lists_hint)." \
	"They are in Debian's main component: see that /etc/apt/sources.list.d has it and that the network is there, then run $0 again"

# What an interrupted run of ours left, before anything is saved again.
policy_restore
if [ -e "$policy" ] || [ -L "$policy" ]; then
	mv -f "$policy" "$policy.ctrace-saved"
fi
printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" >"$policy"
chmod 755 "$policy"

backports_list="" golang=""

if [ $need_libbpf = 1 ]; then
	if ! version_ge "$(candidate libbpf-dev)" "$libbpf_min"; then
		add_backports
		version=$(version_in libbpf-dev "$release-backports")
		version_ge "$version" "$libbpf_min" ||
			die "libbpf-dev ${libbpf_min#1:} or newer is in neither ${release:-this release} nor its backports" \
				"(found: ${version:-$(candidate libbpf-dev)})$(lists_hint); install libbpf ${libbpf_min#1:} so that pkg-config finds it"
		backports_list="libbpf-dev/$release-backports libbpf1/$release-backports"
	else
		backports_list="libbpf-dev"
	fi
fi

# Go of the release when it is new enough, else the versioned package of the backports; the plain `go`
# command too unless another version owns it.
if [ $need_go = 1 ]; then
	if version_ge "$(candidate golang-go)" "2:1.$go_min_minor~"; then
		golang="golang-go"
	else
		add_backports
		if version_ge "$(version_in golang-go "$release-backports")" "2:1.$go_min_minor~"; then
			golang="golang-go/$release-backports golang-src/$release-backports"
			if [ -z "$(missing_packages golang-go)" ]; then
				golang="golang-1.$go_min_minor-go"
			fi
		elif [ $want_go = needed ]; then
			die "golang-go 1.$go_min_minor or newer is in neither ${release:-this release} nor its backports$(lists_hint);" \
				"install it from https://go.dev/dl into /usr/local/go"
		else
			say "no Go 1.$go_min_minor or newer among the packages$(lists_hint): traces can be recorded here but not opened"
		fi
	fi
fi

# shellcheck disable=SC2086 # lists of words
apt install $missing $backports_list ||
	apt_failed "apt-get could not install: $missing $backports_list (its last words are above); mend that and run $0 again"

if [ -n "$golang" ]; then
	# shellcheck disable=SC2086
	if ! apt install $golang; then
		[ $want_go = wished ] || apt_failed "apt-get could not install: $golang (its last words are above)"
		say "$golang could not be installed: traces can be recorded here but not opened"
	fi
fi

# Services that came just now do not start with the machine either.
if have systemctl; then
	for service in redis-server postgresql nginx lttng-sessiond; do
		case " $missing " in
		*" $service "*) systemctl disable -q "$service" >/dev/null 2>&1 || : ;;
		esac
	done
fi

# ---- what was promised is there ----

# shellcheck disable=SC2086
left=$(missing_packages $packages | tr '\n' ' ')
[ -z "${left// /}" ] || die "still missing after the installation: $left"
[ $want_libbpf = 0 ] || libbpf_ok || die "libbpf is still older than ${libbpf_min#1:} after the installation"
[ $want_go != needed ] || find_go >/dev/null || die "no Go 1.$go_min_minor or newer was found after the installation"
say "done"

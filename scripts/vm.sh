#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs a command under another kernel, in a virtual machine without disk or network.
#
#   scripts/vm.sh [options] -- COMMAND…      COMMAND is a line for the guest's shell
#   scripts/vm.sh --fetch-only [-k KERNEL]   only get the kernel
#
#   -k KERNEL   6.1, 6.12 …: that series of Debian's linux-image-amd64; or a vmlinuz file    [6.1]
#   -c CPUS     processors of the guest                                                       [2]
#   -m MB       memory of the guest                                                           [2048]
#   -t SECONDS  the whole run may take this long                                              [600]
#   -i FILE     put FILE into the guest's /bin, with the libraries it needs; may be repeated
#   -o DIR      what the command leaves in /out comes back here, with dmesg.txt and console.log
#   -v          show the kernel's messages
#
# The exit status is that of COMMAND; 124 when time ran out, 125 when the machine did not come up or died.
# Works without root and without KVM (everything is emulated: slow, but the same everywhere). Kernels are
# Debian packages, fetched with apt-get download into build/kernels, unpacked there, never installed; the
# guest uses only what is built into them. Three serial ports: kernel messages, output, a tar file.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

kernel=6.1 cpus=2 memory=2048 seconds=600 out="" verbose=0 fetch_only=0
files=()

usage() {
	sed -n '/^#   scripts/,/^#   -v/s/^# \{0,1\}//p' "$0"
}

while [ $# -gt 0 ]; do
	case $1 in
	-[kcmtio])
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in
		-k) kernel=$2 ;;
		-c) cpus=$2 ;;
		-m) memory=$2 ;;
		-t) seconds=$2 ;;
		-i) files+=("$2") ;;
		-o) out=$2 ;;
		esac
		shift 2
		;;
	-v)
		verbose=1
		shift
		;;
	--fetch-only)
		fetch_only=1
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	--)
		shift
		break
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
done
[ $# -gt 0 ] || [ $fetch_only = 1 ] || {
	usage >&2
	exit 2
}

have apt-get apt-cache dpkg-deb || [ -f "$kernel" ] ||
	die "kernels come from Debian's packages and apt-get is not here: give a vmlinuz file with -k"

# Prints the path of the vmlinuz of a series, after fetching and unpacking it where necessary.
find_kernel() {
	local series=$1 dir=$root/build/kernels version package deb vmlinuz

	if [ -f "$series" ]; then
		realpath "$series"
		return
	fi
	# what is here already does for a week: kernels of a stable release change rarely, and not in kind
	vmlinuz=$(find "$dir/$series" -name 'vmlinuz-*' -mtime -7 2>/dev/null | sort -V | tail -n 1)
	if [ -n "$vmlinuz" ]; then
		echo "$vmlinuz"
		return
	fi
	version=$(apt-cache madison linux-image-amd64 2>/dev/null |
		awk -F ' *[|] *' -v series="$series." 'index($2, series) == 1 { print $2; exit }')
	if [ -z "$version" ]; then
		vmlinuz=$(find "$dir/$series" -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -n 1)
		[ -n "$vmlinuz" ] || die "no linux-image-amd64 $series.* in the package lists of this machine:" \
			"run sudo scripts/setup.sh kernels (6.1 is Debian 12's, 6.12 its backports')"
		echo "$vmlinuz"
		return
	fi
	package=$(apt-cache show "linux-image-amd64=$version" |
		sed -n 's/^Depends:.*\(linux-image-[^ ,]*\) .*/\1/p' | head -n 1)
	[ -n "$package" ] || die "linux-image-amd64 $version names no kernel"
	mkdir -p "$dir/$series"
	say "fetching $package"
	(cd "$dir/$series" && apt-get -q download "$package=$version" >download.log 2>&1) ||
		die "$package $version could not be downloaded: $(grep '^E:' "$dir/$series/download.log" | tail -n 1)"
	deb=$(find "$dir/$series" -name "${package}_*.deb" | tail -n 1)
	dpkg-deb --fsys-tarfile "$deb" | tar -x -m -C "$dir/$series" --wildcards './boot/*'
	rm -f "$deb" "$dir/$series/download.log"
	vmlinuz=$(find "$dir/$series" -name "vmlinuz-${package#linux-image-}" | tail -n 1)
	[ -n "$vmlinuz" ] || die "$package has no vmlinuz"
	echo "$vmlinuz"
}

vmlinuz=$(find_kernel "$kernel")
[ $fetch_only = 0 ] || {
	echo "$vmlinuz"
	exit 0
}

have qemu-system-x86_64 busybox cpio || die "qemu-system-x86_64, busybox or cpio is missing: run sudo scripts/setup.sh kernels"

work=$(mktemp -d)
qemu_pid=""
# shellcheck disable=SC2317 # called by the trap
clean_up() {
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# ---- the guest's files ----

tree=$work/tree
mkdir -p "$tree/bin" "$tree/etc"
busybox=$(command -v busybox)
if ldd "$busybox" >/dev/null 2>&1; then
	die "$busybox is not statically linked: install busybox-static"
fi
cp "$busybox" "$tree/bin/busybox"
cp "$root/scripts/vm/init" "$tree/init"
chmod 755 "$tree/init"
printf '%s\n' "$*" >"$tree/command"
for file in ${files[@]+"${files[@]}"}; do
	[ -f "$file" ] || die "no such file: $file"
	cp -L "$file" "$tree/bin/"
	# a script or a static program has none
	libs=$(ldd "$file" 2>/dev/null | grep -o '/[^ )]*' || :)
	for lib in $libs; do
		mkdir -p "$tree${lib%/*}"
		cp -L "$lib" "$tree$lib"
	done
done
# not compressed: an emulated CPU is slow at unpacking
(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/initramfs"

# ---- the machine ----

append="console=ttyS0 panic=-1 oops=panic loglevel=5 rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60 mitigations=off"
[ $verbose = 0 ] || append="$append loglevel=7"
console=file:$work/console.log
status=0
# One host thread for all guest CPUs: qemu 7.2 with a thread per CPU may run a stale translation of code that the
# guest's kernel has just patched ("Oops: int3" when a tracepoint is switched on); and it is no slower.
timeout --foreground -k 5 "$seconds" qemu-system-x86_64 -accel tcg,thread=single -cpu max -machine q35 -smp "$cpus" -m "$memory" \
	-nodefaults -no-user-config -display none -no-reboot \
	-kernel "$vmlinuz" -initrd "$work/initramfs" -append "$append" \
	-serial "$console" -serial stdio -serial "file:$work/out.tar.gz" </dev/null 2>"$work/qemu.log" &
qemu_pid=$!
# in the background, so that a signal to us ends the machine at once
wait "$qemu_pid" || status=$?
qemu_pid=""

[ $verbose = 0 ] || sed 's/\r$//; s/^/console: /' "$work/console.log" >&2
if [ -n "$out" ]; then
	mkdir -p "$out"
	cp "$work/console.log" "$out/console.log"
fi
mkdir "$work/out"
if tar -xzf "$work/out.tar.gz" -C "$work/out" 2>/dev/null && [ -s "$work/out/status" ]; then
	[ -z "$out" ] || cp -r "$work/out/." "$out/"
	exit "$(cat "$work/out/status")"
fi
tail -n 20 "$work/console.log" "$work/qemu.log" 2>/dev/null | sed 's/\r$//; s/^/    /' >&2
if [ $status = 124 ]; then
	say "$(basename "$vmlinuz") with $cpus CPUs: not finished after $seconds seconds"
	exit 124
fi
say "$(basename "$vmlinuz") with $cpus CPUs: the machine ended without a result (qemu's status $status, its last words are above)"
exit 125

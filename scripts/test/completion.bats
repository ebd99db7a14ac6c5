#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What bash, zsh and fish complete, asked of these shells themselves: every option that --help lists, the values, and that they find
# their scripts where `make install` puts them.

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	out=${O:-build}
	[[ $out = /* ]] || out=$root/$out
	program=$out/ctrace-bpf
	[ -x "$program" ] || skip "no $program"
	cd "$BATS_TEST_TMPDIR" || return 1
	HOME=$PWD
	touch some.trace
}

no() { ! "$@"; }
needs() { command -v "$1" >/dev/null || skip "no $1"; }
script() { "$program" --completion="$1" >script."$1"; } # SHELL

# bash_offers WORD…: what bash would put in place of the last piece; it parts words at = and :
bash_offers() {
	cat >ask.bash <<-'END'
		source ./script.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
		_ctrace_bpf
		if [ ${#COMPREPLY[@]} -gt 0 ]; then printf '%s\n' "${COMPREPLY[@]}"; fi
	END
	bash --norc ask.bash "$@"
}
zsh_offers() { zsh -f "$root/tests/lib/zsh-offers.zsh" "$PWD/script.zsh" "$1"; }      # LINE
fish_offers() { fish -c 'source script.fish; complete -C $argv[1]' "$1" | cut -f 1; } # LINE

# options_of [COMMAND]: letters and names that --help lists, sorted
options_of() { "$program" "$@" --help | sed -n 's/^  \(-[a-zA-Z]\|  \)[, ] \(--[a-z-]*\).*/\1\n\2/p' | grep -e - | sort; }
# the_options: of what was offered, without the = that a value needs and the -- behind which a command stands
the_options() { sed 's/=$//' | grep -vx -e -- | sort -u; }
commands() { "$program" --help | sed -n '/^commands/,$s/^  ctrace-bpf \([a-z]*\) .*/\1/p'; }

@test "each script is one that its shell takes" {
	local shell
	for shell in bash zsh fish; do
		command -v $shell >/dev/null || continue
		script $shell
		no grep -q '@TABLE@' script.$shell
		$shell -n script.$shell
	done
}

offers_options() { # OFFERS WORD…: the options of each command and no other, behind these words together
	local offers=$1 command word
	shift
	for command in '' $(commands); do
		options_of ${command:+"$command"} >want
		[ -s want ]
		for word; do "$offers" "$command" "$word"; done | the_options | diff - want
	done
}
of_bash() { bash_offers ctrace-bpf ${1:+"$1"} "$2"; }
of_zsh() { zsh_offers "ctrace-bpf $1 $2"; }
of_fish() { fish_offers "ctrace-bpf $1 $2"; }

@test "bash offers each option of each command, and no other" {
	script bash
	offers_options of_bash -
}

@test "zsh offers each option of each command, and no other" {
	needs zsh
	script zsh
	offers_options of_zsh - --
}

@test "fish offers each option of each command, and no other" {
	needs fish
	script fish
	offers_options of_fish - --
}

@test "the first word may be a command" {
	commands | sort >want
	[ -s want ]
	script bash
	bash_offers ctrace-bpf '' | sort | diff - want
	if command -v zsh >/dev/null; then
		script zsh
		zsh_offers 'ctrace-bpf ' | sort | diff - want
	fi
	if command -v fish >/dev/null; then
		script fish
		fish_offers 'ctrace-bpf ' | sort | diff - want
	fi
}

# is WHAT WANT…: the lines of stdin are these
is() { diff - <(printf '%s\n' "$@"); }
has() { grep -qx -e "$1"; }
sleeper() { # a process with a name of its own, in $pid
	cp "$(command -v sleep)" ctrace-sleeper
	./ctrace-sleeper 100 3>&- &
	pid=$!
	until [ "$(cat /proc/$pid/comm)" = ctrace-sleeper ]; do :; done
}
teardown() { if [ -n "${pid:-}" ]; then kill "$pid"; fi; }

@test "bash: values, in each way of writing them" {
	script bash
	sleeper
	bash_offers ctrace-bpf --syscalls = | is all blocking none
	bash_offers ctrace-bpf --syscalls = b | is blocking
	bash_offers ctrace-bpf --syscalls '' | is all blocking none
	bash_offers ctrace-bpf -a --stacks = block,wa | is block,wakeup
	bash_offers ctrace-bpf --go-version = 1.2 | is 1.22 1.23 1.25 1.26
	bash_offers ctrace-bpf --sample = | is 99 997
	bash_offers ctrace-bpf --buf | is --buffer=
	bash_offers ctrace-bpf --buffer 6 | is 64M
	bash_offers ctrace-bpf --trigger reg | is 'region\>10ms'
	bash_offers ctrace-bpf --trigger = log : | is error
	bash_offers ctrace-bpf -p "$pid" | is "$pid"
	bash_offers ctrace-bpf -p '' | grep -qx -e "$pid (ctrace-sleeper)"
	bash_offers ctrace-bpf --pid = "1,$pid" | is "1,$pid"
	bash_offers ctrace-bpf --comm ctrace-sl | is ctrace-sleeper
	bash_offers ctrace-bpf --exclude ctrace-sl | is ctrace-sleeper
	bash_offers ctrace-bpf --exclude "$pid" | is "$pid"
	bash_offers ctrace-bpf --uid roo | is root
	bash_offers ctrace-bpf -o some | is some.trace
	bash_offers ctrace-bpf --output = some | is some.trace
	bash_offers ctrace-bpf --region some | is some.trace
	bash_offers ctrace-bpf convert some | is some.trace
	bash_offers ctrace-bpf convert -o T some | is some.trace
	[ -z "$(bash_offers ctrace-bpf --keep '')" ]
	[ -z "$(bash_offers ctrace-bpf features '')" ]
	[ -z "$(bash_offers ctrace-bpf -a '')" ]
}

@test "words of commands that are no options: processes, names, files, and the first one alone" {
	script bash
	sleeper
	bash_offers ctrace-bpf trace "$pid" | is "$pid"
	bash_offers ctrace-bpf trace --sample "$pid" | is "$pid"
	bash_offers ctrace-bpf ps "$pid" | is "$pid"
	bash_offers ctrace-bpf ps ctrace-sl | is ctrace-sleeper
	bash_offers ctrace-bpf tree ctrace-sl | is ctrace-sleeper
	bash_offers ctrace-bpf view some | is some.trace
	[ -z "$(bash_offers ctrace-bpf trace "$pid" '')" ]
	[ -z "$(bash_offers ctrace-bpf ps "$pid" '')" ]
	if command -v zsh >/dev/null; then
		script zsh
		zsh_offers "ctrace-bpf trace $pid" | is "$pid"
		zsh_offers 'ctrace-bpf ps ctrace-sl' | is ctrace-sleeper
		zsh_offers 'ctrace-bpf view some' | is some.trace
		zsh_offers "ctrace-bpf trace $pid " | no grep -v ^- # options at most
	fi
	if command -v fish >/dev/null; then
		script fish
		fish_offers "ctrace-bpf trace $pid" | is "$pid"
		fish_offers 'ctrace-bpf ps ctrace-sl' | is ctrace-sleeper
		fish_offers 'ctrace-bpf view some' | is some.trace
		[ -z "$(fish_offers "ctrace-bpf trace $pid ")" ]
	fi
}

@test "bash: behind -- stands a command" {
	script bash
	bash_offers ctrace-bpf -q -- bashbu | has bashbug
	bash_offers ctrace-bpf -- cat some | is some.trace
	bash_offers ctrace-bpf -o -- --sysc | is --syscalls= # that -- is a file's name
}

@test "zsh: values" {
	needs zsh
	script zsh
	sleeper
	zsh_offers 'ctrace-bpf --syscalls=' | is all blocking none
	zsh_offers 'ctrace-bpf --syscalls ' | is all blocking none
	zsh_offers 'ctrace-bpf --stacks=block,wa' | is wakeup
	zsh_offers 'ctrace-bpf --sample=' | is 99 997
	zsh_offers "ctrace-bpf -p 1,$pid" | has "$pid"
	zsh_offers "ctrace-bpf --comm ctrace-sl" | is ctrace-sleeper
	zsh_offers 'ctrace-bpf --uid=roo' | has root
	zsh_offers 'ctrace-bpf -o some' | has some.trace
	zsh_offers 'ctrace-bpf convert some' | has some.trace
	zsh_offers 'ctrace-bpf -q -- bashbu' | has bashbug
	zsh_offers 'ctrace-bpf -- cat some' | has some.trace
}

@test "fish: values" {
	needs fish
	script fish
	sleeper
	fish_offers 'ctrace-bpf --syscalls=' | is --syscalls=all --syscalls=blocking --syscalls=none
	fish_offers 'ctrace-bpf --syscalls ' | is all blocking none
	fish_offers 'ctrace-bpf --stacks=block,wa' | is --stacks=block,wakeup
	fish_offers 'ctrace-bpf --sample=' | is --sample=99 --sample=997
	fish_offers 'ctrace-bpf --trigger reg' | is 'region>10ms'
	fish_offers "ctrace-bpf -p 1,$pid" | is "1,$pid"
	fish_offers 'ctrace-bpf --comm ctrace-sl' | is ctrace-sleeper
	fish_offers 'ctrace-bpf --uid=roo' | has --uid=root
	fish_offers 'ctrace-bpf -o some' | is some.trace
	fish_offers 'ctrace-bpf convert some' | is some.trace
	fish_offers 'ctrace-bpf -q -- bashbu' | has bashbug
	fish_offers 'ctrace-bpf -- cat some' | is some.trace
	[ -z "$(fish_offers 'ctrace-bpf features ')" ]
}

@test "a shell that is not known is refused in words" {
	local status=0
	"$program" --completion=tcsh >out 2>err || status=$?
	[ "$status" -eq 2 ]
	[ ! -s out ]
	grep -qx 'ctrace-bpf: --completion=tcsh: not a known word; write one of bash, zsh, fish' err
}

@test "make install puts each where its shell looks" {
	unset MAKEFLAGS MAKELEVEL MFLAGS
	command -v scdoc >/dev/null || skip "no scdoc"
	make -s -C "$root" "O=$out" "DESTDIR=$PWD/dest" PREFIX=/opt/c install
	for shell in bash zsh fish; do script $shell; done
	cmp script.bash dest/opt/c/share/bash-completion/completions/ctrace-bpf
	cmp script.zsh dest/opt/c/share/zsh/site-functions/_ctrace-bpf
	cmp script.fish dest/opt/c/share/fish/vendor_completions.d/ctrace-bpf.fish
	dest/opt/c/bin/ctrace-bpf --version
	make -s -C "$root" "O=$out" "DESTDIR=$PWD/other" BASH_COMPLETIONS=/b ZSH_COMPLETIONS=/z FISH_COMPLETIONS=/f install
	[ -e other/b/ctrace-bpf ] && [ -e other/z/_ctrace-bpf ] && [ -e other/f/ctrace-bpf.fish ]
	if command -v zsh >/dev/null; then
		zsh -f "$root/tests/lib/zsh-offers.zsh" "$PWD/dest/opt/c/share/zsh/site-functions" 'ctrace-bpf --syscalls=' | is all blocking none
	fi
	if command -v fish >/dev/null; then
		# of a program that it finds
		PATH=$PWD/dest/opt/c/bin:$PATH XDG_DATA_DIRS=$PWD/dest/opt/c/share fish -c 'complete -C "ctrace-bpf --syscalls "' | cut -f 1 | is all blocking none
	fi
	if [ -r /usr/share/bash-completion/bash_completion ]; then
		XDG_DATA_DIRS=$PWD/dest/opt/c/share bash --norc -c 'source /usr/share/bash-completion/bash_completion
			_completion_loader ctrace-bpf; complete -p ctrace-bpf' | is 'complete -F _ctrace_bpf ctrace-bpf'
	fi
}

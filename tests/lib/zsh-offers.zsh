#!/usr/bin/env zsh
# SPDX-License-Identifier: BSD-2-Clause
# What an interactive zsh offers for a line: zsh-offers.zsh FILE|DIRECTORY LINE. The file is sourced, the directory is searched for
# functions; a match a line on stdout. Works in the directory that it is called in.
zmodload zsh/zpty zsh/zselect
rm -f offers ready
zpty shell env TERM=dumb HOME=$PWD zsh -f -i
# each of these is one line: the shell echoes what it gets
if [[ -d $1 ]]; then
	zpty -w shell "PS1= LISTMAX=10000; fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D"
else
	zpty -w shell "PS1= LISTMAX=10000; autoload -Uz compinit; compinit -u -D; source ${(q)1}"
fi
zpty -w shell 'compadd() { if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi; local -a found; builtin compadd -A found "$@"; print -rl -- $found >>offers.tmp; builtin compadd "$@" }'
zpty -w shell 'offers() { : >>offers.tmp; zle list-choices; mv offers.tmp offers }; zle -N offers; bindkey "^I" offers; : >ready'
waits_for() { # FILE: 20 s at most
	local -i i
	for ((i = 0; i < 1000; i++)); do
		[[ -e $1 ]] && return
		zpty -r -t shell said
		zselect -t 2
	done
	print -ru2 -- "zsh-offers: nothing comes"
	exit 1
}
waits_for ready
zpty -n -w shell "$2"$'\t'
waits_for offers
zpty -d shell
grep . offers

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Completion of ctrace-bpf in bash 4.4 or newer: what `ctrace-bpf --completion=bash` prints. The fields of the table are
# described in completion.h.

_ctrace_bpf_table='@TABLE@'

# ---- the table ----

_ctrace_bpf_commands() { # all but a recording, a line each
	local first name
	while IFS=$'\t' read -r first name _; do
		if [[ $first == command ]]; then echo "$name"; fi
	done <<<"$_ctrace_bpf_table"
}

_ctrace_bpf_options() { # COMMAND: a line each, with a = where a value is needed
	local command letter name takes
	while IFS=$'\t' read -r command letter name takes _; do
		if [[ $command != "$1" ]]; then continue; fi
		if [[ $letter != - ]]; then echo "$letter"; fi
		case $takes in
		must) echo "$name=" ;;
		may) printf '%s\n' "$name" "$name=" ;;
		no) echo "$name" ;;
		esac
	done <<<"$_ctrace_bpf_table"
}

_ctrace_bpf_word() { # COMMAND: what is offered for its words
	local first name value
	while IFS=$'\t' read -r first name value _; do
		if [[ $first == command && $name == "$1" ]]; then echo "$value"; fi
	done <<<"$_ctrace_bpf_table"
}

# _ctrace_bpf_find COMMAND OPTION: sets takes and value
_ctrace_bpf_find() {
	local command letter name
	while IFS=$'\t' read -r command letter name takes _ value _; do
		if [[ $command == "$1" && ($letter == "$2" || $name == "$2") ]]; then return; fi
	done <<<"$_ctrace_bpf_table"
	takes=no value=none
	return 1
}

# ---- what there is on this machine, a line each ----

# Processes that are no threads of the kernel: those have no command line.
_ctrace_bpf_processes() { # "PID NAME"
	local dir name byte
	for dir in /proc/[0-9]*; do
		byte=''
		{ IFS= read -r -n 1 -d '' byte <"$dir/cmdline"; } 2>/dev/null
		if [[ -z $byte ]]; then continue; fi
		{ IFS= read -r name <"$dir/comm"; } 2>/dev/null && echo "${dir#/proc/} $name"
	done
}
_ctrace_bpf_names() { _ctrace_bpf_processes | cut -d ' ' -f 2- | sort -u; }
_ctrace_bpf_groups() { sed -n 's/^0:://p' /proc/[0-9]*/cgroup 2>/dev/null | sort -u; }
_ctrace_bpf_containers() { sed -n 's/.*\([0-9a-f]\{64\}\).*/\1/p' /proc/[0-9]*/cgroup 2>/dev/null | cut -c 1-12 | sort -u; }

# ---- what is typed ----

# The words up to the cursor as the user sees them, into the array words: bash parts them at = and : as well.
_ctrace_bpf_join() {
	local i piece
	words=("${COMP_WORDS[0]}")
	for ((i = 1; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		if [[ $i -gt 1 && -n $piece && ($piece == [=:]* || ${COMP_WORDS[i - 1]} == *[=:]) ]]; then
			words[-1]+=$piece
		else
			words+=("$piece")
		fi
	done
}

# Of the whole words in COMPREPLY, what stands in place of the last piece of the word.
_ctrace_bpf_cut() {
	local breaks=${COMP_WORDBREAKS//[^=:]/} ahead
	if [[ -z $breaks ]]; then return; fi
	ahead=${word%"${word##*["$breaks"]}"}
	COMPREPLY=("${COMPREPLY[@]#"$ahead"}")
}

# ---- what fits ----

# _ctrace_bpf_add TEXT…: those that go on from $typed, with what stands in front of it
_ctrace_bpf_add() {
	local text
	for text; do
		if [[ $text == "$typed"* ]]; then COMPREPLY+=("$ahead$(printf %q "$text")"); fi
	done
}

# One of a list with commas: the last one is completed.
_ctrace_bpf_last_of_list() {
	ahead+=${typed%"${typed##*,}"}
	typed=${typed##*,}
}

# Where there are several, each has its name behind it, which bash shows and does not insert: no two pids are the same.
_ctrace_bpf_add_pids() {
	local pid name found=() names=() i
	while read -r pid name; do
		if [[ $pid == "$typed"* ]]; then found+=("$pid") names+=("$name"); fi
	done < <(_ctrace_bpf_processes)
	for i in "${!found[@]}"; do
		if ((${#found[@]} > 1)) && [[ ${COMP_TYPE:-9} != 37 ]]; then
			COMPREPLY+=("$ahead${found[i]} (${names[i]})")
		else
			COMPREPLY+=("$ahead${found[i]}")
		fi
	done
}

_ctrace_bpf_add_files() {
	local file
	while IFS= read -r file; do COMPREPLY+=("$ahead$file"); done < <(compgen -f -- "$typed")
	compopt -o filenames 2>/dev/null
}

# _ctrace_bpf_value VALUE: what the table has of an option, for $typed, which has $ahead in front of it
_ctrace_bpf_value() {
	local kind lines
	read -ra lines <<<"$1"
	kind=${lines[0]}
	lines=("${lines[@]:1}")
	case $kind in
	one) _ctrace_bpf_add "${lines[@]}" ;;
	list)
		_ctrace_bpf_last_of_list
		_ctrace_bpf_add "${lines[@]}"
		compopt -o nospace 2>/dev/null
		;;
	files) _ctrace_bpf_add_files ;;
	programs)
		_ctrace_bpf_add_files
		compopt -o nospace 2>/dev/null
		;;
	pids)
		_ctrace_bpf_last_of_list
		_ctrace_bpf_add_pids
		;;
	names)
		mapfile -t lines < <(_ctrace_bpf_names)
		_ctrace_bpf_add "${lines[@]}"
		;;
	names-and-pids)
		mapfile -t lines < <(_ctrace_bpf_names)
		_ctrace_bpf_add "${lines[@]}"
		_ctrace_bpf_add_pids
		;;
	users)
		_ctrace_bpf_last_of_list
		mapfile -t lines < <(compgen -u)
		_ctrace_bpf_add "${lines[@]}"
		;;
	groups)
		mapfile -t lines < <(_ctrace_bpf_groups)
		_ctrace_bpf_add "${lines[@]}"
		if [[ $typed == /* ]]; then
			mapfile -t lines < <(compgen -d -- "$typed")
			_ctrace_bpf_add "${lines[@]}"
		fi
		;;
	containers)
		mapfile -t lines < <(_ctrace_bpf_containers)
		_ctrace_bpf_add "${lines[@]}"
		;;
	esac
}

# The command behind --, which is in the word number $1 of COMP_WORDS, completes itself where bash-completion is there.
_ctrace_bpf_command() {
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$1"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
	fi
}

_ctrace_bpf() {
	local words word command=record commands takes value waits='' typed ahead='' plain=0 i
	COMPREPLY=()
	_ctrace_bpf_join
	word=${words[-1]}
	commands=$(_ctrace_bpf_commands)
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		if [[ -n $waits ]]; then
			waits='' # it was a value
		elif [[ ${words[i]} == -- ]]; then
			break
		elif [[ $i -eq 1 && $'\n'$commands$'\n' == *$'\n'"${words[i]}"$'\n'* ]]; then
			command=${words[i]}
		elif [[ ${words[i]} == --*=* ]]; then
			:
		elif [[ ${words[i]} != -* ]]; then
			plain=$((plain + 1))
		elif _ctrace_bpf_find "$command" "${words[i]}" && [[ $takes == must ]]; then
			waits=$value
		fi
	done
	typed=$word
	if ((i < ${#words[@]} - 1)); then # there is a --
		for ((i = 1; i < COMP_CWORD; i++)); do
			if [[ ${COMP_WORDS[i]} == -- ]]; then break; fi
		done
		if [[ $command == record ]]; then
			_ctrace_bpf_command $((i + 1))
		else
			_ctrace_bpf_add_files
		fi
		return
	fi
	if [[ -n $waits ]]; then
		_ctrace_bpf_value "$waits"
	elif [[ $word == --*=* ]]; then
		ahead=${word%%=*}=
		typed=${word#*=}
		if _ctrace_bpf_find "$command" "${word%%=*}"; then _ctrace_bpf_value "$value"; fi
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_ctrace_bpf_options "$command") --" -- "$word")
		if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
	elif [[ $command == record && ${#words[@]} -eq 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
	elif [[ $command != record && $plain -eq 0 ]]; then
		_ctrace_bpf_value "$(_ctrace_bpf_word "$command")"
	fi
	_ctrace_bpf_cut
}

complete -F _ctrace_bpf ctrace-bpf

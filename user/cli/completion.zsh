#compdef ctrace-bpf
# SPDX-License-Identifier: BSD-2-Clause
# Completion of ctrace-bpf in zsh: what `ctrace-bpf --completion=zsh` prints. The fields of the table are described in
# completion.h.

typeset -g _ctrace_bpf_table='@TABLE@'

# ---- what there is on this machine ----

# Processes that are no threads of the kernel, "PID:NAME": those have no command line.
_ctrace_bpf_processes() {
	local dir name bytes
	reply=()
	for dir in /proc/<->(N); do
		bytes=
		{ IFS= read -r -k 1 -u 0 bytes <$dir/cmdline } 2>/dev/null || continue
		{ IFS= read -r name <$dir/comm } 2>/dev/null && reply+=("${dir:t}:$name")
	done
}

_ctrace_bpf_pids() {
	local -a reply
	_ctrace_bpf_processes
	_describe -t processes process reply "$@"
}

_ctrace_bpf_names() {
	local -a reply
	_ctrace_bpf_processes
	compadd "$@" -- ${(u)reply#*:}
}

_ctrace_bpf_groups() {
	local -a groups=(${(uf)"$(sed -n 's/^0:://p' /proc/<->/cgroup 2>/dev/null)"})
	compadd -- $groups
	_files -/
}

_ctrace_bpf_containers() {
	local -a ids=(${(uf)"$(sed -n 's/.*\([0-9a-f]\{64\}\).*/\1/p' /proc/<->/cgroup 2>/dev/null | cut -c 1-12)"})
	compadd -- $ids
}

# ---- a value, as the table has it ----

_ctrace_bpf_value() { # KIND [WORD…]
	local kind=$1
	shift
	case $kind in
	one) compadd -- "$@" ;;
	list)
		compset -P '*,'
		compadd -qS , -- "$@"
		;;
	files) _files ;;
	programs) _files -S '' ;;
	pids)
		compset -P '*,'
		_ctrace_bpf_pids
		;;
	names) _ctrace_bpf_names ;;
	names-and-pids)
		_ctrace_bpf_names
		_ctrace_bpf_pids
		;;
	users)
		compset -P '*,'
		_users
		;;
	groups) _ctrace_bpf_groups ;;
	containers) _ctrace_bpf_containers ;;
	*) _message -e values "${(Q)state_descr:-value}" ;;
	esac
}

# ---- options ----

# What _arguments wants to know of the options of a command, into specs.
_ctrace_bpf_specs() { # COMMAND
	local line first name help value shown colon
	local -a field
	specs=()
	for line in ${(f)_ctrace_bpf_table}; do
		field=("${(@ps:\t:)line}")
		[[ $field[1] == $1 && $#field -eq 8 ]] || continue
		help=${field[8]//(#m)[][\\:]/\\$MATCH}
		shown=${field[7]//:/\\:}
		value=${(j: :)${(q)${=field[6]}}}
		value=${value//:/\\:}
		first=
		[[ $field[5] == many ]] && first='*'
		case $field[4] in
		no)
			specs+=("$first${field[3]}[$help]")
			[[ $field[2] == - ]] || specs+=("$first${field[2]}[$help]")
			;;
		may) specs+=("$first${field[3]}=-[$help]::$shown: _ctrace_bpf_value $value") ;;
		must)
			specs+=("$first${field[3]}=[$help]:$shown: _ctrace_bpf_value $value")
			[[ $field[2] == - ]] || specs+=("$first${field[2]}+[$help]:$shown: _ctrace_bpf_value $value")
			;;
		esac
	done
}

_ctrace_bpf_commands() {
	local line
	local -a field known
	for line in ${(f)_ctrace_bpf_table}; do
		field=("${(@ps:\t:)line}")
		[[ $field[1] == command ]] && known+=("$field[2]:$field[4]")
	done
	_describe -t commands command known
}

_ctrace_bpf_word() { # COMMAND: what is offered for its words, into REPLY
	local line
	local -a field
	for line in ${(f)_ctrace_bpf_table}; do
		field=("${(@ps:\t:)line}")
		[[ $field[1] == command && $field[2] == $1 ]] && REPLY=$field[3]
	done
}

_ctrace-bpf() {
	local command=record context state state_descr line curcontext=$curcontext REPLY=none
	local -a specs
	local -A opt_args
	integer at

	if [[ $CURRENT -gt 2 && $'\n'$_ctrace_bpf_table == *$'\n'command$'\t'$words[2]$'\t'* ]]; then
		command=$words[2]
		shift words
		(( CURRENT-- ))
	fi
	at=${words[(i)--]}
	if [[ $command == record ]] && (( at < CURRENT )); then
		shift $at words
		(( CURRENT -= at ))
		_normal
		return
	fi
	_ctrace_bpf_specs $command
	if [[ $command == record ]]; then
		specs+=('1: :_ctrace_bpf_commands')
	else
		_ctrace_bpf_word $command
		[[ $REPLY == none ]] || specs+=("1:word: _ctrace_bpf_value $REPLY")
	fi
	_arguments -s -S : $specs
}

if [[ $funcstack[1] == _ctrace-bpf ]]; then
	_ctrace-bpf "$@"
else
	compdef _ctrace-bpf ctrace-bpf
fi

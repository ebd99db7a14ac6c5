# SPDX-License-Identifier: BSD-2-Clause
# Completion of ctrace-bpf in fish: what `ctrace-bpf --completion=fish` prints. The fields of the table are described in
# completion.h.

# ---- what is typed ----

# Is this a line of the command, before any --?
function __ctrace_bpf_in --argument-names wanted
    set -l words (commandline -opc)
    contains -- -- $words
    and return 1
    set -l command record
    if set -q words[2]; and contains -- $words[2] $__ctrace_bpf_commands
        set command $words[2]
    end
    test "$command" = "$wanted"
end

# Does the first word of this command come now that is no option?
function __ctrace_bpf_word --argument-names wanted
    __ctrace_bpf_in $wanted
    and test (count (string match -v -- '-*' (commandline -opc))) -eq 2
end

# Does the first word come now?
function __ctrace_bpf_first
    test (count (commandline -opc)) -eq 1
end

# Is this behind the -- of a recording?
function __ctrace_bpf_behind
    set -l words (commandline -opc)
    contains -- -- $words
    and not contains -- $words[2] $__ctrace_bpf_commands
end

# The command behind -- completes itself.
function __ctrace_bpf_command
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    set -l line (string escape -- $words[(math $at + 1)..-1]) (commandline -ct)
    complete -C "$line"
end

# ---- what there is on this machine ----

# Processes that are no threads of the kernel, PID TAB NAME: those have no command line.
function __ctrace_bpf_processes
    set -l pids (grep -als . /proc/*/cmdline | string replace -rf '^/proc/([0-9]+)/cmdline$' '$1')
    for line in (grep -s . /proc/*/comm | string replace -rf '^/proc/([0-9]+)/comm:(.*)$' '$1\t$2')
        contains -- (string split -m 1 \t -- $line)[1] $pids
        and echo $line
    end
end

function __ctrace_bpf_names
    __ctrace_bpf_processes | string replace -r '^.*\t' '' | sort -u
end

# ---- a value, as the table has it ----

# The part of a value that stands already, up to its last comma.
function __ctrace_bpf_ahead
    string replace -r -- '^--[a-z-]*=' '' (commandline -ct) | string match -r -- '^.*,'
end

function __ctrace_bpf_value --argument-names kind
    set -l words $argv[2..-1]
    set -l ahead (__ctrace_bpf_ahead)
    switch $kind
        case one
            printf '%s\n' $words
        case list
            printf '%s\n' "$ahead"$words
        case files programs
            __fish_complete_path (string replace -r -- '^--[a-z-]*=' '' (commandline -ct))
        case pids
            printf '%s\n' "$ahead"(__ctrace_bpf_processes)
        case names
            __ctrace_bpf_names
        case names-and-pids
            __ctrace_bpf_names
            __ctrace_bpf_processes
        case users
            printf '%s\n' "$ahead"(__fish_complete_users)
        case groups
            sed -n 's/^0:://p' /proc/*/cgroup 2>/dev/null | sort -u
            __fish_complete_directories (string replace -r -- '^--[a-z-]*=' '' (commandline -ct))
        case containers
            sed -n 's/.*\([0-9a-f]\{64\}\).*/\1/p' /proc/*/cgroup 2>/dev/null | cut -c 1-12 | sort -u
    end
end

# ---- the table ----

set -g __ctrace_bpf_commands
complete -c ctrace-bpf -e
complete -c ctrace-bpf -f
complete -c ctrace-bpf -n __ctrace_bpf_behind -a '(__ctrace_bpf_command)'
for __ctrace_bpf_line in (string split \n -- '@TABLE@')
    set -l field (string split \t -- $__ctrace_bpf_line)
    switch "$field[1]"
        case command
            set -a __ctrace_bpf_commands $field[2]
            complete -c ctrace-bpf -n __ctrace_bpf_first -a $field[2] -d "$field[4]"
            switch $field[3]
                case none
                case files
                    complete -c ctrace-bpf -n "__ctrace_bpf_in $field[2]" -F
                case '*'
                    complete -c ctrace-bpf -n "__ctrace_bpf_word $field[2]" -a "(__ctrace_bpf_value $field[3])"
            end
        case '?*'
            set -l option -n "__ctrace_bpf_in $field[1]" -l (string sub -s 3 -- $field[3]) -d "$field[8]"
            test $field[2] = -
            or set -a option -s (string sub -s 2 -- $field[2])
            set -l value (string split ' ' -- $field[6] | string escape)
            switch $field[4]
                case must
                    set -a option -x -a "(__ctrace_bpf_value $value)"
                case may
                    set -a option -a "(__ctrace_bpf_value $value)"
            end
            complete -c ctrace-bpf $option
    end
end
set -e __ctrace_bpf_line

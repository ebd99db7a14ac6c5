// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// judge is the second opinion of the tests: it reads the Go execution traces that ctrace-bpf writes,
// once byte by byte (wire.go) and once through golang.org/x/exp/trace (analyse.go), and says what is
// wrong or what is in them. `judge fuzz` invents recordings (sim.go), damages them (damage.go), lets
// the program convert them and compares the outcome with what really happened (truth.go).
package main

import (
	"fmt"
	"os"
)

type command struct {
	name, args, what string
	run              func(args []string) int
}

var commands = []command{
	{"check", "[-q] FILE…", "fail on the first trace that is not sound", cmdCheck},
	{"times", "[-between SYSCALL] FILE", "JSON: time per state of every goroutine and proc", cmdTimes},
	{"cpus", "[-from NS] [-to NS] FILE", "JSON: running and idle time of every proc, and who ran there", cmdCPUs},
	{"wakes", "[-json] FILE", "who woke whom, after which wait", cmdWakes},
	{"hist", "FILE…", "kinds, transitions and reasons with their counts", cmdHist},
	{"samples", "FILE", "JSON: CPU samples by goroutine and by function of their stacks", cmdSamples},
	{"seams", "FILE FILE…", "a recording in one file against the same in several", cmdSeams},
	{"marks", "FILE", "JSON: tasks, regions and logs, with their times", cmdMarks},
	{"records", "[-sum] FILE", "a raw record file as text, or its counts", cmdRecords},
	{"pprof", "URL", "a service against net/http/pprof itself", cmdPprof},
	{"simulate", "[-seed S] [-damage D] -o FILE", "write one invented recording", cmdSimulate},
	{"fuzz", "-n N -seed S -ctrace PATH", "convert many invented recordings and judge the outcome", cmdFuzz},
}

func main() {
	if len(os.Args) > 1 {
		for _, c := range commands {
			if c.name == os.Args[1] {
				os.Exit(c.run(os.Args[2:]))
			}
		}
	}
	fmt.Fprintln(os.Stderr, "usage: judge COMMAND …")
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-9s %-32s %s\n", c.name, c.args, c.what)
	}
	os.Exit(2)
}

func fail(format string, a ...any) int {
	fmt.Fprintf(os.Stderr, "judge: "+format+"\n", a...)
	return 1
}

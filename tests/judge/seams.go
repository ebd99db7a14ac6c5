// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/exp/trace"
)

// A recording in several files against the same one in one: what is told once stands in exactly one of them, and each
// goroutine has spent its time in the same states, whatever was going on at the seams.

// opening is how long a file may take, at its begin, to say what goes on: each goroutine is walked through a proc, a tick an event.
func opening(a *analysis) int64 { return int64(200 + 40*(len(a.gs)+len(a.ps))) }

// classes that a seam does not tell apart: a syscall may be known only when it is over, behind the seam that it began before.
func seamClass(class string) string {
	if class == "syscall" {
		return "running"
	}
	return class
}

// seamLine is an annotation without the name of its task, which is in the file where that began.
func seamLine(line string) string {
	if strings.HasPrefix(line, "end of task ") {
		return "end of task"
	}
	if i := strings.LastIndex(line, " of \""); i >= 0 && !strings.HasPrefix(line, "end ") {
		return line[:i]
	}
	return line
}

// triggerLogs is how many of what triggers meet are marked in a generation; where there are more, it depends on the files which.
const triggerLogs = 256

// withoutTriggers takes out what they have marked, and the goroutine that says what nobody else could.
func (a *analysis) withoutTriggers() {
	delete(a.logs, "trigger")
	ofThem := func(g *gor) bool { return g != nil && g.name == "[trigger]" }
	a.wakes = slices.DeleteFunc(a.wakes, func(w wake) bool { return ofThem(w.wakee) })
	a.order = slices.DeleteFunc(a.order, ofThem)
}

// ofOne is what files tell of a goroutine, added up.
type ofOne struct {
	ns     map[string]int64
	starts int
	marks  []string
}

// addUp takes files in the order of time.
func addUp(files []*analysis) map[trace.GoID]*ofOne {
	sum := map[trace.GoID]*ofOne{}
	for i, a := range files {
		for _, g := range a.order {
			one := sum[g.id]
			if one == nil {
				one = &ofOne{ns: map[string]int64{}}
				sum[g.id] = one
			}
			for class, ns := range g.ns {
				one.ns[seamClass(class)] += ns
			}
			if i+1 < len(files) && g.state != trace.GoNotExist && g.class != "" { // up to the seam
				one.ns[seamClass(g.class)] += files[i+1].first - a.first - a.span
			}
			one.starts += g.starts
			for _, line := range g.marks {
				one.marks = append(one.marks, seamLine(line))
			}
		}
	}
	return sum
}

// compareSeams says where parts differ from the whole. times: also by the times in each state.
func compareSeams(whole *analysis, parts []*analysis, times bool) (wrong []string) {
	say := func(format string, args ...any) {
		if len(wrong) < 12 {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	if whole.logs["trigger"] >= triggerLogs {
		whole.withoutTriggers()
		for _, a := range parts {
			a.withoutTriggers()
		}
	}
	room := opening(whole)
	logs, wakes := map[string]int{}, 0
	for i, a := range parts {
		room += opening(a)
		for k, n := range a.logs {
			logs[k] += n
		}
		wakes += len(a.wakes)
		if i > 0 && a.first <= parts[i-1].first+parts[i-1].span {
			say("file %d begins %d ns before the one before it ends", i+1, parts[i-1].first+parts[i-1].span-a.first)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(logs)) {
		if logs[k] != whole.logs[k] {
			say("%d logs %.40q, in one file %d", logs[k], k, whole.logs[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(whole.logs)) {
		if logs[k] == 0 {
			say("no logs %.40q, in one file %d", k, whole.logs[k])
		}
	}
	if wakes != len(whole.wakes) {
		say("%d wake-ups, in one file %d", wakes, len(whole.wakes))
	}
	if !times {
		return wrong
	}
	have, want := addUp(parts), addUp([]*analysis{whole})
	for _, id := range slices.Sorted(maps.Keys(want)) {
		compareOne(fmt.Sprintf("goroutine %d", id), have[id], want[id], room, whole.wire.version, say)
	}
	for id := range have {
		if want[id] == nil {
			say("goroutine %d is in no file but these", id)
		}
	}
	return wrong
}

func compareOne(who string, have, want *ofOne, room int64, version int, say func(format string, args ...any)) {
	if have == nil {
		say("%s is in none", who)
		return
	}
	classes := maps.Clone(want.ns)
	maps.Copy(classes, have.ns)
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		if d := have.ns[class] - want.ns[class]; d > room || d < -room {
			say("%s: %s %d ns, in one file %d (allowed %d)", who, class, have.ns[class], want.ns[class], room)
		}
	}
	if version > 22 && have.starts != want.starts { // in 1.22 a state at the begin takes starts of its own
		say("%s: %d starts, in one file %d", who, have.starts, want.starts)
	}
	if !slices.Equal(have.marks, want.marks) {
		say("%s: other annotations: %d, in one file %d", who, len(have.marks), len(want.marks))
	}
}

func cmdSeams(args []string) int {
	if len(args) < 2 {
		return fail("seams: the recording in one file, please, and in several") + 1
	}
	var all []*analysis
	for _, name := range args {
		a, err := analyseFile(name)
		if v := verdict(a, err); len(v) > 0 {
			return fail("%s: not sound: %s", name, v[0])
		}
		all = append(all, a)
	}
	wrong := compareSeams(all[0], all[1:], true)
	for _, w := range wrong {
		fmt.Println(w)
	}
	if len(wrong) > 0 {
		return 1
	}
	fmt.Printf("%d files: %d goroutines, %d wake-ups and all annotations as in one\n", len(all)-1, len(all[0].gs), len(all[0].wakes))
	return 0
}

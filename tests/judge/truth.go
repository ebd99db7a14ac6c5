// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// From here on goroutines are no threads, but stand for those that are not recorded.
const standInBase = 900_000_000_000

const tidReuse = 10_000_000 // added to a goroutine's id with each further life of its tid

// compareTruth holds the trace of an undamaged recording against what the simulator knows. ends: triggers have marked those of
// processes.
func compareTruth(s *sim, a *analysis, ends bool) (wrong []string) {
	say := func(format string, args ...any) {
		if len(wrong) < 12 {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	gens := a.wire.generations
	room := int64(60 + 10*(len(s.lives)+s.ncpu)*gens)
	span := int64(s.stop - s.start)
	missing := span - a.span // the trace ends with its last event
	if missing < -room*4 {
		say("the trace lasts %d ns and the recording %d", a.span, span)
	}

	got, others, nothers := map[int][]*gor{}, int64(0), 0
	for _, g := range a.order {
		if g.id > goroutineBase {
			continue // of a Go program; see simmark.go
		}
		if g.id > standInBase {
			others += g.ns["running"]
			nothers++
			continue
		}
		got[int(g.id)%tidReuse] = append(got[int(g.id)%tidReuse], g)
	}
	if s.all { // the last of them may run on to the end
		if d, allowed := others-s.others, room*int64(1+nothers)+max(missing, 0)*int64(s.ncpu); d > allowed || d < -allowed {
			say("others have CPUs for %d ns, in truth %d", others, s.others)
		}
	} else if nothers > 0 {
		say("%d stand in for others, who are not recorded", nothers)
	}
	want := map[int][]*life{}
	for _, l := range s.lives {
		want[l.tid] = append(want[l.tid], l)
	}
	for tid := range got {
		if want[tid] == nil {
			say("goroutine %d is nobody's", tid)
		}
	}
	of := map[*life]*gor{}
	for tid, ls := range want {
		gs := got[tid]
		slices.SortFunc(gs, func(x, y *gor) int { return cmp.Compare(x.id, y.id) })
		slices.SortStableFunc(ls, func(x, y *life) int { return cmp.Compare(x.born, y.born) })
		if slices.ContainsFunc(ls, func(l *life) bool { return l.unsure }) {
			if len(gs) > len(ls) {
				say("thread %d lived %d times and is %d goroutines", tid, len(ls), len(gs))
			}
			continue // some of its lives may have left no record
		}
		if len(gs) != len(ls) {
			say("thread %d lived %d times and is %d goroutines", tid, len(ls), len(gs))
			continue
		}
		for i, l := range ls {
			of[l] = gs[i]
		}
	}
	for _, l := range s.lives {
		g := of[l]
		if g == nil {
			continue
		}
		who := fmt.Sprintf("goroutine %d", g.id)
		eq := func(what string, have, expect, slack int64) {
			slack += room + int64(14*l.ops)
			if d := have - expect; d > slack || d < -slack {
				say("%s: %s %d ns, in truth %d (difference %d, allowed %d)", who, what, have, expect, d, slack)
			}
		}
		ns := maps.Clone(g.ns)
		if g.ended < 0 {
			ns[g.class] += max(missing, 0)
		}
		if (g.ended >= 0) != (l.ended != 0) {
			say("%s: ended %v, in truth %v", who, g.ended >= 0, l.ended != 0)
		} else if l.ended != 0 {
			eq("end", g.ended, int64(l.ended-s.start), 0)
		}
		if l.born != 0 && l.born > s.start {
			eq("birth", g.created, int64(l.born-s.start), 0)
		}
		classes := map[string]bool{}
		for k := range ns {
			classes[k] = true
		}
		for k := range l.ns {
			classes[k] = true
		}
		eq("on a CPU", ns["running"]+ns["syscall"], l.ns["running"]+l.ns["syscall"], 0)
		delete(classes, "running")
		delete(classes, "syscall")
		if s.mode == modeAll && gens == 1 {
			eq("running", ns["running"], l.ns["running"], l.slack)
			eq("in syscalls", ns["syscall"], l.ns["syscall"], l.slack)
		}
		for k := range classes {
			eq(k, ns[k], l.ns[k], 0)
		}
		if g.starts != l.starts {
			say("%s: %d switch-ins, in truth %d", who, g.starts, l.starts)
		}
		if g.wakes != len(l.wakes) {
			say("%s: %d wake-ups, in truth %d", who, g.wakes, len(l.wakes))
		}
		if s.mode == modeAll {
			names := map[string]bool{}
			for k := range l.calls {
				names[k] = true
			}
			for k := range g.calls {
				names[k] = true
			}
			for k := range names {
				have, expect := g.calls[k], l.calls[k]
				if have != expect && !(k == l.fuzzyNr && have-expect >= -1 && have-expect <= 1) {
					say("%s: %d calls of %s, in truth %d", who, have, k, expect)
				}
			}
		}
		if !nameFits(g.name, l) {
			say("%s is named %q; its names were %v of %v", who, g.name, keys(l.names), keys(l.procName))
		}
	}

	// Who woke whom, wake by wake.
	byWakee := map[*gor][]wake{}
	for _, w := range a.wakes {
		byWakee[w.wakee] = append(byWakee[w.wakee], w)
	}
	for _, l := range s.lives {
		g := of[l]
		if g == nil || len(byWakee[g]) != len(l.wakes) {
			continue
		}
		for i, w := range byWakee[g] {
			t := l.wakes[i]
			reason := strings.TrimPrefix(t.sleep, "waiting:")
			if t.sleep == blockedClass {
				reason = "syscall"
			}
			if w.Reason != reason {
				say("goroutine %d, wake-up %d: from %q, in truth %q", g.id, i, w.Reason, reason)
			}
			if reason == "syscall" || t.race {
				continue
			}
			if t.by != nil && of[t.by] == nil && w.waker != nil && int(w.waker.id)%tidReuse == t.by.tid {
				continue // one of its lives
			}
			if w.waker != of[t.by] {
				say("goroutine %d, wake-up %d at %d ns: by %d, in truth by %v", g.id, i, w.Time, w.Waker, idOf(of[t.by]))
			}
		}
	}
	compareStacks(s, a, say)
	compareMarks(s, of, a, say)
	if ends {
		compareEnds(s, a, say)
	}
	return wrong
}

func idOf(g *gor) string {
	if g == nil {
		return "nobody"
	}
	return fmt.Sprint(g.id)
}

func keys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// kernelGroup is what names of the kernel's threads lose: the CPU, and the number of the worker.
var kernelGroup = regexp.MustCompile(`^(?:(kworker)/u[0-9].*|(.*)/[0-9][0-9:H]*)$`)

// nameFits: a name is one that the thread bore, or "process/thread" in a recording of the whole system; the kernel's threads
// have one process.
func nameFits(name string, l *life) bool {
	if rest, ok := strings.CutPrefix(name, "kernel/"); ok && l.kthread {
		return slices.ContainsFunc(keys(l.names), func(n string) bool { return kernelGroup.ReplaceAllString(n, "$1$2") == rest })
	}
	if name == "" || l.names[name] && !l.kthread {
		return true
	}
	for p := range l.procName {
		if rest, ok := strings.CutPrefix(name, p+"/"); ok && l.names[rest] {
			return true
		}
	}
	return false
}

// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"fmt"
	"slices"
	"strings"
)

// Who is recorded, by a rule, in the invented machine: processes leave the recording while they live, others come in. What
// the trace must tell of a thread ends where its process leaves. Of one that came in later nothing is known before its
// next record, so only what is legal is asked of its goroutine.

// change lets a process leave, or brings one in.
func (s *sim) change(cpu int) {
	if len(s.threads) == 0 {
		return
	}
	t := s.threads[s.rng.IntN(len(s.threads))]
	switch {
	case t.kthread || t.proc.pid == 0 || t.proc.ends:
	case t.proc.traced:
		s.depart(cpu, t.proc)
	default:
		s.join(cpu, t.proc)
	}
}

// depart: its threads end in the trace here, wherever they are, and go on unseen.
func (s *sim) depart(cpu int, p *simProc) {
	ts := s.tick()
	s.emit(cpu, newRecord(ts, evLeave, 0, uint16(cpu), uint32(p.pid)))
	p.traced = false
	for _, t := range p.threads {
		s.untold(t, ts)
		l := t.life
		l.ops += 4
		s.setClass(t, l.class, ts)
		s.anew(t, false)
		s.endUnseen(l, ts)
	}
	s.oldGoroutines = append(s.oldGoroutines, p.goroutines...)
	p.tasks, p.goroutines = nil, nil
}

// endUnseen: what no record tells of one thread is told for it: it wakes, and is on a CPU for its end.
func (s *sim) endUnseen(l *life, ts uint64) {
	l.ended = ts
	if !s.started {
		return
	}
	l.ns[l.class] += int64(ts - l.since)
	if l.class != "running" && l.class != "syscall" {
		l.starts++
	}
	if l.class == blockedClass || strings.HasPrefix(l.class, "waiting:") {
		l.wakes = append(l.wakes, simWake{sleep: l.class})
	}
}

// join: the leader is told of at once, the others with their next record.
func (s *sim) join(cpu int, p *simProc) {
	p.traced = true
	for _, t := range p.threads {
		t.life.ended = s.now
		s.anew(t, true)
		t.told = false
		if t.tid == p.pid && uint32(t.key) != uint32(p.pid) {
			t.key = 0 // of another tid, which it had before an exec
		}
		t.begin, t.sysKnown = 0, false
		if t.tid == p.pid {
			s.see(cpu, t)
		}
	}
}

// anew: another life of a thread that goes on.
func (s *sim) anew(t *simThread, unsure bool) {
	class := t.life.class
	t.life = s.newLife(t, s.now)
	t.life.class, t.life.unsure, t.hazy = class, unsure, false
	s.settleMarks(t)
}

// untold: a syscall that is in progress, and that no record has told of, and none will.
func (s *sim) untold(t *simThread, at uint64) {
	if t.state != tRunning || t.begin == 0 || t.begin == t.asked || s.mode != modeAll {
		return
	}
	t.life.slack += int64(at - max(t.begin, s.start))
	if t.begin >= s.start {
		t.life.calls[sysNames[t.nr]]--
	}
	if t.life.fuzzyNr == "" {
		t.life.fuzzyNr = sysNames[t.nr]
	}
}

// ---- interrupts ----

// interrupt: one that took long, on the CPU of a thread.
func (s *sim) interrupt(t *simThread) {
	if !s.traced(t) || t.key == 0 {
		return
	}
	if s.mode == modeAll && t.nr != nrNone && t.begin != 0 { // without a stack: there is no time for it
		s.emit(t.cpu, newRecord(s.tick(), evSysEnter, 0, uint16(t.cpu), t.nr).u64(t.key, t.begin))
		t.begin = 0
	}
	soft := s.rng.Uint32N(2)
	name := []string{"eth0-rx", "nvme0q1", "", "NET_RX", "RCU", "a b"}[s.rng.IntN(6)]
	ns := 1000 + s.rng.Uint64N([]uint64{1e5, 1e7, 1e9, 1e10}[s.rng.IntN(4)])
	s.emit(t.cpu, newRecord(s.tick(), evIRQ, 0, uint16(t.cpu), soft).u64(t.key, ns).comm(name))
	t.life.ops++
	if name == "" {
		name = "?"
	}
	s.say(t.marks, "log %q %q of %q", []string{"irq", "softirq"}[soft], name+" "+shortTime(ns), "")
}

// shortTime is how the manual writes a time.
func shortTime(ns uint64) string {
	switch {
	case ns < 1e6:
		return fmt.Sprintf("%dus", ns/1e3)
	case ns < 1e7:
		return fmt.Sprintf("%.1fms", float64(ns)/1e6)
	case ns < 1e9:
		return fmt.Sprintf("%dms", ns/1e6)
	}
	return fmt.Sprintf("%.1fs", float64(ns)/1e9)
}

// ---- ends of processes ----

var signalNames = map[uint32]string{6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM", 34: "signal 34"}

// dies: the process is ended by a signal, on the CPU of one of its threads.
func (s *sim) dies(t *simThread) {
	sig := []uint32{6, 9, 11, 15, 34}[s.rng.IntN(5)]
	core := uint32(0)
	if sig == 6 || sig == 11 {
		core = 0x80
	}
	s.ends(t, sig|core, fmt.Sprintf("(%d) is ended by %s", t.proc.pid, signalNames[sig]))
	s.killOthers(t)
	s.exit(t)
}

// exits: the process ends with a status.
func (s *sim) exits(t *simThread) {
	status, want := uint32(s.rng.IntN(4)), ""
	if status != 0 {
		want = fmt.Sprintf("(%d) exits with %d", t.proc.pid, status)
	}
	s.ends(t, status<<8, want)
}

func (s *sim) ends(t *simThread, code uint32, want string) {
	if !t.proc.ends {
		t.proc.ends, t.proc.code, t.proc.endWords = true, code, want
	}
}

func (s *sim) killOthers(t *simThread) {
	for _, o := range t.proc.threads {
		if o == t {
			continue
		}
		o.killed = true
		if o.state == tSleeping {
			s.wake(t.cpu, o, t, false)
		}
	}
}

// tellExit: each thread of a process that ends tells with which code; one that ends alone does not.
func (s *sim) tellExit(t *simThread) {
	p := t.proc
	r := newRecord(s.tick(), evExit, 0, uint16(t.cpu), 0).u64(s.see(t.cpu, t))
	if p.ends {
		r = r.u32(p.code, 1)
		if s.started && !p.endTold && p.endWords != "" {
			s.endWords = append(s.endWords, p.endWords)
		}
		p.endTold = true
	} else {
		r = r.u32(0, 0)
	}
	s.emit(t.cpu, r)
}

// compareEnds: what triggers have marked, without the names of the processes.
func compareEnds(s *sim, a *analysis, say func(format string, args ...any)) {
	var have []string
	for _, text := range a.triggered {
		if !strings.HasPrefix(text, "process ") {
			return // who runs us waits for more than we know
		}
		text, _, _ = strings.Cut(text, ", ")
		have = append(have, text[max(0, strings.LastIndex(text, "(")):])
	}
	want := slices.Clone(s.endWords)
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		say("triggers have marked %q, in truth %q", have, want)
	}
}

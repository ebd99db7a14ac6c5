// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/exp/trace"
)

// Stacks of the invented machine: which records carry one, what their user frames are called, and what a trace may
// show of them. The truth is the set of all lists of functions that the records stand for.

// simStacks is --stacks, --sample and what the kernel side keeps for them.
type simStacks struct {
	block, wakeup, fork, syscall, sample, kernel bool
	lastID                                       uint32
	known                                        []uint32 // ids of this epoch with user frames
	epoch                                        uint32
	modules                                      map[int]bool // that were told of
	syms                                         map[uint64]bool
	seqs                                         map[string]bool // user frames of stacks that were sent
	seqOf                                        map[uint32]string
	samples                                      []string // user frames of each, from the start on
}

const (
	stackModules = 7 // 0: none; 6: nobody tells of it
	seqMax       = 40
)

func randomStacks(rng *rand.Rand) simStacks {
	on := func() bool { return rng.IntN(3) > 0 }
	k := simStacks{modules: map[int]bool{}, syms: map[uint64]bool{}, seqs: map[string]bool{}, seqOf: map[uint32]string{}}
	if rng.IntN(4) > 0 {
		k.block, k.wakeup, k.fork, k.syscall, k.sample, k.kernel = on(), on(), on(), on(), on(), on()
	}
	return k
}

func userFrame(module int, addr uint64) uint64 { return uint64(module)<<48 | addr }

// functions: how a frame reads in the trace, innermost first. A third of them have names.
func functions(frame uint64) []string {
	module, addr := int(frame>>48), frame&(1<<48-1)
	switch {
	case addr%3 == 0:
		out := make([]string, 0, 4)
		for i := range addr/3%4 + 1 {
			out = append(out, fmt.Sprintf("fn_%d_%d_%x", module, i, addr))
		}
		return out
	case module == 0:
		return []string{fmt.Sprintf("0x%x", addr)}
	case module == stackModules-1:
		return []string{fmt.Sprintf("module %d+0x%x", module, addr)}
	default:
		return []string{fmt.Sprintf("lib%d.so+0x%x", module, addr)}
	}
}

func (s *sim) tellModule(m int) {
	if s.stacks.modules[m] {
		return
	}
	s.stacks.modules[m] = true
	s.note(newRecord(s.tick(), evModule, 0, cpuCollector, uint32(m)).bytes(1, 2, 0, 0).u32(0).bytes(0xab, byte(m)).
		bytes(make([]byte, 30)...).text(fmt.Sprintf("/usr/lib/lib%d.so", m)))
}

// userFrames invents the user half of a stack and sees to it that its modules are told of.
func (s *sim) userFrames() []uint64 {
	n := 1 + s.rng.IntN(8)
	if s.chance(3) {
		n = 100 + s.rng.IntN(28)
	}
	var out []uint64
	for range n {
		m := s.rng.IntN(stackModules)
		f := userFrame(m, 0x1000+s.rng.Uint64N(60))
		if m > 0 && m < stackModules-1 {
			s.tellModule(m)
		}
		s.stacks.syms[f] = true
		out = append(out, f)
	}
	return out
}

// stack sends one, or refers to one that was sent; 0: none.
func (s *sim) stack(cpu int, t *simThread, kernel, user bool) uint32 {
	user = user && !t.kthread
	if !kernel && !user || s.chance(5) {
		return 0
	}
	if user && len(s.stacks.known) > 0 && s.chance(60) {
		return s.stacks.known[s.rng.IntN(len(s.stacks.known))]
	}
	var kpc, upc []uint64
	seq := ""
	if kernel {
		for range 1 + s.rng.IntN(6) {
			a := 0xffffffff81000000 + s.rng.Uint64N(40)*64
			kpc = append(kpc, a)
			if s.chance(70) {
				s.note(newRecord(s.tick(), evKsym, 0, cpuCollector, 0).u64(a).text(fmt.Sprintf("kernel_fn_%x", a&0xfff)))
			}
		}
	}
	end := byte(0)
	if user {
		upc = s.userFrames()
		end = byte(1 + s.rng.IntN(8))
		var names []string
		for _, f := range upc {
			names = append(names, functions(f)...)
		}
		names = append(names, endFrame(end)...)
		seq = strings.Join(names[:min(len(names), seqMax)], " < ")
		s.stacks.seqs[seq] = true
	}
	s.stacks.lastID++
	id := s.stacks.lastID
	s.stacks.seqOf[id] = seq
	s.emit(cpu, newRecord(s.tick(), evStack, 0, uint16(cpu), id).u64(t.key).
		bytes(byte(len(kpc)), 0, byte(len(upc)), 0, end, 0, 0, 0).u64(kpc...).u64(upc...))
	if user {
		s.stacks.known = append(s.stacks.known, id)
	}
	return id
}

// ref ends a record that may have a stack.
func (r record) ref(id uint32) record {
	if id == 0 {
		return r
	}
	return r.u32(id, 0)
}

// nextEpoch: the ids are given anew.
func (s *sim) nextEpoch() {
	s.stacks.epoch++
	s.stacks.known = nil
	s.note(s.collector(evEpoch, s.stacks.epoch))
}

func (s *sim) sampleTick(cpu int, t *simThread) {
	if !s.stacks.sample || !s.traced(t) || t.life.unsure {
		return
	}
	s.see(cpu, t)
	id := s.stack(cpu, t, t.nr != nrNone || t.kthread, true)
	s.emit(cpu, newRecord(s.tick(), evSample, 0, uint16(cpu), 0).u64(t.key).u32(id, 0))
	if s.started {
		s.stacks.samples = append(s.stacks.samples, s.stacks.seqOf[id])
	}
}

// tellNames: at the very end.
func (s *sim) tellNames() {
	for f := range s.stacks.syms {
		if f&(1<<48-1)%3 != 0 {
			continue
		}
		for depth, name := range functions(f) {
			r := newRecord(s.now, evSym, 0, cpuCollector, uint32(f&0xff)).u64(f).
				bytes(byte(depth), 0, byte(len(name)+1), 0, 0, 0, 0, 0).text(name).text("a.c")
			s.note(r)
		}
	}
}

// endFrame is what a stack shows behind its user frames, by enum ev_stack_end of bpf/event.h.
func endFrame(end byte) []string {
	switch end {
	case 2, 3, 5, 7:
		return []string{"[cut]"}
	case 4, 6, 8:
		return []string{"[broken]"}
	}
	return nil
}

// userPart is what a stack has between the kernel's functions and the name of the thread.
func userPart(st trace.Stack) string {
	var names []string
	n := 0
	for range st.Frames() {
		n++
	}
	i := 0
	for f := range st.Frames() {
		i++
		if i < n && f.File != "[kernel]" {
			names = append(names, f.Func)
		}
	}
	return strings.Join(names[:min(len(names), seqMax)], " < ")
}

// compareStacks: nothing is shown that was not sent; samples are all there.
func compareStacks(s *sim, a *analysis, say func(format string, args ...any)) {
	for seq := range a.userSeqs {
		if !s.stacks.seqs[seq] {
			say("user frames that nobody sent: %q", seq)
		}
	}
	if !slices.Equal(a.samples, s.stacks.samples) {
		say("%d samples, in truth %d, or others", len(a.samples), len(s.stacks.samples))
	}
}

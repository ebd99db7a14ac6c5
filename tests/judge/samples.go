// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"io"
	"slices"

	"golang.org/x/exp/trace"
)

// gSamples is what the CPU samples of one goroutine hit. A sample counts once for each function of its stack.
type gSamples struct {
	ID        int64          `json:"id"`
	Name      string         `json:"name"` // the outermost frame
	Samples   int            `json:"samples"`
	Functions map[string]int `json:"functions"`
	Procs     map[int64]int  `json:"procs"`
}

type allSamples struct {
	Samples    int            `json:"samples"`
	NoStack    int            `json:"no_stack"`
	NoG        int            `json:"no_goroutine"`
	Misplaced  int            `json:"misplaced"` // the goroutine was not on that proc, by the trace's other events
	Span       int64          `json:"span_ns"`   // from the first sample to the last
	Functions  map[string]int `json:"functions"`
	Leaves     map[string]int `json:"leaves"` // the innermost functions
	Goroutines []*gSamples    `json:"goroutines"`
}

// onProc follows which goroutine is on which proc, in user mode or in a syscall.
type onProc map[trace.GoID]trace.ProcID

func (on onProc) event(ev trace.Event) {
	if ev.Kind() != trace.EventStateTransition {
		return
	}
	st := ev.StateTransition()
	switch st.Resource.Kind {
	case trace.ResourceGoroutine:
		if _, to := st.Goroutine(); to == trace.GoRunning || to == trace.GoSyscall {
			if ev.Proc() != trace.NoProc {
				on[st.Resource.Goroutine()] = ev.Proc()
			}
		} else {
			delete(on, st.Resource.Goroutine())
		}
	case trace.ResourceProc:
		if _, to := st.Proc(); to != trace.ProcRunning {
			for g, p := range on {
				if p == st.Resource.Proc() {
					delete(on, g)
				}
			}
		}
	}
}

func samplesOf(in io.Reader) (*allSamples, error) {
	var (
		out   = &allSamples{Functions: map[string]int{}, Leaves: map[string]int{}}
		gs    = map[trace.GoID]*gSamples{}
		on    = onProc{}
		first trace.Time
	)
	err := eachEvent(in, func(ev trace.Event) {
		on.event(ev)
		if ev.Kind() != trace.EventStackSample {
			return
		}
		out.Samples++
		if first == 0 {
			first = ev.Time()
		}
		out.Span = int64(ev.Time() - first)
		id := ev.Goroutine()
		if id == trace.NoGoroutine {
			out.NoG++
			return
		}
		if p, ok := on[id]; !ok || p != ev.Proc() {
			out.Misplaced++
		}
		g := gs[id]
		if g == nil {
			g = &gSamples{ID: int64(id), Functions: map[string]int{}, Procs: map[int64]int{}}
			gs[id] = g
			out.Goroutines = append(out.Goroutines, g)
		}
		g.Samples++
		g.Procs[int64(ev.Proc())]++
		if ev.Stack() == trace.NoStack {
			out.NoStack++
			return
		}
		leaf, root, _ := ends(ev.Stack())
		g.Name = root
		out.Leaves[leaf]++
		seen := map[string]bool{}
		for f := range ev.Stack().Frames() {
			if !seen[f.Func] {
				seen[f.Func] = true
				g.Functions[f.Func]++
				out.Functions[f.Func]++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out.Goroutines, func(a, b *gSamples) int { return int(a.ID - b.ID) })
	return out, nil
}

func cmdSamples(args []string) int {
	return printOf("samples", args, samplesOf)
}

// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// The Go reader moves an event whose time does not increase, and forgives more than older readers do.
// So the bytes are also walked here: what the format demands, and what our files promise beyond it.

// wireEvents: the events that a file of ours may hold. Arguments: . number, s string id, t stack id.
var wireEvents = map[byte]struct{ name, args string }{
	9: {"ProcsChange", ".t"}, 10: {"ProcStart", ".."}, 11: {"ProcStop", ""}, 13: {"ProcStatus", ".."},
	14: {"GoCreate", ".tt"}, 16: {"GoStart", ".."}, 17: {"GoDestroy", ""}, 19: {"GoStop", "st"},
	20: {"GoBlock", "st"}, 21: {"GoUnblock", "..t"}, 22: {"GoSyscallBegin", ".t"}, 23: {"GoSyscallEnd", ""},
	24: {"GoSyscallEndBlocked", ""}, 25: {"GoStatus", "..."}, 26: {"STWBegin", "st"}, 27: {"STWEnd", ""},
	29: {"GCBegin", ".t"}, 30: {"GCEnd", "."}, 35: {"GCMarkAssistBegin", "t"}, 36: {"GCMarkAssistEnd", ""},
	37: {"HeapAlloc", "."}, 38: {"HeapGoal", "."}, 39: {"GoLabel", "s"}, 40: {"UserTaskBegin", "..st"},
	41: {"UserTaskEnd", ".t"}, 42: {"UserRegionBegin", ".st"}, 43: {"UserRegionEnd", ".st"},
	44: {"UserLog", ".sst"}, 48: {"GoStatusStack", "...t"},
}

const (
	wBatch, wStacks, wStack, wStrings, wString = 1, 2, 3, 4, 5
	wSamples, wSample, wFrequency              = 6, 7, 8
	wUserLog, wGoStatusStack                   = 44, 48
	wSync, wClock, wEndOfGen                   = 50, 51, 52
	noThread                                   = ^uint64(0)
	maxBatch, maxString, maxFrames             = 64 << 10, 1 << 10, 128
)

type wireGen struct {
	num       uint64
	strings   map[uint64]string
	stacks    map[uint64]int
	useString map[uint64]bool
	useStack  map[uint64]bool
	times     []uint64
	mLast     map[uint64]uint64
	stage     int // sync, strings, stacks, samples, events
	syncs     int
}

// wireTrace is what the walk leaves behind.
type wireTrace struct {
	version     int
	generations int
	batches     int
	bytes       int
	times       []uint64 // of all events but samples, in time order
	problems    []string
}

type frameKey struct {
	fn, file string
	line     uint64
}

type wireReader struct {
	b   []byte
	off int
}

var errShort = errors.New("the file ends in the middle of something")

func (r *wireReader) uvarint() (v uint64, err error) {
	for shift := uint(0); ; shift += 7 {
		if r.off >= len(r.b) {
			return 0, errShort
		}
		c := r.b[r.off]
		r.off++
		if shift == 63 && c > 1 {
			return 0, errors.New("a number has more than 64 bits")
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
}

func (r *wireReader) numbers(n int) ([]uint64, error) {
	out := make([]uint64, n)
	for i := range out {
		v, err := r.uvarint()
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// readWire walks a whole file. An error means that the structure is broken, a problem that a rule is.
func readWire(b []byte) (*wireTrace, error) {
	w := &wireTrace{bytes: len(b)}
	for _, v := range []int{22, 23, 25, 26} {
		if bytes.HasPrefix(b, fmt.Appendf(nil, "go 1.%d trace\x00\x00\x00", v)) {
			w.version = v
		}
	}
	if w.version == 0 {
		return w, errors.New("not a Go execution trace of 1.22, 1.23, 1.25 or 1.26")
	}
	var (
		r       = &wireReader{b, 16}
		g       *wireGen
		frames  = map[uint64]frameKey{}
		mono    uint64
		lastGen uint64
		closed  = true // no generation is open
	)
	finish := func() error {
		if g == nil {
			return nil
		}
		err := w.finish(g)
		lastGen, g = g.num, nil
		return err
	}
	for r.off < len(b) {
		at := r.off
		switch b[r.off] {
		case wEndOfGen:
			r.off++
			if w.version < 26 || closed {
				return w, fmt.Errorf("offset %d: end of generation out of place", at)
			}
			closed = true
			if err := finish(); err != nil {
				return w, err
			}
			continue
		case wBatch:
			r.off++
		default:
			return w, fmt.Errorf("offset %d: byte %d where a batch begins", at, b[r.off])
		}
		h, err := r.numbers(4)
		if err != nil {
			return w, fmt.Errorf("offset %d: %w", at, err)
		}
		num, m, start, size := h[0], h[1], h[2], h[3]
		if size > maxBatch {
			return w, fmt.Errorf("offset %d: batch of %d bytes", at, size)
		}
		if uint64(len(b)-r.off) < size {
			return w, fmt.Errorf("offset %d: %w", at, errShort)
		}
		if g != nil && num != g.num && w.version < 26 {
			if err := finish(); err != nil {
				return w, err
			}
		}
		if g == nil {
			if num == 0 || lastGen != 0 && num != lastGen+1 {
				return w, fmt.Errorf("offset %d: generation %d after %d", at, num, lastGen)
			}
			g = &wireGen{num: num, strings: map[uint64]string{}, stacks: map[uint64]int{},
				useString: map[uint64]bool{}, useStack: map[uint64]bool{}, mLast: map[uint64]uint64{}}
			w.generations++
			closed = false
		} else if num != g.num {
			return w, fmt.Errorf("offset %d: batch of generation %d inside %d", at, num, g.num)
		}
		w.batches++
		br := &wireReader{b[r.off : r.off+int(size)], 0}
		r.off += int(size)
		if err := w.batch(g, br, m, start, frames, &mono); err != nil {
			return w, fmt.Errorf("batch at offset %d, generation %d, M %d: %w", at, num, int64(m), err)
		}
	}
	if w.version >= 26 && !closed {
		return w, errors.New("the last generation is not closed")
	}
	if err := finish(); err != nil {
		return w, err
	}
	if w.generations == 0 {
		return w, errors.New("no generation")
	}
	for i, t := range w.times {
		if t == 0 {
			w.problem("an event has time 0")
		}
		if i > 0 && t <= w.times[i-1] {
			w.problem("two events have the time %d, or a generation overlaps the one before", t)
			break
		}
	}
	return w, nil
}

func (w *wireTrace) problem(format string, a ...any) {
	if len(w.problems) < 20 {
		w.problems = append(w.problems, fmt.Sprintf(format, a...))
	}
}

func (w *wireTrace) batch(g *wireGen, r *wireReader, m, start uint64, frames map[uint64]frameKey, mono *uint64) error {
	if len(r.b) == 0 {
		w.problem("generation %d: empty batch", g.num)
		return nil
	}
	stage := 4
	switch r.b[0] {
	case wFrequency, wSync:
		stage = 0
	case wStrings:
		stage = 1
	case wStacks:
		stage = 2
	case wSamples:
		stage = 3
	}
	if stage < g.stage {
		w.problem("generation %d: a table after what needs it", g.num)
	}
	g.stage = stage
	if stage < 4 && m != noThread {
		w.problem("generation %d: a table on M %d", g.num, m)
	}
	if stage == 4 && m == noThread {
		w.problem("generation %d: events on no M", g.num)
	}
	switch stage {
	case 0:
		return w.sync(g, r, start, mono)
	case 1:
		return w.stringTable(g, r)
	case 2:
		return w.stackTable(g, r, frames)
	case 3:
		return w.sampleTable(g, r)
	}
	t := start
	for first := true; r.off < len(r.b); first = false {
		typ := r.b[r.off]
		r.off++
		spec, ok := wireEvents[typ]
		if !ok || typ == wGoStatusStack && w.version < 23 {
			return fmt.Errorf("event type %d", typ)
		}
		a, err := r.numbers(1 + len(spec.args))
		if err != nil {
			return fmt.Errorf("%s: %w", spec.name, err)
		}
		if first && a[0] != 0 {
			w.problem("generation %d: the first event of a batch is %d later than the batch", g.num, a[0])
		}
		if t+a[0] < t {
			return fmt.Errorf("%s: time wraps around", spec.name)
		}
		t += a[0]
		if last, ok := g.mLast[m]; ok && t <= last {
			w.problem("generation %d, M %d: time %d after %d", g.num, m, t, last)
		}
		g.mLast[m] = t
		g.times = append(g.times, t)
		for i, kind := range spec.args {
			switch kind {
			case 's':
				if a[i+1] != 0 || typ != wUserLog { // 0 is the empty text; other events may not have it
					g.useString[a[i+1]] = true
				}
			case 't':
				if a[i+1] != 0 {
					g.useStack[a[i+1]] = true
				}
			}
		}
	}
	return nil
}

func (w *wireTrace) sync(g *wireGen, r *wireReader, start uint64, mono *uint64) error {
	g.syncs++
	if w.version >= 25 {
		if r.b[0] != wSync {
			return errors.New("frequency without sync")
		}
		r.off++
	}
	if r.off >= len(r.b) || r.b[r.off] != wFrequency {
		return errors.New("sync without frequency")
	}
	r.off++
	hz, err := r.uvarint()
	if err != nil {
		return err
	}
	if hz != 1e9 {
		w.problem("generation %d: frequency %d", g.num, hz)
	}
	if w.version >= 25 {
		if r.off >= len(r.b) || r.b[r.off] != wClock {
			return errors.New("sync without clock snapshot")
		}
		r.off++
		a, err := r.numbers(4)
		if err != nil {
			return err
		}
		if a[1] <= *mono {
			w.problem("generation %d: the clock snapshot does not advance", g.num)
		}
		if a[3] >= 1e9 {
			w.problem("generation %d: %d ns in a second", g.num, a[3])
		}
		*mono = a[1]
	}
	if r.off != len(r.b) {
		return errors.New("more behind the sync")
	}
	return nil
}

func (w *wireTrace) stringTable(g *wireGen, r *wireReader) error {
	r.off++
	for r.off < len(r.b) {
		if r.b[r.off] != wString {
			return fmt.Errorf("byte %d in the string table", r.b[r.off])
		}
		r.off++
		a, err := r.numbers(2)
		if err != nil {
			return err
		}
		if a[1] > maxString || a[1] > uint64(len(r.b)-r.off) {
			return fmt.Errorf("string %d has %d bytes", a[0], a[1])
		}
		s := string(r.b[r.off : r.off+int(a[1])])
		r.off += int(a[1])
		if _, dup := g.strings[a[0]]; dup || a[0] == 0 {
			return fmt.Errorf("string id %d is 0 or defined twice", a[0])
		}
		if s == "" || !utf8.ValidString(s) {
			w.problem("generation %d: string %d is empty or not UTF-8: %q", g.num, a[0], s)
		}
		g.strings[a[0]] = s
	}
	return nil
}

func (w *wireTrace) stackTable(g *wireGen, r *wireReader, frames map[uint64]frameKey) error {
	r.off++
	for r.off < len(r.b) {
		if r.b[r.off] != wStack {
			return fmt.Errorf("byte %d in the stack table", r.b[r.off])
		}
		r.off++
		a, err := r.numbers(2)
		if err != nil {
			return err
		}
		if _, dup := g.stacks[a[0]]; dup || a[0] == 0 {
			return fmt.Errorf("stack id %d is 0 or defined twice", a[0])
		}
		if a[1] == 0 || a[1] > maxFrames {
			return fmt.Errorf("stack %d has %d frames", a[0], a[1])
		}
		g.stacks[a[0]] = int(a[1])
		for range a[1] {
			f, err := r.numbers(4)
			if err != nil {
				return err
			}
			fn, ok1 := g.strings[f[1]]
			file, ok2 := g.strings[f[2]]
			if !ok1 || !ok2 || f[0] == 0 || f[3] == 0 {
				w.problem("generation %d: stack %d has an incomplete frame (pc %#x, line %d)", g.num, a[0], f[0], f[3])
				continue
			}
			k := frameKey{fn, file, f[3]}
			if old, ok := frames[f[0]]; ok && old != k {
				w.problem("pc %#x is %q and %q", f[0], old.fn, fn)
			}
			frames[f[0]] = k
		}
	}
	return nil
}

func (w *wireTrace) sampleTable(g *wireGen, r *wireReader) error {
	r.off++
	for r.off < len(r.b) {
		if r.b[r.off] != wSample {
			return fmt.Errorf("byte %d in the samples", r.b[r.off])
		}
		r.off++
		a, err := r.numbers(5)
		if err != nil {
			return err
		}
		if a[0] == 0 {
			w.problem("generation %d: a sample has time 0", g.num)
		}
		g.useStack[a[4]] = true
	}
	return nil
}

func (w *wireTrace) finish(g *wireGen) error {
	if g.syncs != 1 {
		return fmt.Errorf("generation %d has %d sync batches", g.num, g.syncs)
	}
	for id := range g.useString {
		if _, ok := g.strings[id]; !ok {
			return fmt.Errorf("generation %d uses the string %d and does not define it", g.num, id)
		}
	}
	for id := range g.useStack {
		if _, ok := g.stacks[id]; !ok {
			return fmt.Errorf("generation %d uses the stack %d and does not define it", g.num, id)
		}
	}
	slices.Sort(g.times)
	w.times = append(w.times, g.times...)
	return nil
}

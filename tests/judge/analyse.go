// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/exp/trace"
)

// goReasons: the only words that viewers and profiles understand, and what they may end in.
var goReasons = map[string]trace.GoState{
	"sync": trace.GoWaiting, "network": trace.GoWaiting, "select": trace.GoWaiting, "sleep": trace.GoWaiting,
	"chan receive": trace.GoWaiting, "chan send": trace.GoWaiting, "wait for debug call": trace.GoWaiting,
	"system goroutine wait": trace.GoWaiting, annotated: trace.GoWaiting, "preempted": trace.GoRunnable, "sched_yield": trace.GoRunnable,
}

// annotated is why a goroutine of a Go program waits between its annotations.
const annotated = "only annotations are known"

// goLegal: the transitions that the format's state machine knows, beside "undetermined" to anything.
var goLegal = map[[2]trace.GoState]bool{
	{trace.GoNotExist, trace.GoRunnable}: true,
	{trace.GoRunnable, trace.GoRunning}:  true,
	{trace.GoRunning, trace.GoNotExist}:  true,
	{trace.GoRunning, trace.GoRunnable}:  true,
	{trace.GoRunning, trace.GoWaiting}:   true,
	{trace.GoRunning, trace.GoSyscall}:   true,
	{trace.GoSyscall, trace.GoRunning}:   true,
	{trace.GoSyscall, trace.GoRunnable}:  true,
	{trace.GoWaiting, trace.GoRunnable}:  true,
}

const blockedClass = "syscall_blocked"

// gor is one goroutine, that is one life of a thread.
type gor struct {
	id             trace.GoID
	name           string
	created, ended int64 // ns since the trace began; -1: before, or not yet
	state          trace.GoState
	m              trace.ThreadID
	class          string // what the time since then goes to
	since          int64
	reason         string
	ns             map[string]int64 // time per class; waits as "waiting:REASON"
	starts, wakes  int
	begins, calls  map[string]int
	atStart        map[string]int
	pending        string // syscall that goes on when the goroutine runs again
	lastEnd        string // syscall that the previous event of the goroutine ended
	cur            string // syscall in progress
	fresh          bool   // first event since it came on a CPU
	statusAt       int64
	ready          bool // runnable when the trace began
	regions        []string
	marks          []string // what it annotates, a line each
	stacks         int
	waitedFor      string // class of the last wait
}

type prc struct {
	id    trace.ProcID
	m     trace.ThreadID
	busy  bool
	since int64
	first int64
	ns    [2]int64 // idle, busy
}

type wake struct {
	Time     int64  `json:"time_ns"`
	Waker    int64  `json:"waker"` // -1: none
	WakerN   string `json:"waker_name"`
	Wakee    int64  `json:"wakee"`
	WakeeN   string `json:"wakee_name"`
	Reason   string `json:"reason"`
	Duration int64  `json:"duration_ns"`
	wakee    *gor
	waker    *gor
}

// window is the part of the trace that times and counts are taken of, in ns since it began.
type window struct {
	from, to int64  // to 0: its end
	mark     string // a syscall whose calls are remembered
	marks    []int64
}

func (w *window) holds(t int64) bool { return t >= w.from && (w.to == 0 || t < w.to) }

// overlap is how much of [a, b) lies inside.
func (w *window) overlap(a, b int64) int64 {
	if w.to != 0 {
		b = min(b, w.to)
	}
	return max(0, b-max(a, w.from))
}

type analysis struct {
	wire      *wireTrace
	events    int
	span      int64
	gs        map[trace.GoID]*gor
	order     []*gor
	ps        map[trace.ProcID]*prc
	wakes     []wake
	kinds     map[string]int
	trans     map[string]int
	reasons   map[string]int
	tasks     map[string]int
	regions   map[string]int
	taskNames map[trace.TaskID]string
	older     int // regions that end and did not begin
	logs      map[string]int
	labels    map[string]int
	metrics   map[string]int
	ranges    map[string]int
	samples   []string        // user frames of each
	triggered []string        // what triggers have marked
	userSeqs  map[string]bool // lists of user frames
	problems  []string
	nproblems int

	first  int64
	now    int64
	window window
	onM    map[trace.ThreadID]trace.GoID // goroutine that runs, or is in a syscall, on an M
	procM  map[trace.ThreadID]trace.ProcID
	handed map[trace.ThreadID]string // exec: the syscall that the next goroutine of the M goes on with
}

func (a *analysis) problem(format string, args ...any) {
	a.nproblems++
	if len(a.problems) < 20 {
		a.problems = append(a.problems, fmt.Sprintf(format, args...))
	}
}

func analyseFile(name string) (*analysis, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return analyse(b)
}

// analyse reads a trace; the error is what ends the reading, problems are what is wrong but readable.
func analyse(b []byte) (a *analysis, err error) { return analyseWindow(b, window{}) }

func analyseWindow(b []byte, w window) (a *analysis, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the Go reader panics: %v", p)
		}
	}()
	a = &analysis{gs: map[trace.GoID]*gor{}, ps: map[trace.ProcID]*prc{}, kinds: map[string]int{}, trans: map[string]int{},
		reasons: map[string]int{}, tasks: map[string]int{}, regions: map[string]int{}, logs: map[string]int{},
		userSeqs: map[string]bool{}, labels: map[string]int{}, taskNames: map[trace.TaskID]string{}, metrics: map[string]int{}, ranges: map[string]int{}, onM: map[trace.ThreadID]trace.GoID{},
		procM: map[trace.ThreadID]trace.ProcID{}, handed: map[trace.ThreadID]string{}, window: w}
	if a.wire, err = readWire(b); err != nil {
		return a, fmt.Errorf("bytes: %w", err)
	}
	r, err := trace.NewReader(bytes.NewReader(b))
	if err != nil {
		return a, fmt.Errorf("Go reader: %w", err)
	}
	var (
		last    trace.Time
		ordered int
		mono    = map[bool]int64{}
	)
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			return a, fmt.Errorf("Go reader, after %d events: %w", a.events, err)
		}
		t := ev.Time()
		if a.events == 0 {
			a.first = int64(t)
		} else if t <= last {
			a.problem("time does not increase: %d then %d", last, t)
		}
		last = t
		a.events++
		a.kinds[ev.Kind().String()]++
		if ev.Kind() == trace.EventSync {
			if c := ev.Sync().ClockSnapshot; c != nil {
				if int64(c.Mono) <= mono[false] || c.Wall.UnixNano() <= mono[true] {
					a.problem("the clock snapshot does not advance")
				}
				mono[false], mono[true] = int64(c.Mono), c.Wall.UnixNano()
			}
			continue
		}
		a.now = int64(t) - a.first
		if ev.Kind() != trace.EventStackSample {
			// The first events may be moved behind the sync event that opens the trace, and above 2^53 ns the
			// reader's arithmetic is too coarse to keep them apart.
			if w := a.wire.times; ordered < len(w) && w[ordered] != uint64(t) && uint64(t)-w[ordered] > 1 && w[ordered] < 1<<53 {
				a.problem("the reader had to move an event from %d to %d", w[ordered], t)
			}
			ordered++
		}
		a.event(ev)
	}
	a.span = a.now
	if ordered != len(a.wire.times) {
		a.problem("the reader gave %d events, the file holds %d", ordered, len(a.wire.times))
	}
	for _, g := range a.order {
		if g.state != trace.GoNotExist {
			a.charge(g)
		}
		switch {
		case g.name == "" && g.stacks == 0 && a.wire.version == 22 && g.created < 0:
			// a 1.22 status has no stack, so a thread that never left its CPU has no name
		case g.name == "":
			a.problem("goroutine %d has no name", g.id)
		case strings.HasPrefix(g.name, "runtime.") && g.name != "runtime.main": // which is a program's own
			a.problem("goroutine %d is named %q, which viewers take for a system goroutine", g.id, g.name)
		case !utf8.ValidString(g.name):
			a.problem("goroutine %d has a name that is not UTF-8: %q", g.id, g.name)
		}
	}
	for _, p := range a.ps {
		a.chargeProc(p)
	}
	return a, nil
}

func (a *analysis) charge(g *gor) {
	if g.class != "" {
		g.ns[g.class] += a.window.overlap(g.since, a.now)
	}
	g.since = a.now
}

// count is 1 for what happens inside of the window.
func (a *analysis) count() int {
	if a.window.holds(a.now) {
		return 1
	}
	return 0
}

func (a *analysis) setClass(g *gor, class string) {
	a.charge(g)
	g.class = class
}

func (a *analysis) chargeProc(p *prc) {
	i := 0
	if p.busy {
		i = 1
	}
	p.ns[i] += a.window.overlap(p.since, a.now)
	p.since = a.now
}

// ends gives the innermost and the outermost function of a stack.
func ends(s trace.Stack) (leaf, root string, n int) {
	for f := range s.Frames() {
		if n == 0 {
			leaf = f.Func
		}
		root = f.Func
		n++
	}
	return
}

func sysName(leaf string) string {
	if strings.HasPrefix(leaf, "sys_") {
		return leaf[4:]
	}
	if leaf == "[page fault]" {
		return leaf
	}
	return ""
}

// sysOf looks for the syscall's frame: kernel frames may stand inside it.
func sysOf(s trace.Stack) string {
	for f := range s.Frames() {
		if n := sysName(f.Func); n != "" {
			return n
		}
	}
	return ""
}

func (a *analysis) checkStack(ev trace.Event, s trace.Stack) {
	i := 0
	for f := range s.Frames() {
		if f.Func == "" || f.File == "" || f.Line == 0 || f.PC == 0 {
			a.problem("frame %d of a %v event at %d lacks a function, file, line or pc: %+v", i, ev.Kind(), ev.Time(), f)
		} else if !utf8.ValidString(f.Func) || !utf8.ValidString(f.File) {
			a.problem("frame %d of a %v event at %d is not UTF-8: %+v", i, ev.Kind(), ev.Time(), f)
		}
		i++
	}
	if seq := userPart(s); seq != "" {
		a.userSeqs[seq] = true
	}
}

func (a *analysis) event(ev trace.Event) {
	a.checkStack(ev, ev.Stack())
	// Every stack of a goroutine ends in the frame that names it.
	if g := a.gs[ev.Goroutine()]; g != nil && ev.Stack() != trace.NoStack && ev.Kind() != trace.EventStackSample {
		if _, root, _ := ends(ev.Stack()); g.name != "" && root != g.name {
			a.problem("goroutine %d is named %q and has a stack that ends in %q", g.id, g.name, root)
		}
	}
	switch ev.Kind() {
	case trace.EventMetric:
		a.metrics[ev.Metric().Name]++
	case trace.EventLabel:
		if ev.Label().Label == "" {
			a.problem("an empty label at %d", ev.Time())
		}
		a.labels[ev.Label().Label]++
	case trace.EventTaskBegin:
		a.tasks[ev.Task().Type]++
		a.taskNames[ev.Task().ID] = ev.Task().Type
		a.mark(ev, "task %q of %q", ev.Task().Type, a.taskName(ev.Task().Parent))
	case trace.EventTaskEnd:
		a.mark(ev, "end of task %q", a.taskName(ev.Task().ID))
	case trace.EventRegionBegin:
		a.regions[ev.Region().Type]++
		a.mark(ev, "begin %q of %q", ev.Region().Type, a.taskName(ev.Region().Task))
		if g := a.gs[ev.Goroutine()]; g != nil {
			g.regions = append(g.regions, ev.Region().Type)
		}
	case trace.EventRegionEnd:
		a.mark(ev, "end %q", ev.Region().Type)
		if g := a.gs[ev.Goroutine()]; g != nil {
			if n := len(g.regions); n == 0 {
				a.older++ // it began before the trace
			} else if g.regions[n-1] != ev.Region().Type {
				a.problem("region %q ends and is not the innermost", ev.Region().Type)
			} else {
				g.regions = g.regions[:n-1]
			}
		}
	case trace.EventLog:
		a.logs[ev.Log().Category]++
		if ev.Log().Category == "trigger" {
			a.triggered = append(a.triggered, ev.Log().Message)
		}
		if c := ev.Log().Category; c != "ctrace" && c != "trigger" {
			a.mark(ev, "log %q %q of %q", ev.Log().Category, ev.Log().Message, a.taskName(ev.Log().Task))
		}
	case trace.EventRangeBegin:
		a.ranges[ev.Range().Name]++
	case trace.EventStackSample:
		a.samples = append(a.samples, userPart(ev.Stack()))
	case trace.EventStateTransition:
		st := ev.StateTransition()
		a.checkStack(ev, st.Stack)
		switch st.Resource.Kind {
		case trace.ResourceProc:
			a.procEvent(ev, st)
		case trace.ResourceGoroutine:
			a.goEvent(ev, st)
		}
	}
}

// mark notes an annotation.
func (a *analysis) mark(ev trace.Event, format string, args ...any) {
	if g := a.gs[ev.Goroutine()]; g != nil {
		g.marks = append(g.marks, fmt.Sprintf(format, args...))
	} else {
		a.problem("an annotation of nobody at %d", ev.Time())
	}
}

// taskName: "" for the background task, "?" for one that did not begin in the trace.
func (a *analysis) taskName(id trace.TaskID) string {
	if id == trace.BackgroundTask || id == trace.NoTask {
		return ""
	}
	if n, ok := a.taskNames[id]; ok {
		return n
	}
	return "?"
}

func (a *analysis) procEvent(ev trace.Event, st trace.StateTransition) {
	from, to := st.Proc()
	id, m := st.Resource.Proc(), ev.Thread()
	a.trans[fmt.Sprintf("P %v->%v", from, to)]++
	p := a.ps[id]
	if p == nil {
		p = &prc{id: id, since: a.now, first: a.now}
		a.ps[id] = p
		if from != trace.ProcUndetermined && from != trace.ProcNotExist { // a CPU may come online later
			a.problem("proc %d begins as %v", id, from)
		}
	}
	a.chargeProc(p)
	switch {
	case from == to: // repeated in a later generation
		if p.busy != (to == trace.ProcRunning) {
			a.problem("proc %d is said to be %v and is not", id, to)
		}
		if p.busy && p.m != m {
			a.problem("proc %d is on M %d and its status on M %d", id, p.m, m)
		}
	case to == trace.ProcRunning:
		if p.busy {
			a.problem("proc %d starts twice", id)
		}
		if q, ok := a.procM[m]; ok {
			a.problem("M %d takes proc %d and has proc %d", m, id, q)
		}
		p.busy, p.m = true, m
		a.procM[m] = id
	case to == trace.ProcIdle:
		if p.busy {
			delete(a.procM, p.m)
			delete(a.handed, p.m) // it was no exec, whose next goroutine starts at once
			if g := a.gs[a.onM[p.m]]; g != nil && a.onM[p.m] != 0 {
				if g.state == trace.GoSyscall {
					a.setClass(g, blockedClass)
					g.pending = g.cur
				} else {
					a.problem("proc %d stops under goroutine %d which is %v", id, g.id, g.state)
				}
			}
		} else if from == trace.ProcRunning {
			a.problem("proc %d stops and was idle", id)
		}
		p.busy = false
	default:
		a.problem("proc %d goes from %v to %v", id, from, to)
	}
}

func (a *analysis) newG(id trace.GoID) *gor {
	g := &gor{id: id, created: -1, ended: -1, since: a.now, ns: map[string]int64{}, begins: map[string]int{},
		calls: map[string]int{}, atStart: map[string]int{}, m: trace.NoThread, statusAt: -1}
	a.gs[id] = g
	a.order = append(a.order, g)
	return g
}

func (a *analysis) goEvent(ev trace.Event, st trace.StateTransition) {
	from, to := st.Goroutine()
	id, m := st.Resource.Goroutine(), ev.Thread()
	a.trans[fmt.Sprintf("G %v->%v", from, to)]++
	g := a.gs[id]
	if g == nil {
		g = a.newG(id)
		if from == trace.GoUndetermined {
			g.ns["unknown"] += a.now
		}
		g.state = from
	} else if from != g.state {
		a.problem("goroutine %d was %v and goes on as %v", id, g.state, from)
	}
	if st.Stack != trace.NoStack {
		_, root, _ := ends(st.Stack)
		g.stacks++
		if g.name == "" {
			g.name = root
		} else if root != g.name {
			a.problem("goroutine %d is named %q and has a stack that ends in %q", id, g.name, root)
		}
	}
	if st.Reason != "" {
		a.reasons[fmt.Sprintf("%v->%v %q", from, to, st.Reason)]++
	}
	if from == to {
		return // repeated in a later generation
	}
	if from != trace.GoUndetermined && !goLegal[[2]trace.GoState{from, to}] {
		a.problem("goroutine %d goes from %v to %v", id, from, to)
	}
	name := sysOf(ev.Stack())
	if name == "[page fault]" {
		name = ""
	}

	// The words.
	if to == trace.GoWaiting || from == trace.GoRunning && to == trace.GoRunnable {
		if want, ok := goReasons[st.Reason]; !ok || want != to {
			a.problem("goroutine %d goes from %v to %v because of %q", id, from, to, st.Reason)
		}
	} else if st.Reason != "" {
		a.problem("goroutine %d goes from %v to %v with the reason %q", id, from, to, st.Reason)
	}
	// The places: an executing goroutine has one M, always the same, and that M has a proc.
	if to.Executing() {
		if g.m != trace.NoThread && g.m != m {
			a.problem("goroutine %d moves from M %d to M %d", id, g.m, m)
		}
		g.m = m
		if _, ok := a.procM[m]; !ok {
			a.problem("goroutine %d becomes %v on M %d, which has no proc", id, to, m)
		}
		if other := a.onM[m]; other != 0 && other != id {
			a.problem("goroutines %d and %d are on M %d", id, other, m)
		}
		a.onM[m] = id
	} else if from.Executing() {
		delete(a.onM, g.m)
	}
	if from == trace.GoRunning && ev.Goroutine() != id {
		a.problem("goroutine %d leaves %v by an event of goroutine %d", id, from, ev.Goroutine())
	}

	lastEnd := g.lastEnd
	g.lastEnd = ""
	switch {
	case from == trace.GoNotExist:
		g.created = a.now
		a.setClass(g, "runnable")
		// A clone closes its syscall for the new thread and opens it again.
		if c := a.gs[ev.Goroutine()]; c != nil && c.lastEnd != "" && c.lastEnd == name {
			c.pending, c.fresh, c.lastEnd = name, true, ""
		}
	case to == trace.GoNotExist:
		g.ended = a.now
		a.charge(g)
		g.class = ""
		if g.pending != "" && g.fresh {
			a.handed[m] = g.pending
		}
	case to == trace.GoRunning && from == trace.GoSyscall:
		a.setClass(g, "running")
		g.lastEnd, g.cur = g.cur, ""
	case to == trace.GoRunning:
		if from == trace.GoRunnable {
			g.starts += a.count()
			if h, ok := a.handed[m]; ok && g.created >= 0 && g.starts == 1 {
				g.pending = h
			}
		} else {
			g.statusAt = a.now
		}
		delete(a.handed, m)
		a.setClass(g, "running")
		g.fresh = true
		g.state = to
		return
	case to == trace.GoSyscall:
		if from == trace.GoUndetermined {
			a.problem("goroutine %d begins in a syscall without a stack", id)
		}
		g.cur = name
		if name == "" { // a sleep outside of any syscall
			a.setClass(g, "syscall")
			break
		}
		g.begins[name] += a.count()
		switch { // g.since is still the moment of the switch-in
		case g.fresh && g.pending != "" && g.pending == name:
		case lastEnd == name && a.now-g.since == 2: // the same, told again with its stack
		case g.fresh && g.statusAt >= 0 && (a.now-g.statusAt <= 2 || g.ready && g.starts == 1 && a.now-g.since <= 2):
			g.atStart[name]++
		default:
			g.calls[name] += a.count()
			if name == a.window.mark {
				a.window.marks = append(a.window.marks, a.now)
			}
		}
		g.pending = ""
		a.setClass(g, "syscall")
	case to == trace.GoRunnable && from == trace.GoRunning: // preempted
		a.setClass(g, "runnable")
		g.pending = goesOn(lastEnd, name)
		g.ready = g.statusAt >= 0 && a.now-g.statusAt <= 2
	case to == trace.GoWaiting:
		if from == trace.GoUndetermined {
			a.problem("goroutine %d waits from the beginning, for no reason that is told", id)
		}
		g.reason = st.Reason
		a.setClass(g, "waiting:"+st.Reason)
		g.pending = goesOn(lastEnd, name)
		if name != "" && g.statusAt >= 0 && a.now-g.statusAt <= 2 {
			g.pending = name // it sleeps since before the trace began
			g.atStart[name]++
		}
	case to == trace.GoRunnable: // woken, or runnable when the trace began
		if from == trace.GoWaiting || from == trace.GoSyscall {
			g.wakes += a.count()
			w := wake{Time: a.now, Waker: -1, WakerN: "-", Wakee: int64(id), WakeeN: g.name, Reason: g.reason,
				Duration: a.now - g.since, wakee: g}
			if from == trace.GoSyscall {
				w.Reason = "syscall"
				g.pending = g.cur
				g.cur = ""
				if ev.Goroutine() != trace.NoGoroutine && ev.Goroutine() != id {
					a.problem("goroutine %d ends the syscall of goroutine %d", ev.Goroutine(), id)
				}
			} else {
				if ev.Stack() == trace.NoStack {
					a.problem("goroutine %d is woken without a stack", id)
				}
				if ev.Goroutine() != trace.NoGoroutine {
					w.Waker = int64(ev.Goroutine())
					w.waker = a.gs[ev.Goroutine()]
				}
				if _, root, n := ends(ev.Stack()); n > 0 {
					w.WakerN = root
				}
			}
			a.wakes = append(a.wakes, w)
		}
		if from == trace.GoUndetermined {
			g.statusAt, g.ready = a.now, true
		}
		a.setClass(g, "runnable")
	default:
		a.problem("goroutine %d goes from %v to %v", id, from, to)
	}
	g.fresh = false
	g.state = to
}

// goesOn: a goroutine that leaves its CPU right after the end of a syscall, with that syscall in its
// stack, is still inside.
func goesOn(ended, name string) string {
	if ended != "" && ended == name {
		return name
	}
	return ""
}

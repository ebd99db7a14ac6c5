// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Annotations of the invented machine. Most threads are polite: what they write nests, and the trace must tell all of it
// in its order. Rude ones end what is not theirs, begin twice, jump out of calls; of them only begins and logs are held
// against the trace, because what ends when is the model's own choice.

const (
	opTaskBegin, opTaskEnd, opRegionBegin, opRegionEnd, opLog = 1, 2, 3, 4, 5
	byHeader, byFunc, byUsdt, byGo                            = 1, 2, 3, 4
	markNameCut, markTextCut, markNameBad, markTextBad        = 1, 2, 4, 8
	markMax                                                   = 1024
	offMarkText                                               = 72
	goroutineBase                                             = 1_000_000_000_000 // ids of goroutines are above
	rudeTask                                                  = 1 << 40           // numbers of tasks that only rude threads use
)

var siteNames = []string{"", "PQexec", "transaction", "query", "std::vector<T>", "müde"}

const argSite = 6 // of a marker whose begins are named by an argument

type simTask struct {
	id    uint64
	name  string // as readers know it: "?" when it began before the trace
	owner *simProc
	isGo  bool // Go counts apart
	ended bool
}

type simRegion struct {
	by   byte
	id   uint64
	site uint32
	name string
	raw  string
	task *simTask
}

// simMarks is what a thread, or a goroutine, has open, and what the trace must tell of it.
type simMarks struct {
	rude    bool
	regions []simRegion
	lines   []string
}

type simGoroutine struct {
	simMarks
	id    uint64
	start uint64
}

type mark struct {
	op, by      byte
	flags       uint32
	task, id    uint64
	goroutine   uint64
	start       uint64
	site, stack uint32
	name, text  string
}

func (s *sim) mark(t *simThread, m mark) {
	key := s.see(t.cpu, t)
	if s.chance(20) {
		m.stack = s.stack(t.cpu, t, false, s.stacks.block)
	}
	arg := uint32(m.op) | uint32(m.by)<<8 | m.flags<<16
	r := newRecord(s.tick(), evMark, 0, uint16(t.cpu), arg).u64(key, m.task, m.id, m.goroutine, m.start).u32(m.site).
		bytes(byte(len(m.name)), byte(len(m.name)>>8), byte(len(m.text)), byte(len(m.text)>>8)).u32(m.stack, 0)
	s.emit(t.cpu, append(append(r, m.name...), m.text...))
	t.life.ops += 3
}

func (s *sim) tellSites() {
	for i := 1; i < len(siteNames); i++ {
		s.note(newRecord(s.tick(), evSite, 0, cpuCollector, uint32(i)).text(siteNames[i]))
	}
}

// say notes what the trace must tell, from its beginning on.
func (s *sim) say(m *simMarks, format string, args ...any) {
	if s.started {
		m.lines = append(m.lines, fmt.Sprintf(format, args...))
	}
}

func taskName(t *simTask) string {
	if t == nil {
		return ""
	}
	return t.name
}

func taskID(t *simTask) uint64 {
	if t == nil {
		return 0
	}
	return t.id
}

// cleanText is what becomes of a text; the rules of the trace format and of the manual, written once more.
func cleanText(raw string, cut, bad bool) string {
	if bad {
		return "(unreadable)"
	}
	var b strings.Builder
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRuneInString(raw[i:])
		b.WriteRune(r)
		i += n
	}
	out := b.String()
	if !cut && len(out) <= markMax {
		return out
	}
	out = out[:min(len(out), markMax-3)]
	for !utf8.ValidString(out) {
		out = out[:len(out)-1]
	}
	return out + "…"
}

func named(s string) string {
	if s == "" {
		return "(unnamed)"
	}
	return s
}

// text invents one: what is in the record, what is wrong with it (flags of a name), and how it must read.
func (s *sim) text(like string) (raw string, flags uint32, want string) {
	s.serialText++
	raw = fmt.Sprintf("%s %d", like, s.serialText)
	switch {
	case s.chance(3):
		return "", markNameBad, cleanText("", false, true)
	case s.chance(3):
		raw += strings.Repeat("x", markMax-len(raw))
		return raw, markNameCut, cleanText(raw, true, false)
	case s.chance(3):
		raw += strings.Repeat("\xff", s.rng.IntN(markMax-len(raw)))
	case s.chance(5):
		raw += " é\xc3\x00\"\\"
	case s.chance(3):
		raw = ""
	case s.chance(20):
		raw = like
	}
	return raw, 0, cleanText(raw, false, false)
}

// someTask gives an open task of the process, or the background task.
func (s *sim) someTask(p *simProc, isGo bool) *simTask {
	if len(p.tasks) == 0 || s.chance(20) {
		return nil
	}
	if n := p.tasks[s.rng.IntN(len(p.tasks))]; n.isGo == isGo {
		return n
	}
	return nil
}

// markStep: a thread in user mode annotates, itself or as the goroutine that it runs.
func (s *sim) markStep(t *simThread) {
	if len(t.proc.goroutines) > 0 && s.chance(60) {
		g := t.proc.goroutines[s.rng.IntN(len(t.proc.goroutines))]
		s.annotate(t, &g.simMarks, g)
		return
	}
	if t.marks.rude && s.chance(50) {
		s.rudeMark(t)
		return
	}
	s.annotate(t, t.marks, nil)
}

func (s *sim) annotate(t *simThread, m *simMarks, g *simGoroutine) {
	by, id, start := byte(byHeader), uint64(0), uint64(0)
	if g != nil {
		by, id, start = byGo, g.id, g.start
	}
	p := t.proc
	switch x := s.rng.IntN(100); {
	case x < 15:
		raw, flags, want := s.text("task")
		parent := s.someTask(p, g != nil)
		p.lastTask++
		n := &simTask{id: p.lastTask, name: "?", owner: p, isGo: g != nil}
		if s.started {
			n.name = named(want)
		}
		p.tasks = append(p.tasks, n)
		s.mark(t, mark{op: opTaskBegin, by: by, task: n.id, id: taskID(parent), goroutine: id, start: start, name: raw, flags: flags})
		s.say(m, "task %q of %q", n.name, taskName(parent))
	case x < 25 && len(p.tasks) > 0:
		i := s.rng.IntN(len(p.tasks))
		n := p.tasks[i]
		if n.isGo != (g != nil) {
			return
		}
		p.tasks = slices.Delete(slices.Clone(p.tasks), i, i+1)
		s.mark(t, mark{op: opTaskEnd, by: by, task: n.id, goroutine: id, start: start})
		if n.owner != p {
			return // a child goes on by itself
		}
		if !n.ended {
			s.say(m, "end of task %q", n.name)
		}
		n.ended = true
	case x < 55 && len(m.regions) < 30:
		s.beginRegion(t, m, g)
	case x < 80 && len(m.regions) > 0:
		s.endRegion(t, m, g)
	default:
		s.log(t, m, g)
	}
}

func (s *sim) log(t *simThread, m *simMarks, g *simGoroutine) {
	task := s.someTask(t.proc, g != nil)
	if g == nil && s.chance(30) {
		site := uint32(1 + s.rng.IntN(len(siteNames)-1))
		raw, want := s.arguments()
		s.mark(t, mark{op: opLog, by: byUsdt, site: site, text: raw})
		s.say(m, "log %q %q of %q", siteNames[site], want, "")
		return
	}
	cat, f1, wantCat := s.text("category")
	msg, f2, wantMsg := s.text("message")
	k := mark{op: opLog, by: byHeader, task: taskID(task), name: cat, text: msg, flags: f1 | f2<<1}
	if g != nil {
		k.by, k.goroutine, k.start = byGo, g.id, g.start
	}
	s.mark(t, k)
	s.say(m, "log %q %q of %q", wantCat, wantMsg, taskName(task))
}

// arguments of a marker, as bytes and as they must read.
func (s *sim) arguments() (raw, want string) {
	var r record
	var words []string
	for i := range s.rng.IntN(5) {
		v, size, str := s.rng.Uint64()>>s.rng.IntN(64), byte(8), ""
		word := fmt.Sprint(v)
		switch {
		case s.chance(30):
			v, size = uint64(int64(s.rng.IntN(2000)-1000)), 4|0x80
			word = fmt.Sprint(int64(v))
		case s.chance(30):
			str = fmt.Sprintf("text \"%d\" \\", v%100)
			word = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(str) + `"`
		case v > 1<<32-1:
			word = fmt.Sprintf("%#x", v)
		}
		r = r.u64(v).bytes(size, 0, byte(len(str)), 0).u32(0)
		r = append(r, str...)
		words = append(words, fmt.Sprintf("arg%d=%s", i+1, word))
	}
	return string(r), strings.Join(words, " ")
}

func (s *sim) beginRegion(t *simThread, m *simMarks, g *simGoroutine) {
	r := simRegion{by: byHeader, task: s.someTask(t.proc, g != nil)}
	var flags uint32
	r.raw, flags, r.name = s.text("region")
	r.name = named(r.name)
	k := mark{op: opRegionBegin, name: r.raw, flags: flags}
	byArg := false // it has a site, and is called as one of its arguments says
	switch {
	case g != nil:
		r.by, k.goroutine, k.start = byGo, g.id, g.start
	case s.chance(30):
		t.depth += 16 + uint64(s.rng.IntN(4096))
		r.by, r.id, r.site = byFunc, t.stackTop-t.depth, uint32(1+s.rng.IntN(len(siteNames)-1))
	case s.chance(30) && s.chance(50):
		r.by, r.site = byUsdt, uint32(1+s.rng.IntN(len(siteNames)-1))
	case s.chance(20):
		r.by, byArg = byUsdt, true
	default:
		t.proc.lastRegion++
		r.id = t.proc.lastRegion
	}
	if r.by == byFunc || r.by == byUsdt {
		r.task = nil
	}
	if r.site != 0 {
		r.name, k.name, k.flags = siteNames[r.site], "", 0
	}
	if byArg {
		r.site = argSite
		if k.name == "" {
			r.name = "site 6" // nobody told its name
		}
	}
	k.by, k.task, k.id, k.site = r.by, taskID(r.task), r.id, r.site
	if r.by == byFunc {
		k.goroutine = stackFrom(t)
	}
	m.regions = append(m.regions, r)
	s.mark(t, k)
	s.say(m, "begin %q of %q", r.name, taskName(r.task))
}

func (s *sim) endRegion(t *simThread, m *simMarks, g *simGoroutine) {
	n := len(m.regions) - 1
	r := m.regions[n]
	m.regions = m.regions[:n]
	k := mark{op: opRegionEnd, by: r.by, task: taskID(r.task), id: r.id, site: r.site}
	switch {
	case g != nil:
		k.goroutine, k.start = g.id, g.start
		if s.chance(50) && r.raw != "" && len(r.raw) < markMax {
			k.name = r.raw // WithRegion; an end of StartRegion has neither name nor task
		} else {
			k.task = 0
		}
	case r.by == byFunc:
		t.depth = t.stackTop - r.id - 16
		k.goroutine = stackFrom(t)
	case r.by == byHeader:
		k.name = r.raw
	}
	s.mark(t, k)
	s.say(m, "end %q", r.name)
}

// stackFrom is where the mapping of the stack begins, or 0: it could not be asked. It stands in the place of the goroutine.
func stackFrom(t *simThread) uint64 {
	if t.stackTop>>12%4 == 0 {
		return 0
	}
	return t.stackTop - 8<<20
}

// rudeMark does what no program should.
func (s *sim) rudeMark(t *simThread) {
	id := uint64(s.rng.IntN(int(t.proc.lastRegion) + 3))
	task := uint64(rudeTask + s.rng.IntN(6))
	near := t.stackTop - s.rng.Uint64N(t.depth+5000)
	site := uint32(s.rng.IntN(len(siteNames) + 2))
	switch s.rng.IntN(11) {
	case 0:
		s.mark(t, mark{op: opRegionEnd, by: byHeader, id: id, name: "rude"})
	case 1:
		s.mark(t, mark{op: opRegionEnd, by: byHeader, name: "rude"})
	case 2:
		s.mark(t, mark{op: opRegionEnd, by: byFunc, id: near, site: site})
	case 3, 4:
		s.mark(t, mark{op: opRegionBegin, by: byFunc, id: near, site: 1, goroutine: stackFrom(t)})
		s.say(t.marks, "begin %q of %q", siteNames[1], "")
	case 5:
		s.mark(t, mark{op: opRegionEnd, by: byUsdt, site: site})
	case 6:
		s.mark(t, mark{op: opTaskEnd, by: byHeader, task: task})
	case 7:
		raw, flags, want := s.text("rude task")
		s.mark(t, mark{op: opTaskBegin, by: byHeader, task: task, id: task, name: raw, flags: flags})
		if s.started {
			s.say(t.marks, "task %q of %q", named(want), "")
		}
	case 8:
		s.mark(t, mark{op: byte(opTaskBegin + s.rng.IntN(2)), by: byHeader, name: "nobody"})
	case 9:
		s.mark(t, mark{op: opRegionEnd, by: byFunc, id: s.rng.Uint64(), site: site})
	case 10:
		if n := len(t.marks.regions); n > 1 { // crossed
			r := t.marks.regions[s.rng.IntN(n)]
			s.mark(t, mark{op: opRegionEnd, by: r.by, task: taskID(r.task), id: r.id, site: r.site, name: r.raw})
		}
	}
}

// settleMarks: what is open in a thread when it begins, or when its image does.
func (s *sim) settleMarks(t *simThread) {
	t.marks = &simMarks{rude: s.chance(25)}
	t.life.marks = t.marks
	t.stackTop = 0x7ffd00000000 + s.rng.Uint64N(1<<20)<<12
	t.depth = 64
}

func (s *sim) newImage(p *simProc) {
	s.oldGoroutines = append(s.oldGoroutines, p.goroutines...)
	p.tasks, p.goroutines = nil, nil
	if !p.traced || !s.marking || !s.chance(40) {
		return
	}
	for range 1 + s.rng.IntN(5) {
		g := &simGoroutine{id: 1 + s.rng.Uint64N(1000)}
		if m := 1 + s.rng.IntN(stackModules-2); s.chance(80) {
			s.tellModule(m)
			g.start = userFrame(m, 0x9001+3*s.rng.Uint64N(20))
		}
		if !slices.ContainsFunc(p.goroutines, func(o *simGoroutine) bool { return o.id == g.id }) {
			p.goroutines = append(p.goroutines, g)
		}
	}
}

// forgetMarks: before the snapshot only some threads of a process are known, and with the last of them it is gone.
func (s *sim) forgetMarks(p *simProc) {
	p.tasks = slices.Clone(p.tasks)
	for i, t := range p.tasks {
		own := *t
		own.owner = p
		p.tasks[i] = &own
	}
	for _, g := range p.goroutines {
		g.regions = nil
	}
}

// compareMarks: annotations of threads, line by line; those of goroutines, each of which is one goroutine of the trace.
func compareMarks(s *sim, of map[*life]*gor, a *analysis, say func(format string, args ...any)) {
	quiet := func(lines []string, rude bool) []string {
		if !rude {
			return lines
		}
		return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "end ") })
	}
	differ := func(who string, have, want []string) {
		i := 0
		for i < len(have) && i < len(want) && have[i] == want[i] {
			i++
		}
		if i < len(have) || i < len(want) {
			say("%s: annotation %d of %d, in truth of %d: %.100q, in truth %.100q", who, i, len(have), len(want),
				slices.Concat(have, []string{"none"})[min(i, len(have))], slices.Concat(want, []string{"none"})[min(i, len(want))])
		}
	}
	for l, g := range of {
		differ(fmt.Sprintf("goroutine %d", g.id), quiet(g.marks, l.marks.rude), quiet(l.marks.lines, l.marks.rude))
	}
	want, have := map[string]int{}, map[string]int{}
	for _, g := range s.allGoroutines() {
		if len(g.lines) > 0 {
			want[strings.Join(g.lines, "\n")]++
		}
	}
	for _, g := range a.order {
		if g.id > goroutineBase && len(g.marks) > 0 {
			have[strings.Join(g.marks, "\n")]++
		}
	}
	for lines, n := range want {
		if have[lines] != n {
			say("a goroutine of a program annotates %d times %.200q, in truth %d times", have[lines], lines, n)
		}
	}
	for lines, n := range have {
		if want[lines] != n {
			say("a goroutine of a program annotates %.200q, and none did", lines)
		}
	}
}

func (s *sim) allGoroutines() []*simGoroutine {
	out := slices.Clone(s.oldGoroutines)
	for _, p := range s.procs {
		out = append(out, p.goroutines...)
	}
	return out
}

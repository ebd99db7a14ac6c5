// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// A small invented machine. It runs threads on CPUs, writes the records that the BPF programs would write,
// and keeps its own account of what every thread did: the truth that a trace is held against.

type simMode int

const (
	modeAll simMode = iota // --syscalls=all
	modeBlocking
	modeNone // numbers come with the sleeps, and are not shown
)

// life is one goroutine's worth of a thread: from its fork, or its exec, to its end.
type life struct {
	tid      int
	born     uint64 // 0: before the trace
	ended    uint64 // 0: not
	class    string
	since    uint64
	ns       map[string]int64
	calls    map[string]int
	starts   int
	wakes    []simWake
	ops      int
	names    map[string]bool
	slack    int64  // time that may stand in "running" instead of "syscall", or the other way round
	fuzzyNr  string // syscall that may count once more or less
	kthread  bool
	traced   bool
	procName map[string]bool
	marks    *simMarks
	unsure   bool // it came into the recording while it lived
}

type simWake struct {
	by    *life
	race  bool // the waker is remembered from before the sleep, or not
	sleep string
}

const (
	tRunning = iota
	tRunnable
	tSleeping
	tDead
)

type simThread struct {
	life       *life
	proc       *simProc
	tid        int
	key        uint64
	comm       string
	kthread    bool
	state      int
	cpu        int
	nr         uint32
	begin      uint64 // of the syscall in progress; 0: already told, or before the recording
	sysKnown   bool   // a sys_enter or sys_exit was seen
	sleepState byte
	fd         byte
	told       bool // a record has introduced it, since its process is recorded
	killed     bool
	exiting    bool
	newborn    bool
	raceBy     *life
	raced      bool
	waitsExec  bool
	hazy       bool // in a syscall that no record has told of yet, and perhaps none will
	hazyNr     uint32
	asked      uint64 // begin of the syscall that the collector has told of
	sysDone    bool   // the syscall's work (fork, wake, …) is done
	marks      *simMarks
	stackTop   uint64
	depth      uint64 // of its stack
}

type simProc struct {
	pid     int
	comm    string
	path    string
	traced  bool
	names   map[string]bool // of its leader, and of its images
	threads []*simThread

	tasks                []*simTask // open
	lastTask, lastRegion uint64
	goroutines           []*simGoroutine

	ends, endTold bool // all of its threads, with this code; a record has told so
	code          uint32
	endWords      string // what a trigger says of it
}

type sim struct {
	rng      *rand.Rand
	ncpu     int
	mode     simMode
	all      bool // the whole system
	follow   bool
	rule     bool // who is recorded changes
	slow     bool // long enough for several generations
	now      uint64
	base     uint64
	start    uint64
	stop     uint64
	cpus     []*simThread
	other    []bool   // an untraced thread runs there
	otherAt  []uint64 // since when
	others   int64    // ns that they did in the recording
	procs    []*simProc
	threads  []*simThread
	lives    []*life
	freeTids []int
	nextTid  int
	serial   uint32
	recs     []entry
	stacks   simStacks
	started  bool
	snapCPU  int

	marking       bool // programs annotate
	serialText    int
	oldGoroutines []*simGoroutine
	endWords      []string // of processes that have ended
}

var sysNames = map[uint32]string{0: "read", 1: "write", 3: "close", 7: "poll", 9: "mmap", 16: "ioctl", 17: "pread64", 20: "writev",
	24: "sched_yield", 34: "pause", 35: "nanosleep", 39: "getpid", 42: "connect", 45: "recvfrom", 46: "sendmsg", 56: "clone",
	57: "fork", 58: "vfork", 59: "execve", 60: "exit", 61: "wait4", 62: "kill", 73: "flock", 74: "fsync", 157: "prctl",
	202: "futex", 230: "clock_nanosleep", 231: "exit_group", 232: "epoll_wait", 257: "openat", 270: "pselect6", 271: "ppoll",
	281: "epoll_pwait", 288: "accept4", 435: "clone3", 441: "epoll_pwait2", 426: "io_uring_enter", 130: "rt_sigsuspend"}

// what a wait in a syscall is called, when the state is S; read and write ask the descriptor
var waitWords = map[uint32]string{7: "select", 271: "select", 270: "select", 232: "select", 281: "select", 441: "select",
	426: "select", 34: "sync", 61: "sync", 73: "sync", 202: "sync", 130: "sync", 35: "sleep", 230: "sleep", 42: "network",
	45: "network", 46: "network", 288: "network"}

var shortSyscalls = []uint32{3, 9, 39, 257, 16, 62}
var longSyscalls = []uint32{0, 0, 1, 1, 17, 20, 7, 34, 35, 42, 45, 46, 61, 73, 74, 202, 202, 202, 230, 232, 232, 270, 271, 281,
	288, 441, 426, 130, 16, 257}

// classOf is the table of the format document, written once more.
func classOf(kthread bool, state byte, nr uint32, fd byte) string {
	if state == 'T' || state == 't' {
		return "waiting:wait for debug call"
	}
	if kthread && (state == 'S' || state == 'I' || state == 'P') {
		return "waiting:system goroutine wait"
	}
	if state == 'D' && nr == 58 {
		return "waiting:sync"
	}
	if state != 'S' {
		return blockedClass
	}
	if w, ok := waitWords[nr]; ok {
		return "waiting:" + w
	}
	switch nr {
	case 0, 17:
		switch fd {
		case fdSocket:
			return "waiting:network"
		case fdPipe, fdTTY, fdEvent:
			return "waiting:chan receive"
		}
	case 1, 20:
		switch fd {
		case fdSocket:
			return "waiting:network"
		case fdPipe, fdTTY:
			return "waiting:chan send"
		}
	}
	return blockedClass
}

func (s *sim) chance(percent float64) bool { return s.rng.Float64()*100 < percent }
func (s *sim) pick(v []uint32) uint32      { return v[s.rng.IntN(len(v))] }

// tick gives the next moment; no two records share one.
func (s *sim) tick() uint64 {
	s.now += 150 + s.rng.Uint64N(400)
	return s.now
}

func (s *sim) emit(cpu int, r record) { s.recs = append(s.recs, entry{stream: cpu, rec: r}) }

func (s *sim) collector(kind byte, arg uint32) record {
	return newRecord(s.tick(), kind, 0, cpuCollector, arg)
}

func (s *sim) note(r record) { s.emit(s.ncpu, r) }

func (s *sim) traced(t *simThread) bool { return t != nil && t.proc.traced }

func (s *sim) setClass(t *simThread, class string, at uint64) {
	l := t.life
	if s.started && l.class != "" && at > l.since {
		l.ns[l.class] += int64(at - l.since)
	}
	if s.started && t.hazy && l.class == "syscall" && at > l.since {
		l.slack += int64(at - l.since)
		l.fuzzyNr = sysNames[t.hazyNr]
	}
	if l.class != class {
		l.ops++
	}
	l.class, l.since = class, at
}

func (s *sim) onCPUClass(t *simThread) string {
	if t.nr != nrNone {
		return "syscall"
	}
	return "running"
}

func (s *sim) newLife(t *simThread, at uint64) *life {
	l := &life{tid: t.tid, born: at, ns: map[string]int64{}, calls: map[string]int{}, since: at, kthread: t.kthread, traced: t.proc.traced,
		names: map[string]bool{t.comm: true}, procName: t.proc.names}
	s.lives = append(s.lives, l)
	return l
}

func (s *sim) newTid() int {
	if n := len(s.freeTids); n > 0 && s.chance(60) {
		t := s.freeTids[n-1]
		s.freeTids = s.freeTids[:n-1]
		return t
	}
	s.nextTid++
	return s.nextTid
}

func (s *sim) newThread(p *simProc, tid int, comm string) *simThread {
	t := &simThread{proc: p, tid: tid, comm: comm, nr: nrNone, cpu: -1, state: tRunnable}
	p.threads = append(p.threads, t)
	s.threads = append(s.threads, t)
	t.life = s.newLife(t, s.now)
	s.settleMarks(t)
	return t
}

func (s *sim) newProc(comm string, traced bool) *simProc {
	p := &simProc{comm: comm, path: "/usr/bin/" + comm, traced: traced, names: map[string]bool{comm: true}}
	s.procs = append(s.procs, p)
	s.newImage(p)
	return p
}

// see introduces a thread before the first record that names it.
func (s *sim) see(cpu int, t *simThread) uint64 {
	if t.told {
		return t.key
	}
	if t.key == 0 {
		s.serial++
		t.key = uint64(s.serial)<<32 | uint64(t.tid)
	}
	t.told = true
	s.emit(cpu, newRecord(s.tick(), evThread, s.kflag(t), uint16(cpu), uint32(t.proc.pid)).u64(t.key).comm(t.comm))
	return t.key
}

func (s *sim) kflag(t *simThread) byte {
	if t.kthread {
		return flKthread
	}
	return 0
}

// flush tells a syscall's begin before another record of its thread, with that one's stack.
func (s *sim) flush(t *simThread, stack uint32) {
	if s.mode != modeAll || t.nr == nrNone || t.begin == 0 {
		return
	}
	key := s.see(t.cpu, t)
	if stack == 0 {
		stack = s.stack(t.cpu, t, false, s.stacks.syscall)
	}
	s.emit(t.cpu, newRecord(s.tick(), evSysEnter, 0, uint16(t.cpu), t.nr).u64(key, t.begin).ref(stack))
	t.begin = 0
}

func (s *sim) sysEnter(t *simThread, nr uint32) {
	if s.traced(t) {
		s.see(t.cpu, t)
	}
	t.nr, t.begin, t.sysKnown, t.sysDone = nr, s.tick(), true, false
	s.setClass(t, "syscall", t.begin)
	if s.started {
		t.life.calls[sysNames[nr]]++
	}
	t.fd = fdUnknown
	if nr == 0 || nr == 1 || nr == 17 || nr == 20 {
		t.fd = byte(s.rng.IntN(7))
	}
}

func (s *sim) sysExit(t *simThread) {
	if s.mode == modeAll && s.traced(t) {
		s.see(t.cpu, t)
		stack := uint32(0)
		if t.begin != 0 {
			stack = s.stack(t.cpu, t, false, s.stacks.syscall)
		}
		ts := s.tick()
		if t.begin != 0 {
			s.emit(t.cpu, newRecord(ts, evSyscall, 0, uint16(t.cpu), t.nr).u64(t.key, t.begin).ref(stack))
		} else {
			nr := t.nr
			if !t.sysKnown {
				nr = 0
			}
			s.emit(t.cpu, newRecord(ts, evSysExit, 0, uint16(t.cpu), nr).u64(t.key))
		}
		s.setClass(t, "running", ts)
	} else {
		s.setClass(t, "running", s.tick())
	}
	begin, nr := t.begin, t.nr
	t.nr, t.begin, t.sysKnown, t.hazy = nrNone, 0, true, false
	if s.chance(1) {
		s.ask(t, begin, nr)
	}
}

// switchOut: prev leaves the CPU as state says; next (nil: nobody, or nobody traced) comes.
func (s *sim) switchTo(cpu int, state byte, next *simThread, other bool) {
	prev := s.cpus[cpu]
	var prevKey, nextKey uint64
	arg := statePack('R', 0, nrNone)
	stack := uint32(0)
	told := false
	if s.traced(prev) {
		prevKey = s.see(cpu, prev)
		told = prev.begin != 0 || state != 'R'
		if state != 'R' && state != 'X' {
			stack = s.stack(cpu, prev, prev.nr == nrNone || s.stacks.kernel, s.stacks.block)
		}
		s.flush(prev, stack)
		if state != 'R' {
			nr := prev.nr
			arg = statePack(state, s.fdOf(prev, state), nr)
		}
	}
	if s.traced(next) {
		nextKey = s.see(cpu, next)
	}
	ts := s.tick()
	if prevKey != 0 || nextKey != 0 || s.all && (other || s.other[cpu]) {
		s.emit(cpu, newRecord(ts, evSwitch, s.stranger(ts, other), uint16(cpu), arg).u64(prevKey, nextKey).ref(stack))
	}
	s.countOthers(cpu, ts)
	if prev != nil {
		prev.cpu = cpu
		switch state {
		case 'R':
			prev.state = tRunnable
			s.setClass(prev, "runnable", ts)
		case 'X':
			s.setClass(prev, "", ts)
			s.bury(prev, ts)
		default:
			prev.state, prev.sleepState = tSleeping, state
			nr := prev.nr
			s.setClass(prev, classOf(prev.kthread, state, nr, s.fdOf(prev, state)), ts)
		}
	}
	if told {
		prev.hazy = false
	}
	s.cpus[cpu], s.other[cpu] = next, other
	if next != nil {
		next.state, next.cpu = tRunning, cpu
		if s.started {
			next.life.starts++
		}
		s.setClass(next, s.onCPUClass(next), ts)
	}
}

// stranger is how a recording of the whole system tells who has the CPU and is not in it: the kernel's or the recorder's
// threads, which take turns here.
func (s *sim) stranger(ts uint64, other bool) byte {
	if !s.all || !other {
		return 0
	}
	return []byte{flKthread, flOurs}[ts>>4&1]
}

// countOthers adds up how long an untraced thread has had the CPU, when that changes or the recording ends.
func (s *sim) countOthers(cpu int, ts uint64) {
	if s.started && s.other[cpu] {
		s.others += int64(ts - max(s.otherAt[cpu], s.start))
	}
	s.otherAt[cpu] = ts
}

func (s *sim) fdOf(t *simThread, state byte) byte {
	if state != 'S' {
		return 0
	}
	return t.fd
}

func (s *sim) bury(t *simThread, at uint64) {
	t.life.ended, t.state = at, tDead
	s.freeTids = append(s.freeTids, t.tid)
	t.proc.threads = slices.DeleteFunc(t.proc.threads, func(o *simThread) bool { return o == t })
	s.threads = slices.DeleteFunc(s.threads, func(o *simThread) bool { return o == t })
	if !s.started && !slices.ContainsFunc(t.proc.threads, func(o *simThread) bool { return o.key != 0 }) {
		s.forgetMarks(t.proc)
	}
	for _, o := range t.proc.threads {
		if o.waitsExec && len(t.proc.threads) == 1 && o.state == tSleeping {
			s.wake(max(t.cpu, 0), o, t, false)
		}
	}
	if t.tid == t.proc.pid && len(t.proc.threads) > 0 {
		// the tid of a dead leader belongs to the process until the process is gone
		s.freeTids = s.freeTids[:len(s.freeTids)-1]
	}
}

// wake makes a sleeper runnable. by: the thread on that CPU, nil: an interrupt or somebody untraced.
func (s *sim) wake(cpu int, t *simThread, by *simThread, irq bool) {
	if t.state != tSleeping {
		return
	}
	var byLife *life
	if s.traced(t) {
		key := s.see(cpu, t)
		r, l := s.waker(cpu, by, irq)
		rec := newRecord(0, evWaking, r.flags, uint16(cpu), 0).u64(key, r.key).ref(r.stack)
		rec.setTS(s.tick())
		s.emit(cpu, rec)
		byLife = l
	} else {
		s.tick()
	}
	s.woken(t, byLife, false)
}

type wakerRef struct {
	flags byte
	key   uint64
	stack uint32
}

func (s *sim) waker(cpu int, by *simThread, irq bool) (wakerRef, *life) {
	if irq {
		return wakerRef{flags: flIRQ}, nil
	}
	if !s.traced(by) {
		return wakerRef{}, nil
	}
	k := s.see(cpu, by)
	if by.state == tRunning {
		stack := s.stack(cpu, by, false, s.stacks.wakeup)
		s.flush(by, stack)
		return wakerRef{key: k, stack: stack}, by.life
	}
	return wakerRef{flags: flIRQ}, nil // it is gone; the idle task finishes its work
}

func (s *sim) woken(t *simThread, by *life, race bool) {
	t.state = tRunnable
	if s.started {
		race = race || by != nil && by.unsure
		t.life.wakes = append(t.life.wakes, simWake{by: by, race: race, sleep: t.life.class})
	}
	s.setClass(t, "runnable", s.now)
}

// raceWake: somebody wakes a thread that is about to sleep and still on its CPU.
func (s *sim) raceWake(t *simThread, sleeps bool) {
	from := s.rng.IntN(s.ncpu)
	by := s.cpus[from]
	if from == t.cpu {
		by = nil
	}
	irq := by == nil || s.chance(20)
	key := s.see(from, t)
	w, l := s.waker(from, by, irq)
	s.emit(from, newRecord(s.tick(), evWaking, w.flags|flOnCPU, uint16(from), uint32(t.cpu)).u64(key, w.key).ref(w.stack))
	if !sleeps {
		s.emit(from, newRecord(s.tick(), evWakeup, w.flags, uint16(from), uint32(t.cpu)).u64(key, w.key).ref(w.stack))
		return
	}
	cpu := t.cpu
	s.switchTo(cpu, s.sleepWord(t), nil, false)
	if s.chance(50) {
		w, l = wakerRef{flags: flIRQ}, nil
	}
	s.emit(from, newRecord(s.tick(), evWakeup, w.flags, uint16(from), 0).u64(key, w.key).ref(w.stack))
	s.woken(t, l, true)
}

func (s *sim) sleepWord(t *simThread) byte {
	if t.kthread {
		return "SIPD"[s.rng.IntN(4)]
	}
	if t.nr == nrNone || t.nr == 74 || t.nr == 257 || t.nr == 59 || t.nr == 60 || t.nr == 231 || t.nr == 58 {
		return 'D'
	}
	if s.chance(10) {
		return 'D'
	}
	return 'S'
}

func (s *sim) randomThread(state int) *simThread {
	for range min(6, 6*len(s.threads)) {
		t := s.threads[s.rng.IntN(len(s.threads))]
		if t.state == state {
			return t
		}
	}
	return nil
}

// sleeper finds somebody to wake; a thread in execve waits for its siblings only.
func (s *sim) sleeper() *simThread {
	if t := s.randomThread(tSleeping); t != nil && !t.waitsExec {
		return t
	}
	return nil
}

func (s *sim) leave(cpu int, state byte) {
	if next := s.randomThread(tRunnable); next != nil && s.chance(60) {
		s.switchTo(cpu, state, next, false)
		return
	}
	s.switchTo(cpu, state, nil, s.chance(40))
}

func (s *sim) fork(t *simThread) {
	p := t.proc
	comm := t.comm
	if t.nr == 57 || t.nr == 58 || s.chance(30) {
		p = s.newProc(t.proc.comm, t.proc.traced && (s.all || s.follow))
		p.tasks, p.lastTask = slices.Clone(t.proc.tasks), t.proc.lastTask+1000
	}
	tid := s.newTid()
	if p.pid == 0 {
		p.pid = tid
		p.names[comm] = true
	}
	c := s.newThread(p, tid, comm)
	c.newborn = true
	c.life.names[t.comm] = true
	c.life.unsure = t.life.unsure
	if p.traced {
		pk := s.see(t.cpu, t)
		stack := s.stack(t.cpu, t, false, s.stacks.fork)
		s.flush(t, stack)
		s.see(t.cpu, c)
		s.emit(t.cpu, newRecord(s.tick(), evFork, 0, uint16(t.cpu), 0).u64(pk, c.key).ref(stack))
		t.life.ops += 2
	} else {
		s.tick()
	}
	c.life.born = s.now
	c.life.since = s.now
	s.setClass(c, "runnable", s.now)
}

func (s *sim) exec(t *simThread) {
	if len(t.proc.threads) > 1 {
		for _, o := range t.proc.threads {
			if o != t {
				o.killed = true
				if o.state == tSleeping && !o.waitsExec {
					s.wake(t.cpu, o, t, false)
				}
			}
		}
		t.waitsExec = true
		s.leave(t.cpu, 'D')
		return
	}
	t.waitsExec, t.sysDone = false, true
	comm := s.randomComm()
	t.proc.comm, t.proc.path = comm, "/opt/bin/"+comm
	t.proc.names[comm] = true
	old := t.life
	if s.traced(t) {
		s.flush(t, 0)
		k := s.see(t.cpu, t)
		s.emit(t.cpu, newRecord(s.tick(), evExec, 0, uint16(t.cpu), uint32(t.proc.pid)).u64(k).u32(uint32(t.proc.pid), 0).comm(comm).text(t.proc.path))
	} else {
		s.tick()
	}
	if t.tid != t.proc.pid {
		s.freeTids = append(s.freeTids, t.tid)
		t.tid = t.proc.pid
	}
	t.comm = comm
	s.setClass(t, "", s.now)
	old.ended = s.now
	t.life = s.newLife(t, s.now)
	t.life.unsure = old.unsure
	s.settleMarks(t)
	if s.started {
		t.life.starts++
	}
	s.setClass(t, "syscall", s.now)
	s.newImage(t.proc)
}

func (s *sim) exit(t *simThread) {
	t.exiting = true
	if t.nr == 231 || len(t.proc.threads) == 1 {
		s.exits(t)
	}
	if s.traced(t) {
		s.flush(t, 0)
		s.tellExit(t)
	}
	if t.nr == 231 {
		s.killOthers(t)
	}
}

func (s *sim) randomComm() string {
	return []string{"redis-server", "worker", "io-7", "pool-12", "a b", "Ü-thread", "x", "123456789012345", "cc1", "[x]"}[s.rng.IntN(10)]
}

func (s *sim) kernelComm() string {
	return []string{"kworker/1:0H", "kworker/u8:2", "kworker/u9:1-ex", "ksoftirqd/0", "kthreadd", "irq/9-acpi", "rcu/x"}[s.rng.IntN(7)]
}

func (s *sim) rename(t *simThread) {
	t.comm = s.randomComm()
	t.life.names[t.comm] = true
	if t.tid == t.proc.pid {
		t.proc.names[t.comm] = true
	}
	if s.traced(t) {
		s.flush(t, 0)
		s.emit(t.cpu, newRecord(s.tick(), evRename, 0, uint16(t.cpu), 0).u64(s.see(t.cpu, t)).comm(t.comm))
		t.life.ops++
	}
}

// ask: the collector tells of syscalls that are on a CPU and that nobody has told of. The thread goes on
// meanwhile, so what it tells may be over.
func (s *sim) ask(t *simThread, begin uint64, nr uint32) {
	if s.mode == modeAll && s.traced(t) && t.key != 0 && begin != 0 {
		s.emit(s.snapCPU, newRecord(s.tick(), evSysEnter, flAsked, uint16(s.snapCPU), nr).u64(t.key, begin))
		t.asked = begin
	}
}

// step lets one CPU do one thing.
func (s *sim) step() {
	gap := s.rng.Uint64N(3000)
	switch {
	case s.slow && s.chance(2):
		gap = s.rng.Uint64N(300_000_000)
	case s.chance(10):
		gap = s.rng.Uint64N(400_000)
	}
	s.now += gap
	cpu := s.rng.IntN(s.ncpu)
	t := s.cpus[cpu]
	if t != nil && s.chance(2) {
		s.ask(t, t.begin, t.nr)
	}
	if s.chance(0.3) {
		s.nextEpoch()
	}
	if t != nil && s.chance(10) {
		s.sampleTick(cpu, t)
	}
	if t != nil && s.chance(1) {
		s.interrupt(t)
	}
	if s.rule && s.chance(0.5) {
		s.change(cpu)
		return
	}
	if s.chance(6) { // an interrupt
		if w := s.sleeper(); w != nil {
			s.wake(cpu, w, t, true)
		}
	}
	if t == nil {
		switch {
		case s.other[cpu] && s.chance(30):
			if w := s.sleeper(); w != nil && !s.all {
				s.wake(cpu, w, nil, false)
			}
		default:
			if next := s.randomThread(tRunnable); next != nil {
				s.switchTo(cpu, 'R', next, false)
			} else if w := s.sleeper(); w != nil && s.chance(50) {
				s.wake(cpu, w, nil, true)
			}
		}
		return
	}
	if t.newborn {
		t.newborn = false
		if s.mode == modeAll && s.traced(t) {
			s.emit(cpu, newRecord(s.tick(), evSysExit, 0, uint16(cpu), 0).u64(s.see(cpu, t)))
		}
		t.sysKnown = true
		return
	}
	switch {
	case t.exiting:
		switch {
		case s.chance(30):
			if w := s.sleeper(); w != nil {
				s.wake(cpu, w, t, false)
			}
		case s.chance(10):
			s.leave(cpu, 'D')
		case s.chance(10):
			s.leave(cpu, 'R')
		default:
			s.leave(cpu, 'X')
		}
	case t.kthread:
		switch {
		case s.chance(40):
			s.leave(cpu, s.sleepWord(t))
		case s.chance(30):
			s.leave(cpu, 'R')
		default:
			if w := s.sleeper(); w != nil {
				s.wake(cpu, w, t, false)
			}
		}
	case t.nr == nrNone && t.killed:
		s.exit(t)
	case t.nr == nrNone:
		s.userStep(cpu, t)
	default:
		s.syscallStep(cpu, t)
	}
}

func (s *sim) userStep(cpu int, t *simThread) {
	if s.marking && s.traced(t) && s.chance(40) {
		s.markStep(t)
		return
	}
	switch x := s.rng.IntN(100); {
	case x < 30:
		s.sysEnter(t, s.pick(longSyscalls))
	case x < 60:
		s.sysEnter(t, s.pick(shortSyscalls))
		if s.chance(80) {
			s.now += s.rng.Uint64N(800)
			s.sysExit(t)
		}
	case x < 68:
		s.leave(cpu, 'R')
	case x < 72:
		s.leave(cpu, 'D')
	case x < 73:
		s.leave(cpu, "Tt"[s.rng.IntN(2)])
	case x < 75:
		s.sysEnter(t, 24)
	case x < 77:
		s.sysEnter(t, 157)
	case x < 80 && len(s.threads) < 60:
		s.sysEnter(t, []uint32{56, 57, 58, 435, 56, 435}[s.rng.IntN(6)])
	case x < 81 && len(s.threads) > 8:
		s.sysEnter(t, []uint32{60, 60, 60, 231, 59}[s.rng.IntN(5)])
	case x < 84 && s.traced(t):
		s.raceWake(t, false)
	case x < 85 && len(s.threads) > 8 && s.chance(30):
		s.dies(t)
	}
}

func (s *sim) syscallStep(cpu int, t *simThread) {
	if s.chance(8) {
		s.leave(cpu, 'R')
		return
	}
	if t.killed && t.nr != 60 && t.nr != 231 {
		s.sysExit(t) // EINTR; the signal comes next
		return
	}
	switch t.nr {
	case 24:
		if !t.sysDone {
			t.sysDone = true
			s.leave(cpu, 'R')
			return
		}
	case 157:
		s.rename(t)
	case 56, 57, 58, 435:
		if !t.sysDone && len(s.threads) < 80 {
			t.sysDone = true
			s.fork(t)
			if t.nr == 58 {
				s.leave(cpu, 'D')
			}
			return
		}
	case 59:
		if !t.sysDone {
			s.exec(t)
			return
		}
	case 60, 231:
		s.exit(t)
		return
	case 62, 202, 1, 20, 46:
		if !t.sysDone && s.chance(50) {
			t.sysDone = true
			if w := s.sleeper(); w != nil {
				s.wake(cpu, w, t, false)
			}
			return
		}
	}
	if !t.sysDone && s.chance(60) && slices.Contains(longSyscalls, t.nr) {
		t.sysDone = s.chance(70)
		if s.traced(t) && s.chance(8) {
			s.raceWake(t, true)
		} else {
			s.leave(cpu, s.sleepWord(t))
		}
		return
	}
	s.sysExit(t)
}

type simOptions struct {
	ncpu, procs, threads, steps int
	mode                        simMode
	all, follow, slow, rule     bool
}

func randomOptions(rng *rand.Rand) simOptions {
	o := simOptions{ncpu: 1 + rng.IntN(8), procs: 1 + rng.IntN(5), threads: 1 + rng.IntN(25), steps: 200 + rng.IntN(4000),
		all: rng.IntN(3) == 0, follow: rng.IntN(2) == 0, slow: rng.IntN(5) == 0}
	switch rng.IntN(8) {
	case 0:
		o.mode = modeNone
	case 1, 2:
		o.mode = modeBlocking
	}
	if rng.IntN(20) == 0 {
		o.steps = 20
	}
	o.rule = rng.IntN(3) == 0
	return o
}

// simulate runs the machine and returns it with its recording.
func simulate(rng *rand.Rand, o simOptions) (*sim, *recording) {
	s := &sim{rng: rng, ncpu: o.ncpu, mode: o.mode, all: o.all, follow: o.follow, slow: o.slow, rule: o.rule, nextTid: 1000, stacks: randomStacks(rng)}
	s.base = 1_000_000_000 + rng.Uint64N(1<<50)
	s.now = s.base + 1_000_000
	s.cpus, s.other, s.otherAt = make([]*simThread, s.ncpu), make([]bool, s.ncpu), make([]uint64, s.ncpu)
	s.snapCPU = rng.IntN(s.ncpu)
	s.marking = rng.IntN(3) > 0
	rec := &recording{streams: s.ncpu + 1, mono: s.base, wall: 1_790_000_000_000_000_000, cut: -1}

	cfg := uint32(0)
	switch {
	case s.mode == modeAll:
		cfg = cfgSyscalls
	case s.mode == modeNone:
		cfg = cfgNoNames
	}
	if s.all || s.follow || s.rule || o.procs > 1 {
		cfg |= cfgMany
	}
	s.note(s.collector(evConfig, cfg))
	for i := range s.ncpu {
		s.note(s.collector(evCPU, uint32(i)))
	}
	s.tellSites()
	for i := range o.procs {
		p := s.newProc(s.randomComm(), o.all || i == 0 || rng.IntN(3) > 0)
		p.pid = s.newTid()
		n := 1 + rng.IntN(o.threads)
		for j := range n {
			tid := p.pid
			if j > 0 {
				tid = s.newTid()
			}
			t := s.newThread(p, tid, p.comm)
			if j > 0 && s.chance(60) {
				t.comm = s.randomComm()
				t.life.names[t.comm] = true
			}
			if s.all && i > 0 && s.chance(15) {
				t.kthread, t.life.kthread = true, true
				t.comm = s.kernelComm()
				t.life.names[t.comm] = true
				if j == 0 {
					p.names[t.comm] = true
				}
			}
			t.life.born = 0
			s.settle(t)
		}
		if p.traced && s.chance(80) {
			s.note(s.collector(evProc, uint32(p.pid)).comm(p.comm).text(p.path))
		}
	}
	for range rng.IntN(120) { // attached, before the snapshot
		s.step()
	}
	for _, t := range slices.Clone(s.threads) {
		if t.state == tDead || !t.proc.traced {
			continue
		}
		key := s.see(s.snapCPU, t)
		flags, state, nr, fd := s.kflag(t), byte('R'), uint32(nrNone), byte(0)
		if t.cpu < 0 {
			t.cpu = rng.IntN(s.ncpu)
		}
		switch t.state {
		case tRunning:
			flags |= flOnCPU
		case tRunnable:
			nr = t.nr
		case tSleeping:
			state, nr, fd = t.sleepState, t.nr, s.fdOf(t, t.sleepState)
			t.hazy = false
		}
		stack := uint32(0)
		if t.state == tSleeping {
			stack = s.stack(s.snapCPU, t, nr == nrNone, s.stacks.block)
		}
		s.emit(s.snapCPU, newRecord(s.tick(), evSnap, flags, uint16(t.cpu), uint32(t.proc.pid)).u64(key).comm(t.comm).
			u32(statePack(state, fd, nr), stack))
		for range rng.IntN(3) {
			s.step()
		}
	}
	for range rng.IntN(3) {
		s.step()
	}
	arg := uint32(0)
	if s.all {
		arg = 1
	}
	s.note(s.collector(evStart, arg))
	s.begin()
	for i := 0; i < o.steps; i++ {
		if i%97 == 5 {
			s.note(s.collector(evMetric, 1).u64(1<<20 + rng.Uint64N(1<<30)))
		}
		s.step()
	}
	s.note(s.collector(evStop, 0))
	s.end()
	s.tellNames()
	rec.entries = s.drain()
	return s, rec
}

// settle gives a thread that was there before us something to do.
func (s *sim) settle(t *simThread) {
	cpu := s.rng.IntN(s.ncpu)
	switch {
	case s.chance(30) && s.cpus[cpu] == nil:
		s.cpus[cpu], t.state, t.cpu = t, tRunning, cpu
		if !t.kthread && s.chance(50) {
			t.nr = s.pick(longSyscalls)
		}
	case s.chance(20):
		t.state = tRunnable
		if !t.kthread && s.chance(50) {
			t.nr = s.pick(longSyscalls)
		}
	default:
		t.state, t.cpu = tSleeping, cpu
		if !t.kthread && s.chance(80) {
			t.nr = s.pick(longSyscalls)
			if t.nr == 0 || t.nr == 1 || t.nr == 17 || t.nr == 20 {
				t.fd = byte(s.rng.IntN(7))
			}
		}
		t.sleepState = s.sleepWord(t)
	}
	if t.nr != nrNone {
		t.hazy, t.hazyNr = true, t.nr
	}
}

// begin: from here on the account runs.
func (s *sim) begin() {
	s.started, s.start = true, s.now
	s.lives = slices.DeleteFunc(s.lives, func(l *life) bool { return l.ended != 0 })
	for _, t := range s.threads {
		l := t.life
		*l = life{tid: l.tid, since: s.now, ns: map[string]int64{}, calls: map[string]int{}, names: l.names,
			procName: l.procName, kthread: l.kthread, traced: l.traced, marks: l.marks, unsure: l.unsure}
		switch t.state {
		case tRunning:
			l.class = s.onCPUClass(t)
			if t.nr != nrNone {
				t.hazy, t.hazyNr = true, t.nr
				l.fuzzyNr = sysNames[t.nr]
			}
		case tRunnable:
			l.class = "runnable"
		case tSleeping:
			nr := t.nr
			l.class = classOf(t.kthread, t.sleepState, nr, s.fdOf(t, t.sleepState))
		}
	}
}

func (s *sim) end() {
	s.stop = s.now
	for cpu := range s.ncpu {
		s.countOthers(cpu, s.stop)
	}
	for _, t := range s.threads {
		s.untold(t, s.stop)
		s.setClass(t, t.life.class, s.stop)
	}
	s.lives = slices.DeleteFunc(s.lives, func(l *life) bool { return !l.traced })
}

// drain puts the records in the order of a file: rounds of one chunk per stream and a watermark.
func (s *sim) drain() []entry {
	var out []entry
	mark := uint64(0)
	slices.SortStableFunc(s.recs, func(a, b entry) int { return cmp.Compare(a.rec.ts(), b.rec.ts()) })
	for i := 0; i < len(s.recs); {
		until := s.recs[i].rec.ts() + 1_000_000 + s.rng.Uint64N(5_000_000)
		j := i
		for j < len(s.recs) && s.recs[j].rec.ts() <= until {
			j++
		}
		round := slices.Clone(s.recs[i:j])
		slices.SortStableFunc(round, func(a, b entry) int { return a.stream - b.stream })
		out = append(out, round...)
		if m := until - s.rng.Uint64N(1_000_000); m > mark {
			mark = m
			out = append(out, entry{watermark: mark})
		}
		i = j
	}
	return out
}

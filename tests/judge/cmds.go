// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"time"
)

// verdict joins what ended the reading and what was found on the way.
func verdict(a *analysis, err error) []string {
	var out []string
	if err != nil {
		out = append(out, firstLine(err.Error()))
	}
	if a != nil {
		if a.wire != nil {
			out = append(out, a.wire.problems...)
		}
		out = append(out, a.problems...)
		if n := a.nproblems - len(a.problems); n > 0 {
			out = append(out, fmt.Sprintf("and %d more", n))
		}
	}
	return out
}

func firstLine(s string) string {
	s, _, cut := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(s, "?")), "\n")
	if cut {
		s += " …"
	}
	return s
}

func summary(a *analysis) string {
	return fmt.Sprintf("go 1.%d, %d bytes, %d generations, %d events, %v, %d goroutines, %d procs, %d wake-ups", a.wire.version,
		a.wire.bytes, a.wire.generations, a.events, time.Duration(a.span), len(a.gs), len(a.ps), len(a.wakes))
}

func cmdCheck(args []string) int {
	fs := flag.NewFlagSet("check", flag.ExitOnError)
	quiet := fs.Bool("q", false, "no line for a sound trace")
	fs.Parse(args)
	if fs.NArg() == 0 {
		return fail("check: no file") + 1
	}
	for _, name := range fs.Args() {
		a, err := analyseFile(name)
		if v := verdict(a, err); len(v) > 0 {
			fmt.Fprintf(os.Stderr, "judge: %s: not sound\n", name)
			for _, p := range v {
				fmt.Fprintf(os.Stderr, "  %s\n", strings.ToValidUTF8(p, "?"))
			}
			return 1
		}
		if !*quiet {
			fmt.Printf("%s: sound: %s\n", name, summary(a))
		}
	}
	return 0
}

type gTimes struct {
	ID        int64            `json:"id"`
	Name      string           `json:"name"`
	M         int64            `json:"m"`
	Created   *int64           `json:"created_ns"`
	Ended     *int64           `json:"ended_ns"`
	Running   int64            `json:"running_ns"`
	Syscall   int64            `json:"syscall_ns"`
	Blocked   int64            `json:"syscall_blocked_ns"`
	Runnable  int64            `json:"runnable_ns"`
	Waiting   map[string]int64 `json:"waiting_ns"`
	Unknown   int64            `json:"unknown_ns"`
	Starts    int              `json:"starts"`
	Wakes     int              `json:"wakeups"`
	Begins    map[string]int   `json:"syscall_begins"`
	Calls     map[string]int   `json:"syscall_calls"`
	AtStart   map[string]int   `json:"syscall_at_start"`
	LastState string           `json:"state"`
}

type pTimes struct {
	ID   int64 `json:"id"`
	Busy int64 `json:"busy_ns"`
	Idle int64 `json:"idle_ns"`
}

type allTimes struct {
	Span       int64    `json:"span_ns"`
	Version    int      `json:"version"`
	Events     int      `json:"events"`
	Goroutines []gTimes `json:"goroutines"`
	Procs      []pTimes `json:"procs"`
}

func opt(v int64) *int64 {
	if v < 0 {
		return nil
	}
	return &v
}

func (a *analysis) timesOf() allTimes {
	out := allTimes{Span: a.span, Version: a.wire.version, Events: a.events}
	for _, g := range a.order {
		t := gTimes{ID: int64(g.id), Name: g.name, M: int64(g.m), Created: opt(g.created), Ended: opt(g.ended), Waiting: map[string]int64{},
			Starts: g.starts, Wakes: g.wakes, Begins: g.begins, Calls: g.calls, AtStart: g.atStart, LastState: g.state.String()}
		for k, v := range g.ns {
			switch {
			case k == "running":
				t.Running = v
			case k == "syscall":
				t.Syscall = v
			case k == blockedClass:
				t.Blocked = v
			case k == "runnable":
				t.Runnable = v
			case k == "unknown":
				t.Unknown = v
			default:
				t.Waiting[strings.TrimPrefix(k, "waiting:")] = v
			}
		}
		out.Goroutines = append(out.Goroutines, t)
	}
	slices.SortFunc(out.Goroutines, func(x, y gTimes) int { return int(x.ID - y.ID) })
	for _, p := range a.ps {
		out.Procs = append(out.Procs, pTimes{ID: int64(p.id), Busy: p.ns[1], Idle: p.ns[0]})
	}
	slices.SortFunc(out.Procs, func(x, y pTimes) int { return int(x.ID - y.ID) })
	return out
}

func one(name string, args []string, more func(*flag.FlagSet)) (*analysis, int) {
	fs := flag.NewFlagSet(name, flag.ExitOnError)
	if more != nil {
		more(fs)
	}
	fs.Parse(args)
	if fs.NArg() != 1 {
		return nil, fail("%s: one file, please", name) + 1
	}
	a, err := analyseFile(fs.Arg(0))
	if err != nil {
		return nil, fail("%s: %s", fs.Arg(0), firstLine(err.Error()))
	}
	return a, 0
}

func printJSON(v any) int {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return fail("%v", err)
	}
	return 0
}

// between cuts the trace down to what lies between the first and the last mark: a mark is three calls of a
// syscall that nothing else makes.
func between(name, mark string) (*analysis, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	a, err := analyseWindow(b, window{mark: mark})
	if err != nil {
		return nil, err
	}
	m := a.window.marks
	if len(m) < 6 || len(m)%3 != 0 {
		return nil, fmt.Errorf("%d calls of %s: no two marks of three", len(m), mark)
	}
	slices.Sort(m)
	return analyseWindow(b, window{from: m[2], to: m[len(m)-3]})
}

func cmdTimes(args []string) int {
	var from, to time.Duration
	var mark string
	a, rc := one("times", args, func(fs *flag.FlagSet) {
		fs.DurationVar(&from, "from", 0, "count from this time on, since the trace began")
		fs.DurationVar(&to, "to", 0, "count up to this time")
		fs.StringVar(&mark, "between", "", "count between the marks, three calls each of this syscall")
	})
	if rc != 0 {
		return rc
	}
	if from != 0 || to != 0 || mark != "" {
		name, err := args[len(args)-1], error(nil)
		if mark != "" {
			a, err = between(name, mark)
		} else if b, e := os.ReadFile(name); e == nil {
			a, err = analyseWindow(b, window{from: int64(from), to: int64(to)})
		}
		if err != nil {
			return fail("%s: %s", name, firstLine(err.Error()))
		}
	}
	return printJSON(a.timesOf())
}

func cmdWakes(args []string) int {
	var asJSON bool
	a, rc := one("wakes", args, func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "a JSON array") })
	if rc != 0 {
		return rc
	}
	for i := range a.wakes {
		a.wakes[i].WakeeN = a.wakes[i].wakee.name
	}
	if asJSON {
		if a.wakes == nil {
			a.wakes = []wake{}
		}
		return printJSON(a.wakes)
	}
	fmt.Println("# time_ns\twaker\twaker_name\twakee\twakee_name\treason\tduration_ns")
	for _, w := range a.wakes {
		waker := "-"
		if w.Waker >= 0 {
			waker = fmt.Sprint(w.Waker)
		}
		fmt.Printf("%d\t%s\t%s\t%d\t%s\t%s\t%d\n", w.Time, waker, w.WakerN, w.Wakee, w.WakeeN, w.Reason, w.Duration)
	}
	return 0
}

func show(title string, m map[string]int) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Printf("  %-12s %8d  %s\n", title, m[k], k)
	}
}

func cmdHist(args []string) int {
	if len(args) == 0 {
		return fail("hist: no file") + 1
	}
	for _, name := range args {
		a, err := analyseFile(name)
		if err != nil {
			return fail("%s: %s", name, firstLine(err.Error()))
		}
		fmt.Printf("%s: %s\n", name, summary(a))
		total, begins, calls := map[string]int{}, map[string]int{}, map[string]int{}
		for _, g := range a.order {
			for k, v := range g.ns {
				total[k] += int(v)
			}
			for k, v := range g.begins {
				begins[k] += v
			}
			for k, v := range g.calls {
				calls[k] += v
			}
		}
		show("kind", a.kinds)
		show("transition", a.trans)
		show("reason", a.reasons)
		show("task", a.tasks)
		show("region", a.regions)
		show("log", a.logs)
		show("label", a.labels)
		show("metric", a.metrics)
		show("range", a.ranges)
		show("begin", begins)
		show("call", calls)
		show("ns", total)
	}
	return 0
}

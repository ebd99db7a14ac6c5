// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/exp/trace"
)

// cpuRow is what one row by proc shows inside of the window.
type cpuRow struct {
	ID      int64            `json:"id"`
	Running int64            `json:"running_ns"` // a goroutine is on it
	Idle    int64            `json:"idle_ns"`    // nobody is
	Slices  int              `json:"slices"`
	By      map[string]int64 `json:"by_name"` // running, by the name of the goroutine
}

type cpuRows struct {
	From int64    `json:"from_ns"` // since the trace began
	To   int64    `json:"to_ns"`
	Rows []cpuRow `json:"rows"`
}

// slice is a goroutine on an M with a proc, since a moment.
type slice struct {
	g     trace.GoID
	since int64
}

// cpus sums who ran on which proc, in one reading and with little memory: it is made for long traces of a whole system.
type cpus struct {
	from, to int64
	now      int64
	procOf   map[trace.ThreadID]trace.ProcID
	ofProc   map[trace.ProcID]trace.ThreadID
	onM      map[trace.ThreadID]trace.GoID // runs, or is in a syscall
	ofG      map[trace.GoID]trace.ThreadID
	open     map[trace.ProcID]slice
	rows     map[trace.ProcID]*cpuRow
	names    map[trace.GoID]string
}

func (c *cpus) close(p trace.ProcID) {
	s, ok := c.open[p]
	if !ok {
		return
	}
	delete(c.open, p)
	ns := min(c.now, c.to) - max(s.since, c.from)
	if ns <= 0 {
		return
	}
	r := c.rows[p]
	r.Running += ns
	r.Slices++
	r.By[c.names[s.g]] += ns
}

// look: what M does may have changed.
func (c *cpus) look(m trace.ThreadID) {
	p, has := c.procOf[m]
	if !has {
		return
	}
	g, runs := c.onM[m]
	if s, ok := c.open[p]; ok && runs && s.g == g {
		return
	}
	c.close(p)
	if runs {
		c.open[p] = slice{g, c.now}
	}
}

func (c *cpus) proc(p trace.ProcID, m trace.ThreadID, to trace.ProcState) {
	if c.rows[p] == nil {
		c.rows[p] = &cpuRow{ID: int64(p), By: map[string]int64{}}
	}
	if to == trace.ProcRunning {
		c.procOf[m], c.ofProc[p] = p, m
		c.look(m)
		return
	}
	if m, ok := c.ofProc[p]; ok {
		delete(c.procOf, m)
		delete(c.ofProc, p)
	}
	c.close(p)
}

func (c *cpus) goroutine(g trace.GoID, m trace.ThreadID, to trace.GoState, root string) {
	if root != "" {
		c.names[g] = root
	}
	if to.Executing() {
		c.onM[m], c.ofG[g] = g, m
		c.look(m)
	} else if m, ok := c.ofG[g]; ok {
		delete(c.onM, m)
		delete(c.ofG, g)
		c.look(m)
	}
	if to == trace.GoNotExist {
		delete(c.names, g)
	}
}

// startOf gives the moment at which the trace began, by the clock on the wall, from the log that tells it; 0: another log.
func startOf(l trace.Log) int64 {
	text, ok := strings.CutPrefix(l.Message, "start=")
	t, err := time.Parse(time.RFC3339Nano, text)
	if l.Category != "ctrace" || !ok || err != nil {
		return 0
	}
	return t.UnixNano()
}

// sumCPUs reads a trace to its end; from and to are by the clock on the wall, 0 its begin and its end.
func sumCPUs(in io.Reader, from, to int64) (*cpuRows, error) {
	r, err := trace.NewReader(in)
	if err != nil {
		return nil, err
	}
	c := &cpus{procOf: map[trace.ThreadID]trace.ProcID{}, ofProc: map[trace.ProcID]trace.ThreadID{},
		onM: map[trace.ThreadID]trace.GoID{}, ofG: map[trace.GoID]trace.ThreadID{}, open: map[trace.ProcID]slice{}, rows: map[trace.ProcID]*cpuRow{}, names: map[trace.GoID]string{}}
	var first, start int64
	c.to = 1<<63 - 1
	if from != 0 {
		c.from = c.to // until the trace has told when it began
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if ev.Kind() == trace.EventSync {
			continue
		}
		if first == 0 {
			first = int64(ev.Time())
		}
		c.now = int64(ev.Time()) - first
		if ev.Kind() == trace.EventLog && start == 0 {
			if start = startOf(ev.Log()); start != 0 && from != 0 {
				c.from = from - start
			}
			if start != 0 && to != 0 {
				c.to = to - start
			}
		}
		if ev.Kind() != trace.EventStateTransition {
			continue
		}
		st := ev.StateTransition()
		switch st.Resource.Kind {
		case trace.ResourceProc:
			_, to := st.Proc()
			c.proc(st.Resource.Proc(), ev.Thread(), to)
		case trace.ResourceGoroutine:
			_, to := st.Goroutine()
			_, root, _ := ends(st.Stack)
			c.goroutine(st.Resource.Goroutine(), ev.Thread(), to, root)
		}
	}
	for p := range c.rows {
		c.close(p)
	}
	if (from != 0 || to != 0) && start == 0 {
		return nil, fmt.Errorf("it does not tell when it began")
	}
	out := &cpuRows{From: c.from, To: min(c.to, c.now)}
	for _, row := range c.rows {
		row.Idle = out.To - out.From - row.Running
		out.Rows = append(out.Rows, *row)
	}
	slices.SortFunc(out.Rows, func(x, y cpuRow) int { return cmp.Compare(x.ID, y.ID) })
	return out, nil
}

func cmdCPUs(args []string) int {
	fs := flag.NewFlagSet("cpus", flag.ExitOnError)
	from := fs.Int64("from", 0, "count from this time on, in ns since 1970")
	to := fs.Int64("to", 0, "count up to this time")
	fs.Parse(args)
	if fs.NArg() != 1 {
		return fail("cpus: one file, please") + 1
	}
	f, err := os.Open(fs.Arg(0))
	if err != nil {
		return fail("%v", err)
	}
	defer f.Close()
	out, err := sumCPUs(bufio.NewReaderSize(f, 1<<20), *from, *to)
	if err != nil {
		return fail("%s: %s", fs.Arg(0), firstLine(err.Error()))
	}
	return printJSON(out)
}

// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"io"

	"golang.org/x/exp/trace"
)

// Annotations as the owner of the format reads them. Times are ns since the first event; -1: not in the trace.
type markTask struct {
	ID     uint64 `json:"id"`
	Parent uint64 `json:"parent"` // 0: none
	Type   string `json:"type"`
	G      int64  `json:"goroutine"` // that began it
	EndG   int64  `json:"end_goroutine"`
	Begin  int64  `json:"begin"`
	End    int64  `json:"end"`
}

type markRegion struct {
	Task  uint64   `json:"task"`
	Type  string   `json:"type"`
	G     int64    `json:"goroutine"`
	Depth int      `json:"depth"` // how many were open around it
	Begin int64    `json:"begin"`
	End   int64    `json:"end"`
	Stack []string `json:"stack,omitempty"` // of its begin, leaf first
}

type markLog struct {
	Task     uint64 `json:"task"`
	Category string `json:"category"`
	Message  string `json:"message"`
	G        int64  `json:"goroutine"`
	Time     int64  `json:"time"`
}

type allMarks struct {
	Tasks   []*markTask      `json:"tasks"`
	Regions []*markRegion    `json:"regions"`
	Logs    []*markLog       `json:"logs"`
	Names   map[int64]string `json:"goroutines"` // of those that have marks, by their outermost frame
}

type markReader struct {
	out   allMarks
	start trace.Time
	tasks map[trace.TaskID]*markTask
	open  map[trace.GoID][]*markRegion
}

func (r *markReader) name(ev trace.Event) int64 {
	g := ev.Goroutine()
	if _, root, n := ends(ev.Stack()); n > 0 && r.out.Names[int64(g)] == "" {
		r.out.Names[int64(g)] = root
	}
	return int64(g)
}

// taskOf: the reader numbers the background task and the absent parent otherwise than the wire.
func taskOf(id trace.TaskID) uint64 {
	if id == trace.NoTask || id == trace.BackgroundTask {
		return 0
	}
	return uint64(id)
}

func (r *markReader) event(ev trace.Event) {
	if r.start == 0 {
		r.start = ev.Time()
	}
	at := int64(ev.Time() - r.start)
	switch ev.Kind() {
	case trace.EventTaskBegin:
		t := ev.Task()
		m := &markTask{ID: uint64(t.ID), Parent: taskOf(t.Parent), Type: t.Type, G: r.name(ev), Begin: at, End: -1}
		r.tasks[t.ID] = m
		r.out.Tasks = append(r.out.Tasks, m)
	case trace.EventTaskEnd:
		t := ev.Task()
		m := r.tasks[t.ID]
		if m == nil {
			m = &markTask{ID: uint64(t.ID), Type: t.Type, Begin: -1}
			r.out.Tasks = append(r.out.Tasks, m)
		}
		delete(r.tasks, t.ID)
		m.End, m.EndG = at, r.name(ev)
	case trace.EventRegionBegin:
		g := ev.Goroutine()
		m := &markRegion{Task: taskOf(ev.Region().Task), Type: ev.Region().Type, G: r.name(ev), Depth: len(r.open[g]), Begin: at, End: -1}
		for f := range ev.Stack().Frames() {
			m.Stack = append(m.Stack, f.Func)
		}
		r.open[g] = append(r.open[g], m)
		r.out.Regions = append(r.out.Regions, m)
	case trace.EventRegionEnd:
		g := ev.Goroutine()
		if n := len(r.open[g]); n > 0 {
			r.open[g][n-1].End = at
			r.open[g] = r.open[g][:n-1]
			break
		}
		r.out.Regions = append(r.out.Regions, &markRegion{Task: taskOf(ev.Region().Task), Type: ev.Region().Type, G: r.name(ev), Begin: -1, End: at})
	case trace.EventLog:
		l := ev.Log()
		if l.Category == "ctrace" { // the recorder's own words
			break
		}
		r.out.Logs = append(r.out.Logs, &markLog{taskOf(l.Task), l.Category, l.Message, r.name(ev), at})
	}
}

func marksOf(in io.Reader) (*allMarks, error) {
	r := &markReader{tasks: map[trace.TaskID]*markTask{}, open: map[trace.GoID][]*markRegion{}}
	r.out = allMarks{Tasks: []*markTask{}, Regions: []*markRegion{}, Logs: []*markLog{}, Names: map[int64]string{}}
	if err := eachEvent(in, r.event); err != nil {
		return nil, err
	}
	return &r.out, nil
}

func cmdMarks(args []string) int {
	return printOf("marks", args, marksOf)
}

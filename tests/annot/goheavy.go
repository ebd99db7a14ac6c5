// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// Go: all annotations of runtime/trace in all ways they are written, from many goroutines whose stacks grow and which are
// preempted in between. Each call is counted where it is made.
//
//	goheavy ROUNDS [TRACE]
//
// Prints "ready", waits for a line, calls, prints the counts (KIND "NAME" COUNT) and "done", and waits for the end of its
// input. With TRACE its own tracer writes to that file meanwhile.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"sort"
	"strings"
	"sync"
	"time"
)

const workers = 24

var (
	mu     sync.Mutex
	counts = map[string]int{}
)

// Of one goroutine, so that counting is no meeting point of all.
type tally map[string]int

func (t tally) add(kind, name string) { t[fmt.Sprintf("%s %q", kind, name)]++ }

func (t tally) merge() {
	mu.Lock()
	defer mu.Unlock()
	for k, n := range t {
		counts[k] += n
	}
}

// Contexts of our own: one that is known by its parent, which comes first, and one that cannot be followed.
type tagged struct {
	context.Context
	tag string
}

type hidden struct {
	tag    string
	parent context.Context
}

func (h hidden) Deadline() (time.Time, bool) { return h.parent.Deadline() }
func (h hidden) Done() <-chan struct{}       { return h.parent.Done() }
func (h hidden) Err() error                  { return h.parent.Err() }
func (h hidden) Value(key any) any           { return h.parent.Value(key) }

var sink int

// Needs more stack than there is, again and again: goroutines begin with little.
//
//go:noinline
func deep(n int) int {
	var room [512]byte
	room[n%len(room)] = byte(n)
	if n == 0 {
		return int(room[0])
	}
	return deep(n-1) + int(room[n%len(room)])
}

func spin(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
		sink++
	}
}

//go:noinline
func deferred(ctx context.Context, t tally) {
	t.add("region", "deferred")
	defer trace.StartRegion(ctx, "deferred").End()
	deep(40)
}

// Three ways out.
//
//go:noinline
func branches(ctx context.Context, t tally, way int) int {
	t.add("region", "branches")
	r := trace.StartRegion(ctx, "branches")
	switch way % 3 {
	case 0:
		r.End()
		return 1
	case 1:
		deep(20)
	default:
		runtime.Gosched()
	}
	r.End()
	return 2
}

// Ends what another began; small enough to be inlined, with the End in it.
func finish(r *trace.Region) { r.End() }

//go:noinline
func helped(ctx context.Context, t tally) {
	t.add("region", "helped")
	r := trace.StartRegion(ctx, "helped")
	finish(r)
}

//go:noinline
func loops(ctx context.Context, t tally) {
	for i := range 3 {
		t.add("region", "loop")
		r := trace.StartRegion(ctx, "loop")
		if i == 1 {
			t.add("region", "inner")
			q := trace.StartRegion(ctx, "inner")
			q.End()
		}
		r.End()
	}
}

// On one line, where the compiler marks the call of End by an instruction that comes before the region begins.
//
//go:noinline
func oneLine(ctx context.Context, t tally) {
	t.add("region", "one-line")
	trace.StartRegion(ctx, "one-line").End()
}

// As a generator writes it: all comes from one line of its source, and End is one of the things that this line may do.
//
//go:noinline
func sometimes(ctx context.Context, t tally, n int) {
	t.add("region", "sometimes")
	r := trace.StartRegion(ctx, "sometimes")
//line template:1
	for i := 0; i < n; i++ {
//line template:1
		sink++
//line template:1
		if i == n-1 {
//line template:1
			r.End()
//line template:1
		}
//line template:1
	}
}

//go:noinline
func methodValue(ctx context.Context, t tally) {
	t.add("region", "method")
	end := trace.StartRegion(ctx, "method").End
	deep(3)
	end()
}

func generic[T any](ctx context.Context, t tally, v T) T {
	t.add("region", "generic")
	r := trace.StartRegion(ctx, "generic")
	defer r.End()
	return v
}

//go:noinline
func panics(ctx context.Context, t tally) {
	defer func() { _ = recover() }()
	t.add("region", "panics")
	trace.WithRegion(ctx, "panics", func() {
		t.add("region", "started")
		defer trace.StartRegion(ctx, "started").End()
		panic("out")
	})
}

// A region in a region of the same name, which must not be taken for one that was told twice.
//
//go:noinline
func sameName(ctx context.Context, t tally) {
	t.add("region", "same")
	r := trace.StartRegion(ctx, "same")
	t.add("region", "same")
	trace.WithRegion(ctx, "same", func() { deep(2) })
	r.End()
}

//go:noinline
func logs(ctx context.Context, t tally, i int) {
	t.add("log", "note")
	trace.Log(ctx, "note", fmt.Sprintf("message %d", i))
	t.add("log", "format")
	trace.Logf(ctx, "format", "value %d", i)
	t.add("log", "")
	trace.Log(ctx, "", "without a category")
}

var long = strings.Repeat("long ", 400) // 2000 bytes

func regions(ctx context.Context, t tally, i int) {
	deferred(ctx, t)
	branches(ctx, t, i)
	helped(ctx, t)
	loops(ctx, t)
	oneLine(ctx, t)
	sometimes(ctx, t, 1+i%4)
	methodValue(ctx, t)
	generic(ctx, t, i)
	generic(ctx, t, "text")
	panics(ctx, t)
	sameName(ctx, t)
	logs(ctx, t, i)
	t.add("region", "with")
	trace.WithRegion(ctx, "with", func() { deep(100) })
}

func round(parent context.Context, t tally, i int) {
	t.add("task", "outer")
	ctx, outer := trace.NewTask(parent, "outer")
	regions(ctx, t, i)
	within, cancel := context.WithTimeout(context.WithValue(tagged{ctx, "x"}, tagged{}, 1), time.Hour)
	t.add("task", "inner")
	sub, inner := trace.NewTask(within, "inner")
	regions(sub, t, i)
	inner.End()
	t.add("region", "of-outer")
	trace.StartRegion(within, "of-outer").End()
	t.add("region", "of-none")
	trace.StartRegion(hidden{"y", ctx}, "of-none").End()
	cancel()
	done := make(chan tally)
	go func() { // a goroutine of its own for each, with a small stack
		t := tally{}
		t.add("region", "spawned")
		defer func() { done <- t }()
		defer trace.StartRegion(ctx, "spawned").End()
		deep(200)
	}()
	for k, n := range <-done {
		t[k] += n
	}
	outer.End()
}

// Climbing down a stack that is still small, one annotation a step: sooner or later the stack has to grow right where one is
// made, and the function that makes it begins again. Nothing else may need stack here, so the calls are counted outside.
const steps = 150

//go:noinline
func climbStart(ctx context.Context, n int) {
	trace.StartRegion(ctx, "climb").End()
	if n > 1 {
		climbStart(ctx, n-1)
	}
}

//go:noinline
func climbWith(ctx context.Context, n int) {
	trace.WithRegion(ctx, "climb", func() {})
	if n > 1 {
		climbWith(ctx, n-1)
	}
}

//go:noinline
func climbLog(ctx context.Context, n int) {
	trace.Log(ctx, "climb", "log")
	if n > 1 {
		climbLog(ctx, n-1)
	}
}

//go:noinline
func climbLogf(ctx context.Context, n int) {
	trace.Logf(ctx, "climb", "logf")
	if n > 1 {
		climbLogf(ctx, n-1)
	}
}

//go:noinline
func climbTask(ctx context.Context, n int) {
	_, task := trace.NewTask(ctx, "climb")
	task.End()
	if n > 1 {
		climbTask(ctx, n-1)
	}
}

func climb(ctx context.Context, t tally) {
	for _, down := range []func(context.Context, int){climbStart, climbWith, climbLog, climbLogf, climbTask} {
		done := make(chan bool)
		go func() {
			down(ctx, steps)
			close(done)
		}()
		<-done
	}
	t[`region "climb"`] += 2 * steps
	t[`log "climb"`] += 2 * steps
	t[`task "climb"`] += steps
}

func work(rounds int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			t := tally{}
			defer t.merge()
			for i := range rounds {
				round(context.Background(), t, i)
				if i%8 == 0 {
					spin(2 * time.Millisecond)
				}
				t.add("region", "background")
				trace.WithRegion(context.Background(), "background", runtime.Gosched)
			}
			climb(context.Background(), t)
			t.add("log", "long")
			trace.Log(context.Background(), "long", long)
		}()
	}
	wg.Wait()
}

func main() {
	rounds := 10
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &rounds)
	}
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready", os.Getpid())
	in.ReadString('\n')
	if len(os.Args) > 2 {
		f, err := os.Create(os.Args[2])
		if err == nil {
			err = trace.Start(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	work(rounds)
	if trace.IsEnabled() {
		trace.Stop()
	}
	var lines []string
	for k, n := range counts {
		lines = append(lines, fmt.Sprint(k, " ", n))
	}
	sort.Strings(lines)
	fmt.Println(strings.Join(lines, "\n"))
	fmt.Println("done")
	in.ReadString('\n')
}

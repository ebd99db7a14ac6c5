// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fuzzCase is told by its seed alone: same seed, same file.
type fuzzCase struct {
	seed    uint64
	sim     *sim
	rec     *recording
	damages []string // nil: none
	version string
	bytes   []byte
}

var goVersions = []string{"1.22", "1.23", "1.25", "1.26"}

// makeCase: force is a damage list ("" random, "none" none).
func makeCase(seed uint64, force string) *fuzzCase {
	rng := rand.New(rand.NewPCG(seed, 0x63747261))
	c := &fuzzCase{seed: seed, version: goVersions[rng.IntN(len(goVersions))]}
	c.sim, c.rec = simulate(rng, randomOptions(rng))
	sound := rng.IntN(3) == 0
	switch {
	case force == "none" || force == "" && sound:
	case force == "":
		c.damages = randomDamages(rng)
	default:
		c.damages = strings.Split(force, ",")
	}
	c.bytes = applyDamages(rng, c.rec, c.damages)
	return c
}

func (c *fuzzCase) String() string {
	d := "undamaged"
	if c.damages != nil {
		d = strings.Join(c.damages, "+")
	}
	return fmt.Sprintf("seed %d (%s, go %s, %d records)", c.seed, d, c.version, len(c.rec.entries))
}

// marksEnds: triggers are to mark the ends of processes.
func (c *fuzzCase) marksEnds() bool { return c.seed%4 == 1 }

type fuzzer struct {
	prog    string
	timeout time.Duration
	dir     string
	keep    string
	force   string
	viaText bool
	maxRSS  int64

	mu       sync.Mutex
	accepted int
	refused  int
	compared int
	failed   int
	files    int   // that recordings were parted into
	short    int64 // the longest time between a trace's last event and the stop
	slowest  time.Duration
	largest  int64
}

type outcome struct {
	code   int
	stderr string
	took   time.Duration
	rss    int64
	err    error // it could not be run, was killed, or hung
}

func (f *fuzzer) convert(args ...string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), f.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.prog, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	t := time.Now()
	err := cmd.Run()
	o := outcome{stderr: stderr.String(), took: time.Since(t)}
	if cmd.ProcessState != nil {
		if ru, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			o.rss = ru.Maxrss << 10
		}
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		o.err = fmt.Errorf("hangs: killed after %v", f.timeout)
	case err == nil:
	case errors.As(err, &exit) && exit.Exited():
		o.code = exit.ExitCode()
	default:
		o.err = err
	}
	return o
}

// oneSentence: a refusal says why, in one line that opens with the program's name.
func oneSentence(s string) bool {
	s = strings.TrimRight(s, "\n")
	return strings.HasPrefix(s, "ctrace-bpf: ") && len(s) > len("ctrace-bpf: ")+3 && !strings.Contains(s, "\n")
}

// sanitizer says whether a sanitizer has complained.
func sanitizer(s string) bool {
	return strings.Contains(s, "Sanitizer") || strings.Contains(s, "runtime error:")
}

func (f *fuzzer) run(c *fuzzCase) []string {
	in := filepath.Join(f.dir, fmt.Sprintf("%d.raw", c.seed))
	out := filepath.Join(f.dir, fmt.Sprintf("%d.trace", c.seed))
	defer os.Remove(in)
	defer os.Remove(out)
	if err := os.WriteFile(in, c.bytes, 0o644); err != nil {
		return []string{err.Error()}
	}
	args := []string{"convert", in, "-o", out, "--go-version", c.version}
	if c.marksEnds() {
		args = append(args, "--trigger=signal", "--trigger=exit")
	}
	o := f.convert(args...)
	f.mu.Lock()
	f.slowest = max(f.slowest, o.took)
	f.largest = max(f.largest, o.rss)
	f.mu.Unlock()
	switch {
	case o.err != nil:
		return []string{fmt.Sprintf("%v; stderr: %s", o.err, firstLine(o.stderr))}
	case sanitizer(o.stderr):
		return []string{"a sanitizer complains: " + o.stderr}
	case o.rss > f.maxRSS:
		return []string{fmt.Sprintf("took %d MiB", o.rss>>20)}
	case o.code == 1:
		f.mu.Lock()
		f.refused++
		f.mu.Unlock()
		if !oneSentence(o.stderr) {
			return []string{fmt.Sprintf("refused without one sentence: %q", o.stderr)}
		}
		if c.damages == nil {
			return []string{"a sound recording was refused: " + firstLine(o.stderr)}
		}
		return nil
	case o.code != 0:
		return []string{fmt.Sprintf("exit code %d: %s", o.code, firstLine(o.stderr))}
	}
	a, err := analyseFile(out)
	bad := verdict(a, err)
	if len(bad) == 0 && c.damages == nil {
		bad = compareTruth(c.sim, a, c.marksEnds())
		if f.viaText && c.seed%4 == 0 {
			bad = append(bad, f.textToo(c, in, out)...)
		}
		f.mu.Lock()
		f.compared++
		f.short = max(f.short, int64(c.sim.stop-c.sim.start)-a.span)
		f.mu.Unlock()
	}
	if len(bad) == 0 {
		bad = f.inFiles(c, in, a)
	}
	f.mu.Lock()
	f.accepted++
	f.mu.Unlock()
	return bad
}

// longestRotation in us: 104 days. Broken times span more.
const longestRotation = 104 * 86400 * 1_000_000

// inFiles goes the way over several files, by size or by time: each must be sound, and what is told once must be in
// exactly one of them.
func (f *fuzzer) inFiles(c *fuzzCase, in string, whole *analysis) (bad []string) {
	rng := rand.New(rand.NewPCG(c.seed, 0x726f74617465))
	shares := 2 + rng.Int64N(10)
	base := filepath.Join(f.dir, fmt.Sprintf("%d.part", c.seed))
	every := fmt.Sprintf("%dB", max(1, int64(whole.wire.bytes)/shares))
	if rng.IntN(2) == 0 {
		every = fmt.Sprintf("%dus", min(max(1, whole.span/shares/1000), longestRotation))
	}
	args := []string{"convert", in, "-o", base, "--go-version", c.version, "--rotate", every}
	if c.marksEnds() {
		args = append(args, "--trigger=signal", "--trigger=exit")
	}
	o := f.convert(args...)
	names, _ := filepath.Glob(filepath.Join(f.dir, fmt.Sprintf("%d-*.part", c.seed)))
	defer func() {
		for _, name := range names {
			os.Remove(name)
		}
	}()
	if o.err != nil || o.code != 0 || sanitizer(o.stderr) {
		return []string{fmt.Sprintf("--rotate=%s: code %d, %v: %s", every, o.code, o.err, firstLine(o.stderr))}
	}
	if len(names) == 0 {
		return []string{fmt.Sprintf("--rotate=%s: no file", every)}
	}
	var parts []*analysis
	for i, name := range names { // in the order of their names, so of time
		a, err := analyseFile(name)
		for _, v := range verdict(a, err) {
			bad = append(bad, fmt.Sprintf("--rotate=%s: file %d of %d: %s", every, i+1, len(names), v))
		}
		if len(bad) > 0 {
			return bad
		}
		parts = append(parts, a)
	}
	for _, v := range compareSeams(whole, parts, c.damages == nil) {
		bad = append(bad, fmt.Sprintf("--rotate=%s: %d files: %s", every, len(names), v))
	}
	f.mu.Lock()
	f.files += len(names)
	f.mu.Unlock()
	return bad
}

// textToo goes the way over the text form: the trace must be the same, byte by byte.
func (f *fuzzer) textToo(c *fuzzCase, in, out string) []string {
	text, out2 := out+".txt", out+".2"
	defer os.Remove(text)
	defer os.Remove(out2)
	if o := f.convert("convert", "--text", in, "-o", text); o.err != nil || o.code != 0 {
		return []string{fmt.Sprintf("convert --text: code %d, %v: %s", o.code, o.err, firstLine(o.stderr))}
	}
	if o := f.convert("convert", text, "-o", out2, "--go-version", c.version); o.err != nil || o.code != 0 {
		return []string{fmt.Sprintf("convert of the text form: code %d, %v: %s", o.code, o.err, firstLine(o.stderr))}
	}
	x, err1 := os.ReadFile(out)
	y, err2 := os.ReadFile(out2)
	if err := errors.Join(err1, err2); err != nil {
		return []string{err.Error()}
	}
	if !bytes.Equal(x, y) {
		return []string{"the text form of the recording gives another trace"}
	}
	return nil
}

func (f *fuzzer) report(c *fuzzCase, bad []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed++
	fmt.Printf("FAIL %v\n", c)
	for _, b := range bad {
		fmt.Printf("  %s\n", b)
	}
	name := filepath.Join(f.keep, fmt.Sprintf("%d.raw", c.seed))
	if err := os.MkdirAll(f.keep, 0o755); err == nil {
		err = os.WriteFile(name, c.bytes, 0o644)
		if err != nil {
			fmt.Printf("  could not be kept: %v\n", err)
		}
	}
	only := ""
	if f.force != "" {
		only = " -damage " + f.force
	}
	fmt.Printf("  again: judge fuzz -n 1 -seed %d%s -ctrace %s\n  input: %s convert %s -o /tmp/x.trace --go-version %s\n", c.seed, only,
		f.prog, f.prog, name, c.version)
}

func cmdFuzz(args []string) int {
	fs := flag.NewFlagSet("fuzz", flag.ExitOnError)
	n := fs.Int("n", 100, "how many recordings")
	seed := fs.Uint64("seed", 1, "seed of the first; the next one has the next number")
	keep := fs.String("keep", "fuzz-failures", "where the inputs of failures go")
	prog := fs.String("ctrace", "", "the program under test")
	jobs := fs.Int("j", 2, "converts at a time")
	stopAt := fs.Int("max", 20, "stop after so many failures")
	force := fs.String("damage", "", "this damage instead of a random one: none, or some of "+damageNames())
	timeout := fs.Duration("timeout", 20*time.Second, "longest run of a convert")
	viaText := fs.Bool("text", true, "send some undamaged recordings through the text form too")
	rss := fs.Int64("rss", 512, "most MiB that a convert may take; 0: any (sanitizers)")
	fs.Parse(args)
	if *prog == "" {
		return fail("fuzz: -ctrace PATH is missing") + 1
	}
	for _, d := range strings.Split(*force, ",") {
		if d != "" && d != "none" && damageByName(d) == nil {
			return fail("fuzz: no damage %q; there are %s", d, damageNames()) + 1
		}
	}
	if _, err := exec.LookPath(*prog); err != nil {
		return fail("fuzz: %v", err)
	}
	dir, err := os.MkdirTemp("", "judge-fuzz")
	if err != nil {
		return fail("%v", err)
	}
	defer os.RemoveAll(dir)
	f := &fuzzer{prog: *prog, timeout: *timeout, dir: dir, keep: *keep, force: *force, viaText: *viaText, maxRSS: *rss << 20}
	if *rss == 0 {
		f.maxRSS = 1 << 62
	}
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), *jobs))
	todo := make(chan uint64)
	var wg sync.WaitGroup
	for range *jobs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for s := range todo {
				c := makeCase(s, *force)
				if bad := f.run(c); len(bad) > 0 {
					f.report(c, bad)
				}
			}
		}()
	}
	done := 0
	for i := range *n {
		f.mu.Lock()
		full := f.failed >= *stopAt
		f.mu.Unlock()
		if full {
			break
		}
		todo <- *seed + uint64(i)
		done++
	}
	close(todo)
	wg.Wait()
	fmt.Printf("fuzz: %d recordings: %d converted (%d compared with the truth; again into %d files), %d refused, %d failed; slowest %v, largest %d MiB, "+
		"shortest trace lacks %v at its end\n", done, f.accepted, f.compared, f.files, f.refused, f.failed, f.slowest.Round(time.Millisecond),
		f.largest>>20, time.Duration(f.short))
	if f.failed > 0 {
		return 1
	}
	return 0
}

func cmdSimulate(args []string) int {
	fs := flag.NewFlagSet("simulate", flag.ExitOnError)
	seed := fs.Uint64("seed", 1, "which one")
	force := fs.String("damage", "none", "none, or some of "+damageNames())
	out := fs.String("o", "", "the raw record file to write")
	fs.Parse(args)
	if *out == "" {
		return fail("simulate: -o FILE is missing") + 1
	}
	c := makeCase(*seed, *force)
	if err := os.WriteFile(*out, c.bytes, 0o644); err != nil {
		return fail("%v", err)
	}
	fmt.Println(c)
	return 0
}

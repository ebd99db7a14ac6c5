// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
)

// The records of bpf/event.h and the raw file that holds them, written down a second time on purpose:
// what both sides got wrong in the same header would not be seen.

const (
	evThread, evSwitch, evWaking, evWakeup   = 1, 2, 3, 4
	evFork, evExec, evExit, evRename         = 5, 6, 7, 8
	evSysEnter, evSysExit, evSyscall         = 9, 10, 11
	evStack, evSnap, evSample                = 12, 13, 14
	evStart, evStop, evLost, evMetric        = 32, 33, 34, 35
	evProc, evKsym, evCPU, evConfig          = 36, 37, 38, 39
	evModule, evSym, evEpoch                 = 40, 41, 42
	evMark, evIRQ, evLeave, evSite           = 15, 16, 17, 43
	flIRQ, flKthread, flOnCPU                = 1, 2, 8
	flAsked, flOurs                          = 16, 64
	cfgSyscalls, cfgNoNames, cfgMany         = 1, 2, 4
	nrCompat                                 = 0x8000
	nrBad                                    = 0x7fff
	nrNone                                   = 0xffff
	cpuCollector                             = 0xffff
	fdUnknown, fdFile, fdSocket, fdPipe      = 0, 1, 2, 3
	fdTTY, fdEvent, fdOther                  = 4, 5, 6
	rawMagic                                 = "ctraceRW"
	rawVersion                               = 4
	chunkRecords, chunkAdvance, chunkEnd     = 1, 2, 3
	commLen                                  = 16
	offTS, offKind, offFlags, offCPU, offArg = 0, 8, 9, 10, 12
	headLen                                  = 16
)

var kindNames = map[byte]string{evThread: "thread", evSwitch: "switch", evWaking: "waking", evWakeup: "wakeup", evFork: "fork",
	evExec: "exec", evExit: "exit", evRename: "rename", evSysEnter: "sys_enter", evSysExit: "sys_exit", evSyscall: "syscall",
	evStack: "stack", evSnap: "snap", evStart: "start", evStop: "stop", evLost: "lost", evMetric: "metric", evProc: "proc",
	evKsym: "ksym", evCPU: "cpu", evConfig: "config", evSample: "sample", evModule: "module", evSym: "sym", evEpoch: "epoch",
	evMark: "mark", evIRQ: "irq", evLeave: "leave", evSite: "site"}

// record is the bytes of one record, as they stand in the file.
type record []byte

func (r record) ts() uint64     { return binary.LittleEndian.Uint64(r) }
func (r record) setTS(t uint64) { binary.LittleEndian.PutUint64(r, t) }
func (r record) kind() byte     { return r[offKind] }
func (r record) arg() uint32    { return binary.LittleEndian.Uint32(r[offArg:]) }

func newRecord(ts uint64, kind, flags byte, cpu uint16, arg uint32) record {
	r := make(record, headLen, 64)
	binary.LittleEndian.PutUint64(r, ts)
	r[offKind], r[offFlags] = kind, flags
	binary.LittleEndian.PutUint16(r[offCPU:], cpu)
	binary.LittleEndian.PutUint32(r[offArg:], arg)
	return r
}

func (r record) u64(v ...uint64) record {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint64(r, x)
	}
	return r
}

func (r record) u32(v ...uint32) record {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint32(r, x)
	}
	return r
}

func (r record) bytes(v ...byte) record { return append(r, v...) }

func (r record) comm(s string) record {
	var b [commLen]byte
	copy(b[:commLen-1], s)
	return append(r, b[:]...)
}

func (r record) text(s string) record { return append(append(r, s...), 0) }

func statePack(state byte, fd byte, nr uint32) uint32 {
	return uint32(state) | uint32(fd)<<8 | nr<<16
}

// entry is a line of a recording: a record in a stream, or a watermark (rec == nil).
type entry struct {
	stream    int
	rec       record
	watermark uint64
}

// recording is a raw record file in memory. Entries of one stream between two watermarks make a chunk.
type recording struct {
	streams int
	mono    uint64
	wall    int64
	entries []entry
	cut     int // bytes to keep of the file, -1 all
	noEnd   bool
}

func (r *recording) encode() []byte {
	var out bytes.Buffer
	le := binary.LittleEndian
	h := make([]byte, 64)
	copy(h, rawMagic)
	le.PutUint32(h[8:], rawVersion)
	le.PutUint32(h[12:], uint32(r.streams))
	le.PutUint64(h[16:], r.mono)
	le.PutUint64(h[24:], uint64(r.wall))
	out.Write(h)
	chunk := func(stream, kind int, body []byte) {
		b := make([]byte, 8)
		le.PutUint32(b, uint32(len(body)))
		le.PutUint16(b[4:], uint16(stream))
		le.PutUint16(b[6:], uint16(kind))
		out.Write(b)
		out.Write(body)
	}
	bodies := make([][]byte, r.streams)
	flush := func() {
		for s, b := range bodies {
			if len(b) > 0 {
				chunk(s, chunkRecords, b)
			}
			bodies[s] = nil
		}
	}
	for _, e := range r.entries {
		if e.rec == nil {
			flush()
			chunk(0, chunkAdvance, le.AppendUint64(nil, e.watermark))
			continue
		}
		b := le.AppendUint32(bodies[e.stream], uint32(len(e.rec)))
		b = le.AppendUint32(b, 0)
		b = append(b, e.rec...)
		for len(b)%8 != 0 {
			b = append(b, 0)
		}
		bodies[e.stream] = b
	}
	flush()
	if !r.noEnd {
		chunk(0, chunkEnd, nil)
	}
	b := out.Bytes()
	if r.cut >= 0 && r.cut < len(b) {
		b = b[:r.cut]
	}
	return b
}

// decodeRecording reads a raw file back. whole tells that the end mark was there.
func decodeRecording(b []byte) (r *recording, whole bool, err error) {
	le := binary.LittleEndian
	if len(b) < 64 || string(b[:8]) != rawMagic || le.Uint32(b[8:]) != rawVersion {
		return nil, false, errors.New("not a raw record file of the version we know")
	}
	r = &recording{streams: int(le.Uint32(b[12:])), mono: le.Uint64(b[16:]), wall: int64(le.Uint64(b[24:])), cut: -1}
	for off := 64; off < len(b); {
		if len(b)-off < 8 {
			return r, false, nil
		}
		n, stream, kind := int(le.Uint32(b[off:])), int(le.Uint16(b[off+4:])), le.Uint16(b[off+6:])
		off += 8
		if n > len(b)-off {
			return r, false, nil
		}
		body := b[off : off+n]
		off += n
		switch kind {
		case chunkRecords:
			if stream >= r.streams {
				return r, false, fmt.Errorf("offset %d: stream %d of %d", off, stream, r.streams)
			}
			for i := 0; i < len(body); {
				if len(body)-i < 8 {
					return r, false, fmt.Errorf("offset %d: a record without its length", off+i)
				}
				l := int(le.Uint32(body[i:]))
				i += 8
				if l < headLen || (l+7)/8*8 > len(body)-i {
					return r, false, fmt.Errorf("offset %d: a record of %d bytes", off+i, l)
				}
				r.entries = append(r.entries, entry{stream: stream, rec: record(bytes.Clone(body[i : i+l]))})
				i += (l + 7) / 8 * 8
			}
		case chunkAdvance:
			if n != 8 {
				return r, false, fmt.Errorf("offset %d: a watermark of %d bytes", off, n)
			}
			r.entries = append(r.entries, entry{watermark: le.Uint64(body)})
		case chunkEnd:
			return r, true, nil
		default:
			return r, false, fmt.Errorf("offset %d: chunk kind %d", off, kind)
		}
	}
	return r, false, nil
}

func cstr(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return fmt.Sprintf("%q", b)
}

// String is a line in the spirit of the program's own text form; for people, not for parsing.
func (r record) String() string {
	le := binary.LittleEndian
	key := func(off int) string {
		if len(r) < off+8 {
			return "?"
		}
		k := le.Uint64(r[off:])
		if k>>32 == 1 || k == 0 {
			return fmt.Sprint(uint32(k))
		}
		return fmt.Sprintf("%d.%d", uint32(k), k>>32)
	}
	num := func(off int) uint64 {
		if len(r) < off+8 {
			return 0
		}
		return le.Uint64(r[off:])
	}
	rest := func(off int) []byte {
		if len(r) < off {
			return nil
		}
		return r[off:]
	}
	st := func(a uint32) string {
		s := fmt.Sprintf("state=%s fd=%d", strings.Trim(fmt.Sprintf("%q", rune(a&0xff)), "'"), a>>8&0xff)
		if a>>16 != nrNone {
			s += fmt.Sprintf(" nr=%d", a>>16)
		}
		return s
	}
	name := kindNames[r.kind()]
	if name == "" {
		name = fmt.Sprintf("kind%d", r.kind())
	}
	stack := func(off int) string {
		if len(r) < off+4 {
			return ""
		}
		return fmt.Sprintf(" stack=%d", le.Uint32(r[off:]))
	}
	s := fmt.Sprintf("%d %d %s", r.ts(), le.Uint16(r[offCPU:]), name)
	switch r.kind() {
	case evThread:
		s += fmt.Sprintf(" thr=%s pid=%d comm=%s", key(16), r.arg(), cstr(rest(24)))
	case evSnap:
		s += fmt.Sprintf(" thr=%s pid=%d comm=%s", key(16), r.arg(), cstr(r[24:min(40, len(r))]))
		if len(r) >= 48 {
			s += fmt.Sprintf(" %s stack=%d", st(le.Uint32(r[40:])), le.Uint32(r[44:]))
		}
	case evSwitch:
		s += fmt.Sprintf(" prev=%s next=%s %s", key(16), key(24), st(r.arg()))
		if fl := r[offFlags]; fl&flOurs != 0 {
			s += " ours"
		} else if fl&flKthread != 0 {
			s += " kthread"
		}
		s += stack(32)
	case evWaking, evWakeup:
		s += fmt.Sprintf(" wakee=%s waker=%s", key(16), key(24)) + stack(32)
	case evSample:
		s += fmt.Sprintf(" thr=%s", key(16)) + stack(24)
	case evFork:
		s += fmt.Sprintf(" parent=%s child=%s", key(16), key(24)) + stack(32)
	case evExec:
		s += fmt.Sprintf(" thr=%s pid=%d comm=%s path=%s", key(16), r.arg(), cstr(rest(32)), cstr(rest(48)))
	case evIRQ:
		s += fmt.Sprintf(" thr=%s soft=%d ns=%d name=%s", key(16), r.arg(), num(24), cstr(rest(32)))
	case evExit, evRename:
		s += fmt.Sprintf(" thr=%s arg=%d", key(16), r.arg())
		if r.kind() == evExit && len(r) >= 32 {
			s += fmt.Sprintf(" code=%#x group=%d", le.Uint32(r[24:]), le.Uint32(r[28:]))
		}
		if r.kind() == evRename {
			s += " comm=" + cstr(rest(24))
		}
	case evSysEnter, evSyscall, evSysExit:
		s += fmt.Sprintf(" thr=%s nr=%d", key(16), r.arg())
		if len(r) >= 32 {
			s += fmt.Sprintf(" begin=%d", num(24)) + stack(32)
		}
	case evMetric:
		s += fmt.Sprintf(" which=%d value=%d", r.arg(), num(16))
	case evProc:
		s += fmt.Sprintf(" pid=%d comm=%s path=%s", r.arg(), cstr(r[16:min(32, len(r))]), cstr(rest(32)))
	case evModule:
		s += fmt.Sprintf(" id=%d path=%s", r.arg(), cstr(rest(56)))
	case evSym:
		s += fmt.Sprintf(" frame=%x func=%s line=%d", num(16), cstr(rest(32)), r.arg())
	case evMark:
		a := r.arg()
		s += fmt.Sprintf(" thr=%s op=%d by=%d flags=%d task=%d id=%d goroutine=%d start=%x", key(16), a&0xff, a>>8&0xff, a>>16, num(24),
			num(32), num(40), num(48))
		if len(r) >= offMarkText {
			s += fmt.Sprintf(" site=%d %q", le.Uint32(r[56:]), []byte(r[offMarkText:]))
		}
	case evSite:
		s += fmt.Sprintf(" id=%d name=%s", r.arg(), cstr(rest(16)))
	case evKsym:
		s += fmt.Sprintf(" addr=%x name=%s", num(16), cstr(rest(24)))
	default:
		s += fmt.Sprintf(" arg=%d", r.arg())
	}
	if f := r[offFlags]; f != 0 {
		s += fmt.Sprintf(" flags=%#x", f)
	}
	return s
}

func cmdRecords(args []string) int {
	fs := flag.NewFlagSet("records", flag.ExitOnError)
	sum := fs.Bool("sum", false, "counts per kind")
	fs.Parse(args)
	if fs.NArg() != 1 {
		return fail("records: one file, please") + 1
	}
	b, err := os.ReadFile(fs.Arg(0))
	if err != nil {
		return fail("%v", err)
	}
	r, whole, err := decodeRecording(b)
	if err != nil {
		return fail("%s: %v", fs.Arg(0), err)
	}
	counts := map[string]int{}
	for _, e := range r.entries {
		if e.rec == nil {
			counts["!advance"]++
		} else {
			counts[kindNames[e.rec.kind()]]++
		}
		switch {
		case *sum:
		case e.rec == nil:
			fmt.Printf("!advance %d\n", e.watermark)
		default:
			fmt.Printf("[%d] %v\n", e.stream, e.rec)
		}
	}
	if *sum {
		names := make([]string, 0, len(counts))
		for k := range counts {
			names = append(names, k)
		}
		sort.Strings(names)
		for _, k := range names {
			fmt.Printf("%8d %s\n", counts[k], k)
		}
	}
	if !whole {
		fmt.Println("# cut off")
	}
	return 0
}

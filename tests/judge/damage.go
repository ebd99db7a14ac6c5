// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// What can happen to a recording, and a good deal of what cannot. Each damage changes it in place.
type damage struct {
	name string
	do   func(rng *rand.Rand, r *recording)
}

var damages = []damage{
	{"drop0.1", func(rng *rand.Rand, r *recording) { drop(rng, r, 0.001) }},
	{"drop1", func(rng *rand.Rand, r *recording) { drop(rng, r, 0.01) }},
	{"drop10", func(rng *rand.Rand, r *recording) { drop(rng, r, 0.1) }},
	{"drop50", func(rng *rand.Rand, r *recording) { drop(rng, r, 0.5) }},
	{"dropkind", dropKind},
	{"hole", hole},
	{"reorder", reorder},
	{"late", late},
	{"stream", otherStream},
	{"duplicate", duplicate},
	{"truncate", truncate},
	{"swapkeys", swapKeys},
	{"onetid", oneTid},
	{"times", absurdTimes},
	{"coarse", coarse},
	{"cpus", absurdCPUs},
	{"states", absurdStates},
	{"names", absurdNames},
	{"lost", lostCounts},
	{"nostart", func(rng *rand.Rand, r *recording) { without(r, evStart) }},
	{"nosnap", func(rng *rand.Rand, r *recording) { without(r, evSnap) }},
	{"nothread", func(rng *rand.Rand, r *recording) { without(r, evThread) }},
	{"noconfig", func(rng *rand.Rand, r *recording) { without(r, evConfig) }},
	{"twostarts", func(rng *rand.Rand, r *recording) { again(rng, r, evStart) }},
	{"twostops", func(rng *rand.Rand, r *recording) { again(rng, r, evStop) }},
	{"nostop", func(rng *rand.Rand, r *recording) { without(r, evStop) }},
	{"watermarks", absurdWatermarks},
	{"bits", flipBits},
	{"lengths", absurdLengths},
	{"kinds", absurdKinds},
	{"selfwake", selfWake},
	{"stackids", absurdStacks},
	{"nostack", func(rng *rand.Rand, r *recording) { without(r, evStack) }},
	{"epochs", manyEpochs},
	{"noepoch", func(rng *rand.Rand, r *recording) { without(r, evEpoch) }},
	{"nomodule", func(rng *rand.Rand, r *recording) { without(r, evModule) }},
	{"syms", absurdSyms},
	{"marks", absurdMarks},
	{"leaves", absurdLeaves},
	{"exits", absurdExits},
	{"irqs", absurdIRQs},
	{"nosite", func(rng *rand.Rand, r *recording) { without(r, evSite) }},
	{"bytes", nil}, // flips bytes of the file itself, framing included
	{"compat", func(rng *rand.Rand, r *recording) {
		each(rng, r, 0.3, func(b record) {
			if k := b.kind(); k >= evSysEnter && k <= evSyscall {
				b[offArg+1] |= nrCompat >> 8
			}
		})
	}},
}

func damageByName(name string) *damage {
	for i := range damages {
		if damages[i].name == name {
			return &damages[i]
		}
	}
	return nil
}

// applyDamages returns the bytes of the damaged file.
func applyDamages(rng *rand.Rand, r *recording, names []string) []byte {
	for _, n := range names {
		if d := damageByName(n); d != nil && d.do != nil {
			d.do(rng, r)
		}
	}
	if len(names) > 0 && rng.IntN(4) > 0 {
		legalize(r)
	}
	b := r.encode()
	if slices.Contains(names, "bytes") {
		for range 1 + rng.IntN(20) {
			b[rng.IntN(len(b))] = byte(rng.Uint32())
		}
	}
	return b
}

// legalize takes out, or mends, what a reader of the file may refuse at first sight. Without it most damage would end
// a file early and say nothing about the model behind.
func legalize(r *recording) {
	le := binary.LittleEndian
	size := map[byte][2]int{evThread: {40, 40}, evSwitch: {32, 40}, evWaking: {32, 40}, evWakeup: {32, 40}, evFork: {32, 40}, evExec: {48, 304},
		evExit: {24, 32}, evRename: {40, 40}, evSysEnter: {32, 40}, evSysExit: {24, 24}, evSyscall: {32, 40}, evStack: {32, 1304}, evSnap: {48, 48},
		evStart: {16, 16}, evStop: {16, 16}, evLost: {16, 16}, evMetric: {24, 24}, evProc: {32, 288}, evKsym: {24, 152}, evCPU: {16, 16}, evConfig: {16, 16},
		evSample: {32, 32}, evModule: {56, 312}, evSym: {34, 1568}, evEpoch: {16, 16},
		evMark: {offMarkText, offMarkText + 2*markMax}, evSite: {16, 16 + 256}, evIRQ: {48, 48}, evLeave: {16, 16}}
	r.entries = slices.DeleteFunc(r.entries, func(e entry) bool {
		b := e.rec
		if b == nil {
			return false
		}
		lim, ok := size[b.kind()]
		if !ok || len(b) < lim[0] || len(b) > lim[1] || lim == [2]int{32, 40} && len(b) != 32 && len(b) != 40 ||
			b.kind() == evExit && len(b) != 24 && len(b) != 32 {
			return true
		}
		for i, o := range keyOffsets(b.kind()) {
			k := le.Uint64(b[o:])
			nobody := b.kind() == evSwitch || b.kind() == evFork && i == 0 || (b.kind() == evWaking || b.kind() == evWakeup) && i == 1
			if k == 0 && !nobody || k != 0 && (uint32(k) == 0 || uint32(k) > 1<<31-1) {
				return true
			}
		}
		state := -1
		switch b.kind() {
		case evSysEnter, evSyscall:
			le.PutUint64(b[24:], min(le.Uint64(b[24:]), b.ts()))
		case evExec:
			b[32+commLen-1] = 0
		case evThread, evSnap, evRename:
			b[24+commLen-1] = 0
		case evProc:
			b[16+commLen-1] = 0
		case evIRQ:
			b[32+commLen-1] = 0
		case evStack:
			k, u := int(le.Uint16(b[24:])), int(le.Uint16(b[26:]))
			b[28] %= 9
			b[29], b[30], b[31] = 0, 0, 0
			return b.arg() == 0 || k > 32 || u > 127 || k+u != (len(b)-32)/8 || len(b)%8 != 0
		case evModule:
			b[16] = 1 + b[16]%3
			b[17], b[18], b[19] = 0, 0, 0
			clear(b[24:56])
			if b.arg() == 0 || b.arg() > 0xfffe {
				return true
			}
		case evSym:
			n := int(le.Uint16(b[26:]))
			b[24], b[25] = b[24]%16, 0
			clear(b[28:32])
			b[len(b)-1] = 0
			return n == 0 || 32+n >= len(b) || b[32+n-1] != 0
		case evMark:
			legalMark(b)
		case evSite:
			if b.arg() == 0 {
				return true
			}
		case evMetric:
			return b.arg() != 1 && b.arg() != 2
		case evSwitch:
			state = offArg
		}
		if b.kind() == evSnap {
			state = 40
		}
		if state >= 0 {
			a := le.Uint32(b[state:])
			return a&0xff != 0 && !strings.ContainsRune("RSDTtXPI", rune(a&0xff)) || a>>8&0xff > fdOther
		}
		if n := map[byte]int{evExec: 48, evProc: 32, evKsym: 24, evModule: 56, evSite: 16}[b.kind()]; n != 0 && len(b) > n {
			b[len(b)-1] = 0
		}
		return false
	})
}

// legalMark mends an annotation.
func legalMark(b record) {
	n := len(b) - offMarkText
	b[offArg] = 1 + b[offArg]%5
	b[offArg+1] = 1 + b[offArg+1]%4
	name := min(int(binary.LittleEndian.Uint16(b[60:])), n, markMax)
	if n-name > markMax {
		name = n - markMax
	}
	binary.LittleEndian.PutUint16(b[60:], uint16(name))
	binary.LittleEndian.PutUint16(b[62:], uint16(n-name))
	if b[offArg] != opLog || b[offArg+1] != byUsdt {
		return
	}
	for args := b[offMarkText+name:]; len(args) > 0; {
		if len(args) < 16 || len(args)-16 < int(binary.LittleEndian.Uint16(args[10:])) {
			b[offArg+1] = byGo
			break
		}
		args = args[16+int(binary.LittleEndian.Uint16(args[10:])):]
	}
}

// absurdMarks: other tasks, other ids, other stack pointers, other makers, goroutines without end.
func absurdMarks(rng *rand.Rand, r *recording) {
	each(rng, r, []float64{0.05, 0.3, 1}[rng.IntN(3)], func(b record) {
		if b.kind() != evMark || len(b) < offMarkText {
			return
		}
		field := 24 + 8*rng.IntN(4) // task, id, goroutine, start
		old := binary.LittleEndian.Uint64(b[field:])
		v := []uint64{0, 1, old + 1, old - 16, old + 4096, old + 9<<20, rng.Uint64N(50), rng.Uint64(), ^uint64(0)}[rng.IntN(9)]
		switch rng.IntN(8) {
		case 0:
			b[offArg] = byte(1 + rng.IntN(5))
		case 1:
			b[offArg+1] = byte(1 + rng.IntN(4))
		case 2:
			b[offArg+2] = byte(rng.IntN(16))
		case 3:
			binary.LittleEndian.PutUint32(b[56:], []uint32{0, 1, 2, 6, 1000, rng.Uint32()}[rng.IntN(6)])
		case 4:
			b[16], b[20] = byte(rng.Uint32()), byte(rng.Uint32()) // whose
		default:
			binary.LittleEndian.PutUint64(b[field:], v)
		}
	})
}

func randomDamages(rng *rand.Rand) []string {
	var out []string
	for range 1 + rng.IntN(4) {
		if n := damages[rng.IntN(len(damages))].name; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func each(rng *rand.Rand, r *recording, share float64, f func(b record)) {
	for i := range r.entries {
		if r.entries[i].rec != nil && rng.Float64() < share {
			f(r.entries[i].rec)
		}
	}
}

// few gives a small random share.
func few(rng *rand.Rand) float64 { return []float64{0.001, 0.01, 0.1, 0.5}[rng.IntN(4)] }

func drop(rng *rand.Rand, r *recording, share float64) {
	r.entries = slices.DeleteFunc(r.entries, func(e entry) bool { return e.rec != nil && rng.Float64() < share })
}

func dropKind(rng *rand.Rand, r *recording) {
	kind, share := []byte{evThread, evSwitch, evWaking, evWakeup, evFork, evExec, evExit, evRename, evSysEnter, evSysExit, evSyscall,
		evStack, evSnap, evSample, evModule, evSym, evEpoch, evMark, evSite, evIRQ, evLeave}[rng.IntN(21)], []float64{0.5, 1}[rng.IntN(2)]
	r.entries = slices.DeleteFunc(r.entries, func(e entry) bool {
		return e.rec != nil && e.rec.kind() == kind && rng.Float64() < share
	})
}

func without(r *recording, kind byte) {
	r.entries = slices.DeleteFunc(r.entries, func(e entry) bool { return e.rec != nil && e.rec.kind() == kind })
}

// hole: one ring was full for a while; the loss is told or not.
func hole(rng *rand.Rand, r *recording) {
	if len(r.entries) < 4 {
		return
	}
	stream := rng.IntN(r.streams)
	from := rng.IntN(len(r.entries))
	n, lost, since := 1+rng.IntN(len(r.entries)/2), uint32(0), uint64(0)
	var out []entry
	for i, e := range r.entries {
		if i >= from && i < from+n && e.rec != nil && e.stream == stream && e.rec.kind() < evStart {
			if lost == 0 {
				since = e.rec.ts()
			}
			lost++
			continue
		}
		out = append(out, e)
	}
	if lost > 0 && rng.IntN(2) == 0 {
		cpu := uint16(stream)
		out = slices.Insert(out, min(from, len(out)), entry{stream: r.streams - 1, rec: newRecord(since, evLost, 0, cpu, lost)})
	}
	r.entries = out
}

func reorder(rng *rand.Rand, r *recording) {
	if len(r.entries) < 2 {
		return
	}
	reach := []int{2, 10, 200}[rng.IntN(3)]
	for range 1 + int(float64(len(r.entries))*few(rng)) {
		i := rng.IntN(len(r.entries))
		j := min(i+rng.IntN(reach), len(r.entries)-1)
		r.entries[i], r.entries[j] = r.entries[j], r.entries[i]
	}
}

// late: records come after the watermark that should have waited for them.
func late(rng *rand.Rand, r *recording) {
	var keep, held []entry
	share := few(rng)
	for _, e := range r.entries {
		if e.rec != nil && rng.Float64() < share {
			held = append(held, e)
			continue
		}
		keep = append(keep, e)
		if e.rec == nil && len(held) > 0 && rng.IntN(2) == 0 {
			keep = append(keep, held...)
			held = nil
		}
	}
	r.entries = append(keep, held...)
}

func otherStream(rng *rand.Rand, r *recording) {
	share := few(rng)
	for i := range r.entries {
		if rng.Float64() < share {
			r.entries[i].stream = rng.IntN(r.streams)
		}
	}
}

func duplicate(rng *rand.Rand, r *recording) {
	share := few(rng)
	var out []entry
	for _, e := range r.entries {
		out = append(out, e)
		if e.rec != nil && rng.Float64() < share {
			out = append(out, entry{stream: e.stream, rec: bytes.Clone(e.rec)})
		}
	}
	r.entries = out
}

func truncate(rng *rand.Rand, r *recording) {
	if rng.IntN(3) == 0 {
		r.noEnd = true
		r.entries = r.entries[:rng.IntN(len(r.entries)+1)]
		return
	}
	r.cut = rng.IntN(len(r.encode()))
}

// keyOffsets: where thread keys stand in a record.
func keyOffsets(kind byte) []int {
	switch kind {
	case evSwitch, evWaking, evWakeup, evFork:
		return []int{16, 24}
	case evThread, evSnap, evExec, evExit, evRename, evSysEnter, evSysExit, evSyscall, evStack, evSample, evMark, evIRQ:
		return []int{16}
	}
	return nil
}

func eachKey(rng *rand.Rand, r *recording, share float64, f func(key uint64) uint64) {
	each(rng, r, share, func(b record) {
		for _, o := range keyOffsets(b.kind()) {
			if len(b) >= o+8 {
				binary.LittleEndian.PutUint64(b[o:], f(binary.LittleEndian.Uint64(b[o:])))
			}
		}
	})
}

func swapKeys(rng *rand.Rand, r *recording) {
	var all []uint64
	eachKey(rng, r, 1, func(k uint64) uint64 {
		if !slices.Contains(all, k) && len(all) < 200 {
			all = append(all, k)
		}
		return k
	})
	if len(all) == 0 {
		return
	}
	eachKey(rng, r, few(rng), func(uint64) uint64 {
		k := all[rng.IntN(len(all))]
		switch rng.IntN(12) {
		case 0:
			k ^= 1 << rng.IntN(64)
		case 1:
			k = rng.Uint64()
		}
		return k
	})
}

// oneTid: every thread has one of a few tids, or none is known by its serial.
func oneTid(rng *rand.Rand, r *recording) {
	n := uint64(1 + rng.IntN(3))
	serials := rng.IntN(2) == 0
	eachKey(rng, r, 1, func(k uint64) uint64 {
		switch {
		case k == 0:
			return 0
		case serials:
			return k>>32<<32 | 1 + uint64(uint32(k))%n
		default:
			return 1<<32 | uint64(uint32(k))
		}
	})
}

func absurdTimes(rng *rand.Rand, r *recording) {
	each(rng, r, few(rng), func(b record) {
		t := b.ts()
		switch rng.IntN(9) {
		case 0:
			t = 0
		case 1:
			t = 1 << 63
		case 2:
			t = ^uint64(0)
		case 3:
			t -= rng.Uint64N(10_000_000)
		case 4:
			t += rng.Uint64N(10_000_000)
		case 5:
			t += 100_000_000_000
		case 6:
			t = r.mono
		default:
			if k := b.kind(); (k == evSyscall || k == evSysEnter) && len(b) >= 32 {
				binary.LittleEndian.PutUint64(b[24:], []uint64{0, t + 5000, 1 << 63, t - 3_000_000, r.mono - 7}[rng.IntN(5)])
			}
		}
		b.setTS(t)
	})
}

// coarse: a clock with few digits, so that many records share a time.
func coarse(rng *rand.Rand, r *recording) {
	mask := uint64(1)<<(8+rng.IntN(10)) - 1
	each(rng, r, 1, func(b record) { b.setTS(b.ts() &^ mask) })
}

func absurdCPUs(rng *rand.Rand, r *recording) {
	each(rng, r, few(rng), func(b record) {
		c := []uint16{0xffff, 0xfffe, 4096, uint16(r.streams), uint16(rng.Uint32()), uint16(rng.IntN(r.streams + 1))}[rng.IntN(6)]
		binary.LittleEndian.PutUint16(b[offCPU:], c)
		if b.kind() == evCPU && rng.IntN(2) == 0 {
			binary.LittleEndian.PutUint32(b[offArg:], rng.Uint32())
		}
	})
}

func absurdStates(rng *rand.Rand, r *recording) {
	each(rng, r, few(rng), func(b record) {
		arg := rng.Uint32()
		switch rng.IntN(4) {
		case 0:
			arg = statePack("RSDTtXPIZ\x00\xff"[rng.IntN(11)], byte(rng.Uint32()), b.arg()>>16)
		case 1:
			arg = b.arg()&0xffff | uint32([]uint32{nrNone, nrBad, 0, 1, 59, 60, nrCompat, 1000}[rng.IntN(8)])<<16
		}
		switch b.kind() {
		case evSwitch, evSysEnter, evSysExit, evSyscall, evWaking, evWakeup, evExit:
			binary.LittleEndian.PutUint32(b[offArg:], arg)
		case evSnap:
			if len(b) >= 44 {
				binary.LittleEndian.PutUint32(b[40:], arg)
			}
		}
		if rng.IntN(4) == 0 {
			b[offFlags] = byte(rng.Uint32())
		}
	})
}

func absurdNames(rng *rand.Rand, r *recording) {
	words := []string{"", "\xff\xfe\x80", "runtime.main", "runtime.", "a\x00b", strings.Repeat("x", 16), " ", "\n\t", "é\xc3", "sys_read",
		"[interrupt]", "runtime.gcBgMarkWorker", "\xe2\x82", "/", "a/b", "123"}
	share := few(rng)
	for i, e := range r.entries {
		if e.rec == nil || rng.Float64() >= share {
			continue
		}
		w := words[rng.IntN(len(words))]
		off := 0
		switch e.rec.kind() {
		case evExec:
			off = 32
		case evThread, evSnap, evRename:
			off = 24
		case evIRQ:
			off = 32
		case evProc:
			off = 16
		}
		if off != 0 && len(e.rec) >= off+commLen {
			var c [commLen]byte
			copy(c[:], w) // sixteen bytes have no NUL
			copy(e.rec[off:], c[:])
		}
		tail := 0
		switch e.rec.kind() {
		case evExec:
			tail = 48
		case evProc:
			tail = 32
		case evKsym:
			tail = 24
		case evModule:
			tail = 56
		}
		if tail != 0 && len(e.rec) >= tail && rng.IntN(2) == 0 {
			path := w
			if rng.IntN(3) == 0 {
				path = strings.Repeat("/\xc3\xa9long", rng.IntN(200))
			}
			b := append(bytes.Clone(e.rec[:tail]), path...)
			if rng.IntN(3) > 0 {
				b = append(b, 0)
			}
			r.entries[i].rec = b
		}
	}
}

func lostCounts(rng *rand.Rand, r *recording) {
	for range 1 + rng.IntN(10) {
		if len(r.entries) == 0 {
			return
		}
		i := rng.IntN(len(r.entries))
		ts := r.mono
		if r.entries[i].rec != nil {
			ts = r.entries[i].rec.ts()
		}
		n := []uint32{0, 1, 5, 0xffffffff, 0x7fffffff}[rng.IntN(5)]
		c := uint16(rng.IntN(r.streams + 1))
		if rng.IntN(4) == 0 {
			c = 0xffff
		}
		r.entries = slices.Insert(r.entries, i, entry{stream: r.streams - 1, rec: newRecord(ts, evLost, 0, c, n)})
	}
}

func again(rng *rand.Rand, r *recording, kind byte) {
	for i, e := range r.entries {
		if e.rec != nil && e.rec.kind() == kind {
			c := record(bytes.Clone(e.rec))
			j := rng.IntN(len(r.entries))
			if o := r.entries[j].rec; o != nil {
				c.setTS(o.ts() + 1)
			}
			r.entries = slices.Insert(r.entries, max(i, j), entry{stream: e.stream, rec: c})
			return
		}
	}
}

func absurdWatermarks(rng *rand.Rand, r *recording) {
	for i, e := range r.entries {
		if e.rec == nil && rng.IntN(3) == 0 {
			r.entries[i].watermark = []uint64{0, ^uint64(0), 1 << 63, e.watermark + 50_000_000, e.watermark / 2}[rng.IntN(5)]
		}
	}
	if rng.IntN(3) == 0 {
		r.entries = slices.DeleteFunc(r.entries, func(e entry) bool { return e.rec == nil })
	}
}

func flipBits(rng *rand.Rand, r *recording) {
	each(rng, r, few(rng), func(b record) { b[rng.IntN(len(b))] ^= 1 << rng.IntN(8) })
}

func absurdLengths(rng *rand.Rand, r *recording) {
	share := few(rng)
	for i, e := range r.entries {
		if e.rec != nil && rng.Float64() < share {
			switch n := headLen + rng.IntN(120); {
			case n < len(e.rec):
				r.entries[i].rec = e.rec[:n]
			case rng.IntN(20) == 0:
				r.entries[i].rec = append(bytes.Clone(e.rec), make([]byte, rng.IntN(3000))...)
			default:
				r.entries[i].rec = append(bytes.Clone(e.rec), make([]byte, n-len(e.rec))...)
			}
		}
	}
}

func absurdKinds(rng *rand.Rand, r *recording) {
	each(rng, r, few(rng), func(b record) { b[offKind] = byte(rng.IntN(45)) })
}

func selfWake(rng *rand.Rand, r *recording) {
	each(rng, r, 0.2, func(b record) {
		if o := keyOffsets(b.kind()); len(o) == 2 && len(b) >= 32 {
			copy(b[24:32], b[16:24])
		}
	})
}

// stackOffset: where the id of a stack stands in a record, 0: nowhere.
func stackOffset(b record) int {
	switch b.kind() {
	case evSwitch, evWaking, evWakeup, evFork, evSysEnter, evSyscall:
		return 32
	case evSample:
		return 24
	case evSnap:
		return 44
	case evStack:
		return offArg
	}
	return 0
}

// absurdStacks: ids that are nobody's or another's, frames that are anything, ends that are none of theirs.
func absurdStacks(rng *rand.Rand, r *recording) {
	each(rng, r, few(rng), func(b record) {
		if o := stackOffset(b); o != 0 && len(b) >= o+4 {
			binary.LittleEndian.PutUint32(b[o:], []uint32{0, 1, 2, rng.Uint32N(50), 0xffffffff, rng.Uint32()}[rng.IntN(6)])
		}
		if b.kind() == evStack && len(b) >= 40 {
			for range rng.IntN(4) {
				o := 32 + rng.IntN((len(b)-32)/8)*8
				binary.LittleEndian.PutUint64(b[o:], []uint64{0, ^uint64(0), rng.Uint64(), 0xffff000000000000, 1 << 48}[rng.IntN(5)])
			}
			b[28] = byte(rng.IntN(9))
		}
	})
}

func manyEpochs(rng *rand.Rand, r *recording) {
	n := uint32(0)
	for range 1 + rng.IntN(200) {
		i := rng.IntN(len(r.entries) + 1)
		ts := r.mono
		if i < len(r.entries) && r.entries[i].rec != nil {
			ts = r.entries[i].rec.ts()
		}
		n += rng.Uint32N(3)
		r.entries = slices.Insert(r.entries, i, entry{stream: r.streams - 1, rec: newRecord(ts, evEpoch, 0, cpuCollector, n)})
	}
}

// absurdSyms: names out of order, deep ones, empty ones, bytes that are no text.
func absurdSyms(rng *rand.Rand, r *recording) {
	share := few(rng)
	for i, e := range r.entries {
		if e.rec == nil || e.rec.kind() != evSym || len(e.rec) < 34 || rng.Float64() >= share {
			continue
		}
		b := record(bytes.Clone(e.rec))
		switch rng.IntN(4) {
		case 0:
			b[24] = byte(rng.IntN(18))
		case 1:
			binary.LittleEndian.PutUint64(b[16:], rng.Uint64())
		case 2:
			for range 1 + rng.IntN(8) {
				b[32+rng.IntN(len(b)-32)] = byte(rng.Uint32())
			}
		default:
			name := strings.Repeat("\xff\xc3\xa9", rng.IntN(300))
			b = append(b[:32], name...)
			b = append(b, 0, 'x', 0)
			binary.LittleEndian.PutUint16(b[26:], uint16(len(name)+1))
		}
		r.entries[i].rec = b
	}
}

// somewhere puts a record of the collector, or of any CPU, behind some other.
func somewhere(rng *rand.Rand, r *recording, kind byte, arg uint32, body func(r record) record) {
	if len(r.entries) == 0 {
		return
	}
	i := rng.IntN(len(r.entries))
	ts, stream := r.mono, rng.IntN(r.streams)
	if e := r.entries[i]; e.rec != nil {
		ts, stream = e.rec.ts()+rng.Uint64N(1000), e.stream
	}
	rec := newRecord(ts, kind, 0, uint16(stream), arg)
	if body != nil {
		rec = body(rec)
	}
	r.entries = slices.Insert(r.entries, i+1, entry{stream: stream, rec: rec})
}

// absurdLeaves: anybody is recorded no more at any time, also who was not, and goes on.
func absurdLeaves(rng *rand.Rand, r *recording) {
	pids := []uint32{0, 1, 4194304, ^uint32(0)}
	for _, e := range r.entries {
		if e.rec != nil && (e.rec.kind() == evThread || e.rec.kind() == evSnap) && !slices.Contains(pids, e.rec.arg()) {
			pids = append(pids, e.rec.arg())
		}
	}
	for range 1 + rng.IntN(100) {
		somewhere(rng, r, evLeave, pids[rng.IntN(len(pids))], nil)
	}
}

// absurdExits: threads that live on say that they end, with any code.
func absurdExits(rng *rand.Rand, r *recording) {
	var all []uint64
	each(rng, r, 1, func(b record) {
		if b.kind() == evThread && len(b) >= 24 {
			all = append(all, binary.LittleEndian.Uint64(b[16:]))
		}
		if b.kind() == evExit && len(b) >= 32 {
			binary.LittleEndian.PutUint32(b[24:], []uint32{0, 9, 0x7f, 0x80 | 11, 65, rng.Uint32()}[rng.IntN(6)])
			binary.LittleEndian.PutUint32(b[28:], []uint32{0, 1, rng.Uint32()}[rng.IntN(3)])
		}
	})
	if len(all) == 0 {
		return
	}
	for range 1 + rng.IntN(50) {
		somewhere(rng, r, evExit, 0, func(b record) record { return b.u64(all[rng.IntN(len(all))]).u32(rng.Uint32(), rng.Uint32N(2)) })
	}
}

// absurdIRQs: interrupts of whom they cannot have met, that took no time or all of it.
func absurdIRQs(rng *rand.Rand, r *recording) {
	var all []uint64
	eachKey(rng, r, 1, func(k uint64) uint64 {
		if len(all) < 200 {
			all = append(all, k)
		}
		return k
	})
	if len(all) == 0 {
		return
	}
	for range 1 + rng.IntN(100) {
		somewhere(rng, r, evIRQ, []uint32{0, 1, 2, rng.Uint32()}[rng.IntN(4)], func(b record) record {
			return b.u64(all[rng.IntN(len(all))], []uint64{0, 999, 1e6, rng.Uint64(), ^uint64(0)}[rng.IntN(5)]).
				comm([]string{"", "eth0-rx", "\xff\xfe", "NET_RX"}[rng.IntN(4)])
		})
	}
}

func damageNames() string {
	var n []string
	for _, d := range damages {
		n = append(n, d.name)
	}
	sort.Strings(n)
	return strings.Join(n, ",")
}

// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// Where the compiler that built FILE has put what we read of the runtime's structs, by its debug information:
//
//	gooffsets FILE    prints "g.m g.goid g.startpc m.curg"
package main

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"os"
)

func members(d *dwarf.Data, name string) map[string]int64 {
	out := map[string]int64{}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil || e == nil {
			return out
		}
		if e.Tag != dwarf.TagStructType || e.Val(dwarf.AttrName) != name {
			continue
		}
		for {
			m, err := r.Next()
			if err != nil || m == nil || m.Tag == 0 {
				return out
			}
			if at, ok := m.Val(dwarf.AttrDataMemberLoc).(int64); ok {
				out[m.Val(dwarf.AttrName).(string)] = at
			}
		}
	}
}

func main() {
	f, err := elf.Open(os.Args[1])
	var d *dwarf.Data
	if err == nil {
		d, err = f.DWARF()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	g, m := members(d, "runtime.g"), members(d, "runtime.m")
	fmt.Println(g["m"], g["goid"], g["startpc"], m["curg"])
}

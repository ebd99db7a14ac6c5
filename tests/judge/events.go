// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"bufio"
	"io"
	"os"

	"golang.org/x/exp/trace"
)

// eachEvent hands over the events of a trace in their order, until the reader refuses one.
func eachEvent(in io.Reader, fn func(trace.Event)) error {
	r, err := trace.NewReader(in)
	if err != nil {
		return err
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		fn(ev)
	}
}

// printOf is a command that prints what `read` makes of one trace.
func printOf[T any](name string, args []string, read func(io.Reader) (T, error)) int {
	if len(args) != 1 {
		return fail("%s: one file, please", name) + 1
	}
	f, err := os.Open(args[0])
	if err != nil {
		return fail("%v", err)
	}
	defer f.Close()
	out, err := read(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fail("%s: %s", args[0], firstLine(err.Error()))
	}
	return printJSON(out)
}

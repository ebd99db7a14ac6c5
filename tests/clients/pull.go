// SPDX-License-Identifier: BSD-2-Clause

// Pull fetches a trace as a Go program does, and reads it as it comes: pull URL FILE.
//
// It says "status CODE", the headers that net/http/pprof sends, a line each, "first" when the first bytes are there, "end N" with
// their number when the stream has ended as it should. A stream that breaks off is told on stderr, with exit status 1.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func pull(url, file string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println("status", resp.StatusCode)
	for _, name := range []string{"Content-Type", "Content-Disposition", "X-Content-Type-Options", "X-Go-Pprof"} {
		fmt.Printf("%s: %s\n", name, resp.Header.Get(name))
	}
	fmt.Println("length", resp.ContentLength, resp.TransferEncoding)
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	buf := make([]byte, 1<<16)
	total := 0
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 && total == 0 {
			fmt.Println("first")
		}
		total += n
		if _, werr := out.Write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			fmt.Println("end", total)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func main() {
	if err := pull(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "pull:", err)
		os.Exit(1)
	}
}

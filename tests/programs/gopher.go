// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// Go: goroutines that compute, that send through a channel, and that talk over a loopback socket. The recorder sees the
// threads of the runtime: futex waits, epoll. Prints "ready", runs until it is killed. Run with `go run` or built.
package main

import (
	"fmt"
	"net"
	"time"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		c, _ := l.Accept()
		b := make([]byte, 64)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			c.Write(b[:n])
		}
	}()
	go func() {
		c, _ := net.Dial("tcp", l.Addr().String())
		b := make([]byte, 64)
		for {
			c.Write(b[:8])
			c.Read(b)
			time.Sleep(2 * time.Millisecond)
		}
	}()
	work := make(chan int)
	for range 3 {
		go func() {
			for n := range work {
				for i := 0; i < 200000; i++ {
					n += i
				}
			}
		}()
	}
	go func() {
		for {
			work <- 1
			time.Sleep(500 * time.Microsecond)
		}
	}()
	fmt.Println("ready")
	select {}
}

// SPDX-License-Identifier: BSD-2-Clause

// Command cappuccino is cappuccino.c in Go: the same orders, options and words, by runtime/trace. It
// never starts a trace of its own; ctrace-bpf hears it all the same.
//
//	go run docs/examples/cappuccino.go
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/trace"
	"time"
)

var json = flag.Bool("j", false, "tell what was measured, a line of JSON for each task and region")

func tell(kind, typ, order string, begin time.Time) {
	took := time.Since(begin)
	if *json {
		fmt.Printf("{\"%s\": \"%s\", \"order\": \"%s\", \"ns\": %d}\n", kind, typ, order, took.Nanoseconds())
	}
}

// take is work: half thinking and half waiting.
func take(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d/2; {
	}
	time.Sleep(d / 2)
}

func step(ctx context.Context, order, typ string, d time.Duration) {
	begin := time.Now()
	trace.WithRegion(ctx, typ, func() { take(d) })
	tell("region", typ, order, begin)
}

func makeCappuccino(number int) {
	order := fmt.Sprintf("order-%d", number)
	begin := time.Now()
	trace.WithRegion(context.Background(), "makeCappuccino", func() {
		ordered := time.Now()
		ctx, task := trace.NewTask(context.Background(), "makeCappuccino")
		trace.Log(ctx, "orderID", order)

		milk, coffee, served := make(chan bool), make(chan bool), make(chan bool)
		go func() {
			step(ctx, order, "steamMilk", 30*time.Millisecond)
			milk <- true
		}()
		go func() {
			step(ctx, order, "extractCoffee", 40*time.Millisecond)
			coffee <- true
		}()
		go func() {
			<-milk
			<-coffee
			step(ctx, order, "mixMilkCoffee", 20*time.Millisecond)
			task.End()
			tell("task", "makeCappuccino", order, ordered)
			served <- true
		}()
		<-served
	})
	tell("region", "makeCappuccino", order, begin)
}

func main() {
	orders := flag.Int("n", 3, "how many orders, one after the other")
	wait := flag.Bool("w", false, "begin when a line comes on stdin")
	flag.Parse()
	if *wait {
		fmt.Printf("ready %d\n", os.Getpid())
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return
		}
	}
	for i := 1; i <= *orders; i++ {
		makeCappuccino(i)
	}
	fmt.Println("done")
}

// SPDX-License-Identifier: BSD-2-Clause

// geth's own JSON-RPC client against the service, over HTTP or over its socket:
//
//	geth-client WHERE call METHOD [JSON…]         one call: its result as JSON, or "error CODE: MESSAGE" and status 1
//	geth-client WHERE batch METHOD[,JSON…]…       all of them in one request, a line each
//	geth-client WHERE modules                     what `geth attach` asks first
//	geth-client WHERE beside FILE                 debug_goTrace that is waited for while, on the same connection, others are
//	                                              answered and stop it
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
)

func die(err error) {
	fmt.Fprintln(os.Stderr, "geth-client:", err)
	os.Exit(2)
}

func args(texts []string) []any {
	out := []any{}
	for _, t := range texts {
		out = append(out, json.RawMessage(t))
	}
	return out
}

func told(result json.RawMessage, err error) (string, bool) {
	var coded rpc.Error
	if err == nil {
		if result == nil {
			return "null", true
		}
		return string(result), true
	}
	if errors.As(err, &coded) {
		return fmt.Sprintf("error %d: %s", coded.ErrorCode(), err), false
	}
	return fmt.Sprintf("error: %s", err), false
}

func batch(ctx context.Context, c *rpc.Client, words []string) bool {
	elems := make([]rpc.BatchElem, len(words))
	results := make([]json.RawMessage, len(words))
	fine := true
	for i, w := range words {
		parts := strings.Split(w, ",")
		elems[i] = rpc.BatchElem{Method: parts[0], Args: args(parts[1:]), Result: &results[i]}
	}
	if err := c.BatchCallContext(ctx, elems); err != nil {
		die(err)
	}
	for i := range elems {
		text, ok := told(results[i], elems[i].Error)
		fmt.Println(text)
		fine = fine && ok
	}
	return fine
}

func inProgress(ctx context.Context, c *rpc.Client) bool {
	var status struct {
		Recordings []struct{ State string }
	}
	if err := c.CallContext(ctx, &status, "ctrace_status"); err != nil {
		die(err)
	}
	return len(status.Recordings) == 1 && status.Recordings[0].State == "recording"
}

func beside(ctx context.Context, c *rpc.Client, file string) bool {
	done := make(chan error)
	var result json.RawMessage
	go func() { done <- c.CallContext(ctx, &result, "debug_goTrace", file, 500) }()
	for !inProgress(ctx, c) {
		time.Sleep(10 * time.Millisecond)
	}
	err := c.CallContext(ctx, nil, "debug_startGoTrace", file)
	text, _ := told(nil, err)
	fmt.Println(text)
	err = c.CallContext(ctx, nil, "debug_stopGoTrace")
	text, ok := told(nil, err)
	fmt.Println(text)
	text, also := told(result, <-done)
	fmt.Println(text)
	return ok && also
}

func main() {
	if len(os.Args) < 3 {
		die(errors.New("WHERE and WHAT are missing"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := rpc.DialContext(ctx, os.Args[1])
	if err != nil {
		die(err)
	}
	defer c.Close()
	rest := os.Args[3:]
	fine := true
	switch os.Args[2] {
	case "call":
		var result json.RawMessage
		err := c.CallContext(ctx, &result, rest[0], args(rest[1:])...)
		var text string
		text, fine = told(result, err)
		fmt.Println(text)
	case "batch":
		fine = batch(ctx, c, rest)
	case "modules":
		modules, err := c.SupportedModules()
		if err != nil {
			die(err)
		}
		names := []string{}
		for name, version := range modules {
			names = append(names, name+" "+version)
		}
		sort.Strings(names)
		fmt.Println(strings.Join(names, "\n"))
	case "beside":
		fine = beside(ctx, c, rest[0])
	default:
		die(fmt.Errorf("what is %s?", os.Args[2]))
	}
	if !fine {
		c.Close()
		os.Exit(1)
	}
}

// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof"
	"net/url"
	"strings"
)

// pprofCase is a request that our service and net/http/pprof must answer alike. What is ours by intent is
// named: body "ours" is not compared, a header in `but` neither.
type pprofCase struct {
	method, target string
	body           string // "same", "trace" (both begin as a trace does), "ours"
	but            string // names of headers, apart by blanks
}

var pprofCases = []pprofCase{
	{"GET", "/debug/pprof/trace?seconds=0.2", "trace", ""},
	{"GET", "/debug/pprof/trace?seconds=+0.1&debug=1&foo=bar", "trace", ""},
	{"GET", "/debug/pprof/trace?seconds=nonsense", "trace", ""},
	{"GET", "/debug/pprof/trace?seconds=-4", "trace", ""},
	{"GET", "/debug/pprof/trace?seconds=1e-3", "trace", ""},
	{"HEAD", "/debug/pprof/trace?seconds=0.1", "same", ""},
	{"POST", "/debug/pprof/trace?seconds=0.1", "same", ""},
	{"PUT", "/debug/pprof/trace", "same", ""},
	{"DELETE", "/debug/pprof/trace", "same", ""},
	{"OPTIONS", "/debug/pprof/trace", "same", ""},
	{"FOO", "/debug/pprof/trace", "same", ""},
	{"GET", "/debug/pprof", "same", ""},
	{"GET", "/debug/pprof?a=b&c='<\"&d", "same", ""},
	{"HEAD", "/debug/pprof", "same", ""},
	{"POST", "/debug/pprof", "same", ""},
	{"GET", "//debug//pprof/trace?seconds=0.1", "same", ""},
	{"GET", "/debug/pprof/x/../trace?seconds=0.1", "same", ""},
	{"POST", "/debug/pprof/x/../trace?seconds=0.1", "same", ""},
	{"GET", "/debug/./pprof/", "same", ""},
	{"GET", "/debug/pprof/nope", "same", ""},
	{"GET", "/debug/pprof/nope?seconds=3", "same", ""},
	{"HEAD", "/debug/pprof/nope", "same", ""},
	{"POST", "/debug/pprof/nope", "same", ""},
	{"GET", "/debug/pprof/trace/", "same", ""},
	{"GET", "/debug/pprof/Trace", "same", ""},
	{"GET", "/debug/pprof/%74race?seconds=0.1", "trace", ""},
	{"GET", "/debug", "same", ""},
	{"GET", "/debug/", "same", ""},
	{"GET", "/nope", "same", ""},
	{"POST", "/nope", "same", ""},
	{"GET", "/debug/pprof/cmdline", "ours", ""},
	{"HEAD", "/debug/pprof/cmdline", "same", ""},
	{"POST", "/debug/pprof/cmdline", "same", ""},
	{"GET", "/debug/pprof/symbol", "ours", ""}, // there are none: num_symbols: 0
	{"GET", "/debug/pprof/", "ours", ""},       // a page of our own
	{"POST", "/debug/pprof/", "same", ""},
}

var pprofHeaders = []string{"Content-Type", "X-Content-Type-Options", "X-Go-Pprof", "Content-Disposition", "Allow", "Location"}

type pprofAnswer struct {
	status int
	header map[string]string
	chunks bool
	body   []byte
}

func pprofAsk(base string, c pprofCase) (*pprofAnswer, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(c.target, "?")
	u.Opaque = "//" + u.Host + path // as it is written, not as it is cleaned
	u.RawQuery = query
	req := &http.Request{Method: c.method, URL: u, Host: u.Host, Header: http.Header{}}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &pprofAnswer{status: resp.StatusCode, header: map[string]string{}}
	for _, name := range pprofHeaders {
		a.header[name] = strings.Join(resp.Header.Values(name), ", ")
	}
	a.header["Location"] = strings.TrimPrefix(a.header["Location"], "http://"+u.Host)
	a.chunks = len(resp.TransferEncoding) > 0
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

func isTrace(b []byte) bool {
	return strings.HasPrefix(string(b), "go 1.") && len(b) > 64
}

func pprofDiffers(c pprofCase, ours, its *pprofAnswer) string {
	// Before Go 1.26 redirects had another number.
	if its.status == http.StatusMovedPermanently {
		its.status = http.StatusTemporaryRedirect
		its.body = []byte(strings.Replace(string(its.body), "Moved Permanently", "Temporary Redirect", 1))
	}
	if ours.status != its.status {
		return fmt.Sprintf("status %d, not %d", ours.status, its.status)
	}
	for _, name := range pprofHeaders {
		if ours.header[name] != its.header[name] && !strings.Contains(c.but, name) {
			return fmt.Sprintf("%s %q, not %q", name, ours.header[name], its.header[name])
		}
	}
	switch c.body {
	case "same":
		if string(ours.body) != string(its.body) {
			return fmt.Sprintf("body %q, not %q", ours.body, its.body)
		}
	case "trace":
		if !isTrace(ours.body) || !isTrace(its.body) {
			return fmt.Sprintf("no trace: %.60q, and %.60q there", ours.body, its.body)
		}
		if ours.chunks != its.chunks {
			return "not in chunks"
		}
	}
	return ""
}

// cmdPprof holds a service that speaks as net/http/pprof does against net/http/pprof itself.
func cmdPprof(args []string) int {
	if len(args) != 1 {
		return fail("pprof needs the URL of a service, as http://127.0.0.1:6060")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail("%v", err)
	}
	go http.Serve(l, nil)
	bad := 0
	for _, c := range pprofCases {
		its, err := pprofAsk("http://"+l.Addr().String(), c)
		if err != nil {
			return fail("%s %s of net/http/pprof: %v", c.method, c.target, err)
		}
		ours, err := pprofAsk(args[0], c)
		what := ""
		if err != nil {
			what = err.Error()
		} else {
			what = pprofDiffers(c, ours, its)
		}
		if what != "" {
			fmt.Printf("%s %s: %s\n", c.method, c.target, what)
			bad++
		}
	}
	fmt.Printf("%d of %d answers differ\n", bad, len(pprofCases))
	if bad > 0 {
		return 1
	}
	return 0
}

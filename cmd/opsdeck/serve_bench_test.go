package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// BenchmarkServe asks a running `opsdeck serve` over the network, with a real
// server below it; it reports requests a second and the 99th percentile of what an
// answer took, in ms: once as fast as it goes, once at 10,000 requests a second.
// Client and server share the machine's cores.
func BenchmarkServe(b *testing.B) {
	s := testdb.MariaDB(b)
	config := configFile(b, fmt.Sprintf(
		"services:\n  - name: q\n    health: {url: \"\"}\n    database: {options_file: %s, name: mysql}\n",
		s.OptionsFile(b),
	))
	base, _ := served(b, config)
	for _, c := range []struct {
		path    string
		clients int
		rate    int // requests a second of all clients; 0 is as fast as it goes
	}{
		{"/health", 16, 0}, {"/health", 16, 10_000},
		{"/health/ready", 16, 0}, {"/health/ready", 16, 10_000},
		{"/metrics", 4, 0},
	} {
		b.Run(fmt.Sprintf("%s-%d", strings.ReplaceAll(c.path[1:], "/", "-"), c.rate), func(b *testing.B) {
			took := make([][]time.Duration, c.clients)
			var pause time.Duration
			if c.rate > 0 {
				pause = time.Second * time.Duration(c.clients) / time.Duration(c.rate)
			}
			var wg sync.WaitGroup
			b.ResetTimer()
			began := time.Now()
			for i := range c.clients {
				wg.Go(func() {
					took[i] = askMany(b, strings.TrimPrefix(base, "http://"), c.path, b.N/c.clients+1,
						pause)
				})
			}
			wg.Wait()
			whole := time.Since(began)
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(len(all))/whole.Seconds(), "req/s")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// askMany asks n times over one connection, at a steady pace or without pause.
func askMany(b *testing.B, address, path string, n int, pause time.Duration) (took []time.Duration) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer c.Close()
	in := bufio.NewReader(c)
	head := []byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
	start := time.Now()
	for i := range n {
		time.Sleep(time.Until(start.Add(pause * time.Duration(i))))
		began := time.Now()
		if _, err := c.Write(head); err != nil {
			b.Error(err)
			return took
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			b.Error(err)
			return took
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			b.Error(resp.Status, err)
			return took
		}
		took = append(took, time.Since(began))
	}
	return took
}

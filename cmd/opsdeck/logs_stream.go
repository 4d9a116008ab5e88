package main

import (
	"context"

	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
)

// streamed is the standard input when that is all that is searched, and nothing
// asked for needs its end or the lines around a hit; else nil.
func (r *logsRun) streamed(sources []logs.Source) logfile.Streamer {
	before, after := r.cmd.context()
	if r.cmd.Newest || before > 0 || after > 0 || len(sources) != 1 || sources[0].Name != "-" {
		return nil
	}
	s, _ := sources[0].Parts[0].(logfile.Streamer)
	return s
}

// stream prints the hits of the standard input as they come, until its end or
// until there are as many as were asked for.
func (r *logsRun) stream(ctx context.Context, s logfile.Streamer) error {
	enough, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &following{run: r, limit: int64(r.cmd.Limit), enough: cancel}
	f.stream(enough, "-", s)
	f.wait(enough)
	f.close()
	return ctx.Err()
}

// close ends printing: a reader that still waits for its input says no more.
func (f *following) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

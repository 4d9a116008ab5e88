package main

import (
	"context"

	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/site/reading"
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
	f := r.follower()
	f.Limit = r.cmd.Limit
	return f.Stream(ctx, s)
}

// followShown is how many hits -f shows of what was there, unless --limit says.
const followShown = 10

// follow prints the last hits and goes on with what comes.
func (r *logsRun) follow(ctx context.Context, sources []logs.Source) error {
	n := r.cmd.Limit
	if n == 0 {
		n = followShown
	}
	return r.follower().Follow(ctx, r.conf.Globs(r.cmd.Source, sources), sources, func(was []logs.Source) error {
		return r.tail(ctx, was, n)
	})
}

// follower prints what it hands on.
func (r *logsRun) follower() *reading.Follower {
	return &reading.Follower{
		Scan:     &r.scan,
		Style:    r.style,
		Numbered: r.cmd.JSON,
		Flush:    func() { r.out.Flush() },
		Warn:     r.warn,
		Note:     r.app.note,
		Emit: func(e *logs.Event) {
			r.hits++
			if r.cmd.JSON {
				r.json(e)
			} else {
				r.event(e)
			}
		},
	}
}

package mysql

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// ToolOutput is what one of the server's own tools writes. Its connection is not ours
// to watch: when nothing comes for long, the server is asked whether it is at work
// for any session of the user.
type ToolOutput struct {
	io.Reader
	target  Target
	end     func()
	limit   time.Duration
	stalled atomic.Pointer[ops.Error]
}

// WatchTool watches what a tool writes. end ends it when its line is stalled.
func WatchTool(r io.Reader, t Target, end func()) *ToolOutput {
	limit := t.StallAfter
	if limit <= 0 {
		limit = quiet
	}
	return &ToolOutput{Reader: r, target: t, end: end, limit: limit}
}

// Stalled is why the tool was ended; nil if it was not.
func (o *ToolOutput) Stalled() error {
	if e := o.stalled.Load(); e != nil {
		return e
	}
	return nil
}

func (o *ToolOutput) Read(p []byte) (int, error) {
	var timer atomic.Pointer[time.Timer]
	var done atomic.Bool
	timer.Store(time.AfterFunc(o.limit, func() {
		switch busy := o.target.works(min(500*time.Millisecond, o.limit/2)); {
		case done.Load():
		case busy:
			if t := timer.Load(); t != nil {
				t.Reset(o.limit)
			}
		default:
			why := newStall(lang.M("no data came from the server at %s for %s, and it is doing "+
				"nothing more for this session: the connection is stalled", o.target.Addr, o.limit.String()))
			o.stalled.Store(ops.E(ops.Busy, why.why).WithHint(why.hint))
			o.end()
		}
	}))
	n, err := o.Reader.Read(p)
	done.Store(true)
	timer.Load().Stop()
	return n, err
}

// works tells whether the server is at work for a session of the user, besides the one
// that asks. One that does not answer is not.
func (t Target) works(pause time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*dialTimeout)
	defer cancel()
	db, err := Open(ctx, t, "")
	if err != nil {
		return false
	}
	defer db.Close()
	for range 2 { // it may be between two statements
		rows, err := schema.All(ctx, db, "SELECT COMMAND, COALESCE(STATE, '') FROM information_schema.PROCESSLIST "+
			"WHERE ID <> CONNECTION_ID() AND USER = SUBSTRING_INDEX(USER(), '@', 1)")
		if err != nil {
			return false
		}
		for _, r := range rows {
			if !idle(r[0], r[1]) && r[0] != "Daemon" && r[0] != "Binlog Dump" {
				return true
			}
		}
		time.Sleep(pause)
	}
	return false
}

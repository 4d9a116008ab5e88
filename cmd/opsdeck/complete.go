package main

import (
	"context"
	"fmt"
	"opsdeck/internal/commandline"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// completeWithin is how long a shell waits for names at most: a folder on a dead
// file system gives none.
const completeWithin = 200 * time.Millisecond

// complete answers a shell that completes the command line in COMP_LINE up to
// COMP_POINT: a candidate a line. What goes wrong gives no candidate.
func complete(ctx context.Context, a *app, root *kong.Node) {
	line := a.getenv("COMP_LINE")
	if at, err := strconv.Atoi(a.getenv("COMP_POINT")); err == nil && at >= 0 && at < len(line) {
		line = line[:at]
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	a.until(ctx)
	found := make(chan []string, 1)
	go func() {
		fish := a.getenv("OPSDECK_COMPLETE") == "fish"
		found <- commandline.Candidates(root, line, fish, func(at commandline.Cursor, v *kong.Value) []string {
			a.flags.ConfigFile = kong.ExpandPath(at.Given["config"])
			a.flags.Service = at.Given["service"]
			return values(a, at, v)
		})
	}()
	select {
	case names := <-found:
		for _, name := range names {
			fmt.Fprintln(a.out, name)
		}
	case <-ctx.Done():
	}
}

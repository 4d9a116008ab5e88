package service

import (
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops/health"
)

// TestACommandThatHangsIsEnded: no command of a service is waited for without an end, though
// the caller gives none.
func TestACommandThatHangsIsEnded(t *testing.T) {
	defer func(look, command time.Duration) { lookWait, commandWait = look, command }(lookWait, commandWait)
	lookWait, commandWait = 200*time.Millisecond, 200*time.Millisecond
	const hangs = "sleep 600"
	c, err := New(config.Process{Kind: "command", Start: hangs, Stop: hangs, Status: hangs})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Status(t.Context())
	if p.State != health.ProcessUnknown || p.Reason.String() != "the status command timed out" {
		t.Errorf("%+v", p)
	}
	const said = "sleep 600 did not finish in time and was ended"
	var told []string
	watched := Watched(t.Context(), func(command string) { told = append(told, command) })
	if c.Status(watched); !slices.Equal(told, []string{hangs, ""}) {
		t.Errorf("told of %q", told)
	}
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("start: %v", err)
	}
	if err := c.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), said) {
		t.Errorf("stop: %v", err)
	}
}

package version

import (
	"runtime/debug"
	"testing"
)

func TestVersionNamesCommitAndDate(t *testing.T) {
	stamped := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{
			Key:   "vcs.revision",
			Value: "0123456789abcdef0123",
		}, {Key: "vcs.time", Value: "2026-01-29T12:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}
	for _, c := range []struct {
		name  string
		flags Info
		build *debug.BuildInfo
		want  string
	}{
		{"flags win", Info{Version: "1.2.3", Commit: "fedcba9876543210", Date: "2026-02-01T08:00:00+08:00"},
			&debug.BuildInfo{}, "1.2.3 (commit fedcba987654, 2026-02-01T00:00:00Z)"},
		{"stamps otherwise", Info{}, stamped, "dev (commit 0123456789ab+changes, 2026-01-29T12:00:00Z)"},
		{"nothing known", Info{}, nil, "dev"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := resolve(c.flags, c.build).String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

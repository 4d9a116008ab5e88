// Package version knows which build of opsdeck this is: from the linker's flags
// of a release, else from what the Go command stamps into every binary.
package version

import (
	"runtime/debug"
	"time"
)

// Set by `make build` through -ldflags -X.
var (
	version string // "1.2.3"
	commit  string
	date    string // RFC 3339
)

// Info is one build.
type Info struct {
	Version string // "1.2.3", or "dev"
	Commit  string // abbreviated to 12 digits; "" when unknown
	Date    string // of the commit, RFC 3339; "" when unknown
	Dirty   bool   // built from a changed tree
}

// Get is this build.
func Get() Info {
	build, _ := debug.ReadBuildInfo()
	return resolve(Info{Version: version, Commit: commit, Date: date}, build)
}

func resolve(i Info, build *debug.BuildInfo) Info {
	if build != nil {
		for _, s := range build.Settings {
			switch {
			case s.Key == "vcs.revision" && i.Commit == "":
				i.Commit = s.Value
			case s.Key == "vcs.time" && i.Date == "":
				i.Date = s.Value
			case s.Key == "vcs.modified":
				i.Dirty = s.Value == "true"
			}
		}
		if v := build.Main.Version; i.Version == "" && v != "(devel)" {
			i.Version = v
		}
	}
	if i.Version == "" {
		i.Version = "dev"
	}
	i.Commit = i.Commit[:min(len(i.Commit), 12)]
	if t, err := time.Parse(time.RFC3339, i.Date); err == nil {
		i.Date = t.UTC().Format(time.RFC3339)
	}
	return i
}

// String is "1.2.3 (commit 0123456789ab, 2026-01-29T12:00:00Z)".
func (i Info) String() string {
	if i.Commit == "" {
		return i.Version
	}
	mark := ""
	if i.Dirty {
		mark = "+changes"
	}
	return i.Version + " (commit " + i.Commit + mark + ", " + i.Date + ")"
}

package probe

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Logs are log files with the limits of their rotation (pm2-logrotate's:
// FIELD.md).
type Logs struct {
	Patterns []string // paths and globs; other sources, such as docker:NAME, are left out
	MaxBytes int64    // a live file is rotated at this length
	Keep     int      // rotated files kept of each live one
	// Now has the newest lines read too, for errors that need a person; nil has not.
	Now func() time.Time
}

// IsFile tells whether a configured source is a path or glob.
func IsFile(source string) bool {
	scheme, _, ok := strings.Cut(source, ":")
	return !ok || strings.Contains(scheme, "/")
}

// slack is how far over its limit a file may be: rotation looks every so often.
const slack = 2

// Probe looks whether rotation keeps up: no live file far over its limit, no
// more rotated files than are kept; and whether the newest lines tell of trouble.
func (l Logs) Probe() health.Probe {
	return func(ctx context.Context) health.Result {
		live, rotated, err := l.files()
		if err != nil {
			return health.CannotTell(lang.M("cannot check the log files"), reasonOf(err))
		}
		if len(live)+len(rotated) == 0 {
			return health.CannotTell(lang.M("there are no log files"), lang.Raw(strings.Join(l.Patterns, " ")))
		}
		r := l.judge(live, rotated)
		if l.Now != nil {
			troubled(&r, l.Patterns, l.Now())
		}
		return r
	}
}

func (l Logs) judge(live map[string]logFile, rotated map[string][]logFile) health.Result {
	var r health.Result
	var total int64
	var largest, newest logFile
	for _, f := range live {
		total += f.size
		if f.size > largest.size {
			largest = f
		}
		if f.at.After(newest.at) {
			newest = f
		}
	}
	kept, keptOf, number := most(rotated)
	for _, files := range rotated {
		for _, f := range files {
			total += f.size
		}
	}
	r.Detail = lang.M("%s in %d log files", human.Bytes(total), len(live)+number)
	if len(live)+number == 1 {
		r.Detail = lang.M("%s in one log file", human.Bytes(total))
	}
	r.Add("total_bytes", total, lang.Raw(human.Bytes(total)))
	if !newest.at.IsZero() {
		r.Add("written_at", newest.at, lang.M("%s", newest.at))
	}
	r.Add("largest_bytes", largest.size, lang.Raw(human.Bytes(largest.size)))
	if l.MaxBytes > 0 && largest.size > slack*l.MaxBytes {
		r.Find(ops.StateWarning, lang.M("log file %s has %s", filepath.Base(largest.path), human.Bytes(largest.size)),
			lang.M("rotation is set to %s", human.Bytes(l.MaxBytes)))
	}
	r.Add("rotated_files", kept, lang.Msg{})
	if len(live) == 0 {
		last := newestOf(rotated)
		r.Find(ops.StateWarning, lang.M("no log file is being written: only rotated ones are there"),
			lang.M("the newest is %s, written at %s", filepath.Base(last.path), last.at))
	}
	if l.Keep > 0 && kept > l.Keep+1 {
		r.Find(ops.StateWarning, lang.M("%d rotated files of %s are kept", kept, keptOf),
			lang.M("rotation is set to %d", l.Keep))
	}
	return r
}

// most is the live file with the most rotated ones, how many those are, and how
// many rotated files there are in all.
func most(rotated map[string][]logFile) (kept int, of string, all int) {
	for stem, files := range rotated {
		all += len(files)
		if len(files) > kept || len(files) == kept && stem < of {
			kept = len(files)
			of = stem
		}
	}
	return kept, of, all
}

// newestOf is the rotated file that was written last.
func newestOf(rotated map[string][]logFile) (newest logFile) {
	for _, files := range rotated {
		for _, f := range files {
			if f.at.After(newest.at) {
				newest = f
			}
		}
	}
	return newest
}

type logFile struct {
	path string
	size int64
	at   time.Time
}

// files sorts what the patterns match into live files by name and rotated ones
// by the name of their live file.
func (l Logs) files() (live map[string]logFile, rotated map[string][]logFile, err error) {
	live, rotated = map[string]logFile{}, map[string][]logFile{}
	for _, pattern := range l.Patterns {
		if !IsFile(pattern) {
			continue
		}
		paths, err := filepath.Glob(config.Home(pattern))
		if err != nil {
			return nil, nil, err
		}
		sort.Strings(paths)
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil || !info.Mode().IsRegular() {
				continue // gone since, or not a file
			}
			f := logFile{path, info.Size(), info.ModTime()}
			if stem, ok := stemOf(filepath.Base(path)); ok {
				rotated[stem] = append(rotated[stem], f)
			} else {
				live[filepath.Base(path)] = f
			}
		}
	}
	return live, rotated, nil
}

// stemOf is the live file's name of a rotated one: "app-out__2026-01-29_00-00-00.log.gz"
// (pm2-logrotate) and "app.log.1.gz" (logrotate); ok is false for a live file.
func stemOf(name string) (string, bool) {
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	if at := strings.Index(base, "__2"); at > 0 {
		return base[:at] + filepath.Ext(base), true
	}
	if ext := filepath.Ext(base); len(ext) > 1 && strings.Trim(ext[1:], "0123456789-") == "" {
		return strings.TrimSuffix(base, ext), true
	}
	return base, base != name
}

package probe

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// How much of a log's end is read, how old trouble may be that the log alone tells
// of, and how much of a line is quoted.
const (
	troubleTail  = 256 << 10
	troubleFresh = 10 * time.Minute
	quoted       = 160
)

// trouble is the newest trouble in log files, and the file that tells of it.
type trouble struct {
	line.Trouble
	file string
	ours bool // the file is one of the configured logs
}

// newestTrouble reads the ends of log files that were written since a moment. err is
// the first file that could not be read.
func newestTrouble(
	paths, patterns []string, since, now time.Time, ended bool,
) (last trouble, found bool, err error) {
	ours := matching(patterns)
	for _, path := range paths {
		info, problem := os.Stat(path)
		if problem != nil || !info.Mode().IsRegular() || info.ModTime().Before(since) {
			continue
		}
		text, problem := tailOf(path)
		if problem != nil {
			if err == nil {
				err = problem
			}
			continue
		}
		t, ok := line.LastTrouble(text, line.NewParser(time.Local, now), info.ModTime(), ended)
		if ok && !t.At.Before(since) && t.At.After(last.At) {
			last, found = trouble{t, path, slices.Contains(ours, path)}, true
		}
	}
	return last, found, err
}

// tailOf is the end of a file, from the beginning of a line.
func tailOf(path string) ([]byte, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-troubleTail)
	text, err := io.ReadAll(io.NewSectionReader(f, from, troubleTail))
	if from > 0 {
		for i, c := range text {
			if c == '\n' {
				return text[i+1:], err
			}
		}
	}
	return text, err
}

// headline names the cause.
func (t trouble) headline() lang.Msg {
	switch t.Cause {
	case line.TroublePort:
		at := t.At.Local().Format("15:04:05")
		switch held, pid, name := portHolder(t.Port); {
		case pid > 0:
			return takenBy(t.Port, pid, name)
		case held == free:
			return lang.M("port %d was taken at %s; it is free now", t.Port, at)
		case held == unknown:
			return lang.M("port %d was taken by another process at %s", t.Port, at)
		}
		return lang.M("port %d is taken by another process", t.Port)
	case line.TroubleModule:
		return lang.M("a Node module of the service is missing")
	case line.TroubleLogin:
		return lang.M("the database refuses the service's user or password")
	case line.TroubleDatabase:
		return lang.M("the service cannot reach its database")
	case line.TroubleMemory:
		return lang.M("the service ran out of memory")
	case line.TroubleDisk:
		return lang.M("a disk is full")
	}
	if !t.Critical {
		return lang.M("the log has an error")
	}
	return lang.M("the log has a critical error")
}

// command shows the line that is quoted.
func (t trouble) command(now time.Time) string {
	command := "opsdeck logs"
	switch {
	case t.Critical:
		command += " --critical"
	case t.Level >= logs.LevelError:
		command += " --level error+"
	}
	if !t.Critical || !t.ours {
		command += " --source " + human.Shell(t.file)
	}
	switch {
	case t.Lies.IsZero() || t.Level < logs.LevelError && !t.Critical:
		return command + " --newest --limit 20"
	case now.Sub(t.Lies) < time.Hour-searchLate:
		return command + " --since 1h"
	case now.Sub(t.Lies) < troubleOld:
		return command + " --since 2d"
	}
	return command + " --newest --limit 20"
}

// searchLate is how much later than it was advised a search may be typed.
const searchLate = 20 * time.Minute

// next is what to do first; empty where the cause is over, and what it stopped needs only to be
// started.
func (t trouble) next(now time.Time) lang.Msg {
	switch t.Cause {
	case line.TroublePort:
		if held, _, _ := portHolder(t.Port); held == free {
			return lang.Msg{}
		}
		return holder(t.Port)
	case line.TroubleModule:
		return lang.M("Install the modules in the service's folder: npm install")
	case line.TroubleLogin:
		return lang.M("Compare DB_USERNAME and DB_PASSWORD of the service's .env with the server's account.")
	}
	switch t.Cause {
	case line.TroubleDisk:
		return lang.M("Find what fills it: %s", "opsdeck runbook disk-full")
	case line.TroubleMemory:
		return lang.M("Raise the heap limit (%s), or find what grew: %s", "node --max-old-space-size=MB",
			t.command(now))
	}
	return lang.M("Read more: %s", t.command(now))
}

// quote is what the line says, short and without secrets.
func (t trouble) quote() lang.Msg {
	text := []rune(redact.Text(t.Said))
	if len(text) > quoted {
		text = append(text[:quoted], '…')
	}
	return lang.M("%s, in %s", string(text), filepath.Base(t.file))
}

// troubled adds to the result of a look at log files what their newest lines say.
func troubled(r *health.Result, patterns []string, now time.Time) {
	t, found, err := newestTrouble(matching(patterns), patterns, now.Add(-troubleFresh), now, false)
	if err != nil {
		r.AddUnknown("trouble", reasonOf(err))
		r.Find(ops.StateUnknown, lang.M("the log cannot be read"), reasonOf(err))
	}
	if !found {
		return
	}
	r.Add("trouble_at", t.At, lang.M("%s", t.At))
	r.Add("trouble", redact.Text(t.Text), lang.Raw(redact.Text(t.Text)))
	headline := t.headline()
	why := t.quote()
	r.Find(ops.StateCritical, headline, why)
	if t.Cause == line.TroubleOther {
		headline, why = why, lang.Msg{}
	}
	r.Headline = headline
	r.Why = why
	r.Event = t.At
	if r.Detail = lang.M("error in the log at %s: %s", t.At, headline); t.Critical {
		r.Detail = lang.M("critical error in the log at %s: %s", t.At, headline)
	}
	r.Lesser = !t.Critical
	if !why.Empty() {
		r.Detail = lang.M("%s (%s)", r.Detail, why)
	}
	if r.Next = t.next(now); r.Next.Empty() {
		r.Next = lang.M("Read more: %s", t.command(now))
	}
	r.Follows = health.KindProcess
}

// matching are the files of patterns that are live.
func matching(patterns []string) []string {
	var out []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(config.Home(pattern))
		if err != nil {
			continue // told by the look itself
		}
		for _, path := range paths {
			if _, rotated := stemOf(filepath.Base(path)); !rotated {
				out = append(out, path)
			}
		}
	}
	return out
}

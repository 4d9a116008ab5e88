package backups

import (
	"context"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/ping"
	"opsdeck/ops/site"
)

// The jobs with a dead-man's check, as the keys of pings in the configuration.
const (
	PingBackup = "backup"
	PingVerify = "verify"
	PingDrill  = "drill"
	PingSync   = "sync"
)

// pingOf maps a scheduled job to its check.
var pingOf = map[string]string{"daily": PingBackup, "verify": PingVerify, "drill": PingDrill}

// pingTime limits the last ping of a run, which is sent even if the run was stopped.
const pingTime = 15 * time.Second

func (sh Nights) pingFile(job string) string {
	p := sh.Service.Pings
	return map[string]string{PingBackup: p.Backup, PingVerify: p.Verify, PingDrill: p.Drill, PingSync: p.Sync}[job]
}

// Pinged runs a job between the pings of its check: the start, then success or the exit
// status with the last lines, to which said may add. Ping failures are reported once and
// never fail the job.
func (sh Nights) Pinged(ctx context.Context, job string, said func() string, run func(context.Context) error) error {
	warned := false
	tell := func(err error) {
		if err != nil && !warned {
			warned = true
			sh.Say(lang.M("the ping of %s failed, which does not affect the job: %s", job, redact.Text(err.Error())))
		}
	}
	check, err := ping.Open(sh.pingFile(job))
	tell(err)
	if check == nil {
		return run(ctx)
	}
	pings, err := check.Begin(ctx)
	tell(err)
	failure := run(ctx)
	exit, text := 0, ""
	if said != nil {
		text = said()
	}
	if failure != nil {
		e := sh.Explain(failure)
		exit = int(e.Code)
		text += site.Sentence(sh.Lang, e) + "\n"
		if !e.Hint.Empty() {
			text += sh.Lang.Msg(e.Hint) + "\n"
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTime)
	defer cancel()
	tell(pings.End(ctx, exit, text))
	return failure
}

// pinging wraps a scheduled job in its pings; heard has its last lines.
func (sh Nights) pinging(name string, heard *lines, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		heard.take() // drop earlier output
		return sh.Pinged(ctx, pingOf[name], heard.take, run)
	}
}

// lines is a job's output.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line)
	if len(l.text) > 50 {
		l.text = l.text[1:]
	}
}

// take is the output since the last take.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.text = nil }()
	if len(l.text) == 0 {
		return ""
	}
	return strings.Join(l.text, "\n") + "\n"
}

// withRecordedOutput returns a shelf whose output is also recorded.
func (sh Nights) withRecordedOutput() (Nights, *lines) {
	kept := &lines{}
	s := *sh.Site
	s.Say = func(m lang.Msg) {
		kept.add(sh.Lang.Msg(m))
		sh.Say(m)
	}
	own := *sh.Shelf
	own.Site = &s
	return Nights{&own}, kept
}

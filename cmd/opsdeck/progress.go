package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// progress draws long work on stderr: one line that changes on a terminal, a
// line every few seconds elsewhere. It is safe for concurrent use.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	lang  *lang.Printer
	live  bool
	width int
	last  time.Time
	drawn bool

	waited string // what the work was said to wait for
}

// plainEvery is how often progress is written where nothing can be drawn over.
const plainEvery = 10 * time.Second

// progress makes the printer for a command's work. Call done at its end.
func (a *app) progress() *progress {
	p := &progress{out: a.err, lang: a.lang, live: isTerminal(a.err) && a.getenv("TERM") != "dumb", last: time.Now()}
	if w := a.width(); w > 0 {
		p.width = w
	} else {
		p.width = 80
	}
	return p
}

// report takes one report of work.
func (p *progress) report(r ops.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits(r.Waits)
	if r.Phase == "" && r.Done == 0 && r.Object == "" {
		return // it told only what it waits for
	}
	every := plainEvery
	if p.live {
		every = 100 * time.Millisecond
	}
	if now := time.Now(); now.Sub(p.last) < every {
		return
	} else {
		p.last = now
	}
	line := progressLine(p.lang, r, p.width-1)
	if !p.live {
		fmt.Fprintln(p.out, line)
		return
	}
	fmt.Fprint(p.out, "\r\x1b[K"+line)
	p.drawn = true
}

// waits prints what the work waits for, each time that it changes. The caller holds the
// lock.
func (p *progress) waits(text string) {
	if text == p.waited {
		return
	}
	p.waited = text
	if text == "" {
		return
	}
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
	fmt.Fprintln(p.out, "            "+termsafe.Line(text))
}

// done clears the line.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

// progressLine is "rows orders_items  42 %  3,150,000 rows  512 MiB  210 MiB/s  ETA 0:03".
func progressLine(p *lang.Printer, r ops.Progress, width int) string {
	parts := []string{strings.TrimSpace(p.Msg(phase(r.Phase)) + " " + termsafe.Line(r.Object))}
	if r.Total > 0 {
		share := human.Percent(min(1, float64(r.Done)/float64(r.Total)))
		if r.Estimate {
			share = "~" + share
		}
		parts = append(parts, share)
	}
	if r.Rows > 0 {
		parts = append(parts, p.T("%s rows", human.Count(r.Rows)))
	}
	switch r.Unit {
	case "bytes":
		parts = append(parts, human.Bytes(r.Done), human.Rate(r.Rate()))
	case "rows":
		parts = append(parts, p.T("%s rows/s", human.Count(int64(r.Rate()))))
		if r.Bytes > 0 && r.Elapsed > 0 {
			parts = append(parts, human.Bytes(r.Bytes), human.Rate(float64(r.Bytes)/r.Elapsed.Seconds()))
		}
	default:
		parts = append(parts, human.Count(r.Done)+" "+r.Unit)
	}
	parts = append(parts, human.Clock(r.Elapsed))
	if left, ok := r.ETA(); ok {
		parts = append(parts, p.T("ETA %s", human.Clock(left)))
	}
	return cells.Cut(strings.Join(parts, "  "), width)
}

// phase is the name of a phase for people; an unknown one is shown as it is.
func phase(name string) lang.Msg {
	switch name {
	case "schema", "ddl":
		return lang.M("definitions")
	case "rows":
		return lang.M("rows")
	case "indexes":
		return lang.M("indexes")
	case "objects":
		return lang.M("views and routines")
	case "verify":
		return lang.M("verify")
	case "copy":
		return lang.M("copy")
	case "compare":
		return lang.M("compare")
	case "export":
		return lang.M("export")
	case "delete":
		return lang.M("delete")
	case "count":
		return lang.M("count")
	case "prove":
		return lang.M("learn the order")
	case "read":
		return lang.M("read")
	case "index":
		return lang.M("index")
	case "search":
		return lang.M("search")
	}
	return lang.Raw(name)
}

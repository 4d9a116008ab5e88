package main

import (
	"fmt"
	"io"
	"sync"
	"time"

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
	line := r.Line(p.lang, p.width-1)
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

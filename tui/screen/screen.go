package screen

import (
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
)

const (
	enterAlt = "\x1b[?1049h"
	leaveAlt = "\x1b[?1049l"

	beginFrame = "\x1b[?2026h" // synchronized output: show what follows at once
	endFrame   = "\x1b[?2026l"
	large      = 200 // bytes from which a frame is worth a pair of those
)

// errStuck is the end of a write that the terminal does not take.
var errStuck = errors.New("the terminal takes no output")

// stuck is how long the end waits for a write that is under way.
const stuck = time.Second

// Options of a screen.
type Options struct {
	Ask  bool      // ask the terminal how far it has read; its answers come through Reader
	Sync bool      // send synchronized output
	In   io.Reader // what the terminal is read from at the end, where answers are on their way
}

// Screen takes what Bubble Tea writes. It is safe for use by several goroutines.
type Screen struct {
	out io.Writer
	o   Options

	mu     sync.Mutex
	alt    bool
	p      painter
	shown  *grid
	before strings.Builder // raw output that goes before the next frame
	pace   *pace

	wake    chan struct{} // capacity 1
	writing chan struct{} // capacity 1: held while the terminal is written to
	stop    chan struct{}
}

// New makes a screen that writes to out. Close ends it.
func New(out io.Writer, o Options) *Screen {
	s := &Screen{
		out:     out,
		o:       o,
		pace:    newPace(o.Ask),
		wake:    make(chan struct{}, 1),
		writing: make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	s.resize(80, 24)
	go s.pump()
	return s
}

// Close ends the work in the background. What was not written yet is dropped.
func (s *Screen) Close() { close(s.stop) }

// Resize sets the size of the terminal, in cells. Everything is drawn again.
func (s *Screen) Resize(w, h int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resize(max(1, w), max(1, h))
}

func (s *Screen) resize(w, h int) {
	s.p = painter{to: newGrid(w, h, blank)}
	s.shown = newGrid(w, h, unknown)
}

// Write takes a frame or a control sequence of Bubble Tea. A frame is written to the
// terminal later, when the terminal can take it, or never when a newer one came first.
func (s *Screen) Write(b []byte) (int, error) {
	text := string(b)
	if i := strings.Index(text, leaveAlt); i >= 0 && s.leave() {
		err := s.now(s.taken() + text)
		s.farewell()
		return len(b), err
	}
	s.mu.Lock()
	if strings.Contains(text, enterAlt) {
		s.alt = true
	}
	if !s.alt {
		s.mu.Unlock()
		return len(b), s.now(text)
	}
	s.p.paint(text)
	s.before.WriteString(s.p.raw.String())
	s.p.raw.Reset()
	if strings.Contains(text, ansi.EraseEntireScreen) {
		s.before.WriteString("\x1b[m" + ansi.EraseEntireScreen)
		s.shown.fill(blank)
	}
	s.mu.Unlock()
	s.notify()
	return len(b), nil
}

// leave notes that the alternate screen is left: the frame goes with it.
func (s *Screen) leave() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.alt
	s.alt = false
	s.shown.fill(unknown)
	return was
}

func (s *Screen) taken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.before.String()
	s.before.Reset()
	return raw
}

func (s *Screen) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// now writes at once, after what is being written.
func (s *Screen) now(text string) error {
	select {
	case s.writing <- struct{}{}:
	case <-time.After(stuck):
		return errStuck
	}
	defer func() { <-s.writing }()
	_, err := io.WriteString(s.out, text)
	return err
}

// pump writes frames for as long as the screen is open.
func (s *Screen) pump() {
	for {
		select {
		case <-s.wake:
		case <-s.stop:
			return
		}
		for s.frame() {
		}
	}
}

// frame writes as much of the newest frame as the line can take; more: something is
// left.
func (s *Screen) frame() (more bool) {
	s.mu.Lock()
	n, wait := s.pace.budget(time.Now())
	s.mu.Unlock()
	if n == 0 {
		return s.pause(wait)
	}
	select {
	case s.writing <- struct{}{}:
	case <-s.stop:
		return false
	}
	defer func() { <-s.writing }()
	text, more := s.next(n)
	if text == "" {
		return false
	}
	start := time.Now()
	if _, err := io.WriteString(s.out, text); err != nil {
		return false
	}
	s.mu.Lock()
	s.pace.wrote(len(text), time.Since(start), time.Now())
	s.mu.Unlock()
	return more
}

// pause waits for an answer, a newer frame or a time.
func (s *Screen) pause(wait time.Duration) bool {
	t := time.NewTimer(max(wait, time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.wake:
	case <-s.stop:
		return false
	}
	return true
}

// next is what to write now, at most about n bytes.
func (s *Screen) next(n int) (text string, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.before.String()
	s.before.Reset()
	body := ""
	if s.alt {
		p := newPen()
		more = !update(p, s.shown, s.p.to, n-len(raw))
		body = p.String()
	}
	if s.o.Sync && len(body) > large {
		body = beginFrame + body + endFrame
	}
	text = raw + body
	if text != "" && s.alt && s.pace.ask(len(text), time.Now()) {
		text += question
	}
	return text, more
}

package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/creack/pty"

	"opsdeck/internal/lang"
	"opsdeck/tui/page"
)

// farEnd is a terminal's far end: it counts and keeps what is written.
type farEnd struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *farEnd) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *farEnd) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await waits until the screen has shown text.
func (s *farEnd) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.String(), text) {
			return
		}
	}
	t.Fatalf("never showed %q: %q", text, s.String())
}

// running is a console that runs on pipes.
type running struct {
	out  farEnd
	keys *io.PipeWriter
	stop context.CancelFunc
	end  chan error
}

func start80x24(t *testing.T, change func(*Options, *fakePage)) *running {
	t.Helper()
	c, pages, _ := testConsole()
	o := c.o
	o.ReportDir = t.TempDir()
	if change != nil {
		change(&o, pages[0])
	}
	ctx, cancel := context.WithCancel(context.Background())
	in, keys := io.Pipe()
	r := &running{keys: keys, stop: cancel, end: make(chan error, 1)}
	go func() { r.end <- Run(ctx, o, in, &r.out) }()
	t.Cleanup(func() { cancel(); keys.Close() })
	return r
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.end:
		return err
	case <-time.After(time.Minute):
		t.Fatal("the console did not end")
		return nil
	}
}

const leaveAltScreen, showCursor = "\x1b[?1049l", "\x1b[?25h"

func (r *running) restored(t *testing.T) {
	t.Helper()
	if s := r.out.String(); !strings.Contains(s, leaveAltScreen) || !strings.Contains(s, showCursor) {
		t.Errorf("the terminal was not restored: …%q", s[max(0, len(s)-200):])
	}
}

func TestIdleConsoleWritesNothing(t *testing.T) {
	r := start80x24(t, nil)
	r.out.await(t, "quit")
	written := func() int { return len(r.out.String()) }
	quiet := func() (before int, none bool) {
		before = written()
		time.Sleep(time.Second) // sixty chances to draw
		return before, written() == before
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); { // the first frames settle
		if _, none := quiet(); none {
			break
		}
	}
	if before, none := quiet(); !none {
		t.Errorf("%d bytes written while nothing changed: %q", written()-before, r.out.String()[before:])
	}
	r.stop()
	r.wait(t)
}

func TestEndFromOutsideRestoresTheTerminal(t *testing.T) {
	r := start80x24(t, nil)
	r.out.await(t, "quit")
	r.stop()
	if err := r.wait(t); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	r.restored(t)
}

// A terminal that goes away without a signal ends the console.
func TestAHangupEndsTheConsole(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	c, _, _ := testConsole()
	c.o.ReportDir = t.TempDir()
	r := &running{end: make(chan error, 1)}
	go func() { r.end <- Run(t.Context(), c.o, near, &r.out) }()
	r.out.await(t, "quit")
	far.Close()
	if err := r.wait(t); !errors.Is(err, ErrHangup) {
		t.Errorf("err = %v", err)
	}
	r.restored(t)
}

func TestEndWaitsForWork(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	r := start80x24(t, func(o *Options, p *fakePage) {
		p.acts = []page.Action{{ID: "x", Keys: []string{"w"}, Run: func() tea.Cmd {
			ctx := o.Env
			return func() tea.Msg {
				close(begun)
				<-ctx.Ctx.Done()
				time.Sleep(50 * time.Millisecond)
				close(ended)
				return nil
			}
		}}}
	})
	r.out.await(t, "quit")
	r.keys.Write([]byte("w"))
	<-begun
	r.keys.Write([]byte("q"))
	r.wait(t)
	select {
	case <-ended:
	default:
		t.Error("the console ended before its work")
	}
}

func TestPanicRestoresTheTerminalAndLeavesAReport(t *testing.T) {
	for name, boom := range map[string]func() tea.Cmd{
		"update":  func() tea.Cmd { panic("boom in update") },
		"command": func() tea.Cmd { return func() tea.Msg { panic("boom in command") } },
		"batch": func() tea.Cmd {
			return tea.Batch(nil, func() tea.Msg { panic("boom in batch") }, page.Send(page.Refresh{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start80x24(t, func(_ *Options, p *fakePage) {
				p.acts = []page.Action{{ID: "x", Keys: []string{"w"}, Label: lang.Raw("x"), Run: boom}}
			})
			r.out.await(t, "quit")
			r.keys.Write([]byte("w"))
			var crash *CrashError
			if err := r.wait(t); !errors.As(err, &crash) {
				t.Fatalf("err = %v", err)
			}
			r.restored(t)
			report, err := os.ReadFile(crash.Report)
			if err != nil || !strings.Contains(string(report), "boom in "+name) ||
				!strings.Contains(string(report), "run_test.go") {
				t.Errorf("report: %v\n%s", err, report)
			}
		})
	}
}

package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/atomicfile"
	"opsdeck/tui/page"
)

// patience is how long the end waits for work to notice that it is over.
const patience = 3 * time.Second

// framesPerSecond is how often the screen is written at most. Bubble Tea wakes up so often
// even when nothing changes, and an idle console should cost next to nothing.
const framesPerSecond = 20

// quitMsg asks the console to leave, from outside.
type quitMsg struct{}

// CrashError says that the console broke; the terminal is restored.
type CrashError struct{ Report string }

func (e *CrashError) Error() string { return "the console broke; report: " + e.Report }

// ErrHangup says that the terminal went away. Not everything that stands between it
// and the console (make, a wrapper of one's own) hands its SIGHUP on.
var ErrHangup = errors.New("the terminal is gone")

// terminal is an input that tells when it ends: bubbletea would run on without one.
type terminal struct {
	*os.File
	from io.Reader
	gone func()
}

func (t *terminal) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if err != nil {
		t.gone()
	}
	return n, err
}

// Run shows the console until it is left, ctx ends or the terminal is gone, then
// waits for what runs in the background. The terminal is restored in any case.
func Run(ctx context.Context, o Options, in io.Reader, out io.Writer) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	o.Env.Ctx = inner
	c := New(o)
	return run(ctx, cancel, c, c, in, out)
}

// run runs the program of a console's model; cancel ends the console's work.
func run(ctx context.Context, cancel func(), c *Console, model tea.Model, in io.Reader, out io.Writer) error {
	var p *tea.Program
	leave := func() {
		p.Send(quitMsg{})
		time.AfterFunc(time.Second, p.Kill) // a stuck console leaves as well
	}
	sc, output := differ(in, out)
	defer sc.Close()
	var hungUp atomic.Bool
	if f, ok := in.(*os.File); ok {
		in = &terminal{f, sc.Reader(f), func() {
			if !hungUp.Swap(true) {
				go leave()
			}
		}}
	}
	p = tea.NewProgram(
		model,
		tea.WithAltScreen(),
		tea.WithInput(in),
		tea.WithOutput(output),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg {
			if size, ok := msg.(tea.WindowSizeMsg); ok {
				sc.Resize(size.Width, size.Height)
			}
			return msg
		}),
		tea.WithoutSignalHandler(),
		tea.WithFPS(framesPerSecond),
	)
	stop := context.AfterFunc(ctx, leave)
	defer stop()
	_, err := p.Run()
	cancel()
	c.close()
	if path := c.work.crashed(); path != "" {
		return &CrashError{path}
	}
	switch {
	case hungUp.Load():
		return ErrHangup
	case errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil:
		return ctx.Err()
	case err == nil && c.next != nil:
		return c.next
	}
	return err
}

// close ends the pages' background work and waits for commands, for a while.
func (c *Console) close() {
	done := make(chan struct{})
	go func() {
		for _, p := range c.o.Pages {
			if closer, ok := p.(page.Closer); ok {
				closer.Close()
			}
		}
		for c.work.running.Load() > 0 {
			time.Sleep(2 * time.Millisecond)
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

// tracker follows the commands that are under way, and writes a report when
// anything panics.
type tracker struct {
	running atomic.Int64
	dir     string
	version string
	mu      sync.Mutex
	path    string
}

func newTracker(o Options) *tracker { return &tracker{dir: o.ReportDir, version: o.Version} }

// watch makes a command that is waited for at the end and reports its panic.
func (t *tracker) watch(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		t.running.Add(1)
		defer t.running.Add(-1)
		defer t.report()
		msg := cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i := range batch {
				batch[i] = t.watch(batch[i])
			}
		}
		return msg
	}
}

// report is deferred: it writes down a panic and lets it go on, for bubbletea
// restores the terminal.
func (t *tracker) report() {
	r := recover()
	if r == nil {
		return
	}
	t.write(fmt.Sprintf("%s\n%s\n\npanic: %v\n\n%s", t.version, time.Now().Format(time.RFC3339), r, debug.Stack()))
	panic(r)
}

func (t *tracker) write(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path != "" {
		return
	}
	dir := t.dir
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, "crash-"+time.Now().Format("20060102-150405")+".txt")
	if atomicfile.WriteBytes(path, 0o600, []byte(text)) == nil {
		t.path = path
	}
}

func (t *tracker) crashed() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.path
}

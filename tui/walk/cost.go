package walk

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"opsdeck/tui/page"
	"opsdeck/tui/screen"
	"opsdeck/tui/theme"
)

// A line of 2 kB/s carries step in 0.3 s: that is what half of the steps in a list may
// send to a terminal of 80×24, and no step more than most, where it brings a pane of text
// with it.
const (
	step = 600
	most = 1000
)

// cheap goes five steps down and five up on a face, and looks at what each sends.
func cheap(t *testing.T, name string, face Face) {
	t.Helper()
	if face.Press == nil {
		return
	}
	face.Env.Theme = theme.New(theme.Options{Dark: true})
	size := page.Size{Width: 80, Height: 20}
	face.View(size)
	face.Press("j") // what still was to be read for this size comes with the first
	views := []string{face.View(size)}
	for _, key := range strings.Fields("j j j j j k k k k k") {
		face.Press(key)
		views = append(views, face.View(size))
	}
	costs := costs(t, size, views...)
	for i, n := range costs {
		if n > most {
			t.Errorf("%s: step %d sends %d bytes, want %d at most:\n%s\n%s", name, i+1, n, most, views[i], views[i+1])
		}
	}
	if slices.Sort(costs); costs[len(costs)/2] > step {
		t.Errorf("%s: a step sends %d bytes, want %d at most", name, costs[len(costs)/2], step)
	}
}

// costs is how many bytes the console sends to a terminal for each view after the first.
func costs(t *testing.T, size page.Size, views ...string) (bytes []int) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		line := &counter{}
		s := screen.New(line, screen.Options{Sync: true})
		defer s.Close()
		s.Resize(size.Width, size.Height)
		s.Write([]byte("\x1b[?1049h"))
		for i, view := range views {
			before := line.count()
			s.Write([]byte("\x1b[H" + strings.ReplaceAll(view, "\n", "\x1b[K\r\n") + "\x1b[K"))
			synctest.Wait()
			if i > 0 {
				bytes = append(bytes, line.count()-before)
			}
		}
	})
	return bytes
}

// counter counts what is written to it.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += len(b)
	return len(b), nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

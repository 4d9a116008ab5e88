package screen

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowLine carries some bytes a second to a terminal. Like sshd and the kernel it
// takes all at once, up to room bytes; then a write waits.
type slowLine struct {
	rate, room int
	answers    bool

	mu      sync.Mutex
	queue   []byte
	drained *sync.Cond
	term    *terminal
	back    chan struct{} // answers on their way
	stop    bool
}

func newSlowLine(rate, room int, answers bool) *slowLine {
	l := &slowLine{rate: rate, room: room, answers: answers, term: newTerminal(80, 24), back: make(chan struct{}, 1000)}
	l.drained = sync.NewCond(&l.mu)
	go l.carry()
	return l
}

func (l *slowLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > l.room && !l.stop {
		l.drained.Wait()
	}
	l.queue = append(l.queue, b...)
	return len(b), nil
}

// carry gives the terminal whole sequences, each when its last byte has come.
func (l *slowLine) carry() {
	for !l.stopped() {
		time.Sleep(10 * time.Millisecond)
		l.mu.Lock()
		l.deliver(l.rate / 100)
		l.drained.Broadcast()
		l.mu.Unlock()
	}
}

func (l *slowLine) deliver(n int) {
	n = min(n, len(l.queue))
	l.term.held = append(l.term.held, l.queue[:n]...)
	l.queue = l.queue[n:]
	whole := wholeUntil(l.term.held)
	before := l.term.asked
	l.term.send(string(l.term.held[:whole]))
	l.term.held = l.term.held[whole:]
	for range l.term.asked - before {
		if l.answers && !l.stop {
			l.back <- struct{}{}
		}
	}
}

// wholeUntil is where a sequence or a character begins that is not there in full.
func wholeUntil(b []byte) int {
	i := bytes.LastIndexByte(b, 0x1b)
	if i >= 0 && (len(b) == i+1 || b[i+1] == '[' && !strings.ContainsAny(string(b[i+2:]), "mHKJACrhln")) {
		return i
	}
	return len(b)
}

// Read is the terminal's keyboard.
func (l *slowLine) Read(b []byte) (int, error) {
	if _, ok := <-l.back; !ok {
		return 0, io.EOF
	}
	return copy(b, answer), nil
}

func (l *slowLine) stopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop
}

func (l *slowLine) end() {
	l.mu.Lock()
	l.stop = true
	l.mu.Unlock()
	close(l.back)
	time.Sleep(time.Second)
}

func (l *slowLine) row(y int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, c := range l.term.to.rows[y] {
		b.WriteString(c.text)
	}
	return strings.TrimSpace(b.String())
}

// busyLog is a followed log: thirty frames a second, each with a new line, and a clock
// of milliseconds in the first row.
type busyLog struct {
	start time.Time
	lines []string
	typed string
	sent  map[string]bool // the numbers of the frames
}

func (g *busyLog) frame() string {
	now := time.Since(g.start).Milliseconds()
	text := fmt.Sprintf("\x1b[2m%08d\x1b[m INFO a line of the log with number \x1b[31m%d\x1b[m and some more text", now,
		now*7919)
	g.lines = append(g.lines, text)
	if len(g.lines) > 21 {
		g.lines = g.lines[1:]
	}
	number := strconv.FormatInt(now, 10)
	g.sent[number] = true
	return frame(append([]string{number, "> " + g.typed}, g.lines...))
}

// watch shows a busy log on a line for a while and returns the ages, in
// milliseconds, of what the terminal shows, and how long a typed key took.
func watch(t *testing.T, l *slowLine, settle, during time.Duration) (worst, key time.Duration) {
	t.Helper()
	s := New(l, Options{Ask: l.answers})
	defer l.end()
	defer s.Close()
	r := s.Reader(l)
	go io.Copy(io.Discard, r)
	s.Write([]byte(enterAlt))
	g := &busyLog{start: time.Now(), sent: map[string]bool{}}
	var pressed time.Time
	at := 0
	for time.Since(g.start) < settle+during {
		s.Write([]byte(g.frame()))
		time.Sleep(33 * time.Millisecond)
		if time.Since(g.start) < settle {
			continue
		}
		if row := l.row(0); g.sent[row] { // else it is half painted, and what was there before counts
			at, _ = strconv.Atoi(row)
		}
		worst = max(worst, time.Since(g.start)-time.Duration(at)*time.Millisecond)
		switch {
		case pressed.IsZero():
			g.typed += "x"
			pressed = time.Now()
		case l.row(1) == "> "+g.typed:
			key = max(key, time.Since(pressed))
			pressed = time.Time{}
		}
	}
	return worst, key
}

func TestASlowLineShowsWhatIsRecent(t *testing.T) {
	for _, c := range []struct {
		name    string
		rate    int
		room    int
		answers bool
		settle  time.Duration
		within  time.Duration
	}{
		{"2 kB/s, a terminal that answers", 2000, 1 << 20, true, 5 * time.Second, 350 * time.Millisecond},
		{"20 kB/s, a terminal that answers", 20_000, 1 << 20, true, 5 * time.Second, 200 * time.Millisecond},
		{"2 kB/s, no answers, a small buffer", 2000, 4000, false, 15 * time.Second, 350 * time.Millisecond},
		{"fast", 10_000_000, 1 << 20, true, time.Second, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				worst, key := watch(t, newSlowLine(c.rate, c.room, c.answers), c.settle, 20*time.Second)
				t.Logf("oldest %v, slowest key %v", worst, key)
				if worst > c.within || key > c.within {
					t.Errorf("want both within %v", c.within)
				}
			})
		})
	}
}

package screen

import (
	"time"
)

// The answer of the terminal to "are you well?" tells how far it has read. Without
// it nobody knows: sshd and the kernel take hundreds of kilobytes at once for a line
// that carries two a second.
const (
	question = "\x1b[5n"
	answer   = "\x1b[0n"
)

const (
	stale       = 200 * time.Millisecond // how old output may be when it arrives
	smallest    = 256                    // bytes that may be under way on the slowest line
	largest     = 64 << 10               // bytes under way where nothing is slow
	silentAfter = 5 * time.Second        // a terminal silent for so long does not answer
	late        = 2 * time.Second        // the longest wait for an answer of a terminal that answers
	misses      = 3                      // answers in a row that may be missing
	blocked     = 50 * time.Millisecond  // a write that takes so long met a full buffer
	slowShare   = 0.7                    // share of a blocked line's rate to use, so that its buffer drains
	slowest     = 1000                   // bytes a second that any line is trusted to carry
	// bytes without a block after which a faster rate is tried: more than buffers hold
	trust      = 64 << 10
	fastEnough = 100_000 // bytes a second from which nothing is held back
)

// asked is a question under way: how much had been written with it, and when.
type asked struct {
	total int
	size  int // bytes under way when it was sent
	at    time.Time
}

// pace decides how many bytes may be written now. The caller locks.
type pace struct {
	answers bool    // the terminal has answered before
	silent  bool    // do not ask: it is not a terminal, or does not answer
	window  int     // bytes that may be under way
	rate    float64 // bytes a second of a line that blocks; 0: none has
	missed  int     // answers in a row that did not come
	smooth  int     // bytes since a write last blocked, or since rate was raised
	sent    int
	read    int // of sent, what the terminal has read
	open    []asked
	nearest time.Duration // the shortest time to an answer
	free    time.Time     // without answers: when to write next
}

func newPace(ask bool) *pace { return &pace{silent: !ask, window: largest} }

// budget is how many bytes may be written now; 0: wait for an answer or for the time
// that is returned.
func (p *pace) budget(now time.Time) (n int, wait time.Duration) {
	p.forget(now)
	if p.silent {
		return p.blind(now)
	}
	if !p.answers {
		return largest, 0
	}
	way := p.sent - p.read
	if way > 0 && p.window-way < smallest/2 {
		return 0, p.open[0].at.Add(p.patience()).Sub(now)
	}
	return p.window - way, 0
}

func (p *pace) blind(now time.Time) (n int, wait time.Duration) {
	if p.rate == 0 {
		return largest, 0
	}
	if wait = p.free.Sub(now); wait > 0 {
		return 0, wait
	}
	return max(smallest, int(p.rate*stale.Seconds())), 0
}

// reset forgets what is under way: the terminal was left, or is another one now.
func (p *pace) reset() {
	p.open = nil
	p.read = p.sent
}

// patience is how long an answer is waited for.
func (p *pace) patience() time.Duration {
	if p.answers {
		return late
	}
	return silentAfter
}

// forget goes on without an answer that is late, and gives up a terminal that does
// not answer.
func (p *pace) forget(now time.Time) {
	if len(p.open) == 0 || now.Sub(p.open[0].at) < p.patience() {
		return
	}
	p.missed++
	p.silent = !p.answers || p.missed >= misses
	p.reset()
}

// ask notes a question that goes out after n more bytes; false: none is to be sent.
func (p *pace) ask(n int, now time.Time) bool {
	if p.silent || !p.answers && len(p.open) > 0 {
		p.sent += n
		return false
	}
	p.sent += n + len(question)
	p.open = append(p.open, asked{p.sent, p.sent - p.read, now})
	return true
}

// answered takes the answer to the oldest question.
func (p *pace) answered(now time.Time) {
	if len(p.open) == 0 {
		return
	}
	q := p.open[0]
	p.open = p.open[1:]
	p.missed = 0
	p.read = q.total
	if len(p.open) == 0 {
		p.read = p.sent
	}
	took := now.Sub(q.at)
	if !p.answers {
		p.answers = true
		p.window = within(float64(q.size) * stale.Seconds() / max(took, time.Millisecond).Seconds())
		p.nearest = took
		return
	}
	p.nearest = min(p.nearest, took)
	queued := took - p.nearest
	switch {
	case queued > stale:
		p.window = within(float64(q.size) * stale.Seconds() / queued.Seconds())
	case queued < stale/2 && q.size > p.window/2:
		p.window = within(float64(p.window) * 1.5)
	}
}

func within(n float64) int { return int(min(max(n, smallest), largest)) }

// wrote learns from how long a write took, where the terminal does not answer.
func (p *pace) wrote(n int, took time.Duration, now time.Time) {
	switch {
	case took > blocked:
		p.rate = max(slowest, float64(n)/took.Seconds()*slowShare)
		p.smooth = 0
	case p.rate > 0:
		p.smooth += n
	}
	if p.smooth > trust { // the line may have become faster
		p.rate *= 1.5
		p.smooth = 0
	}
	if p.rate > fastEnough {
		p.rate = 0
	}
	if p.rate > 0 {
		p.free = now.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	}
}

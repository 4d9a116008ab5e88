package screen

import (
	"bytes"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// farewell is how long the end waits for an answer that is on its way: it would show
// up in the shell as typed text.
const farewell = 400 * time.Millisecond

// Reader reads from the terminal and takes its answers out. A read that held nothing
// else returns 0 bytes.
func (s *Screen) Reader(from io.Reader) io.Reader { return &reader{s: s, from: from} }

type reader struct {
	s    *Screen
	from io.Reader
	part int // bytes of an answer that the last read ended with
}

func (r *reader) Read(b []byte) (int, error) {
	copy(b, answer[:r.part])
	if len(b) <= r.part {
		return r.from.Read(b)
	}
	n, err := r.from.Read(b[r.part:])
	n = r.s.strip(b[:n+r.part])
	r.part = 0
	if err == nil && r.s.waiting() {
		r.part = begun(b[:n])
	}
	return n - r.part, err
}

// begun is how many bytes at the end may be the front of an answer. A lone escape is
// a key.
func begun(b []byte) int {
	for _, n := range []int{3, 2} {
		if bytes.HasSuffix(b, []byte(answer[:n])) {
			return n
		}
	}
	return 0
}

// strip takes the answers out of b and returns how many bytes are left.
func (s *Screen) strip(b []byte) int {
	if !s.o.Ask {
		return len(b)
	}
	for {
		i := bytes.Index(b, []byte(answer))
		if i < 0 {
			return len(b)
		}
		b = append(b[:i], b[i+len(answer):]...)
		s.mu.Lock()
		s.pace.answered(time.Now())
		s.mu.Unlock()
		s.notify()
	}
}

// waiting tells whether an answer is on its way.
func (s *Screen) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pace.open) > 0
}

// farewell reads the answers that are on their way, when nobody else reads any more.
func (s *Screen) farewell() {
	in, ok := s.o.In.(*os.File)
	if !ok {
		return
	}
	buf := make([]byte, 256)
	for end := time.Now().Add(farewell); s.waiting(); {
		left := int(time.Until(end).Milliseconds())
		fds := []unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, max(0, left))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		n, err = unix.Read(int(in.Fd()), buf)
		if err != nil || n < 1 {
			break
		}
		s.strip(buf[:n])
	}
	s.mu.Lock()
	s.pace.reset()
	s.mu.Unlock()
}

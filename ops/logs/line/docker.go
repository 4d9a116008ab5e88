package line

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/jsontext"
)

// Docker's json-file driver wraps each line of a container in a JSON line with log,
// stream, time, and attrs when labels are configured. A line over 16 kB is split; only
// its last part has the line break in log. Docker restores the container's original
// lines. It puts a mark before each one, which holds what Docker stored about the line.
// The mark has the form of a colour sequence, so it is invisible; Parser reads it.

// MarkLead begins a mark: ESC [ 99 ; stream ; ms since 1970 m.
const MarkLead = "\x1b[99;"

// Docker joins and unwraps the lines of one container's log, also in the CRI format of
// Kubernetes.
type Docker struct {
	half [2][]byte // of stdout and stderr: the parts so far, with the mark
}

// dockerHalf limits the bytes held of a split line.
const dockerHalf = 64 << 20

// IsWrapped tells from the beginning of a text whether Docker or a container runtime of
// Kubernetes wrote it.
func IsWrapped(head []byte) bool { return IsDocker(head) || IsCRI(head) }

// IsDocker tells from the beginning of a text whether the json-file driver wrote it.
func IsDocker(head []byte) bool {
	if !bytes.HasPrefix(head, []byte(dockerLead)) {
		return false
	}
	line, _, whole := bytes.Cut(head, []byte{'\n'})
	if !whole {
		return true
	}
	_, _, _, ok := dockerParts(string(TrimCR(line)))
	return ok
}

// dockerLead begins a wrapped line. Docker writes it without blanks; other writers of
// the format may add some.
const dockerLead = `{"log":`

// dockerParts splits one wrapped line. log is the JSON text with its quotes.
func dockerParts(line string) (log string, stderr bool, at string, ok bool) {
	if !strings.HasPrefix(line, dockerLead) {
		return "", false, "", false
	}
	pairs, ok := jsontext.Pairs(line)
	if !ok || len(pairs) < 3 || len(pairs) > 4 || pairs[1].Key != "stream" ||
		len(pairs) == 4 && pairs[2].Key != "attrs" {
		return "", false, "", false
	}
	last := pairs[len(pairs)-1]
	if last.Key != "time" || pairs[0].Value[0] != '"' || last.Value[0] != '"' {
		return "", false, "", false
	}
	return pairs[0].Value, pairs[1].Value == `"stderr"`, jsontext.Text(last.Value), true
}

// Unwrap appends the original line that a wrapped line (without its line break)
// completes. A line that is not wrapped stays unchanged.
func (d *Docker) Unwrap(out, line []byte) []byte {
	line = TrimCR(line)
	if c, ok := criOf(line); ok {
		half := append(d.begun(c.stderr, c.at), c.text...)
		if !c.part {
			half = append(half, '\n')
		}
		return d.join(out, half, c.stderr)
	}
	log, stderr, at, ok := dockerParts(string(line))
	if !ok {
		return append(append(out, line...), '\n')
	}
	return d.join(out, jsontext.AppendUnquoted(d.begun(stderr, at), log), stderr)
}

// begun returns the parts of a stream's line so far, with its mark.
func (d *Docker) begun(stderr bool, at string) []byte {
	half := d.half[streamAt(stderr)]
	if len(half) == 0 {
		half = appendMark(half, stderr, at)
	}
	return half
}

// join appends a stream's line if it is complete, and keeps it otherwise.
func (d *Docker) join(out, half []byte, stderr bool) []byte {
	i := streamAt(stderr)
	if half[len(half)-1] != '\n' && len(half) < dockerHalf {
		d.half[i] = half
		return out
	}
	d.half[i] = half[:0]
	if out = append(out, half...); half[len(half)-1] != '\n' {
		out = append(out, '\n')
	}
	return out
}

// Rest appends the lines whose last parts are missing.
func (d *Docker) Rest(out []byte) []byte {
	for i, half := range d.half {
		if d.half[i] = nil; len(half) > 0 {
			out = append(append(out, half...), '\n')
		}
	}
	return out
}

// DockerHead tells whether a complete wrapped line begins an event of the container that
// has its own time.
func (p *Parser) DockerHead(line []byte) bool {
	var d Docker
	first := TrimCR(bytes.TrimSuffix(append(d.Unwrap(nil, line), d.Rest(nil)...), []byte{'\n'}))
	_, _, n := Mark(first)
	_, ms, kind := p.ParseMS(first[n:])
	return kind == KindHead && ms != Unset
}

// DockerBreak tells whether a wrapped line ends the container's line too. end is the end
// of the wrapped line without its line break.
func DockerBreak(end []byte) bool {
	if c, ok := criOf(TrimCR(end)); ok {
		return !c.part
	}
	i := bytes.LastIndex(end, []byte(`"stream":`))
	if i < 0 {
		return false
	}
	i = len(bytes.TrimRight(end[:i], " ,")) - 1 // log's closing quote
	if i < 2 || end[i] != '"' || end[i-1] != 'n' {
		return false
	}
	slashes := 0
	for i -= 2; i >= 0 && end[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 1
}

// EndsLine tells whether a complete line of a container's log ends a line of the
// container.
func EndsLine(line []byte) bool {
	if !bytes.HasPrefix(line, []byte(dockerLead)) {
		_, cri := criOf(TrimCR(line))
		return !cri || DockerBreak(line)
	}
	return DockerBreak(line)
}

func appendMark(out []byte, stderr bool, at string) []byte {
	stream := byte('1')
	if stderr {
		stream = '2'
	}
	out = append(append(out, MarkLead...), stream, ';')
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
		out = strconv.AppendInt(out, t.UnixMilli(), 10)
	}
	return append(out, 'm')
}

// Mark reads the mark at the beginning of a line; n is its length, 0 without one.
func Mark(line []byte) (stderr bool, ms int64, n int) {
	if len(line) < len(MarkLead)+3 || line[0] != 0x1b || string(line[:len(MarkLead)]) != MarkLead {
		return false, Unset, 0
	}
	n = len(MarkLead)
	stderr = line[n] == '2'
	digits := n + 2
	for n = digits; n < len(line) && n < digits+15 && Digit(line[n]); n++ {
		ms = ms*10 + int64(line[n]-'0')
	}
	switch {
	case line[digits-1] != ';' || n == len(line) || line[n] != 'm':
		return false, Unset, 0
	case n == digits:
		ms = Unset
	}
	return stderr, ms, n + 1
}

// MarkTime is the time in a line's mark, if there is one.
func MarkTime(line []byte) int64 {
	_, ms, n := Mark(line)
	if n == 0 {
		return Unset
	}
	return ms
}

// Unmarked removes the marks from a text of several lines.
func Unmarked(text string) string {
	if !strings.Contains(text, MarkLead) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		_, _, n := Mark([]byte(line[:min(len(line), 32)]))
		b.WriteString(line[n:])
	}
	return b.String()
}

// streamName is the value of the stream field.
func streamName(stderr bool) string {
	if stderr {
		return `"stderr"`
	}
	return `"stdout"`
}

// streamAt is the index of a stream in Docker.half.
func streamAt(stderr bool) int {
	if stderr {
		return 1
	}
	return 0
}

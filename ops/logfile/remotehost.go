package logfile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// sshProgram never prompts, and gives up if the network is down.
var sshProgram = []string{
	"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=10",
	"-o", "ServerAliveCountMax=2", "-o", "LogLevel=ERROR",
}

// remotePatience is the longest silence of a host during a request.
const remotePatience = 30 * time.Second

// remoteHost is a machine that is accessed over one ssh session: a shell there runs one
// script after the other. It is safe for concurrent use; one script runs at a time.
type remoteHost struct {
	name     string   // for display: user@host:port, without omitted parts
	args     []string // ssh with its arguments
	patience time.Duration

	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tailBuffer
	stat   string // its form of the stat command

	// Offset is how far its clock is ahead, within Within; valid once Clocked is set.
	Clocked        bool
	Offset, Within time.Duration
}

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-2000):]
	return len(p), nil
}

// take returns the last line, and clears the buffer.
func (t *tailBuffer) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(string(t.b))
	t.b = nil
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// do runs a script and writes its output to w. The error is the message of the script or
// of ssh.
func (h *remoteHost) do(ctx context.Context, script string, w io.Writer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cmd == nil {
		if err := h.connect(ctx); err != nil {
			return err
		}
	}
	return h.ask(ctx, script, w)
}

// connect starts the session, finds out the form of stat, and compares clocks.
func (h *remoteHost) connect(ctx context.Context) error {
	cmd := exec.Command(h.args[0], append(h.args[1:len(h.args):len(h.args)], "exec sh")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	h.stderr = &tailBuffer{}
	cmd.Stderr = h.stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("ssh cannot be run"))
	}
	h.cmd, h.in, h.out = cmd, in, bufio.NewReaderSize(out, 256<<10)
	var answer bytes.Buffer
	// The first response completes the login; the second gives the time.
	which := fmt.Sprintf("for f in %s; do $f / >/dev/null 2>&1 && { printf '%%s\\n' \"$f\"; break; }; done",
		strings.Join(statForms, " "))
	if err := h.ask(ctx, which, &answer); err != nil {
		return err
	}
	h.stat = strings.TrimSpace(answer.String())
	answer.Reset()
	before := time.Now()
	if err := h.ask(ctx, "date +%s.%N", &answer); err != nil {
		return err
	}
	h.clock(strings.TrimSpace(answer.String()), before, time.Now())
	return nil
}

// clock compares the clocks; a date without fractions is accurate to one second.
func (h *remoteHost) clock(text string, before, after time.Time) {
	whole, part, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return
	}
	there := time.Unix(s, 0)
	within := after.Sub(before) / 2
	if ns, err := strconv.ParseInt(part, 10, 64); err == nil && len(part) == 9 {
		there = there.Add(time.Duration(ns))
	} else {
		there = there.Add(time.Second / 2)
		within = within + time.Second/2
	}
	h.Offset = there.Sub(before.Add(after.Sub(before) / 2))
	h.Within = within
	h.Clocked = true
}

// ask sends a script and reads until the mark that ends its output.
func (h *remoteHost) ask(ctx context.Context, script string, w io.Writer) error {
	var random [12]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	mark := "opsdeck-" + hex.EncodeToString(random[:])
	cmd := h.cmd
	quiet := time.AfterFunc(h.patience, func() { cmd.Process.Kill() })
	defer quiet.Stop()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	began := time.Now()
	if _, err := fmt.Fprintf(h.in, "{ %s\n} </dev/null; printf '\\n%s %%d\\n' $?\n", script, mark); err != nil {
		return h.broken(ctx, err, began)
	}
	code, err := h.answer(w, mark, func() { quiet.Reset(h.patience); began = time.Now() })
	if err != nil {
		return h.broken(ctx, err, began)
	}
	if code != 0 {
		return &remoteError{h.name, code, h.stderr.take()}
	}
	h.stderr.take() // drop the remarks of a successful script, keep what ssh says before it ends
	return nil
}

// remoteError is a script that failed on the host.
type remoteError struct {
	host string
	code int
	said string
}

// Error is the program's message.
func (e *remoteError) Error() string {
	if e.said != "" {
		return e.host + ": " + e.said
	}
	return fmt.Sprintf("%s: exit %d", e.host, e.code)
}

// answer copies the output to w, up to the line with its mark.
func (h *remoteHost) answer(w io.Writer, mark string, progress func()) (code int, err error) {
	begins, held := true, false // at the start of a line; its preceding break is not written yet
	for {
		piece, err := h.out.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		}
		progress()
		if rest, ok := bytes.CutPrefix(piece, []byte(mark)); begins && ok {
			code, err := strconv.Atoi(strings.TrimSpace(string(rest)))
			return code, err
		}
		if held {
			if _, err := w.Write([]byte{'\n'}); err != nil {
				return 0, err
			}
		}
		body, whole := bytes.CutSuffix(piece, []byte{'\n'})
		begins, held = whole, whole
		if _, err := w.Write(body); err != nil {
			return 0, err
		}
	}
}

// broken ends the session, and returns the reason.
func (h *remoteHost) broken(ctx context.Context, err error, since time.Time) error {
	silent := time.Since(since) >= h.patience
	h.end()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if silent {
		return ops.E(ops.Busy, lang.M("%s does not respond: no data for %s", h.name, h.patience.String()))
	}
	said := h.stderr.take()
	if said == "" {
		said = err.Error()
	}
	return ops.Wrap(errors.New(said), ops.Busy, lang.M("the ssh session with %s ended", h.name))
}

// end ends the session; the next script starts a new one.
func (h *remoteHost) end() {
	if h.cmd == nil {
		return
	}
	h.in.Close()
	h.cmd.Process.Kill()
	h.cmd.Wait()
	h.cmd = nil
}

// Close ends the session once no script runs.
func (h *remoteHost) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end()
}

// remoteStat describes a file on the host.
type remoteStat struct {
	ident   string // device, inode, and creation time if known, since inodes are reused
	size    int64
	written float64 // Unix seconds, by its clock
	stamp   string  // the same, unparsed
	path    string
	link    bool // the path is that of a link
}

// statForms are the stat commands for the fields of a remoteStat: GNU, busybox, BSD and
// macOS.
var statForms = []string{
	"'stat -L -c %d:%i:%.9W,%s,%.9Y --'", "'stat -L -c %d:%i,%s,%Y --'", "'stat -L -f %d:%i:%B,%z,%Fm --'",
}

// list lists the files that match patterns for the host's shell.
func (h *remoteHost) list(ctx context.Context, patterns ...string) ([]remoteStat, error) {
	if err := h.do(ctx, ":", io.Discard); err != nil { // find out the form of stat
		return nil, err
	}
	if h.stat == "" {
		return nil, ops.E(ops.Failed, lang.M("%s has no usable stat command", h.name))
	}
	var out bytes.Buffer
	script := fmt.Sprintf("for f in %s; do [ -f \"$f\" ] && printf '%%s\\n' \"$f\"; done | sort -u | "+
		"while IFS= read -r f; do %s \"$f\" 2>/dev/null && "+
		"printf '%%s\\n' \"$f\" && [ -h \"$f\" ] && echo link; done; :", strings.Join(patterns, " "), h.stat)
	if err := h.do(ctx, script, &out); err != nil {
		return nil, err
	}
	var files []remoteStat
	for text := range strings.Lines(out.String()) {
		text = strings.TrimSuffix(text, "\n")
		if strings.HasPrefix(text, "/") && len(files) > 0 {
			files[len(files)-1].path = text
			continue
		}
		if text == "link" && len(files) > 0 {
			files[len(files)-1].link = true
			continue
		}
		part := strings.Split(text, ",")
		if len(part) != 3 {
			continue
		}
		size, err := strconv.ParseInt(part[1], 10, 64)
		written, err2 := strconv.ParseFloat(part[2], 64)
		if err == nil && err2 == nil {
			files = append(files, remoteStat{ident: part[0], size: size, written: written, stamp: part[2]})
		}
	}
	return files, nil
}

// read copies up to n bytes of a file from an offset to w; of a compressed file, of its
// content.
func (h *remoteHost) read(ctx context.Context, path string, packed bool, off, n int64, w io.Writer) error {
	quoted := shellQuote(path)
	from := fmt.Sprintf("tail -c +%d -- %s", off+1, quoted)
	if packed {
		from = fmt.Sprintf("%s -dc < %s 2>/dev/null | tail -c +%d", unpackerThere(path), quoted, off+1)
	}
	script := fmt.Sprintf("if [ -r %s ]; then %s | head -c %d; else echo \"%s\" >&2; false; fi",
		quoted, from, n, "cannot be read by $(id -un)")
	if err := h.do(ctx, script, w); err != nil {
		var said *remoteError
		if errors.As(err, &said) {
			return ops.Wrap(err, ops.Failed, lang.M("%s on %s cannot be read", path, h.name))
		}
		return err
	}
	return nil
}

// head is the start of a file, which identifies its format.
func (h *remoteHost) head(ctx context.Context, path string) ([]byte, error) {
	var head bytes.Buffer
	err := h.read(ctx, path, false, 0, headSize, &head)
	return head.Bytes(), err
}

func unpackerThere(path string) string {
	switch {
	case strings.HasSuffix(path, ".zst"):
		return "zstd"
	case strings.HasSuffix(path, ".xz"), strings.HasSuffix(path, ".lzma"):
		return "xz"
	case strings.HasSuffix(path, ".bz2"):
		return "bzip2"
	case strings.HasSuffix(path, ".lz4"):
		return "lz4"
	}
	return "gzip"
}

// shellQuote quotes a text as one word for a shell.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// shellGlob quotes a file pattern for a shell: * ? and [ ] stay special, ~/ is the home
// folder.
func shellGlob(pattern string) string {
	var b strings.Builder
	if rest, ok := strings.CutPrefix(pattern, "~/"); ok {
		b.WriteString("~/")
		pattern = rest
	}
	for len(pattern) > 0 {
		i := strings.IndexAny(pattern, "*?[]")
		if i < 0 {
			i = len(pattern)
		}
		if i > 0 {
			b.WriteString(shellQuote(pattern[:i]))
		}
		if i < len(pattern) {
			b.WriteByte(pattern[i])
			i++
		}
		pattern = pattern[i:]
	}
	return b.String()
}

package remote

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

// rsync is a folder on another machine.
type rsync struct {
	name   string
	host   string // user@host
	folder string
	ssh    []string // the ssh command with its options

	once   sync.Once
	master *exec.Cmd // one connection that all commands share
	socket string    // its folder
}

func newRsync(c config.Copy) (*rsync, error) {
	host, folder, ok := strings.Cut(c.Target, ":")
	if !ok || host == "" || !strings.HasPrefix(folder, "/") || strings.HasPrefix(host, "-") {
		return nil, ops.E(ops.Config, lang.M("the target of the copy %s is %q; it must be user@host:/folder", c.Name,
			c.Target))
	}
	r := &rsync{
		name:   c.Name,
		host:   host,
		folder: strings.TrimRight(folder, "/"),
		ssh:    []string{"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"},
	}
	if c.Port != 0 {
		r.ssh = append(r.ssh, "-p", strconv.Itoa(c.Port))
	}
	if c.IdentityFile != "" {
		r.ssh = append(r.ssh, "-i", config.Home(c.IdentityFile), "-o", "IdentitiesOnly=yes")
	}
	for _, o := range c.SSHOptions {
		r.ssh = append(r.ssh, "-o", o)
	}
	if file := config.Home(c.IdentityFile); file != "" {
		if _, err := os.Stat(file); err != nil {
			return nil, ops.Wrap(err, ops.Config, lang.M("the ssh key of the copy %s cannot be used", c.Name)).
				WithHint(lang.M("correct identity_file of the copy, or create the key: %s", "ssh-keygen -f "+
					quote(file)))
		}
	}
	for _, tool := range []string{"rsync", "ssh"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, ops.Wrap(err, ops.Config, lang.M("the copy %s needs %s, which is not installed here", c.Name,
				tool))
		}
	}
	return r, nil
}

// quote makes one word of s for the shell at the other side.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (r *rsync) path(name string) string { return r.folder + "/" + name }

// shell is the value of rsync's -e.
func (r *rsync) shell() string {
	words := make([]string, len(r.ssh))
	for i, w := range r.ssh {
		words[i] = w
		if strings.ContainsAny(w, " '\"") {
			words[i] = quote(w)
		}
	}
	return strings.Join(words, " ")
}

// run runs a command and returns what it wrote; out, when not nil, gets it as
// it comes.
func (r *rsync) run(ctx context.Context, out io.Writer, name string, args ...string) ([]byte, error) {
	return r.pipe(ctx, nil, out, name, args...)
}

// pipe is run with something for the command to read.
func (r *rsync) pipe(ctx context.Context, in io.Reader, out io.Writer, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ctrl-c is for us alone
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = lingering
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var text, stderr bytes.Buffer
	if out == nil {
		out = &text
	}
	cmd.Stdin = in
	cmd.Stderr = &stderr
	err, outErr := runInto(cmd, out)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if outErr != nil {
		return nil, outErr
	}
	if err != nil {
		return text.Bytes(), &commandError{err: err, said: strings.TrimSpace(stderr.String())}
	}
	return text.Bytes(), nil
}

// lingering is how long after a command's end what others hold of its pipes is
// waited for.
var lingering = 5 * time.Second

// runInto runs a command. Whoever takes its output may take as long as it needs: what
// is left in the pipe when the command has ended is no less wanted. Something else that
// still holds the pipe then is not waited for.
func runInto(cmd *exec.Cmd, out io.Writer) (err, outErr error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err, nil
	}
	defer reader.Close()
	cmd.Stdout = writer
	err = cmd.Start()
	writer.Close()
	if err != nil {
		return err, nil
	}
	left := &leftover{pipe: reader}
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(out, left)
		reader.Close() // the command must not wait for one who takes no more
		copied <- err
	}()
	err = cmd.Wait()
	left.end()
	if outErr = <-copied; errors.Is(outErr, os.ErrDeadlineExceeded) {
		return cmp.Or(err, exec.ErrWaitDelay), nil
	}
	return err, outErr
}

// leftover is the reading end of a pipe, each of whose reads takes at most lingering
// once it has ended.
type leftover struct {
	pipe  *os.File
	ended atomic.Bool
}

func (l *leftover) end() {
	l.ended.Store(true)
	_ = l.pipe.SetReadDeadline(time.Now().Add(lingering))
}

func (l *leftover) Read(p []byte) (int, error) {
	if l.ended.Load() {
		_ = l.pipe.SetReadDeadline(time.Now().Add(lingering))
	}
	return l.pipe.Read(p)
}

// commandError is a command that failed, with what it said.
type commandError struct {
	err  error
	said string
}

func (e *commandError) Error() string {
	if e.said == "" {
		return e.err.Error()
	}
	return termsafe.Line(lastLines(e.said, 3)) + " (" + e.err.Error() + ")"
}

func (e *commandError) Unwrap() error { return e.err }

func lastLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " · ")
}

// explain makes a sentence of what went wrong.
func (r *rsync) explain(err error) error {
	var c *commandError
	if err == nil || !errors.As(err, &c) {
		return err
	}
	switch {
	case strings.Contains(c.said, "No space left on device"), strings.Contains(c.said, "Disk quota exceeded"):
		return ops.Wrap(err, ops.Failed, lang.M("the disk at the copy %s is full", r.name)).
			WithHint(lang.M("free some space there, then send again: opsdeck backup sync"))
	case strings.Contains(c.said, "Read-only file system"):
		return ops.Wrap(err, ops.Failed, lang.M("the file system at the copy %s is read-only", r.name)).
			WithHint(lang.M("try by hand: %s", r.shell()+" "+r.host+" ls "+r.folder))
	}
	code := ops.Failed
	var exit *exec.ExitError
	if errors.As(c.err, &exit) &&
		(exit.ExitCode() == 255 || exit.ExitCode() == 10 || exit.ExitCode() == 30 || exit.ExitCode() == 12) {
		code = ops.Busy // ssh could not connect, or the line broke
	}
	return ops.Wrap(err, code, lang.M("the copy %s at %s cannot be reached or refuses access", r.name, r.host)).
		WithHint(lang.M("try by hand: %s", r.shell()+" "+r.host+" ls "+r.folder))
}

// connect opens one connection for all commands: a login each would take
// longer than what they do. Without it each opens its own.
func (r *rsync) connect(ctx context.Context) {
	r.once.Do(func() {
		dir, err := os.MkdirTemp("", "opsdeck")
		if err != nil {
			return
		}
		r.socket = dir
		path := dir + "/s"
		args := append(append([]string{}, r.ssh[1:]...), "-M", "-N", "-S", path, "-o", "ControlPersist=no", "--",
			r.host)
		master := exec.Command(r.ssh[0], args...)
		master.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
		if master.Start() != nil {
			return
		}
		r.master = master
		gone := make(chan struct{})
		go func() { master.Wait(); close(gone) }()
		for range 600 {
			if _, err := os.Lstat(path); err == nil {
				r.ssh = append(r.ssh, "-S", path)
				return
			}
			select {
			case <-gone:
				return // it cannot; the command itself will say why
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
}

// Close ends the shared connection.
func (r *rsync) Close() error {
	if r.master != nil {
		r.master.Process.Signal(syscall.SIGTERM)
	}
	if r.socket == "" {
		return nil
	}
	return os.RemoveAll(r.socket)
}

func (r *rsync) atHost(ctx context.Context, command string) ([]byte, error) {
	return r.atHostReading(ctx, nil, command)
}

func (r *rsync) atHostReading(ctx context.Context, in io.Reader, command string) ([]byte, error) {
	return r.pipe(ctx, in, nil, r.ssh[0], append(append([]string{}, r.ssh[1:]...), "--", r.host, command)...)
}

// List names the files of the folder, which is made when it is absent.
func (r *rsync) List(ctx context.Context) ([]Object, error) {
	r.connect(ctx)
	out, err := r.atHost(
		ctx,
		"umask 077 && mkdir -p "+quote(r.folder)+" && cd "+quote(
			r.folder,
		)+` && for f in * ; do [ -f "$f" ] && wc -c "$f" ; done; true`,
	)
	if err != nil {
		return nil, r.explain(err)
	}
	var list []Object
	in := bufio.NewScanner(bytes.NewReader(out))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		size, name, ok := strings.Cut(strings.TrimLeft(in.Text(), " "), " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if name = strings.TrimLeft(name, " "); ok && err == nil && plainName(name) {
			list = append(list, Object{Name: name, Size: n})
		}
	}
	return list, in.Err()
}

// partial is where rsync keeps what an unfinished transfer has brought.
const partial = ".opsdeck-partial"

// Put sends a file. rsync writes beside the name and renames when it is whole.
func (r *rsync) Put(ctx context.Context, name, path string, report func(int64)) error {
	args := []string{
		"--partial-dir=" + partial,
		"--chmod=F600",
		"--times",
		"--ignore-times",
		"--fsync",
		"--info=progress2",
		"--timeout=120",
		"-s",
		"-e",
		r.shell(),
		"--",
		path,
		r.host + ":" + r.path(name),
	}
	_, err := r.run(ctx, &meter{report: report}, "rsync", args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // an rsync before 3.2.4 knows no --fsync
		args = append(args[:4:4], args[5:]...)
		_, err = r.run(ctx, &meter{report: report}, "rsync", args...)
	}
	return r.explain(err)
}

// sending begins the name of a new file that is not whole yet; the listing does not see it.
const sending = ".opsdeck-send-"

// PutNew sends a file beside the name, under one that no other machine uses, and gives it
// the name by a link, which does not replace a file.
func (r *rsync) PutNew(ctx context.Context, name, path string, report func(int64)) error {
	beside := sending + senderOf(path) + "-" + name
	if err := r.Put(ctx, beside, path, report); err != nil {
		return err
	}
	return r.settle(ctx, beside, name)
}

// senderOf tells this machine's unfinished files from those of others, by what it sends.
func senderOf(what string) string {
	host, _ := os.Hostname()
	sum := sha256.Sum256([]byte(host + "\x00" + what))
	return hex.EncodeToString(sum[:6])
}

// settle gives a whole file its name, unless another one has it. What killed transfers
// left a day ago goes.
func (r *rsync) settle(ctx context.Context, beside, name string) error {
	tmp := quote(r.path(beside))
	final := quote(r.path(name))
	out, err := r.atHost(
		ctx,
		"find "+quote(r.folder)+" -maxdepth 1 -name '"+sending+"*' -cmin +1440 -exec rm -f {} + 2>/dev/null; "+
			"if ln "+tmp+" "+final+" 2>/dev/null; then rm -f "+tmp+"; "+
			"elif [ -e "+final+" ]; then rm -f "+tmp+" && echo taken; else mv "+tmp+" "+final+"; fi",
	)
	if err == nil && strings.TrimSpace(string(out)) == "taken" {
		return &takenError{name}
	}
	return r.explain(err)
}

// meter reads how far rsync is: "  1,234,567  45%  …" between carriage returns.
type meter struct {
	report func(int64)
	line   []byte
}

func (m *meter) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\r' && c != '\n' {
			m.line = append(m.line, c)
			continue
		}
		word, _, _ := strings.Cut(strings.TrimLeft(string(m.line), " "), " ")
		if n, err := strconv.ParseInt(strings.ReplaceAll(word, ",", ""), 10, 64); err == nil && m.report != nil {
			m.report(n)
		}
		m.line = m.line[:0]
	}
	return len(p), nil
}

// streaming begins the name of a stream that is not whole yet; the listing does
// not see it.
const streaming = ".opsdeck-stream-"

// PutStream lets the other side write what r gives beside the name. Only when
// that was read back there and is what was sent does it get the name: a line
// that broke looks to the other side like the end. What killed streams left a
// day ago goes.
func (r *rsync) PutStream(ctx context.Context, name string, in io.Reader) (size int64, sha string, err error) {
	r.connect(ctx)
	beside := streaming + strconv.FormatUint(rand.Uint64(), 36) + "-" + name
	tmp := quote(r.path(beside))
	sum := &counted{hash: sha256.New()}
	defer func() {
		if err != nil {
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			r.atHost(late, "rm -f "+tmp)
		}
	}()
	folder := quote(r.folder)
	_, err = r.atHostReading(
		ctx,
		io.TeeReader(in, sum),
		"umask 077 && mkdir -p "+folder+" && find "+folder+" -maxdepth 1 -name '"+streaming+"*' -mmin +1440 -exec "+
			"rm -f {} + ; cat >"+tmp+" && { sync "+tmp+" 2>/dev/null || sync; }",
	)
	if err != nil {
		return 0, "", r.explain(err)
	}
	sha = hex.EncodeToString(sum.hash.Sum(nil))
	there, err := r.Hash(ctx, beside)
	if err == nil && there != sha {
		err = differs(name, r.name)
	}
	if err != nil {
		return 0, "", err
	}
	if err = r.settle(ctx, beside, name); err != nil {
		return 0, "", err
	}
	return sum.n, sha, nil
}

// counted hashes and counts what passes.
type counted struct {
	hash hash.Hash
	n    int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.hash.Write(p)
}

// Get reads a file.
func (r *rsync) Get(ctx context.Context, name string, w io.Writer) error {
	_, err := r.run(ctx, w, r.ssh[0],
		append(append([]string{}, r.ssh[1:]...), "--", r.host, "cat "+quote(r.path(name)))...)
	return r.explain(err)
}

// Hash lets the other side read the file.
func (r *rsync) Hash(ctx context.Context, name string) (string, error) {
	p := quote(r.path(name))
	out, err := r.atHost(ctx,
		"sha256sum "+p+" 2>/dev/null || shasum -a 256 "+p+" 2>/dev/null || openssl dgst -sha256 -r "+p)
	if err != nil {
		return "", r.explain(err)
	}
	word, _, _ := strings.Cut(strings.TrimPrefix(string(out), `\`), " ")
	if len(word) != 64 {
		return "", fmt.Errorf("hash of %s at %s: %q", name, r.host, termsafe.Line(string(out)))
	}
	return word, nil
}

// Remove lets a file go.
func (r *rsync) Remove(ctx context.Context, name string) error {
	_, err := r.atHost(ctx, "rm -f "+quote(r.path(name)))
	return r.explain(err)
}

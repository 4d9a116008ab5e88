package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/deploy"
)

// Command is a program to run. One of Argv and Shell is set.
type Command struct {
	Argv  []string
	Shell string // for sh -c
	Dir   string
	Env   []string            // besides that of this process
	Quiet bool                // stderr is not part of the output
	Hide  func(string) string // masks secrets in a line of the output; nil masks what looks like one
	Keep  int                 // lines of output that are kept; 0 is 20
	// Started is told the process, before anything waits for it. May be nil.
	Started func(deploy.Child) error
	Log     io.Writer // gets the whole output at the end, its secrets masked; may be nil
}

// Output is what a program left. Its lines are safe for a terminal and without
// secrets.
type Output struct {
	Tail []string // its last lines that are not empty
	Code int      // -1 where it did not run or was killed
	Err  error    // the context's error where that ended it
}

const (
	keepLines = 20
	maxOutput = 1 << 20
	grace     = 3 * time.Second // between the request to end and the kill
)

// Run runs a program in a process group of its own. When ctx ends first, the whole
// group is asked to end, and killed soon after. The output goes to a file and not
// through a pipe: a daemon that the program leaves running keeps it open.
func Run(ctx context.Context, c Command) Output {
	file, err := os.CreateTemp("", "opsdeck-run-*")
	if err != nil {
		return Output{Code: -1, Err: err}
	}
	os.Remove(file.Name())
	defer file.Close()
	argv := c.Argv
	if len(argv) == 0 {
		argv = []string{"/bin/sh", "-c", c.Shell}
	}
	door, cmd, err := c.command(argv)
	if err != nil {
		return Output{Code: -1, Err: err}
	}
	defer door.close()
	cmd.Dir, cmd.Stdout = c.Dir, file
	if !c.Quiet {
		cmd.Stderr = file
	}
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = ctx.Err()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return Output{Code: -1, Err: err}
	}
	err = wait(ctx, cmd, func(child deploy.Child) error {
		if c.Started == nil {
			return nil
		}
		if err := c.Started(child); err != nil {
			return err
		}
		return door.open()
	})
	out := Output{Err: err, Code: cmd.ProcessState.ExitCode(), Tail: c.tail(file)}
	return out
}

// gate keeps a program from running before it is in the journal: it waits to read a line
// from a pipe. When this process is killed before it opens the gate, the pipe ends and the
// program with it, so that none runs that the journal does not know.
type gate struct{ in, out *os.File }

const waitAtGate = `read -r go <&3 || exit 125; exec 3<&-; exec "$@"`

// command is the program, behind a gate where somebody must be told of it first.
func (c Command) command(argv []string) (g gate, cmd *exec.Cmd, err error) {
	if c.Started == nil {
		return g, exec.Command(argv[0], argv[1:]...), nil
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return g, nil, err
	}
	if g.in, g.out, err = os.Pipe(); err != nil {
		return g, nil, err
	}
	cmd = exec.Command("/bin/sh", append([]string{"-c", waitAtGate, "sh", path}, argv[1:]...)...)
	cmd.ExtraFiles = []*os.File{g.in}
	return g, cmd, nil
}

func (g gate) open() error {
	_, err := g.out.WriteString("go\n")
	return err
}

func (g gate) close() {
	if g.out != nil {
		g.in.Close()
		g.out.Close()
	}
}

// wait waits for a program that was started, or for ctx.
func wait(ctx context.Context, cmd *exec.Cmd, started func(deploy.Child) error) error {
	pid := cmd.Process.Pid
	if err := started(deploy.Child{PID: pid, Start: stat(pid, 22)}); err != nil {
		syscall.Kill(-pid, syscall.SIGKILL)
		return errors.Join(err, cmd.Wait())
	}
	var ended error
	done := make(chan struct{})
	go func() {
		ended = cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
		return ended
	case <-ctx.Done():
	}
	syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(grace):
	}
	syscall.Kill(-pid, syscall.SIGKILL) // the others of the group too
	<-done
	return ctx.Err()
}

// tail reads the last lines of the output, and copies it to the log.
func (c Command) tail(file *os.File) []string {
	text, _ := io.ReadAll(io.NewSectionReader(file, 0, maxOutput))
	if info, err := file.Stat(); err == nil && info.Size() > maxOutput {
		text, _ = io.ReadAll(io.NewSectionReader(file, info.Size()-maxOutput, maxOutput))
	}
	keep := c.Keep
	if keep == 0 {
		keep = keepLines
	}
	var lines []string
	for _, line := range bytes.Split(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n")) {
		l := termsafe.Line(c.masked(plain(string(line))))
		if c.Log != nil && l != "" {
			io.WriteString(c.Log, l+"\n")
		}
		if strings.TrimSpace(l) != "" {
			lines = append(lines, l)
		}
	}
	return lines[max(0, len(lines)-keep):]
}

// masked takes the secrets out of a line.
func (c Command) masked(line string) string {
	if c.Hide != nil {
		return c.Hide(line)
	}
	return redact.Text(line)
}

// plain takes the colours out of a line, and of a line that was written over the last
// version.
func plain(line string) string {
	line = strings.TrimRight(line, "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	for {
		from := strings.Index(line, "\x1b[")
		if from < 0 {
			return line
		}
		to := strings.IndexFunc(line[from+2:], func(r rune) bool { return r >= '@' && r <= '~' })
		if to < 0 {
			return line
		}
		line = line[:from] + line[from+2+to+1:]
	}
}

// Why says in a few words what went wrong.
func (o Output) Why() lang.Msg {
	switch {
	case errors.Is(o.Err, context.DeadlineExceeded):
		return lang.M("timed out without a response")
	case errors.Is(o.Err, exec.ErrNotFound):
		return lang.M("the program is not on the PATH")
	case len(o.Tail) > 0:
		return lang.Raw(o.Tail[len(o.Tail)-1])
	case o.Err != nil:
		return lang.Raw(o.Err.Error())
	}
	return lang.M("it printed nothing")
}

// End kills what is left of a program that another process of opsdeck had started
// with mark, as "NAME=value", in its environment and did not see to its end. It tells
// how many processes that were, and the pids of those that still run: the kernel does not
// end one that waits for a disk. A daemon that has a session of its own stays.
func End(c deploy.Child, mark string) (killed int, left []int) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		left = leftovers(c, mark)
		killed = max(killed, len(left))
		for _, pid := range left {
			syscall.Kill(pid, sig)
		}
		for end := time.Now().Add(grace); len(leftovers(c, mark)) > 0 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	return killed, leftovers(c, mark)
}

// leftovers are the processes of a child's session that carry the mark.
func leftovers(c deploy.Child, mark string) (pids []int) {
	if c.PID <= 1 {
		return nil
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if stat(pid, 6) != c.PID || pid == c.PID && stat(pid, 22) != c.Start {
			continue
		}
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err == nil && slices.Contains(strings.Split(string(env), "\x00"), mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

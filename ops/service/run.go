package service

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
)

// maxOutput bounds what is kept of a command's output.
const maxOutput = 4 << 20

// How long a look at a process, and any other command, may take. What runs longer hangs, and
// is ended: a restore waits for it with the service stopped. Tests shorten them.
var (
	lookWait    = 30 * time.Second
	commandWait = 5 * time.Minute
)

// output is what a command left behind. Stdout and stderr are files, not pipes:
// a daemon that a start command leaves running keeps them open, and waiting for
// a pipe to close would wait for the daemon.
type output struct {
	stdout, stderr string
	code           int // exit code; -1 when it did not run or was killed
	err            error
}

// run runs a command without a shell in a session of its own. When ctx or the
// time for a command ends first, the command and its children are killed.
func run(ctx context.Context, dir string, env []string, name string, args ...string) output {
	stdout, err := scratch()
	if err != nil {
		return output{code: -1, err: err}
	}
	defer stdout.Close()
	stderr, err := scratch()
	if err != nil {
		return output{code: -1, err: err}
	}
	defer stderr.Close()
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	if told, ok := ctx.Value(watched{}).(func(string)); ok {
		told(shown(name, args))
		defer told("")
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Stdout = stdout
	cmd.Stderr = stderr
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out := output{err: cmd.Run()}
	out.code = -1
	if cmd.ProcessState != nil {
		out.code = cmd.ProcessState.ExitCode()
	}
	if ctx.Err() != nil && out.err != nil {
		out.err = ctx.Err()
	}
	out.stdout, out.stderr = content(stdout), content(stderr)
	return out
}

// watched is the key of a context's watcher.
type watched struct{}

// Watched is a context whose commands are told of: told gets each when it begins, and "" when
// it has ended.
func Watched(ctx context.Context, told func(command string)) context.Context {
	return context.WithValue(ctx, watched{}, told)
}

// shown is a command as a person types it.
func shown(name string, args []string) string {
	if name == "sh" && len(args) == 2 && args[0] == "-c" {
		return args[1]
	}
	words := []string{quote(name)}
	for _, a := range args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// scratch is a file without a name.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "opsdeck-out-*")
	if err == nil {
		os.Remove(f.Name())
	}
	return f, err
}

func content(f *os.File) string {
	b, _ := io.ReadAll(io.NewSectionReader(f, 0, maxOutput))
	return string(b)
}

// why says in a few words what went wrong with a command: its last words on
// stderr, else on stdout, else the error.
func (o output) why() string {
	for _, text := range []string{o.stderr, o.stdout} {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if last := strings.TrimSpace(lines[len(lines)-1]); last != "" && o.code > 0 {
			return redact.Text(last)
		}
	}
	if o.err != nil {
		return o.err.Error()
	}
	return ""
}

// missing tells that the program itself was not found.
func (o output) missing() bool { return errors.Is(o.err, exec.ErrNotFound) }

// timedOut tells that the context's deadline ended the command.
func (o output) timedOut() bool { return errors.Is(o.err, context.DeadlineExceeded) }

// reason is why a status could not be had.
func (o output) reason(program string) lang.Msg {
	switch {
	case o.missing():
		return lang.M("%s is not on the PATH", program)
	case o.timedOut():
		return lang.M("%s timed out", program)
	}
	return lang.Raw(o.why())
}

// failed turns the end of a start or stop command into an error for people.
func (o output) failed(shown string) error {
	if o.err == nil {
		return nil
	}
	code := ops.Failed
	if errors.Is(o.err, context.Canceled) {
		code = ops.Interrupted
	}
	if program, _, _ := strings.Cut(shown, " "); o.missing() {
		return ops.E(code, lang.M("%s is not on the PATH", program)).
			WithHint(lang.M("install it, or add its folder to the PATH of opsdeck"))
	}
	if o.timedOut() {
		return ops.E(code, lang.M("%s did not finish in time and was ended", shown)).
			WithHint(lang.M("run it by hand to see why: %s", shown))
	}
	return ops.Wrap(errors.New(o.why()), code, lang.M("%s failed", shown)).
		WithHint(lang.M("run it by hand to see why: %s", shown))
}

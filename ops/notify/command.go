package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// command gives the alert to a program as JSON on standard input: nothing of it
// is in the arguments, which every user of the machine can read.
type command struct{ argv []string }

func newCommand(c config.Notify) (*command, error) {
	if len(c.Command) == 0 {
		return nil, ops.E(ops.Config, lang.M("the notify target %s has no command", c.Name))
	}
	argv := append([]string{config.Home(c.Command[0])}, c.Command[1:]...)
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the command of the notify target %s cannot be run", c.Name)).
			WithHint(lang.M("command is a list: the program, then its arguments; no shell is used"))
	}
	return &command{argv}, nil
}

func (c *command) preview(m Message) string {
	body, err := json.MarshalIndent(m.plain(), "", "  ")
	if err != nil {
		return err.Error()
	}
	words := make([]string, len(c.argv))
	for i, w := range c.argv {
		words[i] = human.Shell(w)
	}
	return strings.Join(words, " ") + "\n\n" + string(body)
}

// send runs the program in a process group of its own, which is killed when the time
// is up, and what it leaves behind when it ends. When opsdeck dies, so does the program:
// the alert is then sent again.
func (c *command) send(ctx context.Context, m Message) error {
	body, err := json.Marshal(m.plain())
	if err != nil {
		return err
	}
	stdin, err := fileOf(append(body, '\n'))
	if err != nil {
		return temporary(0, lang.M("the command cannot be run: %s", err.Error()))
	}
	defer stdin.Close()
	said, out, err := os.Pipe()
	if err != nil {
		return temporary(0, lang.M("the command cannot be run: %s", err.Error()))
	}
	defer said.Close()
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Stdin = stdin // files, not pipes of the package: a child that keeps them open is not waited for
	cmd.Stdout = out
	cmd.Stderr = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return killGroup(cmd) }
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends that started it
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	out.Close()
	if err != nil {
		return permanent(lang.M("the command cannot be run: %s", err.Error()))
	}
	words := make(chan string, 1)
	go func() { words <- firstWords(said) }()
	err = cmd.Wait()
	_ = killGroup(cmd)
	if err != nil && ctx.Err() != nil {
		return temporary(0, lang.M("the command timed out and was killed"))
	}
	_ = said.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	return judgeCommand(err, <-words)
}

// fileOf is a file of memory with the text, at its start.
func fileOf(text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("alert", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "alert")
	if _, err := f.Write(text); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// firstWords reads all that a program says and keeps its beginning.
func firstWords(r io.Reader) string {
	text, _ := io.ReadAll(io.LimitReader(r, 4<<10))
	_, _ = io.Copy(io.Discard, r)
	return string(text)
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// judgeCommand sorts an exit status. Those of sysexits.h that say that the order is
// wrong (usage, data, configuration) and the shell's "cannot be run" are final.
func judgeCommand(err error, said string) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return connectionFailed(err)
	}
	why := lang.M("the command exited with %d", exit.ExitCode())
	if said := masked(said); said != "" {
		why = lang.M("%s: %s", why, said)
	}
	switch exit.ExitCode() {
	case 65: // EX_DATAERR
		return unacceptable(why)
	case 64, 78, 126, 127:
		return permanent(why)
	}
	return temporary(0, why)
}

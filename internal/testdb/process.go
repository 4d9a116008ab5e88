package testdb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTimeout is how long a server may take until it answers; generous, since
// the tests of several packages start theirs side by side on a small machine.
const startTimeout = 4 * time.Minute

// process is a server program that is running. It dies with the test process.
type process struct {
	cmd  *exec.Cmd
	log  string // file with its output
	done chan struct{}
	err  error // of Wait; read it after done
}

// launch starts a program in its own process group. The kernel kills it when
// the thread that started it ends, so that thread is kept until the program has
// ended.
func launch(dir string, env []string, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), log: filepath.Join(dir, "log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd.Dir = dir
	p.cmd.Stdout = out
	p.cmd.Stderr = out
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	track(p, true)
	return p, os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(p.cmd.Process.Pid)+"\n"), 0o600)
}

func track(p *process, live bool) {
	folders.Lock()
	defer folders.Unlock()
	if folders.live == nil {
		folders.live = map[*process]bool{}
	}
	if live {
		folders.live[p] = true
	} else {
		delete(folders.live, p)
	}
}

// ready waits until probe succeeds, the program has ended, or time is up.
func (p *process) ready(probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		if err = probe(ctx); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %v: %s", filepath.Base(p.cmd.Path), p.err, p.tail())
		case <-ctx.Done():
			p.kill()
			return fmt.Errorf("%s does not answer: %w: %s", filepath.Base(p.cmd.Path), err, p.tail())
		case <-tick.C:
		}
	}
}

// tail is the end of the program's output, on one line.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " | ")
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill is kill -9 of the whole group; it waits for the end.
func (p *process) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
	track(p, false)
}

// stopTimeout is how long a server may take to end in order.
const stopTimeout = 2 * time.Minute

// stop asks the program to end, and kills it when it does not.
func (p *process) stop() error {
	defer track(p, false)
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		p.kill()
		return fmt.Errorf("did not stop within %v", stopTimeout)
	}
}

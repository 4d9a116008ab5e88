package main

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a process of the world, in a session of its own. It dies with this
// process, however that ends.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait, to be read after done
}

// spawn starts a process. The kernel kills it when the thread that started it
// ends, so that thread is kept until the process has ended.
func spawn(out, problems io.Writer, env []string, name string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = out, problems
	c.cmd.Env = append(c.cmd.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
		}
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

func (c *child) running() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// stop asks the process to end, and kills its group after a while.
func (c *child) stop(patience time.Duration) {
	if !c.running() {
		return
	}
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(patience):
		c.kill()
	}
}

func (c *child) kill() {
	if c.running() {
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-c.done
	}
}

package dump

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// secret is an in-memory file with the given text: it has no name, and disappears with the
// last process that has it open, however that process ends.
func secret(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("opsdeck", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an in-memory file: %w", err)
	}
	f := os.NewFile(uintptr(fd), "options")
	err = f.Chmod(0o600) // the tools ignore a file that other users may write
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write an in-memory file: %w", err)
	}
	return f, nil
}

// bound makes the kernel kill a child when this process dies. The kernel sends the signal
// when the thread that started the child ends, so that thread is kept until release.
func bound() (attr *syscall.SysProcAttr, release func()) {
	runtime.LockOSThread()
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, runtime.UnlockOSThread
}

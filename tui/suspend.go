package tui

import (
	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// suspend is ctrl-z: the shell gets the terminal, and fg brings the console back.
func (c *Console) suspend() tea.Cmd {
	if !hasShell() {
		return c.notify(ops.StateWarning, lang.M("no shell here can resume the console; press q to quit"))
	}
	return tea.Suspend
}

// hasShell tells whether the parent is in this session and in another process group,
// as a shell with job control is. Without one the kernel stops nobody, and bubbletea
// would wait for ever to be continued.
func hasShell() bool {
	parent := unix.Getppid()
	ours, err := unix.Getsid(0)
	theirs, err2 := unix.Getsid(parent)
	group, err3 := unix.Getpgid(parent)
	return err == nil && err2 == nil && err3 == nil && ours == theirs && group != unix.Getpgrp()
}

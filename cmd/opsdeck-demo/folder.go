package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// holdFolder locks a world's marker for as long as this process lives.
func holdFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, errors.New("a demo world is up already in " + filepath.Dir(path))
	}
	return f, nil
}

// shellQuote writes a word as sh reads it back.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

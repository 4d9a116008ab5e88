package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endWorkers ends what opsdeck has left running on this world in sessions of
// their own: a restore's worker outlives the console on purpose, but not the
// world that it works on.
func (w *world) endWorkers() {
	pids := w.workers()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, pid := range pids {
			syscall.Kill(pid, signal)
		}
		for deadline := time.Now().Add(10 * time.Second); len(pids) > 0 &&
			time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			pids = w.workers()
		}
	}
}

// workers are the processes that lead a session and were given this world's
// configuration in the form in which opsdeck gives it to its workers.
func (w *world) workers() []int {
	arg := []byte("--config=" + w.path("config.yaml"))
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, word := range bytes.Split(text, []byte{0}) {
			if sid, err := unix.Getsid(pid); bytes.Equal(word, arg) && err == nil && sid == pid {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestSystemdIsToldThatWatchIsReadyAndLives listens in systemd's place: watch is ready when
// it has looked, and feeds the watchdog at each step. A watch that cannot begin says nothing.
func TestSystemdIsToldThatWatchIsReadyAndLives(t *testing.T) {
	t.Parallel()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	watching := func(config string) *exec.Cmd {
		cmd := exec.Command(bin, "--config", config, "watch", "--alerts-only")
		cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
		return cmd
	}
	const service = "services:\n  - name: one\n    process: {kind: none}\n    health: {url: \"\", interval: 200ms}\n"
	if err := watching(configFile(t, service+"    nosuch: 1\n")).Run(); err == nil {
		t.Fatal("a wrong configuration is watched")
	}
	w := watching(configFile(t, "state_dir: "+filepath.Join(dir, "state")+"\n"+service))
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Wait()
	defer w.Process.Kill()
	socket.SetReadDeadline(time.Now().Add(4 * time.Minute))
	for i, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		text := make([]byte, 100)
		n, _, err := socket.ReadFromUnix(text)
		if err != nil || string(text[:n]) != want {
			t.Fatalf("message %d: %q, %v, want %q", i, text[:n], err, want)
		}
	}
}

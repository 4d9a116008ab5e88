package notify

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
)

// rsyslogConf has an input of each kind, and writes what it understood of a message.
const rsyslogConf = `global(workDirectory="%[1]s")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
input(type="imuxsock" Socket="%[1]s/log" CreatePath="off")
input(type="imudp" address="127.0.0.1" port="%[2]d")
input(type="imtcp" address="127.0.0.1" port="%[2]d")
template(name="seen" type="string"
  string="%%inputname%%|%%protocol-version%%|%%syslogfacility-text%%.%%syslogseverity-text%%|%%app-name%%|%%procid%%|%%msgid%%|%%msg%%\n")
action(type="omfile" file="%[1]s/out" template="seen" FileCreateMode="0600")
`

// TestRsyslogUnderstandsEachWay sends to a real rsyslogd over its local socket, UDP and TCP,
// in both forms: who sent it, how bad it is and what it says arrive in their own fields.
func TestRsyslogUnderstandsEachWay(t *testing.T) {
	t.Parallel()
	bin, err := exec.LookPath("rsyslogd")
	if err != nil {
		if bin = "/usr/sbin/rsyslogd"; !exists(bin) {
			if os.Getenv("OPSDECK_REAL") == "required" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	port, err := testdb.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, rsyslogConf, dir, port), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	local := filepath.Join(dir, "log")
	for end := time.Now().Add(time.Minute); !exists(local); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("rsyslogd does not listen")
		}
	}
	udp, tcp := fmt.Sprintf("udp://127.0.0.1:%d", port), fmt.Sprintf("tcp://127.0.0.1:%d", port)
	const text = `第二行 \ end | FATAL ERROR: "Reached heap limit"`
	for _, c := range []struct{ address, format, want string }{
		{local, "", "imuxsock|0|local3.crit|opsdeck|PID|-| qianzhang heap firing "},
		{udp, "", "imudp|1|local3.crit|opsdeck|PID|heap|"},
		{tcp, "", "imtcp|1|local3.crit|opsdeck|PID|heap|"},
		{udp, "rfc3164", "imudp|0|local3.crit|opsdeck|PID|-| qianzhang heap firing "},
		{tcp, "rfc3164", "imtcp|0|local3.crit|opsdeck|PID|-| qianzhang heap firing "},
	} {
		conf := config.Notify{Name: "log", Kind: "syslog", Address: c.address, Facility: "local3", Format: c.format}
		target, err := New(conf)
		if err != nil {
			t.Fatal(err)
		}
		os.Truncate(filepath.Join(dir, "out"), 0)
		if err := target.Send(context.Background(), alert()); err != nil {
			t.Fatalf("%s %s: %v", c.address, c.format, err)
		}
		want := strings.ReplaceAll(c.want, "PID", fmt.Sprint(os.Getpid()))
		line := ""
		for end := time.Now().Add(time.Minute); time.Now().Before(end) && !strings.Contains(line, "\n"); {
			time.Sleep(10 * time.Millisecond)
			got, _ := os.ReadFile(filepath.Join(dir, "out"))
			line = strings.TrimLeft(string(got), "\x00")
		}
		if !strings.HasPrefix(line, want) || !strings.Contains(line, text) {
			t.Errorf("%s %q: rsyslog understood\n%q, want\n%q … %q", c.address, c.format, line, want, text)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

package logfile

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/logs/store"
)

// TestARealJournal reads and follows what a real journald has of a real unit.
func TestARealJournal(t *testing.T) {
	m := testdb.Systemd(t)
	t.Setenv("PATH", m.Bin+":"+os.Getenv("PATH"))
	m.Systemctl(t, "start", "systemd-journald.service")
	readFails(t, "journald:opsdeck-no-unit", "systemd has no unit opsdeck-no-unit")
	m.Unit(t, "opsdeck-log.service", `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
SyslogIdentifier=qianzhang
ExecStart=/bin/sh -c 'echo "plain 客户"; echo "<3>an error"; printf "\\033[31mred\\033[39m\\n"; echo "[Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] nest"; echo "    at f (/app/a.ts:1:2)"; head -c 120000 /dev/zero | tr "\\0" x; echo'
`)
	m.Systemctl(t, "start", "opsdeck-log.service")
	var got string
	until(t, "the unit's lines in the journal", func() bool {
		got = strings.Join(foundIn(t, "journald:opsdeck-log.service", ""), "\n")
		return strings.Contains(got, strings.Repeat("x", 120_000))
	})
	for _, want := range []string{"INFO [qianzhang] plain 客户", "ERROR [qianzhang] an error", "\x1b[31mred\x1b[39m", "INFO [Nest] 1  - 01/29/2026, 12:00:00 PM     LOG [A] nest\n    at f (/app/a.ts:1:2)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%.1000q", want, got)
		}
	}
	store := store.NewStore(time.Local, time.Now)
	defer store.Close()
	sources, err := Config{}.Resolve(t.Context(), []string{"journald:opsdeck-log.service"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Feed(ctx, store, sources, store.Fail)
	}()
	until(t, "what was there", func() bool { return store.Stats().Lines >= 6 })
	before := store.Stats().Lines
	m.Systemctl(t, "start", "opsdeck-log.service")
	until(t, "what came", func() bool { return store.Stats().Lines >= before+6 })
	cancel()
	<-done
	if st := store.Stats(); len(st.Errors) != 0 {
		t.Errorf("%v", st.Errors)
	}
}

// TestAMachineWithoutAJournalSaysSo has the words of systemd 252's journalctl, which ends with 0.
func TestAMachineWithoutAJournalSaysSo(t *testing.T) {
	command(t, "journalctl", `echo "No journal files were found." >&2`)
	readFails(t, "journald:", "No journal files were found")
	readFails(t, "journald:shop", "No journal files were found")
}

// readFails fails unless a source cannot be read, and says why.
func readFails(t *testing.T, name, want string) {
	t.Helper()
	sources, err := Config{}.Resolve(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range sources[0].Parts {
		text, err := p.Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if text != nil {
			text.Close()
		}
	}
}

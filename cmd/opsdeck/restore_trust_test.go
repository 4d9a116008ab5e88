package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestARestoreRefusesAnOpenBackupFolder: the folder takes the emergency backup, also
// of a dump that lies elsewhere. It is refused before anything is stopped, and where
// it was opened in between nothing is written into it.
func TestARestoreRefusesAnOpenBackupFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, testdb.MariaDB(t))
	backups := filepath.Join(s.dir, "backups")
	if err := os.Mkdir(backups, 0o700); err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(s.dir, "dump.sql")
	s.write("dump.sql", string(s.db.Dump(t, "--databases", s.live)))
	s.db.Exec(t, s.live, shopDamage...)
	damaged, advice := s.dump(), "chmod go-w "+backups
	s.trusts(false)
	for _, args := range [][]string{{"--plan"}, {"--confirm", s.live}} {
		o := s.run(append([]string{"restore", "--from", from}, args...)...)
		if o.code != 78 || !strings.Contains(o.err, advice+"\n") || !s.running() {
			t.Errorf("%v: exit %d, running %v: %s", args, o.code, s.running(), o.err)
		}
	}
	s.trusts(true)
	config, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("config.yaml", strings.Replace(string(config), `stop: "rm`, `stop: "chmod 777 `+backups+`; rm`, 1))
	o := s.run("restore", "--from", from, "--accept-missing", "order_names,total_of", "--confirm", s.live)
	left, _ := filepath.Glob(filepath.Join(backups, "*"))
	if o.code == 0 || !strings.Contains(o.err, advice) || !s.running() || len(left) > 0 {
		t.Errorf("exit %d, running %v, left %v: %s", o.code, s.running(), left, o.err)
	}
	sameDump(t, damaged, s.dump())
}

// trusts closes the backup folder to others, or opens it.
func (s *realSite) trusts(closed bool) {
	s.t.Helper()
	mode := os.FileMode(0o777)
	if closed {
		mode = 0o700
	}
	if err := os.Chmod(filepath.Join(s.dir, "backups"), mode); err != nil {
		s.t.Fatal(err)
	}
}

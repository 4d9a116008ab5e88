package backupview

import (
	"strings"
	"testing"
	"time"

	"opsdeck/ops/backup"
)

// TestABackupIsNotUnverifiedAndVerifiedAtOnce holds that a file of another tool that
// was read, but whose rows were not, is not said to be verified anywhere.
func TestABackupIsNotUnverifiedAndVerifiedAtOnce(t *testing.T) {
	p := shown("en")
	s := &backup.Set{
		Name:    "shop_20260101_020000.sql.gz",
		State:   backup.Unverified,
		Foreign: true,
		Checked: now.Add(-time.Minute),
		At:      now.Add(-time.Hour),
	}
	text := strings.Join(p.dossier.factLines(s, 100), "\n")
	if strings.Contains(text, "verified") || !strings.Contains(text, "its rows were not loaded") {
		t.Errorf("the facts read:\n%s", text)
	}
	s.Deep, s.State = true, backup.Good
	if text := strings.Join(p.dossier.factLines(s, 100), "\n"); !strings.Contains(text, "loaded whole") {
		t.Errorf("the facts read:\n%s", text)
	}
}

// TestAnAuditArchiveIsNotDrilled: it holds rows of one table, and no restore starts
// from it.
func TestAnAuditArchiveIsNotDrilled(t *testing.T) {
	p := shown("en")
	press(p, "down")
	s := p.table.current()
	if why := p.noDrill(); s == nil || !why.Empty() {
		t.Fatalf("%+v cannot be drilled: %s", s, why)
	}
	s.Tier = backup.Archive
	if why := p.noDrill().String(); !strings.Contains(why, "not a backup") {
		t.Errorf("an archive is drilled: %q", why)
	}
}

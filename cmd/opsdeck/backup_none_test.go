package main

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestNoGoodBackupSaysWhy: unverified backups, and those of another database, are no empty folder.
// A drill takes the newest that is not known to be bad, as a restore does.
func TestNoGoodBackupSaysWhy(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create", "--kind", "manual")
	says := func(code int, want string, command ...string) {
		t.Helper()
		o := s.run(command...)
		text := strings.Join(strings.Fields(o.out+o.err), " ")
		if o.code != code || !strings.Contains(text, want) {
			t.Errorf("%s: exit %d, not %d with %q:\n%s%s", command, o.code, code, want, o.out, o.err)
		}
	}
	s.amend("state_dir: "+s.dir+"/state", "state_dir: "+s.dir+"/moved")
	says(0, "no good backup of "+s.live+": none is verified", "backup", "list")
	says(0, "backup verify --all", "backup", "list")
	says(0, s.live+"_2", "backup", "drill", "--dry-run")
	says(0, s.live+"_2", "backup", "drill")

	wrong := s.live + "x"
	s.amend("name: "+s.live, "name: "+wrong)
	none := "no good backup of " + wrong + "; the folder has backups of " + s.live
	for _, command := range []string{"restore --plan", "backup drill"} {
		says(1, none, strings.Fields(command)...)
		says(1, "config show", strings.Fields(command)...)
	}
	says(0, none, "backup", "list")
	says(2, "there is no good backup (the folder has backups of "+s.live+")", "status", "--only", "backup")
	says(2, "there is no database "+wrong+", or this user cannot see it", "doctor")
	s.amend("key_tables: [customers, orders]", "key_tables: [customers]")
	says(2, `-e "SHOW DATABASES"`, "status", "--only", "schema")
	says(0, "services[0].database.name", "config", "show")
}

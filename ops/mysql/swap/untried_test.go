package swap_test

import (
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// A user who may not keep a trial out of the binlog is told that the RENAME was not tried,
// and the privilege; one who may is not.
func TestAPlanSaysThatTheRenameWasNotTried(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *testdb.Server) {
		f := newField(t, db)
		told := func() *restore.Finding {
			all := f.plan(restore.Swap).Assessment.Findings
			i := slices.IndexFunc(all, func(x restore.Finding) bool {
				return strings.Contains(x.What.Msg.String(), "the RENAME was not tried")
			})
			if i < 0 {
				return nil
			}
			return &all[i]
		}
		if x := told(); x != nil {
			t.Errorf("a user with every privilege: %+v", x)
		}
		grant := "SESSION_VARIABLES_ADMIN"
		revoke := "REVOKE SUPER, SYSTEM_VARIABLES_ADMIN, SESSION_VARIABLES_ADMIN ON *.* FROM 'tame'@'%'"
		if db.Flavour != "mysql" {
			grant = "BINLOG ADMIN"
			revoke = "REVOKE SUPER, BINLOG ADMIN ON *.* FROM 'tame'@'%'"
		}
		db.Exec(t, "", "CREATE USER 'tame'@'%' IDENTIFIED BY 'tame-pw'", "GRANT ALL ON *.* TO 'tame'@'%'", revoke)
		t.Cleanup(func() { db.Exec(t, "", "DROP USER 'tame'@'%'") })
		f.server.Close()
		f.server.Target.User = "tame"
		f.server.Target.Password = "tame-pw"
		x := told()
		if x == nil || x.State != ops.StateUnknown || !strings.Contains(x.Hint.Msg.String(), grant) {
			t.Errorf("a user without the privilege: %+v", x)
		}
	})
}

package restore_test

import (
	"strings"
	"testing"

	"opsdeck/ops/restore"
)

// TestRowsThatAreNotOfAllTablesSaySo: a table that is missing now has rows in the backup, which
// the counts of now cannot be compared with.
func TestRowsThatAreNotOfAllTablesSaySo(t *testing.T) {
	src := restore.Source{Name: "b.sql.gz", State: "good", Manifest: true, Consistent: true,
		Tables: []restore.SourceTable{{Name: "orders", Rows: 8857}, {Name: "payments", Rows: 461}}}
	a := &restore.Assessment{Tables: []restore.TableState{
		{Name: "orders", Exists: true, InBackup: true, Rows: 10135, BackupRows: 8857, Check: "OK"},
		{Name: "payments", InBackup: true, Rows: -1, BackupRows: 461},
	}}
	told := func() (all string) {
		p := restore.Draft("20260129-120000-0001", src.At, restore.Choice{}, restore.Settings{}, src, "sales", a)
		for _, f := range p.Facts {
			all += f.What.Msg.String() + "\n"
		}
		return all
	}
	if all := told(); !strings.Contains(all, "rows of 1 of 2 tables now: 10,135, in the backup: 8,857\n") {
		t.Error(all)
	}
	a.Tables[1] = restore.TableState{Name: "payments", Exists: true, InBackup: true, Rows: 500, BackupRows: 461}
	if all := told(); !strings.Contains(all, "rows now: 10,635, in the backup: 9,318\n") {
		t.Error(all)
	}
}

package backup

import (
	"strings"
	"testing"
	"time"
)

// TestTheEmergencyBackupOfAnyDatabaseIsAFileOfTheFolder, whatever the database is called.
func TestTheEmergencyBackupOfAnyDatabaseIsAFileOfTheFolder(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 3, 20, 16, 0, time.Local)
	if got := EmergencyName("shop", at); got != "emergency_backup_shop_20261130_032016.sql.gz" {
		t.Error(got)
	}
	for _, db := range []string{"a/b", "../x", "%s%d", strings.Repeat("库", 64)} {
		name := EmergencyName(db, at)
		n, ok := ParseName(name, Known{})
		if strings.Contains(name, "/") || len(name) > 200 || !ok || n.Date != "20261130" {
			t.Errorf("%s: %s, %+v", db, name, n)
		}
	}
}

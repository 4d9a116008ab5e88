package restore

import (
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
)

func TestTheSmallestCureThatHealsComesFirst(t *testing.T) {
	rows := func(tables ...string) *binlog.Transaction {
		tx := &binlog.Transaction{ID: "x:1"}
		for _, n := range tables {
			tx.Count("shop", n).Add(binlog.Delete, 30_000)
		}
		return tx
	}
	ddl := rows()
	ddl.DDL = []binlog.Statement{{Schema: "shop", SQL: "DROP TABLE orders"}}
	mixed := rows("orders", "items")
	mixed.Other = []binlog.Statement{{Schema: "shop", SQL: "UPDATE t SET a=1"}}
	for name, c := range map[string]struct {
		txn  *binlog.Transaction
		want []Cure
		off  int
	}{
		"rows of two tables":   {rows("orders", "items"), []Cure{CureUndo, CureTable, CureDatabase}, 1},
		"rows of one table":    {rows("orders"), []Cure{CureUndo, CureTable, CureDatabase}, 0},
		"a dropped table":      {ddl, []Cure{CureTable, CureDatabase, CureUndo}, 1},
		"statements, 2 tables": {mixed, []Cure{CureDatabase, CureUndo, CureTable}, 2},
	} {
		got, off := Advise(c.txn, "shop", lang.Msg{}), 0
		for i, a := range got {
			if a.Cure != c.want[i] || a.Why.Empty() {
				t.Errorf("%s: %d is %s, want %s", name, i, a.Cure, c.want[i])
			}
			if !a.Off.Empty() {
				off++
			}
		}
		if off != c.off || !got[0].Off.Empty() {
			t.Errorf("%s: %d cannot be taken, want %d", name, off, c.off)
		}
	}
	if got := Advise(rows("orders", "items"), "shop", lang.Msg{})[0].Why.String(); !strings.Contains(got,
		"60,000 rows in about 3 s") {
		t.Error(got)
	}
}

func TestReachSaysWhatIsLostAtMost(t *testing.T) {
	at := time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC)
	clock := func(t time.Time) string { return t.Format("15:04:05") }
	for want, r := range map[string]Reach{
		"newest good backup 02:00:00 + binlog to 14:03:12: at most 1 s is lost": {
			Backup: at, LogTo: at.Add(12*time.Hour + 3*time.Minute + 12*time.Second),
			Now: at.Add(12*time.Hour + 3*time.Minute + 12*time.Second),
		},
		"newest good backup 02:00:00; no binlog continues it: everything written since is lost (12 h)": {
			Backup: at, Now: at.Add(12 * time.Hour),
		},
		"there is no good backup to restore from": {Now: at},
	} {
		if got := r.Say(clock).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

package backup

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var known = Known{Databases: []string{"qianzhang_sales"}, Tables: []string{"customers", "orders", "order_items"}}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	return z
}

func TestParseNameReadsEveryFormOfTheField(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	for _, c := range []struct {
		name string
		tier Tier
		subj string
		at   string
	}{
		{"qianzhang_sales_20260129_020000.sql.gz", Daily, "qianzhang_sales", "2026-01-29T02:00:00+08:00"},
		{"qianzhang_sales_20260129_020000-2.sql.gz", Daily, "qianzhang_sales", "2026-01-29T02:00:00+08:00"},
		{"qianzhang_sales_20260129_020000.sql.zst", Daily, "qianzhang_sales", "2026-01-29T02:00:00+08:00"},
		{"qianzhang_sales_20260129_020000.sql.gz.age", Daily, "qianzhang_sales", "2026-01-29T02:00:00+08:00"},
		{"weekly_qianzhang_sales_20260201_020000.sql.gz", Weekly, "qianzhang_sales", "2026-02-01T02:00:00+08:00"},
		{"monthly_qianzhang_sales_20260201_020000.sql.gz", Monthly, "qianzhang_sales", "2026-02-01T02:00:00+08:00"},
		{"emergency_backup_20260129_101500.sql.gz", Emergency, "emergency_backup", "2026-01-29T10:15:00+08:00"},
		{"all_databases_20260129_020000.sql.gz", Manual, "all_databases", "2026-01-29T02:00:00+08:00"},
		{"all_databases_20260129.sql.gz", Manual, "all_databases", "2026-01-29T00:00:00+08:00"},
		{"customers_orders_20260129_020000.sql.gz", Partial, "customers_orders", "2026-01-29T02:00:00+08:00"},
		{"order_items_orders_20260129.sql.gz", Partial, "order_items_orders", "2026-01-29T00:00:00+08:00"},
		{"qianzhang_sales_tables_20260129_020000.sql.gz", Partial, "qianzhang_sales_tables",
			"2026-01-29T02:00:00+08:00"},
		{"other_shop_20260129_020000.sql.gz", Unknown, "other_shop", "2026-01-29T02:00:00+08:00"},
		{"audit_logs_2025.sql.gz", Archive, "audit_logs", "2026-01-01T00:00:00+08:00"},
		{"xtrabackup_20260129_020000", Unknown, "xtrabackup", "2026-01-29T02:00:00+08:00"},
	} {
		n, ok := ParseName(c.name, known)
		if !ok || n.Tier != c.tier || n.Subject != c.subj || n.At(shanghai).Format(time.RFC3339) != c.at {
			t.Errorf("%s: %+v ok %v at %s", c.name, n, ok, n.At(shanghai).Format(time.RFC3339))
		}
		if got := n.String(); got != c.name {
			t.Errorf("%s is written as %s", c.name, got)
		}
	}
}

func TestParseNameRefusesWhatIsNoBackup(t *testing.T) {
	for _, name := range []string{"", ".", "..", "backup.log", "cron.log", "qianzhang_sales.sql.gz",
		"qianzhang_sales_20261301_020000.sql.gz", "qianzhang_sales_20260129_250000.sql.gz",
		"qianzhang_sales_20260129_020000.sql.gz.manifest.json", "qianzhang_sales_20260129_020000.sql.gz.tmp",
		"_20260129_020000.sql.gz", "xtrabackup_20269999_000000"} {
		if n, ok := ParseName(name, known); ok {
			t.Errorf("%q read as %+v", name, n)
		}
	}
}

func TestTheRepeatedHourCountsAsTheEarlier(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct{ clock, date, want string }{
		{"013000", "20261025", "2026-10-24T23:30:00Z"},
		{"023000", "20261025", "2026-10-25T00:30:00Z"}, // also 01:30Z
		{"030000", "20261025", "2026-10-25T02:00:00Z"},
		{"023000", "20260329", "2026-03-29T01:30:00Z"}, // left out: 03:30 summer time
		{"020000", "20260701", "2026-07-01T00:00:00Z"},
	} {
		n := Name{Date: c.date, Clock: c.clock}
		if got := n.At(berlin).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.date, c.clock, got, c.want)
		}
	}
}

func TestOneNameInTwoZonesIsTwoMoments(t *testing.T) {
	n := Name{Date: "20260129", Clock: "020000"}
	gap := n.At(zone(t, "Europe/Berlin")).Sub(n.At(zone(t, "Asia/Shanghai")))
	if gap != 7*time.Hour {
		t.Fatalf("apart by %s", gap)
	}
}

func TestTwoBackupsOfOneSecondGetTwoNames(t *testing.T) {
	dir := t.TempDir()
	spec := Spec{
		Databases: []string{"qianzhang_sales"},
		At:        time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC),
		Ext:       ".sql.gz",
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[string]bool{}
	for range 20 {
		wg.Go(func() {
			name, err := Reserve(dir, spec)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || seen[name] {
				t.Errorf("name %q: %v", name, err)
			}
			seen[name] = true
		})
	}
	wg.Wait()
	if !seen["qianzhang_sales_20260129_020000.sql.gz"] || !seen["qianzhang_sales_20260129_020000-20.sql.gz"] {
		t.Errorf("names: %v", seen)
	}
}

func TestReserveNeverTakesAFinishedBackupsName(t *testing.T) {
	dir := t.TempDir()
	spec := Spec{Databases: []string{"db"}, At: time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC), Ext: ".sql.gz"}
	os.WriteFile(filepath.Join(dir, spec.Name(1)), nil, 0o600)
	os.WriteFile(filepath.Join(dir, spec.Name(2)+ManifestSuffix), nil, 0o600)
	name, err := Reserve(dir, spec)
	if err != nil || name != spec.Name(3) {
		t.Fatalf("%q, %v", name, err)
	}
}

func TestNamesOfAnyDatabaseStayInTheFolder(t *testing.T) {
	at := time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC)
	for _, db := range []string{"../../etc/passwd", ".hidden", "a b", "it's", "a\nb", "a\x1b[31mb", "50%", "千张",
		strings.Repeat("x", 64), "a_20260101_010101"} {
		name := Spec{Databases: []string{db}, At: at, Ext: ".sql.gz"}.Name(1)
		if !baseName(name) || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "\n\x1b") {
			t.Errorf("%q becomes %q", db, name)
		}
		n, ok := ParseName(name, Known{Databases: []string{db}})
		if db != "a_20260101_010101" && (!ok || n.Subject != db || n.Tier != Daily) {
			t.Errorf("%q: %q reads as %+v", db, name, n)
		}
	}
	many := Spec{
		Databases: []string{"db"},
		Tables:    strings.Split(strings.Repeat("表,", 300), ","),
		At:        at,
		Ext:       ".sql.gz",
	}.Name(
		1,
	)
	if many != "db_tables_20260129_020000.sql.gz" {
		t.Errorf("300 tables give %q", many)
	}
}

func TestSundayAndTheFirstGetFurtherNames(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 2, 1, 2, 0, 0, 0, time.UTC) // a Sunday and the 1st
	name := Spec{Databases: []string{"db"}, At: at, Ext: ".sql.gz"}.Name(1)
	m := testManifest(name, []byte("text"), at)
	os.WriteFile(filepath.Join(dir, name), []byte("text"), 0o600)
	if err := writeManifest(dir, m); err != nil {
		t.Fatal(err)
	}
	for range 2 { // safe to repeat
		made, err := LinkTiers(dir, name, m, at)
		if err != nil || len(made) != 2 || made[0] != "weekly_"+name || made[1] != "monthly_"+name {
			t.Fatalf("%v, %v", made, err)
		}
	}
	if _, err := ReadManifest(filepath.Join(dir, "monthly_"+name)); err != nil {
		t.Error(err)
	}
	m.Kind = KindEmergency
	if made, _ := LinkTiers(dir, name, m, at); made != nil {
		t.Errorf("an emergency backup got %v", made)
	}
}

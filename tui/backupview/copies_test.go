package backupview

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/ops/backup"
	"opsdeck/tui/page"
)

// besides is the year of backups with two copies: one that holds more than the
// folder, and one that was never looked at.
func besides(code string) *Page {
	svc := service()
	svc.Read = func(context.Context) (*Shelf, error) {
		s := year()
		far := backup.Elsewhere{Copy: "far", At: now.Add(-3 * time.Hour)}
		for n := range 2 {
			at := time.Date(2025, 11, 18-n, 2, 0, 0, 0, time.UTC)
			name := backup.Spec{Databases: []string{db}, At: at, Ext: ".sql.gz"}.Name(1)
			far.Only = append(
				far.Only,
				&backup.Set{
					Name:     name,
					Path:     "far:" + name,
					AtCopy:   "far",
					Tier:     backup.Daily,
					At:       at,
					Size:     900 << 20,
					State:    backup.Good,
					Checked:  at,
					Database: db,
				},
			)
		}
		far.Sets = append(far.Only, s.Inventory.Sets[:5]...)
		s.Away = []backup.Elsewhere{far, {Copy: "云端"}}
		return s, nil
	}
	p := New(testEnv(code), svc)
	run(p, p.read())
	press(p, "z")
	for p.table.rows[p.table.scroll.Cursor].away == nil {
		press(p, "down")
	}
	press(p, " ", "down")
	return p
}

func TestCopiesStandBesideTheFolder(t *testing.T) {
	for _, code := range []string{"en", "zh"} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("list-%s-%dx%d", code, size.Width, size.Height), func(t *testing.T) {
				golden.RequireEqual(t, []byte(besides(code).View(size)+"\n"))
			})
		}
	}
}

func TestABackupThatOnlyACopyHoldsCanBeRestoredAndNoMore(t *testing.T) {
	p := besides("en")
	name := "far:qianzhang_sales_20251118_020000.sql.gz"
	if press(p, "v", "d"); p.work.job != nil {
		t.Error("it was verified here")
	}
	press(p, "enter")
	if s := p.dossier.opened(); s == nil || s.Path != name {
		t.Fatalf("opened %+v", s)
	}
	other := press(p, "R")
	if len(other) != 1 || other[0] != (page.Goto{Page: "restore", Body: name}) {
		t.Errorf("%v", other)
	}
	press(p, "esc", "/", "2", "0", "2", "5", "1", "1", "1", "8", "enter")
	if len(p.table.rows) < 2 || p.table.rows[len(p.table.rows)-1].set.Path != name {
		t.Errorf("the filter finds %d rows", len(p.table.rows))
	}
}

// TestABackupAtACopyCountsForTheAge: where backups are streamed there, the
// folder has none.
func TestABackupAtACopyCountsForTheAge(t *testing.T) {
	p := besides("en")
	fresh := &backup.Set{
		Name:     "a",
		Path:     "far:a",
		AtCopy:   "far",
		Tier:     backup.Daily,
		Database: db,
		State:    backup.Good,
		At:       now.Add(-5 * time.Minute),
	}
	p.stock.shelf.Away[0].Sets = append([]*backup.Set{fresh}, p.stock.shelf.Away[0].Sets...)
	if text := p.stock.verdict(120); !strings.Contains(text, "5 m ago") || !strings.Contains(text, "at the copy far") {
		t.Error(text)
	}
}

package backupview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/exp/golden"

	"opsdeck/internal/cells"
	"opsdeck/internal/clock/clocktest"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

const db = "qianzhang_sales"

var now = time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)

var keep = backup.Keep{Daily: 7, Weekly: 4, Monthly: 12, Emergency: 3, Manual: 5}

func testEnv(code string) *page.Env {
	return &page.Env{
		Ctx:     context.Background(),
		Lang:    lang.For(code),
		Theme:   theme.New(theme.Options{NoColor: true}),
		Clock:   clocktest.New(now),
		Zone:    time.UTC,
		Service: "qianzhang",
	}
}

// year is a shelf with planted faults: a night that is missing, a week of them,
// a damaged and a truncated backup, one not yet verified.
func year() *Shelf {
	inv := &backup.Inventory{
		Dir:      "/var/backups/mysql",
		Database: db,
		Zone:     time.UTC,
		At:       now,
		Disk:     backup.Disk{Total: 500 << 30, Free: 120 << 30},
	}
	inode := uint64(0)
	add := func(spec backup.Spec, tier backup.Tier, state backup.State, size int64, problems ...backup.Problem) {
		inode++
		name := spec.Name(1)
		names := []string{name}
		if tier == backup.Daily {
			names = append(names, backup.TierNames(name, spec.At)...)
		}
		for _, n := range names {
			parsed, _ := backup.ParseName(n, backup.Known{Databases: []string{db}})
			s := &backup.Set{
				Name:     n,
				Path:     "/var/backups/mysql/" + n,
				Parsed:   parsed,
				Tier:     parsed.Tier,
				Kind:     spec.Kind,
				Database: db,
				At:       spec.At,
				Size:     size,
				State:    state,
				Problems: problems,
				Engine:   "native",
				ID:       backup.FileID{Inode: inode, Size: size},
				Links:    len(names),
			}
			if tier != backup.Daily {
				s.Tier = tier
			}
			s.Summary = backup.Summary{File: name, Databases: []string{db}, Engine: "native"}
			if state != backup.Unverified {
				s.Checked = spec.At.Add(10 * time.Minute)
			}
			inv.Sets = append(inv.Sets, s)
		}
		inv.Bytes += size
	}
	night := func(n int) backup.Spec {
		return backup.Spec{
			Kind:      backup.KindScheduled,
			Databases: []string{db},
			At:        time.Date(2026, 11, 18-n, 2, 0, 0, 0, time.UTC),
			Ext:       ".sql.gz",
		}
	}
	for n := range 60 {
		size := int64(1300-5*n) << 20
		switch {
		case n == 3, n > 9 && n < 17:
		case n == 2:
			add(night(n), backup.Daily, backup.Unverified, size)
		case n == 4:
			add(
				night(n),
				backup.Daily,
				backup.Bad,
				3<<20,
				backup.Problem{Code: backup.Truncated, Args: []string{"3.0 MiB", "1.2 GiB"}},
			)
		case n == 5:
			add(
				night(n),
				backup.Daily,
				backup.Bad,
				size,
				backup.Problem{Code: backup.BadMember, Args: []string{"rows 12 of orders"}},
			)
		default:
			add(night(n), backup.Daily, backup.Good, size)
		}
	}
	add(
		backup.Spec{Kind: backup.KindEmergency, At: now.Add(-50 * time.Hour), Ext: ".sql.gz"},
		backup.Emergency,
		backup.Good,
		900<<20,
	)
	add(
		backup.Spec{Kind: backup.KindManual, Databases: []string{db}, At: now.Add(-30 * time.Hour), Ext: ".sql.gz"},
		backup.Manual,
		backup.Good,
		1290<<20,
	)
	evil := &backup.Set{
		Name:     "\x1b[2Jshop_20260101_020000.sql.gz",
		Tier:     backup.Unknown,
		At:       time.Date(2026, 1, 1, 2, 0, 0, 0, time.UTC),
		Size:     77,
		Foreign:  true,
		State:    backup.Unverified,
		Problems: []backup.Problem{{Code: backup.ByOthers}},
	}
	inv.Sets = append(inv.Sets, evil)
	sorted := backup.Scan{Dir: inv.Dir, Databases: []string{db}, Zone: time.UTC, Now: now}.NewInventory(inv.Sets)
	sorted.Disk, sorted.Bytes = inv.Disk, inv.Bytes
	daily, _ := backup.ParseCron("0 2 * * *")
	return &Shelf{
		Inventory: sorted,
		Tiers:     sorted.Tiers(keep, daily, 2*time.Hour),
		Plan:      backup.PlanRetention(sorted, backup.Policy{Keep: keep, Late: 26 * time.Hour}),
		Drills: []backup.Drill{
			{
				At:        now.AddDate(0, 0, -8),
				Operator:  "li",
				Database:  db,
				Backup:    "qianzhang_sales_20261118_020000.sql.gz",
				Scenario:  backup.WholeDatabase,
				TookMS:    95_000,
				RestoreMS: 81_000,
				SizeBytes: 1200 << 20,
				Result:    backup.Passed,
			},
		},
	}
}

var manifest = &backup.Manifest{
	Tool:        "opsdeck 1.0",
	Engine:      "native",
	Server:      backup.Server{Flavour: "mysql", Version: "9.1.0"},
	Databases:   []string{db},
	Consistency: "ftwrl",
	StartedAt:   now,
	FinishedAt:  now.Add(18 * time.Second),
	Position:    backup.Position{File: "binlog.000042", Pos: 1577},
	RawBytes:    6 << 30,
	SHA256:      strings.Repeat("ab", 32),
	Tables: []backup.Table{
		{Name: "customers", Rows: 51_200, DataBytes: 11 << 20, Engine: "InnoDB"},
		{Name: "订单", Rows: 7_500_000, DataBytes: 5 << 30, Engine: "InnoDB"},
	},
}

func service() Service {
	return Service{Database: db, Late: 26 * time.Hour,
		Read:     func(context.Context) (*Shelf, error) { return year(), nil },
		Manifest: func(context.Context, *backup.Set) (*backup.Manifest, error) { return manifest, nil },
		Create:   func(context.Context, Report) (lang.Msg, error) { return lang.Raw("made"), nil },
		Verify:   func(context.Context, *backup.Set, Report) (lang.Msg, error) { return lang.Raw("good"), nil },
		Drill:    func(context.Context, *backup.Set, Report) (lang.Msg, error) { return lang.Raw("passed"), nil },
		Prune:    func(context.Context, *backup.Plan, Report) (lang.Msg, error) { return lang.Raw("pruned"), nil },
		Compare:  func(context.Context, string) (*restore.Assessment, error) { return present, nil },
	}
}

// present is what is in the database now, from a backup's point of view.
var present = &restore.Assessment{At: now,
	Tables: []restore.TableState{
		{Name: "ar_invoices", InBackup: true, BackupRows: 628},
		{Name: "订单", InBackup: true, Exists: true, Rows: 7_600_000},
	},
	Loss: restore.Loss{
		Tables: []restore.LossTable{
			{Table: "订单", Newer: 100_000, Changed: 12, Estimate: true},
			{Table: "notes\x1b[2J", Newer: 3, Vanishes: true},
		},
		Unknown: []string{"settings"},
		Users:   []string{"李磊 (40)", "7 (2)"},
	}}

// run runs a command and gives the page what comes of it, as the console does.
func run(p *Page, cmd tea.Cmd) (other []tea.Msg) {
	if cmd == nil {
		return nil
	}
	switch m := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range m {
			other = append(other, run(p, c)...)
		}
	case page.Msg:
		other = append(other, run(p, p.Receive(m))...)
	default:
		other = append(other, m)
	}
	return other
}

func shown(code string) *Page {
	p := New(testEnv(code), service())
	run(p, p.read())
	return p
}

func press(p *Page, keys ...string) (other []tea.Msg) {
	for _, k := range keys {
		if a, ok := page.ForKey(p.Actions(), k); ok && !p.TakingText() {
			if why := a.Why(p.stock.env); why.Empty() {
				other = append(other, run(p, a.Run())...)
			}
			continue
		}
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		switch k {
		case "down":
			msg = tea.KeyMsg{Type: tea.KeyDown}
		case "enter":
			msg = tea.KeyMsg{Type: tea.KeyEnter}
		case "esc":
			msg = tea.KeyMsg{Type: tea.KeyEsc}
		}
		other = append(other, run(p, p.Key(msg))...)
	}
	return other
}

var sizes = []page.Size{{Width: 40, Height: 8}, {Width: 80, Height: 20}, {Width: 120, Height: 36}}

func TestViews(t *testing.T) {
	views := map[string][]string{
		"list":     nil,
		"folded":   {"z"},
		"detail":   {"down", "enter"},
		"compared": {"down", "enter", "o"},
		"bad":      {"/", "b", "a", "d", "enter", "down", "enter"},
		"plan":     {"p"},
		"filter":   {"/", "b", "a", "d", "enter"},
		"worst":    {"o", "o", "o"},
	}
	for name, keys := range views {
		for _, code := range []string{"en", "zh"} {
			for _, size := range sizes {
				t.Run(fmt.Sprintf("%s-%s-%dx%d", name, code, size.Width, size.Height), func(t *testing.T) {
					p := shown(code)
					press(p, keys...)
					golden.RequireEqual(t, []byte(p.View(size)+"\n"))
				})
			}
		}
	}
}

func TestEveryViewFitsEverySize(t *testing.T) {
	empty := New(testEnv("en"), service())
	failed := New(
		testEnv("zh"),
		Service{Read: func(context.Context) (*Shelf, error) { return nil, errors.New("no folder \x1b[2J") }},
	)
	run(failed, failed.read())
	working := shown("en")
	working.work.job = &job{
		title: lang.Raw("verify"),
		shown: ops.Progress{Object: "千张", Done: 5, Total: 10, Unit: "bytes", Elapsed: time.Second},
	}
	detail, plan := shown("zh"), shown("en")
	press(detail, "down", "enter")
	press(plan, "p")
	compared := shown("en")
	press(compared, "down", "enter", "o")
	for _, p := range []*Page{compared, empty, failed, working, shown("zh"), detail, plan} {
		for w := 1; w < 210; w += 7 {
			for h := 1; h < 62; h += 5 {
				lines := strings.Split(p.View(page.Size{Width: w, Height: h}), "\n")
				if len(lines) != h {
					t.Fatalf("%dx%d: %d lines", w, h, len(lines))
				}
				for _, l := range lines {
					if cells.Width(l) > w || strings.Contains(l, "\x1b[2J") {
						t.Fatalf("%dx%d: %q", w, h, l)
					}
				}
			}
		}
	}
}

func TestTheCursorStaysOnItsBackupWhenOthersCome(t *testing.T) {
	p := shown("en")
	press(p, "down", "down", "down")
	was := p.table.current().Name
	more := year()
	more.Tiers[0].Sets = append([]*backup.Set{{Name: "new", At: now, Tier: backup.Daily}}, more.Tiers[0].Sets...)
	p.Update(shelfMsg{shelf: more})
	if got := p.table.current().Name; got != was {
		t.Errorf("on %s, not %s", got, was)
	}
}

func TestAnOldAnswerIsDropped(t *testing.T) {
	p := shown("en")
	old := p.read()
	p.read()
	before := p.stock.shelf
	run(p, old)
	if p.stock.shelf != before {
		t.Error("an answer to an older question was taken")
	}
}

func TestRestoreFromHereOpensTheWizard(t *testing.T) {
	p := shown("en")
	got := press(p, "down", "R")
	if len(got) != 1 || got[0] != (page.Goto{Page: "restore", Body: "qianzhang_sales_20261118_020000.sql.gz"}) {
		t.Errorf("%+v", got)
	}
}

func TestAComparisonIsOfItsOwnBackupAlone(t *testing.T) {
	p := shown("en")
	asked := ""
	p.stock.svc.Compare = func(_ context.Context, name string) (*restore.Assessment, error) {
		asked = name
		return present, nil
	}
	press(p, "down")
	if text := p.View(page.Size{Width: 200, Height: 60}); !strings.Contains(text, "compare it with the live data: enter, then o") ||
		strings.Contains(text, "press o to compare") {
		t.Errorf("beside the list, where o sorts:\n%s", text)
	}
	press(p, "enter", "o")
	if first := called(p.dossier.opened()); asked != first {
		t.Errorf("%q was looked at, not %q", asked, first)
	}
	if text := p.View(page.Size{Width: 80, Height: 40}); !strings.Contains(text, "returns: 628 rows") {
		t.Errorf("what comes back is not told:\n%s", text)
	}
	press(p, "n")
	if text := p.View(page.Size{Width: 80, Height: 40}); strings.Contains(text, "returns: ") ||
		!strings.Contains(text, "press o to compare it") {
		t.Errorf("the next backup shows the former's comparison:\n%s", text)
	}
	p.stock.svc.Compare = func(context.Context, string) (*restore.Assessment, error) {
		return nil, errors.New("no server")
	}
	if msgs := press(p, "o"); len(msgs) != 1 || msgs[0].(page.Notice).State != ops.StateCritical || p.work.job != nil {
		t.Errorf("a server that is away is not told: %+v", msgs)
	}
}

func TestNothingIsPrunedButThePlanThatWasShownAndNamed(t *testing.T) {
	var carried *backup.Plan
	svc := service()
	svc.Prune = func(_ context.Context, p *backup.Plan, _ Report) (lang.Msg, error) {
		carried = p
		return lang.Raw("done"), nil
	}
	p := New(testEnv("en"), svc)
	run(p, p.read())
	press(p, "p")
	seen := p.stock.shelf.Plan
	msgs := press(p, "enter")
	if len(msgs) != 1 || carried != nil {
		t.Fatalf("one key pruned: %v", msgs)
	}
	dialog := msgs[0].(page.Open).Overlay
	for _, r := range "qianzhang" {
		dialog.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	if _, done := dialog.Update(tea.KeyMsg{Type: tea.KeyEnter}); done || carried != nil {
		t.Fatal("half a name will do")
	}
	for _, r := range "_sales" {
		dialog.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	cmd, done := dialog.Update(tea.KeyMsg{Type: tea.KeyEnter})
	if !done {
		t.Fatal("the name will not do")
	}
	run(p, cmd)
	if carried != seen {
		t.Error("another plan was carried out")
	}
}

func TestWorkGoesOnWhenTheTabIsLeftAndEndsWhenStopped(t *testing.T) {
	svc := service()
	begun := make(chan struct{})
	svc.Verify = func(ctx context.Context, _ *backup.Set, r Report) (lang.Msg, error) {
		r(ops.Progress{Done: 1, Total: 2, Unit: "bytes", Object: "x"})
		close(begun)
		<-ctx.Done()
		return lang.Msg{}, ctx.Err()
	}
	p := New(testEnv("en"), svc)
	run(p, p.read())
	press(p, "down")
	a, _ := page.ForKey(p.Actions(), "v")
	batch := a.Run()().(tea.BatchMsg)
	ended := make(chan tea.Msg, 1)
	go func() { ended <- batch[0]() }()
	<-begun
	p.Hide()
	if m, ok := batch[1]().(page.Msg); !ok {
		t.Fatal("no progress")
	} else if p.Receive(m); !strings.Contains(p.View(sizes[1]), "50 %") {
		t.Errorf("progress is not shown:\n%s", p.View(sizes[1]))
	}
	if why, busy := p.Busy(); !busy || why.Empty() {
		t.Error("quitting would not ask")
	}
	if why := p.work.off(true)(); why.Empty() {
		t.Error("a second work may begin")
	}
	press(p, "esc")
	got := run(p, func() tea.Msg { return <-ended })
	if n, ok := got[0].(page.Notice); !ok || n.State != ops.StateWarning || p.work.job != nil {
		t.Errorf("%+v", got)
	}
}

// A backup that lacks rows was made, and is no success: the notice is a warning that says
// so first, within the 80 columns.
func TestABackupThatLacksRowsEndsWithAWarning(t *testing.T) {
	svc := service()
	lost := backup.Shrink{Rows: 520, Was: 1300}.Text()
	svc.Create = func(context.Context, Report) (lang.Msg, error) {
		return lang.Msg{}, &ops.Warning{What: lang.M("Lost rows? %s", lost)}
	}
	p := New(testEnv("en"), svc)
	run(p, p.read())
	got := run(p, p.work.start(lang.Raw("back up"), svc.Create))
	changed := false
	for _, m := range got {
		switch m := m.(type) {
		case page.Notice:
			if m.State != ops.StateWarning || !strings.HasPrefix(m.Text.String(), "Lost rows? ") ||
				len(m.Text.String()) > 76 {
				t.Errorf("%s: %s", m.State, m.Text)
			}
		case page.Changed:
			changed = true
		}
	}
	if !changed {
		t.Errorf("the other tabs are not told of the backup: %+v", got)
	}
}

func TestReadOnlyRefusesWhatWrites(t *testing.T) {
	p := shown("en")
	p.stock.env.ReadOnly = true
	press(p, "down")
	for _, a := range p.Actions() {
		writes := map[string]bool{"backups.create": true, "backups.drill": true, "backups.sync": true}[a.ID]
		if a.Writes != writes || writes && a.Why(p.stock.env).Empty() {
			t.Errorf("%s: writes %v", a.ID, a.Writes)
		}
	}
}

// BenchmarkView is one frame at 200×60 of 10,000 backups.
func BenchmarkView(b *testing.B) {
	s := year()
	for i := range 10_000 {
		s.Tiers[0].Sets = append(
			s.Tiers[0].Sets,
			&backup.Set{Name: fmt.Sprintf("x%d", i), At: now, Tier: backup.Daily, State: backup.Good},
		)
	}
	p := New(testEnv("en"), service())
	p.Update(shelfMsg{shelf: s})
	for b.Loop() {
		p.View(page.Size{Width: 200, Height: 60})
	}
}

// TestWhyTheFolderCannotBeReadIsWhole: the end of the sentence says what helps.
func TestWhyTheFolderCannotBeReadIsWhole(t *testing.T) {
	const hint = "make the first backup: opsdeck backup create; or set backup.dir in the configuration"
	missing := ops.E(ops.Failed, lang.Raw("there is no backup folder /var/backups/mysql")).WithHint(lang.M(hint))
	later := shown("en")
	later.stock.err = missing
	for _, p := range []*Page{
		New(testEnv("en"), Service{Read: func(context.Context) (*Shelf, error) { return nil, missing }}), later,
	} {
		if p != later {
			run(p, p.read())
		}
		for _, size := range []page.Size{{Width: 40, Height: 20}, {Width: 80, Height: 20}} {
			if view := strings.Join(strings.Fields(p.View(size)), " "); !strings.Contains(view, hint) {
				t.Errorf("%v: the hint is cut:\n%s", size, p.View(size))
			}
		}
	}
}

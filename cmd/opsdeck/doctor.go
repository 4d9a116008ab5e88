package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/cells"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/drill"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/checks"
)

type doctorCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// doctorJSON is the command's document.
type doctorJSON struct {
	State     ops.State   `json:"state"`
	CheckedAt time.Time   `json:"checked_at"`
	Points    []pointJSON `json:"points"`
}

type pointJSON struct {
	Name     string        `json:"name"`
	Service  string        `json:"service,omitempty"`
	State    ops.State     `json:"state"`
	Detail   string        `json:"detail"`
	Findings []findingJSON `json:"findings"`
}

type findingJSON struct {
	State ops.State `json:"state"`
	What  string    `json:"what"`
	Fix   string    `json:"fix,omitempty"`
}

// binlogEvery is how often the binary log is fetched where nobody follows it.
const binlogEvery = 6 * time.Hour

// doctorTime bounds the questions to one server.
const doctorTime = 10 * time.Second

// Run looks at the ground and says what to do. Its exit code is the state's.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	loaded, err := a.config()
	if err != nil {
		return err
	}
	services, err := a.statusServices()
	if err != nil {
		return err
	}
	r := doctor.Report{At: a.clock.Now()}
	r.Points = append(r.Points, machinePoints(a, loaded)...)
	for _, s := range services {
		r.Points = append(r.Points, servicePoints(ctx, a, s)...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.JSON {
		err = a.json(doctorDocument(a.printer, r))
	} else {
		_, err = fmt.Fprint(a.out, strings.Join(doctorLines(a.printer, r), "\n")+"\n")
	}
	if err != nil {
		return err
	}
	return exitCode(r.State().ExitCode())
}

// machinePoints are about no service.
func machinePoints(a *app, l *config.Loaded) []doctor.Point {
	conf := doctor.Point{
		Name: "config",
		Seen: lang.M("the defaults are in force; `opsdeck config init` writes a file"),
	}
	if l.Path != "" {
		conf.Seen = lang.M("read from %s", l.Path)
	}
	state := config.Home(l.StateDirFor(os.Getuid(), a.getenv))
	points := []doctor.Point{conf, doctor.JudgeFolder(folderFacts(state), "state-folder", "", true, 0, 0)}
	locale := doctor.Point{Name: "locale", Seen: lang.M("the terminal's text is UTF-8")}
	if v := firstSet(a.getenv, "LC_ALL", "LC_CTYPE", "LANG"); !strings.Contains(
		strings.ToUpper(strings.ReplaceAll(v, "-", "")),
		"UTF8",
	) {
		locale.Findings = []doctor.Finding{
			{
				State: ops.StateWarning,
				What:  lang.M("the locale %q is not UTF-8: names in Chinese may not show", v),
				Fix:   "export LANG=C.UTF-8",
			},
		}
	}
	return append(points, locale)
}

func firstSet(getenv func(string) string, names ...string) string {
	for _, n := range names {
		if v := getenv(n); v != "" {
			return v
		}
	}
	return ""
}

// servicePoints are about one service.
func servicePoints(ctx context.Context, a *app, s config.Service) []doctor.Point {
	points := []doctor.Point{doctor.JudgeTools(toolsOf(s), onPath, s.Name)}
	points = append(points, deployPoints(ctx, a, s)...)
	if !checks.HasDatabase(s.Database) {
		return points
	}
	points = append(points, databasePoints(ctx, a, s)...)
	if len(s.Backup.Recipients) > 0 {
		points = append(points, keyPoint(s))
	}
	if s.Backup.Dir != "" {
		dir := config.Home(s.Backup.Dir)
		points = append(
			points,
			doctor.JudgeFolder(
				folderFacts(dir),
				"backup-folder",
				s.Name,
				true,
				s.Health.DiskFree,
				nextBackup(ctx, a, s),
			),
		)
	}
	return points
}

func databasePoints(ctx context.Context, a *app, s config.Service) []doctor.Point {
	broken := func(name string, err error) []doctor.Point {
		var e *ops.Error
		p := doctor.Point{Name: name, Service: s.Name}
		f := doctor.Finding{State: ops.StateCritical, What: lang.Raw(err.Error())}
		if errors.As(err, &e) {
			f.What, f.Fix = e.What, a.lang.Msg(e.Hint)
		}
		p.Findings = []doctor.Finding{f}
		return []doctor.Point{p}
	}
	target, err := mysql.Resolve(s.Database)
	if err != nil {
		return broken("login", err)
	}
	login := doctor.Point{Name: "login", Service: s.Name, Seen: lang.M("%s answers", target.String())}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	facts, err := mysql.Facts(ctx, target, s.Database.Name)
	if err != nil {
		return broken("login", err)
	}
	points := []doctor.Point{login, doctor.JudgePassword(target.Password, s.Name)}
	beside := restore.SideSchema(s.Database.Name, "new", "00000000-000000-0000")
	points = append(points, doctor.JudgeServer(facts, s.Name, s.Database.Name, beside)...)
	if s.Backup.DrillServer == (config.Database{}) {
		points = append(
			points,
			doctor.Point{Name: "drill-rights", Service: s.Name, Seen: lang.M("%s may rehearse restores", facts.User),
				Findings: doctor.JudgeDrill(doctor.ParseGrants(facts.Grants), facts.User, drill.ScratchSchema())},
		)
	}
	log, err := mysql.BinlogFacts(ctx, target)
	if err != nil {
		return append(points, broken("binary-log", err)...)
	}
	return append(points, doctor.JudgeBinlog(log, s.Name, binlogEvery))
}

// nextBackup is about how many bytes the next backup needs: the newest's size
// and a fifth. Zero is unknown.
func nextBackup(ctx context.Context, a *app, s config.Service) int64 {
	shelf, err := a.shelfOf(&s)
	if err != nil {
		return 0
	}
	inv, err := shelf.Read(ctx)
	if err != nil {
		return 0
	}
	if newest := backup.NewestUsable(inv, s.Database.Name); newest != nil {
		return newest.Size + newest.Size/5
	}
	return 0
}

// toolsOf are the programs that a service's configuration needs, and for what.
func toolsOf(s config.Service) map[string]lang.Msg {
	need := map[string]lang.Msg{}
	control := lang.M("it starts and stops the service")
	switch s.Process.Kind {
	case "pm2":
		need["pm2"] = control
	case "systemd":
		need["systemctl"] = control
	case "compose":
		need["docker"] = control
	}
	if s.Backup.Engine == "mysqldump" && s.Database.Container == "" {
		need["mysqldump"] = lang.M("it makes the backups")
	}
	for _, c := range s.Backup.Copies {
		if c.Kind == "rsync" {
			need["rsync"], need["ssh"] = lang.M("it copies backups"), lang.M("it copies backups")
		}
	}
	return need
}

func onPath(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// folderFacts looks at a folder without writing to it.
func folderFacts(path string) doctor.Folder {
	f := doctor.Folder{Path: path, Parent: path}
	info, err := os.Stat(path)
	f.Exists = err == nil && info.IsDir()
	if f.Exists {
		f.Mode = uint32(info.Mode().Perm())
	}
	for !checks.IsFolder(f.Parent) && f.Parent != filepath.Dir(f.Parent) {
		f.Parent = filepath.Dir(f.Parent)
	}
	f.Writable = unix.Access(f.Parent, unix.W_OK|unix.X_OK) == nil && (f.Exists || os.IsNotExist(err))
	var disk unix.Statfs_t
	if unix.Statfs(f.Parent, &disk) == nil {
		f.Free, f.Size = int64(
			disk.Bavail,
		)*int64(
			disk.Bsize,
		), int64(
			disk.Blocks-disk.Bfree+disk.Bavail,
		)*int64(
			disk.Bsize,
		)
	}
	return f
}

func doctorDocument(a *printer, r doctor.Report) doctorJSON {
	doc := doctorJSON{State: r.State(), CheckedAt: r.At, Points: []pointJSON{}}
	for _, p := range r.Points {
		point := pointJSON{
			Name:     p.Name,
			Service:  p.Service,
			State:    p.State(),
			Detail:   a.lang.Msg(p.Seen),
			Findings: []findingJSON{},
		}
		for _, f := range p.Findings {
			point.Detail = a.lang.Msg(p.Findings[0].What)
			point.Findings = append(point.Findings, findingJSON{f.State, a.lang.Msg(f.What), f.Fix})
		}
		doc.Points = append(doc.Points, point)
	}
	return doc
}

// doctorLines are a table of points by service, what to do below each finding.
func doctorLines(a *printer, r doctor.Report) []string {
	t := a.theme()
	table := cells.Table{Max: a.width()}
	heads, last := map[int]string{}, ""
	for _, p := range r.Points {
		if p.Service != last {
			last = p.Service
			heads[len(table.Rows)] = last
		}
		for i, f := range append([]doctor.Finding{{State: p.State(), What: p.Seen}}, p.Findings...) {
			if i == 0 && len(p.Findings) > 0 {
				continue // what was found says it
			}
			style, glyph := t.State(f.State)
			table.Rows = append(
				table.Rows,
				[]string{
					style.Render(glyph + " " + a.lang.Msg(f.State.Label())),
					p.Name,
					termsafe.Line(a.lang.Msg(f.What)),
				},
			)
			if f.Fix != "" {
				table.Rows = append(table.Rows, []string{"", "", t.Dim.Render("→ ") + termsafe.Line(f.Fix)})
			}
		}
	}
	out := []string{doctorVerdict(a, r)}
	for i, line := range table.Lines() {
		if name, ok := heads[i]; ok || i == 0 {
			out = append(out, "")
			if name != "" {
				out = append(out, t.Bold.Render(termsafe.Line(name)))
			}
		}
		out = append(out, line)
	}
	return out
}

func doctorVerdict(a *printer, r doctor.Report) string {
	style, glyph := a.theme().State(r.State())
	findings := 0
	for _, p := range r.Points {
		findings += len(p.Findings)
	}
	said := a.lang.T("All %d checks passed.", len(r.Points))
	switch {
	case findings == 1:
		said = a.lang.T("One problem needs attention.")
	case findings > 1:
		said = a.lang.T("%d problems need attention.", findings)
	}
	return style.Render(glyph + " " + said)
}

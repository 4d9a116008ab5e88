// Package ready tells whether the ground of a service is ready for backup and restore:
// its login and rights, its folders, tools and keys, and what deploy check finds.
package ready

import (
	"context"
	"errors"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/drill"
	"opsdeck/ops/probe"
	"opsdeck/ops/restore"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/deploys"
)

// binlogEvery is how often the binary log is fetched where nobody follows it.
const binlogEvery = 6 * time.Hour

// doctorTime bounds the questions to one server.
const doctorTime = 10 * time.Second

// Look is a look at one service.
type Look struct {
	Service *config.Service
	Lang    *lang.Printer
	Explain func(error) *ops.Error
	// Site may fail where the state folder does: the other points are told all the same.
	Site    func() (*site.Site, error)
	Deploys func() (*deploys.Desk, error)
	// Opsdeck is the command line of one of opsdeck's own commands.
	Opsdeck func(args string) string
}

// Points are what was found about the service.
func (l Look) Points(ctx context.Context) []doctor.Point {
	s := l.Service
	points := []doctor.Point{doctor.JudgeTools(toolsOf(s), onPath, s.Name)}
	points = append(points, l.deployment(ctx)...)
	if !checks.HasDatabase(s.Database) {
		return points
	}
	points = append(points, l.database(ctx)...)
	points = append(points, l.copies(ctx)...)
	if len(s.Backup.Recipients) > 0 {
		points = append(points, keyPoint(s))
	}
	if s.Backup.Dir != "" {
		dir := config.Home(s.Backup.Dir)
		points = append(points, doctor.JudgeFolder(probe.Folder(dir), "backup-folder", s.Name, true, s.Health.DiskFree,
			l.nextBackup(ctx)))
	}
	return points
}

func (l Look) database(ctx context.Context) []doctor.Point {
	s, whole := l.Service, ctx
	broken := func(name string, err error) []doctor.Point {
		var e *ops.Error
		p := doctor.Point{Name: name, Service: s.Name}
		f := doctor.Finding{State: ops.StateCritical, What: lang.Raw(err.Error())}
		if whole.Err() != nil { // it was cut short
			f.State = ops.StateUnknown
		}
		if errors.As(err, &e) {
			f.What, f.Fix = withReason(e), l.Lang.Msg(e.Hint)
		}
		p.Findings = []doctor.Finding{f}
		return []doctor.Point{p}
	}
	target, err := mysql.Resolve(s.Database)
	if err != nil {
		return broken("login", err)
	}
	login := doctor.Point{Name: "login", Service: s.Name, Seen: lang.M("%s responds", target.String())}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	facts, err := mysql.Facts(ctx, target, s.Database.Name)
	if err != nil {
		return broken("login", err)
	}
	points := []doctor.Point{login, doctor.JudgePassword(target.Password, s.Name)}
	at := doctor.Places{
		Live:   s.Database.Name,
		Beside: restore.SideSchema(s.Database.Name, "new", "00000000-000000-0000"),
		Drill:  drill.ScratchSchema(),
	}
	points = append(points, doctor.JudgeServer(facts, s.Name, at)...)
	if s.Backup.DrillServer == (config.Database{}) {
		points = append(points, doctor.JudgeDrill(facts, s.Name, at))
	}
	log, err := mysql.BinlogFacts(ctx, target, s.Database.Name)
	if err != nil {
		return append(points, broken("binary-log", err)...)
	}
	log.PlainArchive = len(s.Backup.Recipients) == 0
	if log.On && !log.Receives() {
		filesOf(ctx, target, &log)
	}
	point := doctor.JudgeBinlog(log, s.Name, binlogEvery)
	l.stops(ctx, &point)
	points = append(points, point)
	if s.Restore.Standby {
		at.Beside = restore.StandbySchema(s.Database.Name, "00000000-000000-0000")
		points = append(points, doctor.JudgeStandby(log.Account, s.Name, at))
	}
	return points
}

// filesOf finds the server's log files, which can be read in place of the connection.
func filesOf(ctx context.Context, t mysql.Target, log *doctor.Binlog) {
	files, err := binlog.FindFiles(ctx, t)
	var why *binlog.FilesError
	switch {
	case err == nil:
		log.Files = files.String()
	case errors.As(err, &why):
		log.NoFiles = why.Why
	}
}

// stops finds a statement in the archive that a replay cannot do.
func (l Look) stops(ctx context.Context, p *doctor.Point) {
	at, err := l.Site()
	if err != nil || l.Service.Backup.Dir == "" {
		return
	}
	shelf, err := backups.Open(at)
	if err != nil {
		return
	}
	stop, err := shelf.Binlog().Outlook(ctx, false)
	if err != nil || stop == nil {
		return
	}
	what := lang.M("no restore reaches a later moment until there is a full backup: %s", backups.StopText(*stop))
	p.Findings = append(p.Findings, doctor.Finding{
		State: ops.StateCritical,
		What:  what,
		Fix:   l.Opsdeck("backup create"),
	})
}

// nextBackup is about how many bytes the next backup needs. Zero is unknown.
func (l Look) nextBackup(ctx context.Context) int64 {
	at, err := l.Site()
	if err != nil {
		return 0
	}
	shelf, err := backups.Open(at)
	if err != nil {
		return 0
	}
	inv, err := shelf.Read(ctx)
	if err != nil {
		return 0
	}
	return backup.NextSize(inv, l.Service.Database.Name)
}

// withReason is what an error says, with the server's own words where it has further ones.
func withReason(e *ops.Error) lang.Msg {
	if e.Err == nil {
		return e.What
	}
	why := mysql.Reason(e.Err)
	if why.Empty() || strings.Contains(e.What.String(), why.String()) {
		return e.What
	}
	return lang.M("%s (%s)", e.What, why)
}

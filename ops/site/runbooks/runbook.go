// Package runbooks is what to do, step by step, when a thing happens to a service: the
// steps with the very commands, filled for the configured service, and the restore as a
// script that needs no opsdeck.
package runbooks

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/service"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// Step is a step of a runbook: what to do, and the commands that do it.
type Step struct {
	Do       lang.Msg
	Commands []string
}

// Runbook is what to do, step by step, when a thing happens. The steps are made
// for the configured service, so that they can be typed as they stand.
type Runbook struct {
	Name  string
	When  lang.Msg
	Steps func(Place) []Step
}

// Place is what a runbook is filled with. PlaceOf makes one.
type Place struct {
	service  config.Service
	program  string // opsdeck as it is called again
	database string
	dir      string
	process  health.Commands
	client   string // the mysql client's command
	user     string // opsdeck's account on the server
	newest   string // path of the newest good backup; "" is none, or not known
}

// PlaceOf is the place of a service. program is opsdeck as it is called again for it.
func PlaceOf(s config.Service, program string) Place {
	p := Place{
		service:  s,
		program:  program,
		database: s.Database.Name,
		dir:      config.Home(s.Backup.Dir),
		client:   site.MysqlClient(s.Database),
	}
	if target, err := mysql.Resolve(s.Database); err == nil {
		p.user = target.User
	}
	if c, err := service.New(s.Process); err == nil {
		p.process = c.Commands()
	}
	return p
}

// WithNewest is the place with the path of its newest good backup; "" is none, or not known.
func (p Place) WithNewest(path string) Place {
	p.newest = path
	return p
}

// Opsdeck is the command of opsdeck with these words, for this service.
func (p Place) Opsdeck(args string) string { return p.program + " " + args }

// Service is the service's name.
func (p Place) Service() string { return p.service.Name }

// HasBackups tells whether a database and a folder of its backups are configured.
func (p Place) HasBackups() bool { return p.database != "" && p.dir != "" }

// All are the runbooks, in the order in which they are listed.
var All = []Runbook{
	{"deploy", lang.M("a new machine, in 30 minutes"), deploySteps},
	{"update", lang.M("a new release of the service"), updateSteps},
	{"troubleshooting", lang.M("something does not work: common causes and what to do"), troubleSteps},
	{"backup", lang.M("backups: make, verify, keep"), backupPage},
	{"logging", lang.M("logs: find what happened"), loggingPage},
	{"audit", lang.M("the audit: who did what"), auditPage},
	{"restore", lang.M("the database is lost or damaged"), restoreSteps},
	{"mysql-down", lang.M("MySQL does not respond"), mysqlSteps},
	{"service-down", lang.M("the service does not respond, or is not ready"), serviceSteps},
	{"disk-full", lang.M("a disk is nearly full"), diskSteps},
	{"backup-failed", lang.M("a backup is missing, old or bad"), backupSteps},
	{"undo", lang.M("rows were deleted or changed by mistake"), undoSteps},
	{"drill", lang.M("each quarter: drill a restore"), drillSteps},
	{"on-call", lang.M("you are called: the first half hour"), onCallPage},
	{"handing-over", lang.M("another person takes over this server"), handingOverPage},
}

// Named is the runbook with this name.
func Named(name string) (r Runbook, found bool) {
	for _, r := range All {
		if r.Name == name {
			return r, true
		}
	}
	return Runbook{}, false
}

// Names are the names of all runbooks.
func Names() (names []string) {
	for _, r := range All {
		names = append(names, r.Name)
	}
	return names
}

// NewestGood is the path of the newest good backup of the whole database and of nothing else;
// "" where there is none, or the folder cannot be read.
func NewestGood(ctx context.Context, sh *backups.Shelf) string {
	inv, err := sh.Look(ctx)
	if err != nil {
		return ""
	}
	best := backup.NewestAlone(inv, inv.Database)
	if best == nil {
		return ""
	}
	return filepath.Join(sh.Dir, best.Name)
}

// Markdown is a runbook to read or to print, in a language.
func (r Runbook) Markdown(l *lang.Printer, p Place) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n", termsafe.Line(p.service.Name), l.Msg(r.When))
	for i, s := range r.Steps(p) {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, l.Msg(s.Do))
		if len(s.Commands) == 0 {
			continue
		}
		b.WriteString("\n   ```sh\n")
		for _, line := range s.Commands {
			fmt.Fprintf(&b, "   %s\n", termsafe.Line(line))
		}
		b.WriteString("   ```\n")
	}
	return b.String()
}

// Package site is what one configured service can do: its rooms make and keep
// backups, restore them, look at the service, and run what is scheduled. It knows
// no terminal and no flags; a Site is passed explicitly, and so is each context.
package site

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"

	"opsdeck/ops/restore/run"
)

// Site is one configured service, with what its work needs of its surroundings.
type Site struct {
	Service *config.Service
	// All is the configuration that the service is of.
	All *config.Loaded
	// StateDir is the folder of records, locks and restores.
	StateDir string
	Clock    clock.Clock
	Getenv   func(string) string
	Lang     *lang.Printer
	// ReadOnly refuses every change.
	ReadOnly bool
	// Say narrates to the person who asked for the work, or to the journal.
	Say func(lang.Msg)
	// Explain makes an error for people of any error.
	Explain func(error) *ops.Error
	// Progress begins to show long work; done ends it.
	Progress func() (report func(ops.Progress), done func())
}

// Writable refuses a change under --read-only.
func (s *Site) Writable() error {
	if !s.ReadOnly {
		return nil
	}
	return ops.E(ops.Usage, lang.M("refused: opsdeck was started with --read-only")).
		WithHint(lang.M("run it again without --read-only"))
}

// Oplog is the record of operations. ctx ends every wait for its file.
func (s *Site) Oplog(ctx context.Context) *oplog.Log {
	return &oplog.Log{Dir: s.StateDir, Ctx: ctx, Now: s.Clock.Now, Getenv: s.Getenv}
}

// Operator is who is at it: "zhang (sudo, from 10.0.0.7)".
func (s *Site) Operator() string {
	who := oplog.UserName()
	var how []string
	if sudo := s.Getenv("SUDO_USER"); sudo != "" && sudo != who {
		how = append(how, "sudo "+sudo)
	}
	if from, _, ok := strings.Cut(s.Getenv("SSH_CONNECTION"), " "); ok {
		how = append(how, "from "+from)
	}
	if len(how) > 0 {
		who += " (" + strings.Join(how, ", ") + ")"
	}
	return who
}

// OpenRuns are the restores that are not over, the newest first. One that cannot
// be read counts as open; an error means that any may be.
func (s *Site) OpenRuns() ([]run.OpenRun, error) {
	return run.Store{Dir: s.StateDir}.OpenRuns()
}

// UndoNeeds are the emergency backups that undos of finished restores would load; see
// run.Store.UndoNeeds.
func (s *Site) UndoNeeds() (map[string]string, error) {
	return run.Store{Dir: s.StateDir}.UndoNeeds()
}

// LogCut is the newest moment after that one at which a restore exchanged the live
// tables of the service's database; zero where none did.
func (s *Site) LogCut(database string, after time.Time) (time.Time, error) {
	return run.Store{Dir: s.StateDir}.LogCut(s.Service.Name, database, after)
}

// AlsoSaved are backups that hold what others wrote during the newest restore; see run.Store.Also.
func (s *Site) AlsoSaved() (map[string]string, error) {
	return run.Store{Dir: s.StateDir}.Also()
}

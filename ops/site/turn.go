package site

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
)

// TurnDeploy is what a deployment says it holds a service for; a restore says "restore ID".
const TurnDeploy = "deploy"

// TakeTurn takes the lock of what stops or starts a service or changes its schema: one
// deployment or one restore at a time. Who holds it already is an error with code Busy.
func (s *Site) TakeTurn(service string, who lock.Holder) (*lock.Lock, error) {
	held, err := lock.Take(s.turnLock(service), who)
	if by := (*lock.HeldError)(nil); errors.As(err, &by) {
		return nil, turnTaken(service, by)
	}
	return held, err
}

// LookTurn refuses while a deployment of the service runs. It takes nothing.
func (s *Site) LookTurn(service string) error {
	path := s.turnLock(service)
	who, held, err := lock.Look(path)
	if err != nil || !held || strings.HasPrefix(who.What, "restore ") {
		return err
	}
	return turnTaken(service, &lock.HeldError{Path: path, Holder: who})
}

// DeployTurn takes the lock for a deployment of this service.
func (s *Site) DeployTurn() (*lock.Lock, error) {
	return s.TakeTurn(s.Service.Name, lock.Holder{User: oplog.UserName(), What: TurnDeploy})
}

// Working tells whether a process with this state folder holds a database or a service: a
// restore, a deployment, a merge, an archive. What cannot be told counts as yes.
func (s *Site) Working() bool {
	for _, pattern := range []string{"service-*.lock", "restore-*.lock"} {
		paths, err := filepath.Glob(filepath.Join(s.StateDir, "locks", pattern))
		if err != nil {
			return true
		}
		for _, path := range paths {
			if _, held, err := lock.Look(path); held || err != nil {
				return true
			}
		}
	}
	return false
}

func (s *Site) turnLock(service string) string {
	return filepath.Join(s.StateDir, "locks", fmt.Sprintf("service-%x.lock", service))
}

func turnTaken(service string, by *lock.HeldError) error {
	who := by.Holder
	since := who.Since.Local().Format(time.DateTime)
	switch {
	case who.What == TurnDeploy:
		return ops.E(ops.Busy, lang.M("%s (pid %d) has been deploying %s since %s", who.User, who.PID, service, since)).
			WithHint(lang.M("wait until the deployment has ended, then run this again; see how far it is: opsdeck " +
				"deploy status"))
	case strings.HasPrefix(who.What, "restore "):
		return ops.E(ops.Busy, lang.M("%s (pid %d) has been restoring the database of %s since %s", who.User, who.PID,
			service, since)).
			WithHint(lang.M("watch it: opsdeck restore attach"))
	}
	return by
}

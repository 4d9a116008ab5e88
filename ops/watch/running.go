package watch

import (
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/lock"
)

// LockPath is the lock that the running watch of a state folder holds.
func LockPath(stateDir string) string { return filepath.Join(stateDir, "locks", "watch.lock") }

const (
	lockName   = "watch"
	alertsOnly = "--alerts-only"
	ofService  = "--service"
)

// HolderName describes a watch in its lock: whether it runs jobs, and of which service, ""
// for all of them.
func HolderName(alertsAlone bool, service string) string {
	words := []string{lockName}
	if alertsAlone {
		words = append(words, alertsOnly)
	}
	if service != "" {
		words = append(words, ofService, service)
	}
	return strings.Join(words, " ")
}

// Running is the watch that runs on a state folder; nil for none.
func Running(stateDir string) (*lock.Holder, error) {
	who, held, err := lock.Look(LockPath(stateDir))
	if err != nil || !held {
		return nil, err
	}
	return &who, nil
}

// RunningJobs is the watch that runs the scheduled jobs of a service; nil where none runs,
// or it only sends alerts, or it is of another service.
func RunningJobs(stateDir, service string) (*lock.Holder, error) {
	who, err := Running(stateDir)
	if who == nil || err != nil {
		return nil, err
	}
	words := strings.SplitN(who.What, " ", 4)
	if slices.Contains(words, alertsOnly) {
		return nil, nil
	}
	if _, only, found := strings.Cut(who.What, ofService+" "); found && only != service {
		return nil, nil
	}
	return who, nil
}

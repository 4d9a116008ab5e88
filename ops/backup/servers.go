package backup

import (
	"fmt"
	"path/filepath"
	"time"

	"opsdeck/internal/jsonl"
)

// serversName is the file of the servers from which this machine made backups.
const serversName = "servers.jsonl"

// serverRecord is a line of it.
type serverRecord struct {
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Server  string    `json:"server"` // as Server.Identity
}

// ReadServers returns the servers from which backups of a service were made with this
// state folder; nil when none is known.
func ReadServers(stateDir, service string) (map[string]bool, error) {
	var own map[string]bool
	err := jsonl.Each(filepath.Join(stateDir, serversName), func(r serverRecord) {
		if r.Service != service || r.Server == "" {
			return
		}
		if own == nil {
			own = map[string]bool{}
		}
		own[r.Server] = true
	})
	return own, err
}

// RememberServer records that a backup of a service was made from a server, unless that
// is known or the server has no identity.
func RememberServer(stateDir, service, server string, at time.Time) error {
	known, err := ReadServers(stateDir, service)
	if err != nil || server == "" || known[server] {
		return err
	}
	record := serverRecord{At: at, Service: service, Server: server}
	if err := jsonl.Append(filepath.Join(stateDir, serversName), record); err != nil {
		return fmt.Errorf("remember the server of the backup: %w", err)
	}
	return nil
}

// others marks a backup that was made from another server than the service's. Nothing is
// known of one without an identity, and of all where no server is known.
func (sc Scan) others(s *Set) {
	server := s.Summary.Server
	if server == "" || len(sc.Servers) == 0 || sc.Servers[server] {
		return
	}
	s.Other = true
	s.add(problem(OtherServer, s.Summary.Machine))
}

// NewestOther is the newest usable backup of a database that was made from another server: a
// good one, else one that was not verified; nil for none.
func NewestOther(inv *Inventory, db string) (newest *Set) {
	for _, s := range inv.Sets { // the newest first
		switch {
		case !s.Other || s.State == Bad || s.Parsed.Physical || !s.Whole(db):
		case s.State == Good:
			return s
		case newest == nil:
			newest = s
		}
	}
	return newest
}

// FarFewerThan tells whether a backup has less than half of the rows of another.
func (s *Set) FarFewerThan(o *Set) bool {
	return s.Summary.rowsKnown() && farFewer(s.Summary.Rows, o.Summary.Rows)
}

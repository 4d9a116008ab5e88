package main

import (
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/site/restores"
)

// rewindRunJSON is a transaction that was undone, for programs.
type rewindRunJSON struct {
	ID       string    `json:"id"`
	Service  string    `json:"service"`
	Database string    `json:"database"`
	Txn      string    `json:"txn"`
	At       time.Time `json:"at"`
	Rows     int       `json:"rows"`
	State    string    `json:"state"` // prepared, done or undone
	Kept     bool      `json:"undo_possible"`
}

// rewinds are the transactions that were undone, where all runs are shown.
func (c *restoreStatusCmd) rewinds(d *restores.Desk) []rewindRunJSON {
	all := []rewindRunJSON{}
	if c.ID != "" {
		return all
	}
	for _, r := range (restores.Rewinds{StateDir: d.StateDir}).Of(d.Service.Name) {
		all = append(all, rewindRunJSON{ID: r.ID, Service: r.Service, Database: r.Database, Txn: r.Txn, At: r.At,
			Rows: max(r.Rows, len(r.Inverse)), State: r.State, Kept: r.State != restores.RewindUndone})
	}
	return all
}

// sayRewinds lists them like the restores.
func sayRewinds(p *printer, all []rewindRunJSON) {
	for _, r := range all {
		p.say(lang.M("%s  %s: the transaction %s was undone at %s, %s rows", r.ID, r.Database, r.Txn,
			r.At.Local().Format("2006-01-02 15:04:05"), human.Count(int64(r.Rows))))
		if r.Kept {
			p.say(lang.M("    possible now: %s", "undo"))
		} else {
			p.say(lang.M("    this was undone"))
		}
	}
}

// sayNewestRewind names what an undo without an id takes.
func sayNewestRewind(a *app, id string) {
	d, err := a.desk()
	if err != nil {
		return
	}
	if r, err := (restores.Rewinds{StateDir: d.StateDir}).Load(id); err == nil {
		a.note(lang.M("the newest is %s, which undid the transaction %s; for another one give its id: "+
			"opsdeck restore status", r.ID, r.Txn))
	}
}

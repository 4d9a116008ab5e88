package restore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
)

// Replay is how far a backup is rolled forward with the binlog, and what that omits.
type Replay struct {
	Asked        binlog.Moment        `json:"asked"`
	BackupAt     time.Time            `json:"backup_at"`
	From         binlog.Place         `json:"from"`                // the backup's position
	Done         string               `json:"gtid_done,omitempty"` // logged transactions already in the backup
	To           binlog.Place         `json:"to"`                  // no transaction from here on is replayed
	ToTime       time.Time            `json:"to_time,omitzero"`    // time of the last replayed transaction
	Next         time.Time            `json:"next_time,omitzero"`  // time of the first omitted one
	Reach        string               `json:"reach"`               // how far the log reaches
	Transactions int64                `json:"transactions"`
	Tables       []binlog.TableChange `json:"tables"`          // replayed changes
	Rows         map[string]int64     `json:"rows"`            // row counts afterwards; -1 if unknown
	Least        map[string]int64     `json:"least,omitempty"` // minimum for the unknown ones
	After        []binlog.TableChange `json:"after"`           // omitted changes
	AfterCount   int64                `json:"after_count"`     // transactions
	AfterDDL     int                  `json:"after_ddl"`       // those that change definitions
	Ends         Note                 `json:"ends,omitzero"`   // why the omitted ones are not all known
	Warnings     []Note               `json:"warnings"`        // facts for the operator
	Refused      []Note               `json:"refused"`         // statements that cannot be replayed
	Live         bool                 `json:"live,omitempty"`  // the log reaches the server's current end
	Standby      *Standby             `json:"standby,omitempty"`
	NoStandby    Note                 `json:"standby_unused,omitzero"` // why an existing standby is not used
	Definers     []string             `json:"definers,omitempty"`      // accounts that the log creates objects for
	Creations    bool                 `json:"creations,omitempty"`     // the log creates triggers or functions
}

// PositionsOf are a backup's binlog positions: in its own server's log, and in the logs that
// the server replicates.
func PositionsOf(m *backup.Manifest) (positions []binlog.BackupPosition) {
	at := m.SnapshotAt
	if at.IsZero() {
		at = m.FinishedAt
	}
	add := func(s binlog.BackupPosition) {
		if s.File != "" || s.GTID != "" {
			s.GTID = strings.Join(strings.Fields(s.GTID), "")
			positions = append(positions, s)
		}
	}
	if p := m.Position; p.File != "" {
		s := binlog.BackupPosition{
			Position: binlog.Position{File: p.File, Pos: p.Pos},
			GTID:     p.GTID,
			Server:   p.Server,
			Host:     m.Server.Identity,
			Log:      p.Log,
			From:     m.StartedAt,
			At:       at,
		}
		if !p.ClockTo.IsZero() {
			s.From, s.At = p.ClockFrom, p.ClockTo
		}
		add(s)
	}
	for _, s := range m.Sources {
		add(binlog.BackupPosition{
			Position: binlog.Position{File: s.File, Pos: s.Pos},
			GTID:     s.GTID,
			Server:   s.Server,
			From:     m.StartedAt,
			At:       at,
			Source:   true,
		})
	}
	return positions
}

// tables are the tables that exist after the replay.
func (r *Replay) tables(backup []SourceTable) (out []SourceTable) {
	for _, name := range slices.Sorted(maps.Keys(r.Rows)) {
		t := SourceTable{Name: name}
		if i := slices.IndexFunc(backup, func(b SourceTable) bool { return b.Name == name }); i >= 0 {
			t.Engine, t.Bytes = backup[i].Engine, backup[i].Bytes
		}
		t.Rows = r.Rows[name]
		out = append(out, t)
	}
	return out
}

// Loss is what the replay omits, from the log.
func (r *Replay) Loss() Loss {
	l := Loss{Since: r.ToTime, ByLog: true, Unlogged: r.AfterDDL}
	if !r.Live {
		l.LogEnd = r.Reach
	}
	for _, c := range r.After {
		l.Tables = append(
			l.Tables,
			LossTable{Table: c.Table, Newer: c.Inserted, Changed: c.Updated, Deleted: c.Deleted, How: "log"},
		)
	}
	return l
}

// fact states first what a person asked for: the end of the replay, and what is lost.
func (r *Replay) fact(src Source) (ops.State, lang.Msg) {
	if r.Transactions == 0 {
		return ops.StateOK,
			lang.M("the backup of %s; no transactions between it and the moment", human.Moment(r.BackupAt))
	}
	lost := lang.M("the log has nothing later")
	switch unknown := !r.Ends.Msg.Empty(); {
	case unknown && r.AfterCount > 0:
		lost = lang.M("at least %s later transactions are not restored", human.Count(r.AfterCount))
	case unknown:
		lost = r.Ends.Msg
	case r.AfterCount > 0:
		lost = lang.M("%s later transactions are not restored", human.Count(r.AfterCount))
	}
	return ops.StateOK, lang.M("the backup of %s + binlog to %s (%s): %s transactions; %s",
		human.Moment(r.BackupAt), human.Moment(r.ToTime), r.To.Position.String(), human.Count(r.Transactions), lost)
}

// judgeReplay adds the obstacles to a replay.
func (p judge) judgeReplay(a *Assessment) {
	r := p.Source.Replay
	if r == nil {
		return
	}
	for _, w := range r.Warnings {
		p.add(ops.StateWarning, w.Msg, lang.Msg{})
	}
	for i, why := range r.Refused {
		if i == mostNamed {
			p.add(ops.StateCritical, lang.M("and %s more", strconv.Itoa(len(r.Refused)-i)), lang.Msg{})
			break
		}
		hint := lang.M("choose an earlier moment, or a later backup")
		if gone := a.Loss.Missing; len(gone) > 0 {
			hint = lang.M("choose an earlier moment, or a later backup; or restore the missing tables alone, as they "+
				"were in the backup: %s", onlyTables(gone))
		}
		p.block(lang.M("the binlog cannot be replayed: %s", why.Msg), hint)
	}
}

// replayStatements describe the replay as commands.
func (p commands) replayStatements() []string {
	r := p.Source.Replay
	if r == nil {
		return nil
	}
	from, transactions := r.From, r.Transactions
	if s := p.Standby(); s != nil {
		from, transactions = s.At, s.Transactions
	}
	return []string{
		fmt.Sprintf("# %d transactions of the binary log, %s to %s", transactions, from.Position, r.To.Position),
		fmt.Sprintf("mysqlbinlog --start-position=%d --stop-position=%d --database=%s --rewrite-db='%s->%s' %s | mysql",
			from.Pos, r.To.Pos, p.Source.Database, p.Source.Database, p.Loaded(), files(from, r.To)),
	}
}

func files(from, to binlog.Place) string {
	if from.File == to.File {
		return from.File
	}
	return from.File + " … " + to.File
}

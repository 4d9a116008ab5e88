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

// Replay is how far a backup is rolled forward by the binary log, and what that leaves
// out.
type Replay struct {
	Asked        binlog.Moment        `json:"asked"`
	BackupAt     time.Time            `json:"backup_at"`
	From         binlog.Place         `json:"from"`                // where the backup stands
	Done         string               `json:"gtid_done,omitempty"` // transactions of the log that the backup holds already
	To           binlog.Place         `json:"to"`                  // no transaction that begins there or later
	ToTime       time.Time            `json:"to_time,omitzero"`    // of the last transaction that is replayed
	Next         time.Time            `json:"next_time,omitzero"`  // of the first that is left out
	Reach        string               `json:"reach"`               // how far the log reaches
	Transactions int64                `json:"transactions"`
	Tables       []binlog.TableChange `json:"tables"`          // what is replayed
	Rows         map[string]int64     `json:"rows"`            // the tables afterwards; -1: not known
	Least        map[string]int64     `json:"least,omitempty"` // of those that are not known: at least so many
	After        []binlog.TableChange `json:"after"`           // what is left out
	AfterCount   int64                `json:"after_count"`     // transactions
	AfterDDL     int                  `json:"after_ddl"`       // that change definitions
	Warnings     []Note               `json:"warnings"`        // what a person should know
	Refused      []Note               `json:"refused"`         // statements that cannot be replayed
	Live         bool                 `json:"live,omitempty"`  // the log reaches to the server's present end
	Standby      *Standby             `json:"standby,omitempty"`
	NoStandby    Note                 `json:"standby_unused,omitzero"` // why a standby that is there is not used
}

// StandsOf are the places in binary logs at which a backup stands: in its own server's
// log, and in the logs that the server replicates.
func StandsOf(m *backup.Manifest) (stands []binlog.Stand) {
	at := m.SnapshotAt
	if at.IsZero() {
		at = m.FinishedAt
	}
	add := func(s binlog.Stand) {
		if s.File != "" || s.GTID != "" {
			s.GTID = strings.Join(strings.Fields(s.GTID), "")
			stands = append(stands, s)
		}
	}
	if p := m.Position; p.File != "" {
		s := binlog.Stand{
			Position: binlog.Position{File: p.File, Pos: p.Pos},
			GTID:     p.GTID,
			Server:   p.Server,
			From:     m.StartedAt,
			At:       at,
		}
		if !p.ClockTo.IsZero() {
			s.From, s.At = p.ClockFrom, p.ClockTo
		}
		add(s)
	}
	for _, s := range m.Sources {
		add(binlog.Stand{
			Position: binlog.Position{File: s.File, Pos: s.Pos},
			GTID:     s.GTID,
			Server:   s.Server,
			From:     m.StartedAt,
			At:       at,
			Source:   true,
		})
	}
	return stands
}

// tables are those that are there after the replay.
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

// Loss is what the replay leaves out, as the log has it.
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

// fact says first what a person asked for: how far it goes, and what is lost.
func (r *Replay) fact(src Source) (ops.State, lang.Msg) {
	if r.Transactions == 0 {
		return ops.StateOK, lang.M("the backup of %s; no transactions between it and the moment", human.Moment(r.BackupAt))
	}
	lost := lang.M("the log has nothing later")
	if r.AfterCount > 0 {
		lost = lang.M("%s later transactions are not restored", human.Count(r.AfterCount))
	}
	return ops.StateOK, lang.M("the backup of %s + binlog to %s (%s): %s transactions; %s",
		human.Moment(r.BackupAt), human.Moment(r.ToTime), r.To.Position.String(), human.Count(r.Transactions), lost)
}

// judgeReplay takes in what stands in the way of a replay.
func (p judge) judgeReplay() {
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
		p.block(lang.M("the binlog cannot be replayed: %s", why.Msg),
			lang.M("choose an earlier moment, or a later backup"))
	}
}

// replayStatements are the replay as a person would type it.
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

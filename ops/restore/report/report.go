package report

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// Account is the report of a run, for programs and as the source of the texts.
type Account struct {
	ID         string              `json:"id"`
	Result     string              `json:"result"`
	Service    string              `json:"service"`
	Database   string              `json:"database"`
	Server     string              `json:"server"`
	Mode       restore.Mode        `json:"mode"`
	Operator   string              `json:"operator"`
	Backup     string              `json:"backup"`
	RestoredTo time.Time           `json:"restored_to"`
	Replay     *Replayed           `json:"replay,omitempty"` // what the binlog added to the backup
	BeganAt    time.Time           `json:"began_at"`
	EndedAt    time.Time           `json:"ended_at"`
	TookMS     int64               `json:"took_ms"`
	DownMS     int64               `json:"down_ms"` // from the stop until ready again; 0 if not stopped
	SwapMS     float64             `json:"swap_ms,omitempty"`
	Tables     []restore.TableRows `json:"tables,omitempty"`        // as verified; only if the restored tables are live
	Now        *restore.Present    `json:"now,omitempty"`           // the database at the end, from a fresh check
	Loaded     string              `json:"loaded_schema,omitempty"` // holds what an aborted run loaded
	Lost       restore.Loss        `json:"lost"`
	LostLate   bool                `json:"lost_counted_early,omitempty"` // more may be lost than was counted
	Unexported int64               `json:"lost_not_exported,omitempty"`  // rows that are in none of the exports
	LostByUndo *restore.Loss       `json:"lost_by_undo,omitempty"`
	Exports    []string            `json:"exports,omitempty"`
	Load       string              `json:"load_exports,omitempty"` // the shell command that puts them back
	Emergency  string              `json:"emergency_backup,omitempty"`
	Also       []string            `json:"also_saved,omitempty"` // further backups of states that the run replaced
	Kept       string              `json:"kept_schema,omitempty"`
	Without    []string            `json:"left_out,omitempty"` // objects, as "table x"
	Remarks    []restore.Note      `json:"remarks,omitempty"`
	Timeline   []restore.Mark      `json:"timeline"`
}

// Replayed is a replay of the binary log.
type Replayed struct {
	BackupAt     time.Time        `json:"backup_at"`    // the time of the backup's own rows
	Transactions int64            `json:"transactions"` // number replayed
	To           string           `json:"to"`           // FILE:POS
	BackupRows   map[string]int64 `json:"backup_rows"`  // the backup's own; without tables that the log created
}

// replayed is nil if the backup alone was restored.
func replayed(src restore.Source) *Replayed {
	r := src.Replay
	if r == nil {
		return nil
	}
	out := &Replayed{
		BackupAt:     r.BackupAt,
		Transactions: r.Transactions,
		To:           r.To.Position.String(),
		BackupRows:   map[string]int64{},
	}
	for _, t := range src.Tables {
		if t.Checksum != "" || t.Rows > 0 {
			out.BackupRows[t.Name] = t.Rows
		}
	}
	return out
}

// Tell makes the account of a run in its current state; ended is its end time while the
// report itself is being written.
func Tell(p *restore.Plan, s restore.Snapshot, ended time.Time) Account {
	a := Account{
		ID:       p.ID,
		Result:   outcome(s),
		Service:  p.Service,
		Database: p.Target.Database,
		Server:   p.Target.Address,
		Mode:     p.Mode,
		Operator: p.Operator, Backup: p.Source.Name, RestoredTo: p.Source.At, EndedAt: ended, SwapMS: s.Data.SwapMS,
		Replay:    replayed(p.Source),
		Now:       s.Data.Now,
		Exports:   s.Data.Exports,
		Emergency: s.Data.Emergency,
		Also:      s.Data.Also,
		Without:   p.Without,
		Timeline:  s.Trail,
	}
	if !s.Reverted() {
		a.Exports = append(slices.Clone(p.Exported), s.Data.Exports...)
		if p.Assessment != nil && p.Mode != restore.Into {
			a.Lost, a.LostLate = p.LossOf(s)
			if len(p.Exported) > 0 {
				a.Unexported = max(0, a.Lost.Rows()+a.Lost.Changed()-p.ExportedRows)
			}
		}
	}
	if a.Result == "undone" {
		a.LostByUndo = s.Data.Lost
	}
	a.Load = p.LoadExported(a.Exports)
	if s.Kept && p.Mode == restore.Swap {
		a.Kept = p.Kept
	}
	if s.Loaded {
		a.Loaded = p.Shadow
	}
	if a.Result == "restored" || a.Result == "running" || a.Result == "asking" {
		a.Tables = tablesNow(p, s)
	}
	if len(s.Trail) > 0 {
		a.BeganAt = s.Trail[0].Begin
		a.TookMS = ended.Sub(a.BeganAt).Milliseconds()
	}
	if !p.Process.Untouched() {
		a.DownMS = s.Down(ended).Milliseconds()
	}
	a.Remarks = remarks(p, s)
	return a
}

// outcome is the result that the current way leads to, also while the report is being
// written.
func outcome(s restore.Snapshot) string {
	switch s.Stage {
	case restore.Reporting, restore.AskReport, restore.AskNotify, restore.Notifying:
		return "restored"
	case restore.AbortReporting:
		return "aborted"
	case restore.UndoReporting:
		return "undone"
	}
	return s.Result()
}

// tablesNow are the verified tables, corrected by the fresh check.
func tablesNow(p *restore.Plan, s restore.Snapshot) []restore.TableRows {
	out := slices.Clone(s.Data.TableRows)
	if s.Data.Now == nil || s.Data.Now.Error != "" {
		return out
	}
	for i, t := range out {
		switch state := s.Data.Now.State(t.Table); {
		case state == "missing" || state == "unreadable":
			out[i].State = state
		case state == "empty" && t.Rows > 0:
			out[i].State = "empty now"
		}
	}
	return out
}

func remarks(p *restore.Plan, s restore.Snapshot) []restore.Note {
	var out []restore.Note
	out = append(out, Untrue(p, s)...)
	if s.Unstarted {
		out = append(out, restore.N(lang.M("The service remains stopped: its database is incomplete.")))
	}
	if s.Loaded {
		out = append(
			out,
			restore.N(
				lang.M(
					"The loaded data is kept in %s. Resume: opsdeck restore resume %s. Remove it: opsdeck "+
						"restore drop-old %s",
					p.Shadow,
					p.ID,
					p.ID,
				),
			),
		)
	}
	if s.LeftToOthers() {
		out = append(out,
			restore.N(lang.M("Others wrote to %s after the restore had begun. The database and the service "+
				"are left as they are.", p.Target.Database)))
	}
	if s.Remains {
		out = append(out, restore.N(lang.M("The database %s, which only this restore used, could not be removed. "+
			"Remove it: opsdeck restore drop-old %s", p.Shadow, p.ID)))
	}
	if s.SkipBackup {
		out = append(out,
			restore.N(lang.M("There is no emergency backup: the operator chose to continue without one.")))
	}
	if s.Unsaved() {
		out = append(out,
			restore.N(lang.M("The old tables in %s are the only copy of the state before the restore: they "+
				"are not backed up yet. Back them up: opsdeck restore resume %s", p.Kept, p.ID)))
	}
	if len(s.SkipTables) > 0 {
		out = append(
			out,
			restore.N(lang.M("Not in the emergency backup (unreadable): %s", strings.Join(s.SkipTables, ", "))),
		)
	}
	if s.Ignored {
		out = append(out, restore.N(lang.M("Writes had not stopped when the restore continued.")))
	}
	if s.Doubted {
		out = append(
			out,
			restore.N(lang.M("Verification failed and was overridden by the operator: %s", english(s.Data.Doubts))),
		)
	}
	if len(s.Data.Counters) > 0 {
		out = append(out, restore.N(countersText(s.Data.Counters)))
	}
	if s.NotReady {
		out = append(out, restore.N(lang.M("The service was not ready at the end.")))
	}
	if untold := p.Untold(s); !untold.Empty() {
		out = append(out, restore.N(untold))
	}
	if !p.LogCut(s).IsZero() {
		out = append(out, restore.N(restore.BackUpNow()))
	}
	return out
}

// countersText tells where the tables continue.
func countersText(list []restore.Counter) lang.Msg {
	var out []string
	for _, c := range list {
		out = append(out, c.Table+" "+strconv.FormatUint(c.Next, 10))
	}
	return lang.M("New rows get no AUTO_INCREMENT value a second time. The next values: %s", strings.Join(out, ", "))
}

func english(notes []restore.Note) string {
	var out []string
	for _, n := range notes {
		out = append(out, n.Msg.String())
	}
	return strings.Join(out, "; ")
}

func resultLabel(result string) lang.Msg {
	switch result {
	case "restored":
		return lang.M("restored")
	case "aborted":
		return lang.M("aborted")
	case "undone":
		return lang.M("undone")
	}
	return lang.Raw(result)
}

// Message is the short text for those who wait: what happened, to which moment, what was
// lost.
func (a Account) Message(l *lang.Printer) string {
	var b strings.Builder
	line := func(m lang.Msg) { b.WriteString(l.Msg(m) + "\n") }
	line(lang.M("[%s] database %s: %s", a.Service, a.Database, resultLabel(a.Result)))
	if a.Result == "restored" {
		line(a.origin())
		if n := a.Lost.Rows(); n > 0 {
			line(lang.M("About %s rows written after that moment are lost.", human.Count(n)))
		}
		if n := a.Lost.Changed(); n > 0 {
			line(lang.M("Changes to %s rows are lost.", human.Count(n)))
		}
		if n := a.Lost.Deleted(); n > 0 {
			line(lang.M("%s deletions after that moment are lost.", human.Count(n)))
		}
		if a.LostLate && !a.Lost.CountedAt.IsZero() {
			line(a.counted())
		}
	}
	if loss := a.LostByUndo; a.Result == "undone" && loss != nil && !loss.Sum().Empty() {
		line(lang.M("The undo removed what was written since the restore: %s.", loss.Sum()))
		if len(a.Exports) > 0 {
			line(lang.M("Exported to: %s", filepath.Dir(a.Exports[0])))
		}
	}
	if a.DownMS > 0 {
		line(
			lang.M(
				"Started %s, took %s, the service was down for %s.",
				human.Moment(a.BeganAt),
				human.Duration(ms(a.TookMS)),
				human.Duration(ms(a.DownMS)),
			),
		)
	} else {
		line(lang.M("Started %s, took %s; the service was not stopped by opsdeck.", human.Moment(a.BeganAt),
			human.Duration(ms(a.TookMS))))
	}
	for _, r := range a.Remarks {
		line(r.Msg)
	}
	line(lang.M("By %s, restore %s.", a.Operator, a.ID))
	return b.String()
}

// origin tells the time of the data and where it comes from.
func (a Account) origin() lang.Msg {
	if a.Replay == nil {
		return lang.M("The data is from %s (backup %s).", human.Moment(a.RestoredTo), a.Backup)
	}
	return lang.M("The data is that of %s (backup %s of %s + %s transactions of the binlog, to %s).",
		human.Moment(a.RestoredTo), a.Backup, human.Moment(a.Replay.BackupAt),
		human.Count(a.Replay.Transactions), a.Replay.To)
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Untrue are the sentences for the report if a fresh check found that the database does
// not match the result; none if there was no check.
func Untrue(p *restore.Plan, s restore.Snapshot) []restore.Note {
	if s.Data.Now == nil {
		return nil
	}
	now := *s.Data.Now
	db := p.Target.Database
	switch {
	case now.Error != "":
		return []restore.Note{restore.N(lang.M("could not check what %s contains now: %s", db, now.Error))}
	case p.Mode == restore.Into && s.Stage.Back():
		return nil
	case !now.SchemaThere:
		return []restore.Note{restore.N(lang.M("The database %s does not exist now.", db))}
	}
	var missing, empty []string
	rows := map[string]int64{}
	for _, t := range s.Data.TableRows {
		rows[t.Table] = t.Rows
	}
	for _, t := range p.Expected(s) {
		switch state := now.State(t); {
		case state == "missing" || state == "unreadable":
			missing = append(missing, t)
		case state == "empty" && rows[t] > 0 && !s.Stage.Back():
			empty = append(empty, t)
		}
	}
	var out []restore.Note
	if len(missing) > 0 {
		out = append(out, restore.N(lang.M("Missing or unreadable in %s now: %s", db, strings.Join(missing, ", "))))
	}
	if len(empty) > 0 {
		out = append(
			out,
			restore.N(lang.M("Empty in %s now, though they were restored with rows: %s", db,
				strings.Join(empty, ", "))),
		)
	}
	return out
}

package restore

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Name quotes an identifier for MySQL and MariaDB.
func Name(parts ...string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = "`" + strings.ReplaceAll(p, "`", "``") + "`"
	}
	return strings.Join(quoted, ".")
}

// Move is one table that moves to another database.
type Move struct{ From, To, Table string }

// SwapMoves are the moves of the swap: first all live tables out, then all loaded ones in,
// so that no name collides.
func SwapMoves(live, shadow, kept string, leaving, coming []string) []Move {
	moves := make([]Move, 0, len(leaving)+len(coming))
	for _, t := range leaving {
		moves = append(moves, Move{live, kept, t})
	}
	for _, t := range coming {
		moves = append(moves, Move{shadow, live, t})
	}
	return moves
}

// RenameStatement is the single statement that swaps the tables; a comment if there are no
// moves.
func RenameStatement(moves []Move) string {
	if len(moves) == 0 {
		return "# there is no table to exchange"
	}
	var b strings.Builder
	b.WriteString("RENAME TABLE ")
	for i, m := range moves {
		if i > 0 {
			b.WriteString(",\n  ")
		}
		b.WriteString(Name(m.From, m.Table) + " TO " + Name(m.To, m.Table))
	}
	return b.String()
}

// steps lists what each step runs. It depends only on the plan, so it can be regenerated
// to prove that a plan file was not modified.
func steps(p *Plan) []StepPlan {
	out := make([]StepPlan, 0, len(AllSteps))
	for _, s := range AllSteps {
		text := commands{p}.of(s)
		out = append(
			out,
			StepPlan{
				Step:       s,
				Name:       s.Name(),
				Skipped:    len(text) == 0,
				What:       N(p.What(s)),
				Statements: text,
				Back:       N(p.Back(s)),
			},
		)
	}
	return out
}

// commands lists what the steps of a plan run, as a person would type it.
type commands struct{ *Plan }

func (p commands) of(s Step) []string {
	switch s {
	case StepAssess:
		return p.assessStatements()
	case StepStop:
		return p.stopStatements()
	case StepSave:
		if p.Emergency == "" {
			return nil
		}
		if p.SaveLater {
			return []string{"SHOW PROCESSLIST", "SHOW CREATE DATABASE " + Name(p.Target.Live)}
		}
		return []string{"opsdeck backup create --kind emergency   # " + p.Emergency}
	case StepRestore:
		return p.loadStatements()
	case StepVerify:
		return p.verifyStatements()
	case StepRestart:
		return p.startStatements()
	}
	var out []string
	if p.SaveLater {
		out = append(out, "opsdeck backup create --kind emergency   # "+p.Emergency+", of "+Name(p.Kept))
	}
	out = append(out, "restores/"+p.ID+"/report.md")
	for _, n := range p.Notify {
		out = append(out, "notify "+n)
	}
	return out
}

func (p commands) assessStatements() []string {
	var out []string
	if p.Source.Fetch != "" {
		out = append(out, p.Source.Fetch)
	}
	return append(out, "sha256sum "+p.Source.Path, "SHOW TABLES FROM "+Name(p.Target.Live))
}

func (p commands) stopStatements() []string {
	if p.Mode == Into {
		return nil
	}
	var out []string
	if p.Process.Stop != "" && !p.Process.Leave {
		out = append(out, p.Process.Stop)
	}
	return append(out, "SHOW PROCESSLIST", binlogStatus(p.Target.Flavour))
}

func binlogStatus(flavour string) string {
	if flavour == "mariadb" {
		return "SHOW MASTER STATUS"
	}
	return "SHOW BINARY LOG STATUS"
}

func (p commands) loadStatements() []string {
	beside := "opsdeck restore --from " + p.Source.Path + " --to " + p.Loaded() + " --confirm " + p.Loaded()
	if len(p.Tables) > 0 {
		beside += " --tables " + strings.Join(p.Tables, ",")
	}
	if s := p.Standby(); s != nil {
		return append([]string{"# " + s.Schema + " holds the data up to " + s.At.String()}, p.replayStatements()...)
	}
	if p.Mode != InPlace {
		return append([]string{"CREATE DATABASE IF NOT EXISTS " + Name(p.Loaded()), beside}, p.replayStatements()...)
	}
	var out []string
	if len(p.Leaving) > 0 {
		out = append(out, DropStatement(p.Target.Database, p.Leaving))
	}
	return append(append(out, p.streamCommand()), p.replayStatements()...)
}

// streamCommand is the in-place load as a person would type it; opsdeck itself loads over
// several connections, and refuses statements that affect other databases. A dump of a
// database of another name, or a part of one, cannot be piped like this.
func (p commands) streamCommand() string {
	path := p.Source.Path
	if p.Source.Database != p.Target.Live || len(p.Tables) > 0 {
		text := "# opsdeck loads " + path + " into " + Name(p.Target.Database)
		if len(p.Tables) > 0 {
			text += ", tables " + strings.Join(p.Tables, ", ")
		}
		return text
	}
	return stream(path, p.Target.Live)
}

// stream pipes a dump into a database.
func stream(path, schema string) string {
	cat := map[string]string{".gz": "zcat", ".zst": "zstdcat", ".bz2": "bzcat"}
	plain, age := strings.CutSuffix(path, ".age")
	unpack := cat[filepath.Ext(plain)]
	switch {
	case age && unpack != "":
		return "age -d -i IDENTITY " + path + " | " + unpack + " | mysql " + schema
	case unpack != "":
		return unpack + " " + path + " | mysql " + schema
	}
	return "mysql " + schema + " < " + path
}

// DropStatement drops tables of a database.
func DropStatement(schema string, tables []string) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = Name(schema, t)
	}
	return "DROP TABLE IF EXISTS " + strings.Join(names, ",\n  ")
}

// Loaded is the database that the backup is loaded into.
func (p *Plan) Loaded() string {
	if p.Mode == Swap {
		return p.Shadow
	}
	return p.Target.Database
}

func (p commands) verifyStatements() []string {
	out := p.compareStatements()
	out = append(out, p.Verify.SmokeTest...)
	if p.Mode != Swap {
		return out
	}
	out = append(out, "CREATE DATABASE IF NOT EXISTS "+Name(p.Kept))
	if p.Assessment != nil {
		for _, t := range p.Assessment.TriggerNames {
			out = append(out, "DROP TRIGGER IF EXISTS "+Name(p.Target.Live, t)+"   # a RENAME cannot pass it")
		}
	}
	if len(p.Unreadable) > 0 {
		out = append(out, DropStatement(p.Target.Live, p.Unreadable))
	}
	return append(out,
		fmt.Sprintf("SET SESSION lock_wait_timeout = %d", LockSeconds(time.Duration(p.LockWait))),
		RenameStatement(SwapMoves(p.Target.Live, p.Shadow, p.Kept, p.Movable(p.Leaving), p.Coming)),
		"# then the backup's triggers, views, routines and events are made in "+Name(p.Target.Live))
}

// compareStatements are the statements that check what was loaded.
func (p commands) compareStatements() []string {
	if len(p.Coming) == 0 {
		return []string{"SHOW TABLES FROM " + Name(p.Loaded()), "# CHECK TABLE and the foreign keys of each"}
	}
	out := []string{"# every row is read once: its checksum is compared with the manifest's"}
	if p.Source.Replay != nil {
		out = []string{"# before the replay every row is read once: its checksum is compared with the manifest's"}
	}
	names := make([]string, len(p.Coming))
	for i, t := range p.Coming {
		names[i] = Name(p.Loaded(), t)
		src, _ := p.Source.Table(t)
		if src.Engine == "SEQUENCE" {
			continue
		}
		rows := src.Rows
		if p.Source.Replay != nil {
			rows = p.Source.Replay.Rows[t]
		}
		out = append(out, fmt.Sprintf("SELECT COUNT(*) FROM %s   # %d", names[i], rows))
	}
	return append(out, "CHECK TABLE "+strings.Join(names, ", ")+" QUICK")
}

// Movable are the live tables that the swap moves.
func (p *Plan) Movable(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(p.Unreadable, n) })
}

// LockSeconds is a lock wait for the server: whole seconds, at least one.
func LockSeconds(d time.Duration) int { return max(1, int(d.Round(time.Second)/time.Second)) }

func (p commands) startStatements() []string {
	var out []string
	if p.Process.Start != "" && !p.Process.Leave {
		out = append(out, p.Process.Start)
	}
	if p.Ready.URL != "" {
		out = append(out, "GET "+p.Ready.URL)
	}
	return out
}

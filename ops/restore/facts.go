package restore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// mostNamed is the maximum number of tables or users that a fact names.
const mostNamed = 4

// Known is what a person should know before starting: the backup first, then facts and
// findings, the worst first.
func (p *Plan) Known() []Finding {
	all := append(slices.Clone(p.Facts), p.Findings...)
	if len(all) > 1 {
		slices.SortStableFunc(all[1:], func(a, b Finding) int { return int(b.State) - int(a.State) })
	}
	return all
}

// factFinder phrases the assessment's results for a plan.
type factFinder struct{ *Plan }

// all are the assessment's results, good or bad, one sentence each.
func (p factFinder) all(a *Assessment) []Finding {
	var out []Finding
	put := func(state ops.State, m lang.Msg) {
		if !m.Empty() {
			out = append(out, Finding{State: state, What: N(m)})
		}
	}
	if p.Source.Replay != nil {
		put(p.Source.Replay.fact(p.Source))
		put(p.Source.Replay.standbyFact())
	}
	put(a.Warm.fact(p.Source))
	put(p.backupFact())
	put(serverFact(a.Server))
	if p.Mode == Into {
		return out
	}
	if !a.SchemaThere {
		put(ops.StateCritical, lang.M("the database %s does not exist", p.Target.Live))
	}
	put(p.tablesFact(a))
	put(p.fewerFact(a))
	put(p.rowsFact(a))
	if need := p.need(a.Disk); a.Disk.Known && need <= a.Disk.Free {
		put(ops.StateOK, lang.M("data disk: %s free, about %s needed", human.Bytes(a.Disk.Free), human.Bytes(need)))
	}
	if l := a.Disk.Log; l != nil && l.Known && a.Disk.NeedLog <= l.Free {
		put(ops.StateOK,
			lang.M("binlog disk: %s free, up to %s needed", human.Bytes(l.Free), human.Bytes(a.Disk.NeedLog)))
	}
	put(sessionsFact(a))
	put(p.timeFact(a))
	return out
}

// serverFact names the server; replication is a finding.
func serverFact(s ServerState) (ops.State, lang.Msg) {
	if s.Replicates != "" || s.Replicas > 0 || s.Unseen {
		return ops.StateOK, lang.M("%s %s at %s", s.Flavour, s.Version, s.Address)
	}
	return ops.StateOK, lang.M("%s %s at %s; no replication found", s.Flavour, s.Version, s.Address)
}

func (p factFinder) backupFact() (ops.State, lang.Msg) {
	src, state := p.Source, ops.StateOK
	if src.State != "good" {
		state = ops.StateWarning
	}
	if !src.Manifest {
		return state, lang.M("%s: %s", src.Name, human.Bytes(src.SizeBytes))
	}
	return state, lang.M(
		"%s: %s, %s tables, %s rows",
		src.Name,
		human.Bytes(src.SizeBytes),
		strconv.Itoa(len(src.Tables)),
		human.Count(src.Rows()),
	)
}

// scoped are the assessment's tables that the plan covers.
func (p *Plan) scoped(a *Assessment) (out []TableState) {
	for _, t := range a.Tables {
		if len(p.Tables) == 0 || slices.Contains(p.Tables, t.Name) {
			out = append(out, t)
		}
	}
	return out
}

func (p factFinder) tablesFact(a *Assessment) (ops.State, lang.Msg) {
	var broken []string
	unchecked := 0
	for _, t := range p.scoped(a) {
		if t.Broken() {
			broken = append(broken, t.Name)
		} else if t.Exists && t.Check == "" {
			unchecked++
		}
	}
	switch {
	case len(broken) > 0:
		return ops.StateCritical, lang.M("broken or missing now: %s", strings.Join(broken, ", "))
	case !p.Source.Manifest && unchecked > 0:
		return ops.StateUnknown, lang.M("CHECK TABLE could not run on every table")
	case !p.Source.Manifest:
		return ops.StateOK, lang.M("all existing tables pass CHECK TABLE")
	case unchecked > 0:
		return ops.StateUnknown, lang.M("all tables of the backup exist; CHECK TABLE could not run on every table")
	}
	return ops.StateOK, lang.M("all tables of the backup exist and pass CHECK TABLE")
}

// counted are the tables whose row counts are known, now and in the backup.
func (p factFinder) counted(a *Assessment) []TableState {
	return slices.DeleteFunc(
		p.scoped(a),
		func(t TableState) bool { return !t.Exists || !t.InBackup || t.Rows < 0 || t.BackupRows < 0 },
	)
}

// fewerFact names the tables that have fewer rows now than in the backup.
func (p factFinder) fewerFact(a *Assessment) (ops.State, lang.Msg) {
	var names []string
	for _, t := range p.counted(a) {
		if t.Rows < t.BackupRows && !t.Estimate {
			names = append(names, fmt.Sprintf("%s (%s < %s)", t.Name, human.Count(t.Rows), human.Count(t.BackupRows)))
		}
	}
	if len(names) == 0 {
		return 0, lang.Msg{}
	}
	return ops.StateWarning, lang.M("fewer rows now than in the backup: %s", few(names))
}

func (p factFinder) rowsFact(a *Assessment) (ops.State, lang.Msg) {
	tables := p.counted(a)
	if len(tables) == 0 {
		return 0, lang.Msg{}
	}
	var now, then int64
	guess := false
	for _, t := range tables {
		now = now + t.Rows
		then = then + t.BackupRows
		guess = guess || t.Estimate
	}
	if of, all := len(tables), len(p.scoped(a)); of < all {
		of, all := strconv.Itoa(of), strconv.Itoa(all)
		if guess {
			return ops.StateOK, lang.M("rows of %s of %s tables now: about %s, in the backup: %s", of, all,
				human.Count(now), human.Count(then))
		}
		return ops.StateOK, lang.M("rows of %s of %s tables now: %s, in the backup: %s", of, all, human.Count(now),
			human.Count(then))
	}
	if guess {
		return ops.StateOK, lang.M("rows now: about %s, in the backup: %s", human.Count(now), human.Count(then))
	}
	return ops.StateOK, lang.M("rows now: %s, in the backup: %s", human.Count(now), human.Count(then))
}

// sessionsFact lists the connected users.
func sessionsFact(a *Assessment) (ops.State, lang.Msg) {
	if a.SessionsHidden {
		return ops.StateUnknown, lang.M("this user cannot see the sessions of others: grant it PROCESS")
	}
	if len(a.Sessions) == 0 {
		return ops.StateOK, lang.M("no other sessions")
	}
	count := map[string]int{}
	for _, s := range a.Sessions {
		host, _, _ := strings.Cut(s.Host, ":")
		count[s.User+"@"+host]++
	}
	names := make([]string, 0, len(count))
	for who, n := range count {
		names = append(names, fmt.Sprintf("%s (%d)", who, n))
	}
	slices.Sort(names)
	return ops.StateOK, lang.M("connected: %s", few(names))
}

// timeFact is the expected duration, as measured by the newest drill.
func (p factFinder) timeFact(a *Assessment) (ops.State, lang.Msg) {
	d := a.Drill
	if d == nil {
		return ops.StateUnknown, lang.M("no drill yet: the duration of a restore is unknown")
	}
	on := d.At.Local().Format(time.DateOnly)
	if d.Bytes <= 0 || p.Source.RawBytes <= 0 {
		return ops.StateOK, lang.M("last drill, on %s: %s for %s", on, human.Duration(d.Duration), human.Bytes(d.Bytes))
	}
	eta := time.Duration(float64(d.Duration) * float64(p.Source.RawBytes) / float64(d.Bytes))
	return ops.StateOK, lang.M(
		"last drill, on %s: %s for %s; about %s for this backup",
		on,
		human.Duration(d.Duration),
		human.Bytes(d.Bytes),
		human.Duration(eta),
	)
}

func few(names []string) string {
	if len(names) > mostNamed {
		names = append(slices.Clone(names[:mostNamed]), "… +"+strconv.Itoa(len(names)-mostNamed))
	}
	return strings.Join(names, ", ")
}

// Rows are the tables as they are now and in the backup, one line each: the details of the
// facts.
func (p *Plan) Rows(l *lang.Printer) (lines [][4]string) {
	if p.Assessment == nil || p.Mode == Into {
		return nil
	}
	for _, t := range p.scoped(p.Assessment) {
		now, then := "–", "–"
		if t.Exists && t.Rows >= 0 {
			now = human.Count(t.Rows)
			if t.Estimate {
				now = "~" + now
			}
		}
		if t.InBackup && t.BackupRows >= 0 {
			then = human.Count(t.BackupRows)
		}
		lines = append(lines, [4]string{t.Name, now, then, l.Msg(t.word(p.Source.Manifest))})
	}
	return lines
}

// word is the table's state.
func (t TableState) word(manifest bool) lang.Msg {
	switch {
	case !t.Exists:
		return lang.M("missing")
	case t.Rows < 0:
		return lang.M("cannot be read")
	case t.Check != "" && t.Check != "OK":
		return lang.Raw(t.Check)
	case manifest && !t.InBackup:
		return lang.M("not in the backup")
	case t.Check == "":
		return lang.M("not checked")
	}
	return lang.Raw(t.Check)
}

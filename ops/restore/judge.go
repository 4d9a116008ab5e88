package restore

import (
	"cmp"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

func (p *Plan) add(state ops.State, what, hint lang.Msg) {
	p.Findings = append(p.Findings, Finding{State: state, What: N(what), Hint: N(hint)})
}

func (p *Plan) block(what, hint lang.Msg) {
	p.Findings = append(p.Findings, Finding{State: ops.StateCritical, What: N(what), Hint: N(hint), Blocks: true})
}

// judge finds what a person must know about a plan before it runs.
type judge struct {
	*Plan
	unsaved bool // no emergency backup is accepted
}

// all adds everything that a person must know about this plan before it runs.
func (p judge) all(a *Assessment) {
	p.judgeSource()
	p.judgeTables(a)
	gapFinder{p.Plan}.judgeGaps(a)
	p.judgeSubstituted(a)
	p.judgeEvents(a)
	p.judgeDisk(a.Disk)
	p.judgeServer(a)
}

func (p judge) judgeSource() {
	src := p.Source
	switch {
	case src.State == "bad" && src.Unloadable && src.Manifest && p.Mode != InPlace:
		p.add(ops.StateCritical, lang.M("the backup is bad: %s", src.faults()),
			lang.M("its bytes are as they were written; it is loaded and verified before the swap"))
	case src.State == "bad":
		p.block(lang.M("the backup is bad: %s", src.faults()), lang.M("choose another backup"))
	case src.State != "good" && src.Apart:
		p.add(ops.StateWarning, lang.M("the backup was never verified"), src.tryHint())
	case src.State != "good":
		p.add(ops.StateWarning, lang.M("the backup was never verified"), lang.M("opsdeck backup verify %s", src.Name))
	}
	for _, n := range src.PassedOver {
		p.add(ops.StateWarning, n.Msg, lang.Msg{})
	}
	if src.Partial && !src.NoData && len(p.Tables) == 0 && p.Mode != Into {
		p.block(
			lang.M("the backup contains only some tables: %s", tableNames(src)),
			lang.M("choose these tables, or another backup"),
		)
	}
	if !src.Manifest {
		p.add(ops.StateWarning, lang.M("the backup has no manifest: rows and checksums cannot be compared"), lang.Msg{})
		if p.Mode == Swap && len(p.Tables) > 0 {
			p.block(
				lang.M("tables can be chosen only from a backup with a manifest"),
				lang.M("choose the whole database"),
			)
		}
	}
	if len(src.Others) > 0 {
		p.add(
			ops.StateWarning,
			lang.M("the dump also contains other databases, which are not restored: %s",
				termsafe.Line(strings.Join(src.Others, ", "))),
			lang.M("restore one of them with --from-schema"),
		)
	}
	if len(src.Drops) > 0 {
		p.add(
			ops.StateWarning,
			lang.M("the dump drops other databases; these statements are not run: %s",
				termsafe.Line(strings.Join(src.Drops, ", "))),
			lang.Msg{},
		)
	}
	if !src.Rowless.Empty() {
		p.add(ops.StateWarning, src.Rowless.Msg, lang.Msg{})
	}
	if src.Unseen && len(p.Tables) == 0 {
		p.add(ops.StateWarning, backup.Problem{Code: backup.Unseen}.Text(), lang.Msg{})
	}
	if !src.Consistent && src.Manifest {
		p.add(
			ops.StateWarning,
			lang.M("the backup is not consistent: its tables are from different moments"),
			lang.Msg{},
		)
	}
	if src.Server != "" && p.Target.Identity != "" && src.Server != p.Target.Identity && p.Mode != Into {
		p.add(
			ops.StateWarning,
			lang.M("the backup was made from another server: %s; the target is %s", termsafe.Line(src.Server),
				termsafe.Line(p.Target.Identity)),
			lang.M("after a failover that is as it should be; otherwise choose another backup: --from"),
		)
	}
	if src.Flavour != "" && p.Target.Flavour != "" && src.Flavour != p.Target.Flavour {
		p.add(
			ops.StateWarning,
			lang.M(
				"the backup is from %s %s, the target is %s %s",
				src.Flavour,
				src.Version,
				p.Target.Flavour,
				p.Target.Version,
			),
			lang.Msg{},
		)
	}
}

// faults are the problems of the backup as one clause.
func (s Source) faults() (all lang.Msg) {
	for i, n := range s.Faults {
		if i == 0 {
			all = n.Msg
			continue
		}
		all = lang.M("%s; %s", all, n.Msg)
	}
	if len(s.Faults) == 0 {
		return lang.Raw(strings.Join(s.Problems, "; "))
	}
	return all
}

func tableNames(src Source) string {
	names := make([]string, len(src.Tables))
	for i, t := range src.Tables {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}

func (p judge) judgeTables(a *Assessment) {
	var absent []string
	for _, t := range p.Tables {
		if p.Source.holdsView(t) {
			p.block(lang.M("%s is a view: --tables accepts only tables", t),
				lang.M("leave it out; views are restored with the whole database"))
			continue
		}
		if _, ok := p.Source.Table(t); !ok && p.Source.Manifest {
			absent = append(absent, t)
		}
	}
	if len(absent) > 0 {
		p.block(
			lang.M("the backup does not contain %s", strings.Join(absent, ", ")),
			lang.M("opsdeck backup show %s", p.Source.Name),
		)
	}
	if p.Mode == Into {
		return
	}
	var open []string
	for _, t := range a.Closure {
		if len(p.Tables) > 0 && !slices.Contains(p.Tables, t) {
			open = append(open, t)
		}
	}
	if len(open) > 0 {
		p.block(
			lang.M("foreign keys link the chosen tables to %s", strings.Join(open, ", ")),
			lang.M("choose those too"),
		)
	}
	if len(a.Outside) > 0 && p.Mode == Swap {
		p.block(
			lang.M("tables of other databases have foreign keys into this one: %s", strings.Join(a.Outside, ", ")),
			lang.M("choose the mode in-place"),
		)
	}
	if a.OutsideHidden {
		p.add(ops.StateUnknown,
			lang.M("this user cannot see whether tables of other databases have foreign keys into this one"),
			lang.M("grant the user PROCESS: `opsdeck doctor` prints the statement"))
	}
	p.judgeNeighbours(a)
	if len(p.Unreadable) > 0 {
		p.add(
			ops.StateWarning,
			lang.M(
				"the server can neither read nor move %s: the swap drops them, and undo cannot bring them back",
				strings.Join(p.Unreadable, ", "),
			),
			lang.M("copy the server's data folder first if you want to examine their remains"),
		)
	}
}

// judgeNeighbours tells of foreign keys between this database and others, which are not
// restored.
func (p judge) judgeNeighbours(a *Assessment) {
	if len(a.Outside) > 0 && p.Mode == InPlace {
		p.add(ops.StateWarning,
			lang.M("tables of other databases refer to this one: %s; rows there whose parent rows are not in the "+
				"backup lose them", strings.Join(a.Outside,
				", ")),
			lang.M("the verification counts them"))
	}
	if len(a.Beyond) == 0 {
		return
	}
	hint := lang.Msg{}
	if p.Mode == Swap {
		hint = lang.M("until the old tables are dropped, the rows that they refer to cannot be deleted there")
	}
	p.add(ops.StateWarning,
		lang.M("foreign keys refer to other databases, which are not restored: %s", strings.Join(a.Beyond, ", ")), hint)
}

// holdsView reports whether the backup has a view of that name.
func (s Source) holdsView(name string) bool {
	return slices.ContainsFunc(s.Holds, func(o backup.Object) bool { return o.Kind == "view" && o.Name == name })
}

// leastLogged is the divisor of NeedLog for what a load writes to the binary log at least:
// rows in the log are smaller than their text.
const leastLogged = 4

// judgeLog checks the space for what the load writes to the binary log. A server without it
// stops in the middle, with the service stopped.
func (p judge) judgeLog(d Disk) {
	if d.Log == nil || d.NeedLog == 0 {
		return
	}
	free := lang.M("free space on the server: %s", "opsdeck runbook disk-full")
	need := human.Bytes(d.NeedLog)
	switch {
	case !d.Log.Known:
		p.add(ops.StateUnknown, lang.M("the disk of the server's binlog, %s, is not visible from here", d.Log.Folder),
			lang.M("check the free space yourself: about %s needed", need))
	case d.NeedLog/leastLogged > d.Log.Free:
		p.block(lang.M("not enough space for the server's binlog: %s has %s free, about %s needed",
			d.Log.Folder, human.Bytes(d.Log.Free), need), free)
	case d.NeedLog > d.Log.Free:
		p.add(ops.StateWarning, lang.M("the server's binlog may fill its disk: %s has %s free, up to %s needed",
			d.Log.Folder, human.Bytes(d.Log.Free), need), free)
	}
}

func (p judge) judgeDisk(d Disk) {
	p.judgeRoom(d)
	p.judgeLog(d)
	if !d.Known {
		if p.Mode != Into {
			p.add(
				ops.StateUnknown,
				lang.M("the disk of the database's data is not visible from here"),
				lang.M("check the free space yourself: about %s needed", human.Bytes(p.need(d))),
			)
		}
		return
	}
	if need := p.need(d); need > d.Free {
		hint := freeSpace
		if p.Mode == Swap && d.NeedPlace <= d.Free {
			hint = lang.M("choose the mode in-place: it needs about %s", human.Bytes(d.NeedPlace))
		}
		p.block(
			lang.M(
				"not enough disk space: %s has %s free, about %s needed",
				d.Folder,
				human.Bytes(d.Free),
				human.Bytes(need),
			),
			hint,
		)
	}
}

// freeSpace is the next step where a disk has too little.
var freeSpace = lang.M("free space first: `opsdeck runbook disk-full`")

// judgeRoom checks the space for the emergency backup and for fetched backups. One who accepts to
// go without the emergency backup is not held up for want of its space.
func (p judge) judgeRoom(d Disk) {
	save := d.NeedSave
	if p.Mode == Into {
		save = 0
	}
	if d.SaveFree < 0 || save+d.NeedFetch <= d.SaveFree {
		return
	}
	where := cmp.Or(d.SaveFolder, "backup.dir")
	what := lang.M("no space for the emergency backup: %s has %s free, about %s needed", where,
		human.Bytes(d.SaveFree), human.Bytes(save))
	if p.unsaved && d.NeedFetch <= d.SaveFree {
		p.add(ops.StateCritical, what, lang.M("no emergency backup is made, as accepted"))
		return
	}
	if d.NeedFetch > 0 {
		what = lang.M("no space for the fetched backup and the emergency backup: %s has %s free, about %s needed",
			where, human.Bytes(d.SaveFree), human.Bytes(save+d.NeedFetch))
	}
	p.block(what, freeSpace)
}

func (p *Plan) need(d Disk) int64 {
	if p.Mode == InPlace {
		return d.NeedPlace
	}
	return d.NeedSwap
}

func (p judge) judgeServer(a *Assessment) {
	if len(a.Missing) > 0 {
		p.block(
			lang.M("%s lacks these privileges: %s", a.Server.User, strings.Join(a.Missing, ", ")),
			lang.M("`opsdeck doctor` prints the GRANT statements; or set another user in the options file"),
		)
	}
	if a.Server.Replicates != "" {
		p.add(
			ops.StateWarning,
			lang.M(
				"the server is a replica of %s: replication would overwrite the restored data, or break",
				a.Server.Replicates,
			),
			lang.M("restore on the primary"),
		)
	}
	if a.Server.Unseen {
		p.add(
			ops.StateUnknown,
			lang.M("whether the server is a replica is not visible to %s", a.Server.User),
			lang.M("`opsdeck doctor` prints the GRANT statements; or set another user in the options file"),
		)
	}
	if a.Server.Replicas > 0 {
		p.add(
			ops.StateWarning,
			lang.M("this server has %s replicas; the restore will replicate to them", a.Server.Replicas),
			lang.Msg{},
		)
	}
	if len(a.Definers) > 0 {
		p.add(
			ops.StateWarning,
			lang.M("definers that do not exist here: %s", strings.Join(a.Definers, ", ")),
			lang.M("create these users, or the objects will fail when used"),
		)
	}
	if p.Process.Leave && p.Mode != Into {
		p.add(
			ops.StateWarning,
			lang.M("the service stays up: what it writes while the backup loads is lost"),
			lang.Msg{},
		)
	}
	if p.Process.Leave && p.Mode == Swap {
		p.add(
			ops.StateUnknown,
			lang.M(
				"the service stays up: single queries wait for the swap, but the server may end a transaction "+
					"that overlaps it (error 1213)",
			),
			lang.M("such a transaction can be retried; it is never half applied"),
		)
	}
	if p.Process.Kind == "none" && p.Mode != Into && !p.Process.Leave {
		p.add(ops.StateWarning, lang.M("no process control is configured: stop the service yourself"), lang.Msg{})
	}
}

package doctor

import (
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Verb is something that opsdeck does on a database server.
type Verb string

// The verbs, named by the commands. Those about the log need nothing on a server without one.
const (
	Backup  Verb = "backup create"
	Restore Verb = "restore, restore undo, restore drop-old"
	Trial   Verb = "restore --plan" // what a restore tries out before it begins
	Until   Verb = "restore --until, restore --before"
	Rescue  Verb = "restore rescue"
	Drill   Verb = "backup drill, backup verify --deep"
	Standby Verb = "restore standby"
	Archive Verb = "backup binlog, audit changes, restore rewind"
)

// place is where a right is needed.
type place int

const (
	onServer place = iota
	onLive         // the service's database
	onBeside       // those that a restore creates: their names begin with its name
	onDrill
	onRescue
)

// Places are examples of the names of the databases that opsdeck works in.
type Places struct {
	Live, Beside, Drill string
}

// rescueScratch is an example of the names of the databases that a rescue creates.
const rescueScratch = RescueScratch + "20000101_000000_000"

// The start of the names of the databases that a rescue and a drill create.
const (
	RescueScratch = "opsdeck_rescue_"
	DrillScratch  = "opsdeck_drill_"
)

// right is a privilege by the name that each server gives it; "" where a server has none
// and asks for none.
type right struct {
	mysql, maria string
	also         []string // what gives it too; older servers have only these
}

func same(names ...string) (all []right) {
	for _, n := range names {
		all = append(all, right{mysql: n, maria: n})
	}
	return all
}

// needs are rights that a verb needs in one place.
type needs struct {
	verb   Verb
	on     place
	rights []right
	state  ops.State
	says   func(missing string) lang.Msg
}

// data are the rights in a database that opsdeck writes as a whole.
var data = same("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "TRIGGER",
	"CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EVENT", "LOCK TABLES")

// scratch are the rights in a database that is loaded to be looked at.
var scratch = append(same("EXECUTE"), data...)

// unlogged keeps a trial out of the binlog, and so from replicas.
var unlogged = right{"SESSION_VARIABLES_ADMIN", "BINLOG ADMIN", []string{"SYSTEM_VARIABLES_ADMIN", "SUPER"}}

// replay applies row events of the log, as the session logged them.
var replay = []right{
	{"BINLOG_ADMIN", "BINLOG REPLAY", []string{"REPLICATION_APPLIER", "SUPER"}},
	{"SESSION_VARIABLES_ADMIN", "", []string{"SYSTEM_VARIABLES_ADMIN", "SUPER"}},
}

// sight shows the triggers, views and routines of a database. Without it they are absent
// from information_schema.
var sight = []right{
	{"TRIGGER", "TRIGGER", nil},
	{"SHOW VIEW", "SHOW VIEW", nil},
	{"SHOW_ROUTINE", "EXECUTE", []string{"EXECUTE", "SHOW CREATE ROUTINE", "CREATE ROUTINE", "ALTER ROUTINE"}},
}

// Blind are the rights that the account lacks to see all code of a database, or of any
// database of the server if db is "", and the statements that give them.
func (a Account) Blind(db string) (missing []string, grant string) {
	var here []string
	on, all := " ON *.* TO "+account(a.User), ""
	for _, r := range sight {
		name := a.lacks(r, db)
		switch {
		case name == "":
			continue
		case name == "SHOW_ROUTINE" && db != "": // only for the whole server
			all = "GRANT " + name + on
		default:
			here = append(here, name)
		}
		missing = append(missing, name)
	}
	if len(here) > 0 && db == "" {
		grant = "GRANT " + strings.Join(here, ", ") + on
	} else if len(here) > 0 {
		grant = a.Rights.Grant(here, a.User, db, escaped(db))
	}
	return missing, strings.Trim(grant+"; "+all, "; ")
}

// position reads the position of the log.
var position = right{"REPLICATION CLIENT", "BINLOG MONITOR", []string{"SUPER"}}

// table is what each verb needs. Doctor, the verbs' own refusals and the manual go by it.
var table = []needs{
	{Backup, onLive, same("SELECT"), ops.StateCritical, because(lang.M("the tables cannot be read"))},
	{Backup, onLive, same("SHOW VIEW"), ops.StateCritical, because(lang.M("views cannot be backed up"))},
	{Backup, onLive, same("TRIGGER"), ops.StateCritical, because(lang.M("triggers cannot be backed up"))},
	{Backup, onLive, same("EVENT"), ops.StateCritical, because(lang.M("events cannot be backed up"))},
	{Backup, onLive, same("LOCK TABLES"), ops.StateWarning,
		because(lang.M("non-transactional tables cannot be locked"))},
	{Backup, onServer, []right{{"RELOAD", "RELOAD", []string{"FLUSH_TABLES"}}}, ops.StateWarning,
		because(lang.M("several connections can share a snapshot only while nothing is written; otherwise one " +
			"connection reads everything"))},
	// MariaDB tells a snapshot's position to everybody (binlog_snapshot_file)
	{Backup, onServer, []right{{mysql: position.mysql, also: position.also}}, ops.StateWarning,
		because(lang.M("the binlog position is not recorded"))},
	{Backup, onServer, same("PROCESS"), ops.StateWarning,
		because(lang.M("open transactions and lock waits are not visible"))},
	{Backup, onServer, []right{{mysql: "XA_RECOVER_ADMIN"}}, ops.StateWarning,
		because(lang.M("prepared XA transactions are not visible"))},
	{Backup, onServer, []right{{maria: "SLAVE MONITOR", also: []string{"SUPER"}}}, ops.StateWarning,
		because(lang.M("it is not visible whether the server is a replica, and of what"))},

	{Restore, onLive, data, ops.StateWarning,
		func(l string) lang.Msg { return lang.M("for a restore this user lacks: %s", l) }},
	{Restore, onBeside, data, ops.StateWarning, func(l string) lang.Msg {
		return lang.M("for a restore this user lacks, on the databases that the restore creates: %s", l)
	}},
	{Trial, onServer, []right{unlogged}, ops.StateWarning,
		because(lang.M("a restore is not tried out first: the trial would be written to the binlog"))},
	{Restore, onServer, []right{{"CONNECTION_ADMIN", "CONNECTION ADMIN", []string{"SUPER"}}}, ops.StateWarning,
		because(lang.M("a restore cannot end other users' sessions"))},

	{Until, onServer, replay, ops.StateWarning, func(l string) lang.Msg {
		return lang.M("to restore to a point in time (--until) this user lacks: %s", l)
	}},
	{Rescue, onRescue, data, ops.StateWarning,
		func(l string) lang.Msg { return lang.M("to rescue single rows this user lacks: %s", l) }},
	{Drill, onDrill, scratch, ops.StateWarning,
		func(l string) lang.Msg { return lang.M("for a restore drill this user lacks: %s", l) }},
	{Standby, onBeside, scratch, ops.StateWarning,
		func(l string) lang.Msg { return lang.M("for a standby this user lacks: %s", l) }},
	{Standby, onServer, replay, ops.StateWarning,
		because(lang.M("the binlog cannot be applied to the standby"))},
	{Archive, onServer, same(receive), ops.StateWarning,
		because(lang.M("the binlog cannot be archived"))},
	{Archive, onServer, []right{position}, ops.StateWarning, because(lang.M("the binlog cannot be archived"))},
}

// because says of one right what does not work without it.
func because(why lang.Msg) func(string) lang.Msg {
	return func(missing string) lang.Msg { return lang.M("the privilege %s is missing: %s", missing, why) }
}

// Account is a user of a database server.
type Account struct {
	User   string // as CURRENT_USER() names it
	Rights Rights
	Maria  bool
	// NoSuper: SUPER gives no other right, as on MariaDB since 11.0.
	NoSuper bool
	Known   []string // the rights that the server has, in capitals; none were not asked for
}

// NewAccount is an account by what its server says of it; lines are those of SHOW GRANTS.
func NewAccount(user, version string, lines, known []string) Account {
	a := Account{User: user, Rights: ParseGrants(lines), Known: known}
	a.Maria = strings.Contains(strings.ToLower(version), "mariadb")
	major, _, _ := strings.Cut(version, ".")
	a.NoSuper = a.Maria && major != "5" && major != "10"
	return a
}

// lacks is the name of a right that the account does not have in a database, as the server
// calls it; "" for one that it has or that the server does not ask for.
func (a Account) lacks(r right, db string) string {
	name := r.mysql
	if a.Maria {
		name = r.maria
	}
	if name == "" || a.Rights.Has(name, db) {
		return ""
	}
	for _, other := range append([]string{r.mysql, r.maria}, r.also...) {
		if other != "" && (other != "SUPER" || !a.NoSuper) && a.Rights.Has(other, db) {
			return ""
		}
	}
	if len(a.Known) == 0 || slices.Contains(a.Known, name) {
		return name
	}
	for _, older := range r.also {
		if slices.Contains(a.Known, older) {
			return older
		}
	}
	return ""
}

// Lacks is what the account lacks for a verb, each with the statement that gives it.
func (a Account) Lacks(verb Verb, at Places) (out []Finding) {
	for _, n := range table {
		if n.verb != verb {
			continue
		}
		var missing []string
		db, pattern := n.where(at)
		for _, r := range n.rights {
			if name := a.lacks(r, db); name != "" {
				missing = append(missing, name)
			}
		}
		if len(missing) == 0 {
			continue
		}
		list := strings.Join(missing, ", ")
		fix := "GRANT " + list + " ON *.* TO " + account(a.User)
		if n.on != onServer {
			fix = a.Rights.Grant(missing, a.User, db, pattern)
		}
		out = append(out, Finding{State: n.state, What: n.says(list), Fix: fix})
	}
	return out
}

// where is an example of the databases that the rights are needed in, and the pattern of
// GRANT for them all.
func (n needs) where(at Places) (db, pattern string) {
	switch n.on {
	case onLive:
		return at.Live, escaped(at.Live)
	case onBeside:
		return at.Beside, BesidePattern(at.Live)
	case onDrill:
		return at.Drill, escaped(DrillScratch) + "%"
	case onRescue:
		return rescueScratch, escaped(RescueScratch) + "%"
	}
	return "", ""
}

// MissingData are the rights that a restore needs on a database and does not have: it
// refuses to begin without them.
func (r Rights) MissingData(db string) []string {
	var names []string
	for _, d := range data {
		names = append(names, d.mysql)
	}
	return r.Missing(names, db)
}

// Grant is what an administrator runs for the verb: the statements that give what the
// account lacks, or all that the verb needs on the server where it seems to lack nothing.
func (a Account) Grant(verb Verb, at Places) string {
	lacks := a.Lacks(verb, at)
	if len(lacks) == 0 {
		a.Rights = Rights{}
		lacks = a.Lacks(verb, at)
	}
	var all []string
	for _, f := range lacks {
		all = append(all, f.Fix)
	}
	return strings.Join(all, "; ")
}

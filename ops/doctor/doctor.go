// Package doctor judges whether the ground is fit for what opsdeck does on a
// server: rights, settings, folders, tools, clock. It decides on facts that
// adapters bring; every finding says what to do about it.
package doctor

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Finding is one thing that is not as it should be, or worth knowing.
type Finding struct {
	State ops.State
	What  lang.Msg
	Why   lang.Msg // why it matters; may be empty
	Fix   string   // a command or statement that helps; may be empty
}

// Point is one thing that was looked at.
type Point struct {
	Name     string // "grants", "disk-backup"
	Service  string // "" for the machine
	Seen     lang.Msg
	Findings []Finding // none: it is well
}

// State is the worst of the findings.
func (p Point) State() ops.State {
	worst := ops.StateOK
	for _, f := range p.Findings {
		worst = ops.Worst(worst, f.State)
	}
	return worst
}

// Report is everything that was looked at.
type Report struct {
	At     time.Time
	Points []Point
}

// State is the worst of all.
func (r Report) State() ops.State {
	worst := ops.StateOK
	for _, p := range r.Points {
		worst = ops.Worst(worst, p.State())
	}
	return worst
}

// Server are the facts about a database server that a doctor wants.
type Server struct {
	Flavour, Version string
	User             string // CURRENT_USER()
	Grants           []string
	Now              time.Time     // its clock
	Asked            time.Time     // ours, at the middle of the question
	Took             time.Duration // the question and its answer
	Binlog           bool
	TrustCreators    bool  // log_bin_trust_function_creators
	RequireKey       bool  // sql_require_primary_key
	MaxPacket        int64 // max_allowed_packet
	Tables           int
	NoDatabase       bool           // there is none of that name, or the user cannot see it
	Engines          map[string]int // tables that are not InnoDB, by engine
	Keyless          int            // tables without a primary key
	Routines         int            // that the user sees
	Triggers         int
	Definers         []string // whom views, routines, triggers and events run as, as far as the user sees them
	ShownRoutines    int      // of them, those whose definition it may read
	Privileges       []string // that the server knows, in capitals
	MissingDefiners  []string // users that objects name and that are not there
	DefinersUnknown  bool     // mysql.user could not be read
	DetachedXA       int      // prepared XA transactions whose session is gone
	PreparedXA       []string // as XA COMMIT takes them; none where the user may not list them
	RoutineGrants    int      // grants of other users on single routines of the database

	RoutineGrantsUnknown bool // mysql.procs_priv could not be read
}

// leastPacket is what rows of the field need: a longer row cannot be loaded.
const leastPacket = 16 << 20

// maxSkew is how far the server's clock may be from ours.
const maxSkew = 2 * time.Second

// NoCreators says of a user without SUPER that the server makes no triggers and functions
// for it: MySQL and MariaDB ask for that while they keep a binary log.
func NoCreators() lang.Msg {
	return lang.M("triggers and functions cannot be created while the binlog is on and this user has no SUPER")
}

// account is the user that the facts are about.
func (s Server) account() Account {
	version := s.Version
	if s.Flavour == "mariadb" && !strings.Contains(strings.ToLower(version), "mariadb") {
		version += "-MariaDB"
	}
	return NewAccount(s.User, version, s.Grants, s.Privileges)
}

// JudgeServer makes the points of a server that answers.
func JudgeServer(s Server, service string, at Places) []Point {
	db := at.Live
	points := []Point{
		{
			Name:     "backup-rights",
			Service:  service,
			Seen:     lang.M("%s can make full backups of %s", s.User, db),
			Findings: BackupFindings(s, db),
		},
		{
			Name:     "restore-rights",
			Service:  service,
			Seen:     lang.M("%s has the privileges to restore %s", s.User, db),
			Findings: restoreFindings(s, at),
		},
		{
			Name:     "rescue-rights",
			Service:  service,
			Seen:     lang.M("%s has the privileges to rescue single rows", s.User),
			Findings: s.account().Lacks(Rescue, at),
		},
		tables(s, service, db),
		definers(s, service),
		settings(s, service),
		serverClock(s, service),
	}
	if s.Binlog {
		points = append(points, Point{
			Name:     "until-rights",
			Service:  service,
			Seen:     lang.M("%s has the privileges to restore to a point in time", s.User),
			Findings: s.account().Lacks(Until, at),
		})
	}
	if s.DetachedXA > 0 {
		points = append(points, prepared(s, service))
	}
	return points
}

// restoreFindings says which rights the server's user misses for a restore.
func restoreFindings(s Server, at Places) []Finding {
	a := s.account()
	out := append(append(a.Lacks(Restore, at), a.Lacks(Trial, at)...), judgeDefiners(a.Rights, s)...)
	out = append(out, besideRoutines(a, at)...)
	out = append(out, routineGrants(a, s, at.Live)...)
	if s.Routines+s.Triggers > 0 && s.Binlog && !s.TrustCreators && !a.Rights.Has("SUPER", "") {
		out = append(out, Finding{State: ops.StateWarning, What: NoCreators(), Fix: trustCreators(a.Maria)})
	}
	return out
}

// trustCreators is the statement that lets users without SUPER create triggers and functions.
func trustCreators(maria bool) string {
	if maria {
		return ops.SetGlobal("log_bin_trust_function_creators = ON")
	}
	return "SET PERSIST log_bin_trust_function_creators = ON"
}

// besideRoutines finds a right that MariaDB has since 11.3 and asks for in each database: a
// restore reads the routines of others in the databases that it creates.
func besideRoutines(a Account, at Places) []Finding {
	const name = "SHOW CREATE ROUTINE"
	if !slices.Contains(a.Known, name) || a.Rights.showsRoutines(at.Beside, a.Maria) {
		return nil
	}
	return []Finding{{
		State: ops.StateWarning,
		What:  lang.M("for a restore this user lacks, on the databases that the restore creates: %s", name),
		Fix:   a.Rights.Grant([]string{name}, a.User, at.Beside, BesidePattern(at.Live)),
	}}
}

// routineGrants finds grants on single procedures and functions that a restore would lose:
// the server drops them with the routine, and only one who may grant makes them again.
func routineGrants(a Account, s Server, db string) []Finding {
	switch {
	case s.Routines == 0 && a.Rights.showsRoutines(db, a.Maria):
		return nil
	case s.RoutineGrantsUnknown:
		return []Finding{{
			State: ops.StateWarning,
			What:  lang.M("grants on single procedures and functions are not visible: a restore would lose them"),
			Fix:   "GRANT SELECT ON mysql.procs_priv TO " + account(a.User),
		}}
	case s.RoutineGrants > 0 && !a.Rights.mayGrant(db):
		return []Finding{{
			State: ops.StateWarning,
			What: lang.M("a restore would lose the grants of other users on single procedures and functions (%d): "+
				"this user may not grant them", s.RoutineGrants),
			Fix: a.Rights.Grant([]string{"EXECUTE", "ALTER ROUTINE"}, a.User, db, escaped(db)) + " WITH GRANT OPTION",
		}}
	}
	return nil
}

// prepared is the point about XA transactions that nobody has ended.
func prepared(s Server, service string) Point {
	f := Finding{
		State: ops.StateWarning,
		What: lang.M("prepared XA transactions without a session: %d; they keep their locks, and no backup has their "+
			"rows", s.DetachedXA),
	}
	switch {
	case len(s.PreparedXA) > 0:
		f.Fix = "XA COMMIT " + s.PreparedXA[0] + "; or XA ROLLBACK " + s.PreparedXA[0]
	case s.Flavour == "mysql":
		f.Fix = "GRANT XA_RECOVER_ADMIN ON *.* TO " + account(s.User)
	}
	return Point{Name: "prepared-xa", Service: service, Findings: []Finding{f}}
}

func tables(s Server, service, db string) Point {
	p := Point{
		Name:    "tables",
		Service: service,
		Seen:    lang.M("%d tables, all transactional, all with a primary key", s.Tables),
	}
	switch {
	case s.NoDatabase:
		p.Findings = append(p.Findings, Finding{State: ops.StateCritical, Fix: "SHOW DATABASES",
			What: lang.M("there is no database %s, or this user cannot see it", db)})
	case s.Tables == 0:
		p.Findings = append(p.Findings, Finding{State: ops.StateWarning, Fix: "SHOW TABLES FROM " + db,
			What: lang.M("the database %s has no tables, or this user cannot see any", db)})
	}
	for _, engine := range sortedKeys(s.Engines) {
		p.Findings = append(
			p.Findings,
			Finding{
				State: ops.StateWarning,
				What:  lang.M("%d tables of the engine %s are outside a backup's snapshot", s.Engines[engine], engine),
				Fix:   "ALTER TABLE … ENGINE=InnoDB",
			},
		)
	}
	if s.Keyless > 0 {
		p.Findings = append(
			p.Findings,
			Finding{
				State: ops.StateWarning,
				What:  lang.M("%d tables have no primary key: they are read in one piece", s.Keyless),
			},
		)
	}
	return p
}

func definers(s Server, service string) Point {
	p := Point{
		Name:    "definers",
		Service: service,
		Seen:    lang.M("every user that views, routines, triggers and events refer to exists"),
	}
	switch {
	case s.DefinersUnknown:
		p.Findings = []Finding{
			{
				State: ops.StateUnknown,
				What:  lang.M("not checked: this user has no permission to read mysql.user"),
				Fix:   "GRANT SELECT (User, Host) ON mysql.user TO " + account(s.User),
			},
		}
	case len(s.MissingDefiners) > 0:
		p.Findings = []Finding{
			{
				State: ops.StateWarning,
				What:  lang.M("objects refer to users that do not exist: %s", strings.Join(s.MissingDefiners, ", ")),
				Fix:   "CREATE USER … ACCOUNT LOCK",
			},
		}
	}
	return p
}

func settings(s Server, service string) Point {
	p := Point{Name: "settings", Service: service, Seen: lang.M("%s %s, binlog on", s.Flavour, s.Version)}
	if !s.Binlog {
		p.Seen = lang.M("%s %s, binlog off: no point-in-time restore", s.Flavour, s.Version)
	}
	if s.MaxPacket > 0 && s.MaxPacket < leastPacket {
		p.Findings = append(
			p.Findings,
			Finding{
				State: ops.StateWarning,
				What:  lang.M("max_allowed_packet is %s: longer rows cannot be loaded", human.Bytes(s.MaxPacket)),
				Fix:   ops.SetGlobal("max_allowed_packet = 67108864"),
			},
		)
	}
	if s.RequireKey && s.Keyless > 0 {
		p.Findings = append(
			p.Findings,
			Finding{
				State: ops.StateCritical,
				What: lang.M("sql_require_primary_key is on: %d tables without a primary key could not be restored",
					s.Keyless),
				Fix: ops.SetGlobal("sql_require_primary_key = OFF"),
			},
		)
	}
	return p
}

func serverClock(s Server, service string) Point {
	skew := beyond(s.Now.Sub(s.Asked), s.Took/2)
	p := Point{Name: "clock", Service: service, Seen: lang.M("the database's clock agrees with this machine's")}
	if skew.Abs() > maxSkew {
		p.Findings = []Finding{
			{
				State: ops.StateWarning,
				What:  lang.M("the database's clock differs by %s from this machine's", human.Duration(skew.Abs())),
				Fix:   "timedatectl set-ntp true",
			},
		}
	}
	return p
}

// beyond is what of a difference a slow answer does not account for.
func beyond(d, slow time.Duration) time.Duration {
	if d < 0 {
		return min(0, d+slow)
	}
	return max(0, d-slow)
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	for i := 1; i < len(keys); i++ {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

// Folder are the facts about a folder that opsdeck writes to.
type Folder struct {
	Path       string
	Exists     bool
	Parent     string // the nearest one that exists
	Unwritable error  // why nothing can be written into it, or into Parent where it does not exist; nil: it can
	Mode       uint32 // permission bits
	Free, Size int64  // of its disk, bytes that a common user can have
}

// JudgeFolder makes the point of a folder. private folders must be 0700; share
// is what must be free, room how many bytes the next work needs.
func JudgeFolder(f Folder, name, service string, private bool, share float64, room int64) Point {
	p := Point{Name: name, Service: service, Seen: lang.M("%s: writable, %s free", f.Path, human.Bytes(f.Free))}
	there := f.Path // of which df tells
	if !f.Exists {
		there = f.Parent
	}
	add := func(state ops.State, what lang.Msg, fix string) {
		p.Findings = append(p.Findings, Finding{State: state, What: what, Fix: fix})
	}
	switch {
	case f.Unwritable != nil && !f.Exists && errors.Is(f.Unwritable, fs.ErrPermission):
		add(ops.StateCritical,
			lang.M("%s does not exist, and this user has no permission to create it in %s", f.Path, f.Parent),
			"sudo install -d -m 700 -o $USER "+f.Path)
	case f.Unwritable != nil:
		what, fix := Unwritable(f.Path, f.Unwritable)
		add(ops.StateCritical, what, fix)
	case !f.Exists:
		p.Seen = lang.M("%s will be created when needed; %s free", f.Path, human.Bytes(f.Free))
	case private && f.Mode&0o077 != 0:
		add(ops.StateWarning, lang.M("other users can read %s", f.Path), "chmod 700 "+f.Path)
	}
	if f.Size > 0 && float64(f.Free) < share*float64(f.Size) {
		add(ops.StateWarning,
			lang.M("only %s of the disk of %s is free", human.Percent(float64(f.Free)/float64(f.Size)), f.Path),
			"df -h "+there)
	}
	if room > 0 && f.Free < room {
		add(ops.StateCritical,
			lang.M("%s has no space for the next backup: about %s needed", f.Path, human.Bytes(room)), "df -h "+there)
	}
	return p
}

// JudgePassword makes the point of the database's password; it never says it.
func JudgePassword(password, service string) Point {
	p := Point{Name: "password", Service: service, Seen: lang.M("the database's password is not one of the defaults")}
	switch {
	case password == "":
		p.Findings = []Finding{{State: ops.StateWarning, What: lang.M("the database connection uses no password")}}
	case ops.DefaultSecret(password):
		p.Findings = []Finding{
			{
				State: ops.StateCritical,
				What:  lang.M("the database's password is a default of the installation"),
				Fix:   "ALTER USER CURRENT_USER() IDENTIFIED BY '…'",
			},
		}
	}
	return p
}

// JudgeTools makes the point of the programs that the configuration needs.
func JudgeTools(needed map[string]lang.Msg, have func(string) bool, service string) Point {
	p := Point{Name: "tools", Service: service, Seen: lang.M("every required program is on the PATH")}
	if len(needed) == 0 {
		p.Seen = lang.M("no other program is needed")
	}
	counts := map[string]int{}
	for name := range needed {
		counts[name] = 1
	}
	for _, name := range sortedKeys(counts) {
		if !have(name) {
			p.Findings = append(p.Findings,
				Finding{State: ops.StateCritical, What: lang.M("%s is not on the PATH: %s", name, needed[name])})
		}
	}
	return p
}

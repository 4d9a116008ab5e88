package doctor

import (
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Rights are what a database user may do, as SHOW GRANTS tells.
type Rights struct {
	grants []grant
	Roles  []string // roles that were granted but are perhaps not active
}

type grant struct {
	revoke  bool
	rights  map[string]bool
	all     bool
	pattern string // of databases: "*" for every one, else as LIKE
}

// ParseGrants reads the lines of SHOW GRANTS. Grants on single tables, columns
// and routines are left out: no backup can rest on them.
func ParseGrants(lines []string) Rights {
	var r Rights
	for _, line := range lines {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		revoke := strings.EqualFold(verb, "REVOKE")
		if !revoke && !strings.EqualFold(verb, "GRANT") {
			continue
		}
		list, rest, ok := cutWord(rest, " ON ")
		if !ok {
			role, _, _ := strings.Cut(list, " TO ")
			r.Roles = append(r.Roles, role)
			continue
		}
		word := " TO "
		if revoke {
			word = " FROM "
		}
		object, _, _ := cutWord(rest, word)
		pattern, ok := database(object)
		if !ok || strings.Contains(list, "(") {
			continue
		}
		g := grant{revoke: revoke, pattern: pattern, rights: map[string]bool{}}
		for _, name := range strings.Split(list, ",") {
			name = strings.ToUpper(strings.TrimSpace(name))
			if name == "ALL PRIVILEGES" || name == "ALL" {
				g.all = true
			}
			g.rights[name] = true
		}
		r.grants = append(r.grants, g)
	}
	return r
}

// cutWord cuts at the first occurrence of a word outside backquotes.
func cutWord(s, word string) (before, after string, ok bool) {
	quoted := false
	for i := range len(s) {
		if s[i] == '`' {
			quoted = !quoted
		}
		if !quoted && len(s)-i >= len(word) && strings.EqualFold(s[i:i+len(word)], word) {
			return s[:i], s[i+len(word):], true
		}
	}
	return s, "", false
}

// database is the pattern of "*.*" and "`db`.*"; ok is false for smaller objects.
func database(object string) (pattern string, ok bool) {
	object = strings.TrimSpace(object)
	if object == "*.*" {
		return "*", true
	}
	name, ok := strings.CutSuffix(object, ".*")
	if !ok {
		return "", false
	}
	if unquoted, ok := strings.CutPrefix(name, "`"); ok {
		return strings.ReplaceAll(strings.TrimSuffix(unquoted, "`"), "``", "`"), true
	}
	return name, true
}

// Has tells whether the user has a right on a database; "" asks for every
// database there is.
func (r Rights) Has(right, db string) bool {
	has := false
	for _, g := range r.grants {
		global := g.pattern == "*"
		if !global && (db == "" || !like(g.pattern, db)) {
			continue
		}
		if g.rights[right] || g.all {
			has = !g.revoke
		}
	}
	return has
}

// like matches a database against a pattern of GRANT: % and _ stand for anything
// unless a backslash is before them.
func like(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	switch c := pattern[0]; {
	case c == '\\' && len(pattern) > 1:
		return name != "" && name[0] == pattern[1] && like(pattern[2:], name[1:])
	case c == '%':
		for i := 0; i <= len(name); i++ {
			if like(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	case c == '_':
		return name != "" && like(pattern[1:], name[1:])
	default:
		return name != "" && name[0] == c && like(pattern[1:], name[1:])
	}
}

// need is a right, what goes wrong without it, and how bad that is. Any one of
// the names will do.
type need struct {
	any    []string
	global bool
	state  ops.State
	why    lang.Msg
}

// backupNeeds are the rights of FIELD.md's backup user, and those that make a
// backup better.
var backupNeeds = []need{
	{[]string{"SELECT"}, false, ops.StateCritical, lang.M("the tables cannot be read")},
	{[]string{"SHOW VIEW"}, false, ops.StateCritical, lang.M("views cannot be backed up")},
	{[]string{"TRIGGER"}, false, ops.StateCritical, lang.M("triggers cannot be backed up")},
	{[]string{"EVENT"}, false, ops.StateCritical, lang.M("events cannot be backed up")},
	{
		[]string{"LOCK TABLES"},
		false,
		ops.StateWarning,
		lang.M("non-transactional tables cannot be locked"),
	},
	{
		[]string{"RELOAD", "FLUSH_TABLES"},
		true,
		ops.StateWarning,
		lang.M("several connections can share a snapshot only while nothing is written; otherwise one connection " +
			"reads everything"),
	},
	{
		[]string{"REPLICATION CLIENT", "BINLOG MONITOR"},
		true,
		ops.StateWarning,
		lang.M("the binlog position is not recorded"),
	},
	{[]string{"PROCESS"}, true, ops.StateWarning, lang.M("open transactions and lock waits are not visible")},
}

// restoreNeeds are the rights that a restore needs on the database and on the
// schemas that it makes beside it.
var restoreNeeds = []string{
	"CREATE",
	"DROP",
	"ALTER",
	"INDEX",
	"INSERT",
	"REFERENCES",
	"CREATE VIEW",
	"CREATE ROUTINE",
	"ALTER ROUTINE",
	"TRIGGER",
	"EVENT",
}

// JudgeBackup says which rights the user, as CURRENT_USER() names it, misses for
// a backup of db.
func JudgeBackup(r Rights, user, db string) []Finding {
	var out []Finding
	for _, n := range backupNeeds {
		where := db
		if n.global {
			where = ""
		}
		has := false
		for _, name := range n.any {
			has = has || r.Has(name, where)
		}
		if has {
			continue
		}
		on := "*.*"
		if !n.global {
			on = "`" + db + "`.*"
		}
		out = append(
			out,
			Finding{
				State: n.state,
				What:  lang.M("the privilege %s is missing: %s", n.any[0], n.why),
				Fix:   "GRANT " + n.any[0] + " ON " + on + " TO " + account(user),
			},
		)
	}
	return out
}

// account writes user@host as GRANT wants it.
func account(user string) string {
	at := strings.LastIndexByte(user, '@')
	if at < 0 {
		return "'" + user + "'"
	}
	return "'" + user[:at] + "'@'" + user[at+1:] + "'"
}

// JudgeRestore says which rights a restore of db misses. beside is the name of a
// schema as the restore makes them.
func JudgeRestore(r Rights, user, db, beside string) []Finding {
	var missing []string
	for _, name := range restoreNeeds {
		if !r.Has(name, db) || !r.Has(name, beside) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, ", ")
	return []Finding{{State: ops.StateWarning, What: lang.M("for a restore this user lacks: %s", list),
		Fix: "GRANT " + list + " ON `" + strings.ReplaceAll(db, "_", `\_`) + "%`.* TO " + account(user)}}
}

// drillNeeds are the rights that a drill needs in the schemas that it makes: it loads
// into them and looks at what came.
var drillNeeds = append([]string{"SELECT", "UPDATE", "DELETE", "SHOW VIEW", "LOCK TABLES", "EXECUTE"}, restoreNeeds...)

// JudgeDrill says which rights a drill misses. scratch is the name of a schema as drills
// make them, which ends in a date and a time.
func JudgeDrill(r Rights, user, scratch string) []Finding {
	var missing []string
	for _, name := range drillNeeds {
		if !r.Has(name, scratch) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, ", ")
	pattern := strings.ReplaceAll(strings.TrimRight(scratch, "0123456789_"), "_", `\_`) + `\_%`
	return []Finding{{State: ops.StateWarning, What: lang.M("for a restore drill this user lacks: %s", list),
		Fix: "GRANT " + list + " ON `" + pattern + "`.* TO " + account(user)}}
}

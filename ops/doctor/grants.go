package doctor

import (
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Rights are what a database user may do, as SHOW GRANTS tells.
type Rights struct {
	grants []grant
	proc   bool     // SELECT on the table mysql.proc, in which MariaDB keeps routines
	Roles  []string // roles that were granted but are perhaps not active
}

type grant struct {
	revoke  bool
	option  bool // WITH GRANT OPTION
	rights  map[string]bool
	all     bool
	pattern string // of databases: "*" for every one, else as LIKE
	to      string // the account or the role
}

// gives tells whether the grant has a right.
func (g grant) gives(right string) bool { return g.all || g.rights[right] }

// covers tells whether the grant is of a pattern that matches the database.
func (g grant) covers(db string) bool { return g.pattern != "*" && db != "" && like(g.pattern, db) }

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
		object, to, _ := cutWord(rest, word)
		if object == "`mysql`.`proc`" && !revoke && !strings.Contains(list, "(") && strings.Contains(list, "SELECT") {
			r.proc = true
		}
		pattern, ok := database(object)
		if !ok || strings.Contains(list, "(") {
			continue
		}
		g := grant{revoke: revoke, pattern: pattern, rights: map[string]bool{}, to: grantee(to)}
		g.option = strings.Contains(strings.ToUpper(to), " WITH GRANT OPTION")
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
	if unquoted, ok := strings.CutPrefix(name, `"`); ok { // with ANSI_QUOTES
		return strings.ReplaceAll(strings.TrimSuffix(unquoted, `"`), `""`, `"`), true
	}
	if unquoted, ok := strings.CutPrefix(name, "`"); ok {
		return strings.ReplaceAll(strings.TrimSuffix(unquoted, "`"), "``", "`"), true
	}
	return name, true
}

// grantee is the first word after TO: what follows it says how the account logs in.
func grantee(to string) string {
	name, _, _ := cutWord(strings.TrimSpace(to), " ")
	return name
}

// Has tells whether the user has a right on a database; "" asks for every
// database there is.
//
// Of the grants of one account on databases, the server takes the one whose pattern is the
// most specific for the database, and no other: beside GRANT SELECT ON `shop`.*, a
// GRANT INSERT ON `shop%`.* gives nothing on shop.
func (r Rights) Has(right, db string) bool {
	has := false
	for _, g := range r.grants {
		if g.pattern == "*" && g.gives(right) {
			has = !g.revoke
		}
	}
	for _, g := range r.grants {
		if !g.revoke && g.covers(db) && g.gives(right) && g.pattern == r.patternFor(g.to, db) {
			has = true
		}
	}
	for _, g := range r.grants {
		if g.revoke && g.covers(db) && g.gives(right) {
			return false
		}
	}
	return has
}

// patternFor is the pattern by which the server decides what the grantee may do in the
// database; "" where no grant matches it.
func (r Rights) patternFor(to, db string) string {
	best := ""
	for _, g := range r.grants {
		if !g.revoke && g.to == to && g.covers(db) && (best == "" || exactness(g.pattern) > exactness(best)) {
			best = g.pattern
		}
	}
	return best
}

// exactness orders patterns as the servers do (get_sort in sql/auth): one without a
// wildcard comes first, then those whose first wildcard is farther to the right.
func exactness(pattern string) int {
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '%', '_':
			return min(i+1, 127)
		}
	}
	return 128
}

// showsRoutines tells whether the server shows the definitions of routines that others
// made; those of a user's own are always shown.
func (r Rights) showsRoutines(db string, maria bool) bool {
	if r.Has("SELECT", "") || r.Has("SHOW_ROUTINE", "") || r.Has("SHOW CREATE ROUTINE", db) {
		return true
	}
	return maria && (r.proc || r.Has("SELECT", "mysql"))
}

// ListsRoutines tells whether the server lists routines that others made, if only by name.
// Where it does not, nobody can tell whether there are any.
func (r Rights) ListsRoutines(db string, maria bool) bool {
	return r.showsRoutines(db, maria) || r.Has("EXECUTE", db) || r.Has("ALTER ROUTINE", db) ||
		r.Has("CREATE ROUTINE", db)
}

// MayDefine tells whether the user may create views, routines, triggers and events that
// run as another user.
func (r Rights) MayDefine() bool {
	for _, right := range definerRights {
		if r.Has(right, "") {
			return true
		}
	}
	return false
}

// definerRights are the rights to name another user in DEFINER: MySQL since 8.2, MySQL 8.0,
// MariaDB.
var definerRights = []string{"SET_ANY_DEFINER", "SET_USER_ID", "SET USER", "SUPER"}

// NoDefiners says that objects are another user's, whose creation takes a right.
func NoDefiners(owner string) lang.Msg {
	return lang.M("objects of the backup belong to %s, and the user has no permission to create objects for other "+
		"users",
		owner)
}

// NoDefinersHint is what to do then.
func NoDefinersHint() lang.Msg {
	return lang.M("opsdeck doctor prints the GRANT; or set another user in the options file")
}

// judgeDefiners finds a user that cannot create again what is others'.
func judgeDefiners(r Rights, s Server) []Finding {
	others := slices.DeleteFunc(slices.Clone(s.Definers), func(d string) bool { return d == s.User })
	// In the name of an account with SYSTEM_USER, only one that has it too creates anything.
	root := slices.ContainsFunc(others, func(d string) bool { return strings.HasPrefix(d, "root@") })
	system := root && s.Flavour == "mysql" && !r.Has("SYSTEM_USER", "")
	if len(others) == 0 || r.MayDefine() && !system {
		return nil
	}
	f := Finding{
		State: ops.StateWarning,
		What:  lang.M("during a restore this user cannot create objects that belong to %s", strings.Join(others, ", ")),
	}
	for _, right := range definerRights {
		if slices.Contains(s.Privileges, right) {
			if system {
				right += ", SYSTEM_USER"
			}
			f.Fix = "GRANT " + right + " ON *.* TO " + account(s.User)
			break
		}
	}
	return []Finding{f}
}

// mayGrant tells whether the user may give others rights on the routines of a database.
func (r Rights) mayGrant(db string) bool {
	return slices.ContainsFunc(r.grants, func(g grant) bool {
		return g.option && !g.revoke && g.gives("EXECUTE") && g.gives("ALTER ROUTINE") &&
			(g.pattern == "*" || g.covers(db) && g.pattern == r.patternFor(g.to, db))
	})
}

// Missing are those of the rights that the user lacks on a database.
func (r Rights) Missing(rights []string, db string) []string {
	var missing []string
	for _, name := range rights {
		if !r.Has(name, db) {
			missing = append(missing, name)
		}
	}
	return missing
}

// Grant is the statement that gives the user, as CURRENT_USER() names it, further rights on
// a database. It widens the grant that the server goes by, for a new one would take its
// place; where there is none, it is on the pattern.
func (r Rights) Grant(rights []string, user, db, pattern string) string {
	if p := r.patternFor(quotedAccount(user), db); p != "" {
		pattern = p
	}
	return "GRANT " + strings.Join(rights, ", ") + " ON `" + strings.ReplaceAll(pattern, "`", "``") + "`.* TO " +
		account(user)
}

// quotedAccount writes user@host as SHOW GRANTS does.
func quotedAccount(user string) string { return strings.ReplaceAll(account(user), "'", "`") }

// escaped is the pattern of GRANT that matches one database alone.
func escaped(db string) string { return strings.NewReplacer("_", `\_`, "%", `\%`).Replace(db) }

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

// account writes user@host as GRANT wants it.
func account(user string) string {
	at := strings.LastIndexByte(user, '@')
	if at < 0 {
		return "'" + user + "'"
	}
	return "'" + user[:at] + "'@'" + user[at+1:] + "'"
}

// BesidePattern is the pattern of GRANT for the schemas that a restore of db makes. Where
// db's name is so long that theirs hold but its beginning, that is what they have in common.
func BesidePattern(db string) string {
	const whole = 34 // of 64 characters: what they add has up to 30
	if runes := []rune(db); len(runes) > whole {
		return escaped(string(runes[:whole])) + "%"
	}
	return escaped(db+"__") + "%"
}

// BackupFindings says which rights the server's user misses for a backup of db, that for
// the routines included.
func BackupFindings(s Server, db string) []Finding {
	a := s.account()
	rights := a.Rights
	out := a.Lacks(Backup, Places{Live: db})
	if rights.showsRoutines(db, a.Maria) {
		return out
	}
	f := Finding{
		State: ops.StateWarning,
		What: lang.M("procedures and functions of other users are not visible: if there are any, they are not in " +
			"the backup"),
	}
	if s.Routines > s.ShownRoutines {
		f.State = ops.StateCritical
		f.What = lang.M("procedures or functions cannot be read, and no backup can be made: %d",
			s.Routines-s.ShownRoutines)
	}
	switch {
	case slices.Contains(s.Privileges, "SHOW_ROUTINE"): // MySQL
		f.Fix = "GRANT SHOW_ROUTINE ON *.* TO " + account(s.User)
	case slices.Contains(s.Privileges, "SHOW CREATE ROUTINE"): // MariaDB since 11.3
		f.Fix = rights.Grant([]string{"SHOW CREATE ROUTINE"}, s.User, db, escaped(db))
	default:
		f.Fix = "GRANT SELECT ON mysql.proc TO " + account(s.User)
	}
	return append(out, f)
}

package swap

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// needed are the rights that a restore takes, on the schema itself and on those
// beside it.
var needed = []string{
	"SELECT",
	"INSERT",
	"UPDATE",
	"DELETE",
	"CREATE",
	"DROP",
	"ALTER",
	"INDEX",
	"REFERENCES",
	"TRIGGER",
	"CREATE VIEW",
	"SHOW VIEW",
	"CREATE ROUTINE",
	"ALTER ROUTINE",
	"EVENT",
	"LOCK TABLES",
}

var grantLine = regexp.MustCompile("(?is)^GRANT (.+?) ON (\\S+|`[^`]*`\\.\\*) TO ")

// surveyRights reads the user's own grants. What roles bring is asked for too,
// where the server has them. A server that shows none says nothing.
func (s *Server) surveyRights(ctx context.Context, db *sql.DB, a *restore.Assessment, live string, mode restore.Mode) {
	lines, err := s.grants(ctx, db)
	if err != nil || len(lines) == 0 {
		return
	}
	global, local := map[string]bool{}, map[string]bool{}
	for _, line := range lines {
		m := grantLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		to := local
		switch scope := m[2]; {
		case scope == "*.*":
			to = global
		case !scopeCovers(scope, live):
			continue
		}
		for _, right := range strings.Split(m[1], ",") {
			to[strings.ToUpper(strings.TrimSpace(right))] = true
		}
	}
	all := func(set map[string]bool) bool { return set["ALL PRIVILEGES"] || set["ALL"] }
	for _, right := range needed {
		if !all(global) && !global[right] && !all(local) && !local[right] {
			a.Missing = append(a.Missing, right)
		}
	}
	if len(a.Missing) == 0 && mode == restore.Swap && !all(global) &&
		!(global["CREATE"] && global["ALTER"] && global["DROP"] && global["INSERT"]) &&
		!covers(lines, restore.SideSchema(live, "new", "20260101-000000-0000")) {
		a.SwapRefused = restore.RawNote(
			"no rights on schemas beside " + live + " (GRANT ALL ON `" + strings.ReplaceAll(
				live,
				"_",
				`\_`,
			) + `\_\_%` + "`.*)",
		)
	}
}

func (s *Server) grants(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := schema.All(ctx, db, "SHOW GRANTS")
	var out []string
	for _, r := range rows {
		out = append(out, r[0])
	}
	if err != nil || s.mariadb {
		return out, err
	}
	roles, err := schema.One(ctx, db, "SELECT CURRENT_ROLE()")
	if err != nil || roles == "NONE" || roles == "" {
		return out, nil
	}
	rows, err = schema.All(ctx, db, "SHOW GRANTS FOR CURRENT_USER() USING "+roles)
	for _, r := range rows {
		out = append(out, r[0])
	}
	if err != nil {
		return out[:len(out)-len(rows)], nil // the roles' grants cannot be seen; judge by the user's own
	}
	return out, nil
}

// covers tells whether some grant of everything reaches a schema.
func covers(lines []string, name string) bool {
	for _, line := range lines {
		m := grantLine.FindStringSubmatch(line)
		if m != nil && strings.HasPrefix(strings.ToUpper(m[1]), "ALL") && scopeCovers(m[2], name) {
			return true
		}
	}
	return false
}

// scopeCovers tells whether `pattern`.* holds a schema; % and _ are wildcards
// unless escaped.
func scopeCovers(scope, name string) bool {
	pattern, ok := strings.CutSuffix(scope, ".*")
	if !ok {
		return false
	}
	pattern = strings.ReplaceAll(strings.Trim(pattern, "`"), "``", "`")
	if pattern == "*" {
		return true
	}
	var re strings.Builder
	re.WriteString("^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			re.WriteString(regexp.QuoteMeta(string(pattern[i])))
		case c == '%':
			re.WriteString(".*")
		case c == '_':
			re.WriteString(".")
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	matched, err := regexp.MatchString(re.String()+"$", name)
	return err == nil && matched
}

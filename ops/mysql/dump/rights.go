package dump

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// grants are the rights of the session's user, by what they are on: "*.*" or
// the pattern of a database.
type grants []grant

type grant struct {
	revoke   bool
	database string // "*" for all, else a LIKE pattern
	rights   []string
}

// grantLine takes "GRANT SELECT, SHOW VIEW ON `shop\_%`.* TO …" apart. Grants on
// tables and columns do not match: they never cover a database.
var grantLine = regexp.MustCompile("^(GRANT|REVOKE) (.+) ON (\\*|`(?:[^`]|``)+`|\"[^\"]+\")\\.\\* (?:TO|FROM) ")

func parseGrants(lines []string) grants {
	var all grants
	for _, l := range lines {
		m := grantLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		name := strings.ReplaceAll(strings.Trim(m[3], "`\""), "``", "`")
		all = append(all, grant{m[1] == "REVOKE", name, strings.Split(strings.ToUpper(m[2]), ", ")})
	}
	return all
}

// may tells whether a right holds on the whole of a database.
func (g grants) may(right, database string) bool {
	allowed := false
	for _, x := range g {
		if !slices.Contains(x.rights, right) && !slices.Contains(x.rights, "ALL PRIVILEGES") ||
			!covers(x.database, database) {
			continue
		}
		if x.revoke {
			return false
		}
		allowed = true
	}
	return allowed
}

// covers matches a database's name with the pattern of a grant.
func covers(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	var re strings.Builder
	re.WriteString("(?is)^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			re.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case c == '%':
			re.WriteString(".*")
		case c == '_':
			re.WriteString(".")
		default:
			re.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	ok, err := regexp.MatchString(re.String()+"$", name)
	return ok && err == nil
}

// readGrants reads what the user may do, active roles included.
func readGrants(ctx context.Context, q schema.Querier) (grants, error) {
	show := "SHOW GRANTS"
	if role, err := one(ctx, q, "SELECT CURRENT_ROLE()"); err == nil && strings.HasPrefix(role, "`") {
		show = "SHOW GRANTS FOR CURRENT_USER() USING " + role // MySQL
	}
	rows, err := schema.All(ctx, q, show)
	if err != nil {
		return nil, fmt.Errorf("show grants: %w", err)
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, r[0])
	}
	return parseGrants(lines), nil
}

// rights fails when objects could be there that the user cannot see: the
// server leaves those out of every list without a word.
func (d *dumper) rights(ctx context.Context, q schema.Querier, name string, inv *inventory) error {
	g, err := readGrants(ctx, q)
	if err != nil {
		return err
	}
	if len(d.opts.Tables) > 0 && d.opts.Where != "" {
		return nil // no object is dumped
	}
	var missing []string
	need := []string{"TRIGGER"}
	if len(d.opts.Tables) == 0 {
		need = []string{"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"}
	}
	for _, right := range need {
		if !g.may(right, name) {
			missing = append(missing, right)
		}
	}
	if len(missing) > 0 {
		list := strings.Join(missing, ", ")
		return ops.E(ops.Config, lang.M("the user lacks %s on %s: what it cannot see would be missing from the "+
			"backup", list, name)).
			WithHint(lang.M("as an administrator: GRANT %s ON %s.* TO the backup user", list, schema.Ident(name)))
	}
	if len(d.opts.Tables) == 0 && !g.seesRoutines(name) {
		inv.warnings = append(
			inv.warnings,
			"the user cannot see the routines of others in "+schema.Ident(
				name,
			)+": if there are any they are not in the backup (GRANT SELECT ON *.*, or SHOW_ROUTINE)",
		)
	}
	return nil
}

// seesRoutines tells whether routines that others made would be listed.
func (g grants) seesRoutines(name string) bool {
	for _, right := range []string{"SHOW_ROUTINE", "SHOW CREATE ROUTINE", "EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE"} {
		if g.may(right, name) {
			return true
		}
	}
	for _, x := range g {
		if x.database == "*" && !x.revoke &&
			(slices.Contains(x.rights, "SELECT") || slices.Contains(x.rights, "ALL PRIVILEGES")) {
			return true
		}
	}
	return g.may("SELECT", "mysql")
}

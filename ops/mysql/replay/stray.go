package replay

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// viewPrefix precedes a view's name among the strays: it changes another database only for a
// statement that names it.
const viewPrefix = "view "

// strayTriggers names the triggers of a database whose code names another database, the
// functions that change one, and, with viewPrefix, the views that show tables of one. Row images
// do not run them; a statement in statement format would, and change that database. One that
// cannot be parsed counts.
func strayTriggers(ctx context.Context, q schema.Querier, database string) (names []string, err error) {
	views, err := strayViews(ctx, q, database)
	if err != nil {
		return nil, err
	}
	rows, err := schema.All(ctx, q, "SELECT 'TRIGGER', TRIGGER_NAME, ACTION_STATEMENT, SQL_MODE "+
		"FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? UNION ALL "+
		"SELECT ROUTINE_TYPE, ROUTINE_NAME, COALESCE(ROUTINE_DEFINITION, ''), SQL_MODE "+
		"FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? ORDER BY 1, 2", database, database)
	if err != nil {
		return nil, err
	}
	names = slices.Clone(views)
	var called []string // functions and procedures that change another database
	for {               // what calls one of them changes it too
		before := len(names) + len(called)
		rows = slices.DeleteFunc(rows, func(r []string) bool {
			if !strays(r, database, views, called) {
				return false
			}
			name := strings.ToLower(r[1])
			if r[0] != "PROCEDURE" { // the log has what a procedure does, and never its CALL
				names = append(names, name)
			}
			if r[0] != "TRIGGER" {
				called = append(called, name)
			}
			return true
		})
		if len(names)+len(called) == before {
			return names, nil
		}
	}
}

// strays reports whether a trigger or routine, as its kind, name, code and sql_mode, changes
// another database, itself or by a view or routine.
func strays(r []string, database string, views, called []string) bool {
	head := "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW "
	if r[0] != "TRIGGER" {
		head = "CREATE FUNCTION x() RETURNS INT "
	}
	p, err := sqlscan.Parse([]byte(head+r[2]), sqlscan.ModeOf(r[3]))
	if err == nil && namesAny(p, called) {
		return true
	}
	if r[0] != "TRIGGER" && !changing.MatchString(r[2]) && r[2] != "" {
		return false
	}
	return err != nil || namesAnother(p, database) || namesAny(p, views)
}

// strayViews are the views that show tables of another database, also by other views.
func strayViews(ctx context.Context, q schema.Querier, database string) (names []string, err error) {
	rows, err := schema.All(ctx, q, "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS "+
		"WHERE TABLE_SCHEMA = ? AND IS_UPDATABLE = 'YES'", database)
	for {
		before := len(names)
		for _, r := range rows {
			name := viewPrefix + strings.ToLower(r[0])
			if slices.Contains(names, name) {
				continue
			}
			p, err := sqlscan.Parse([]byte("CREATE VIEW x AS "+r[1]), sqlscan.Mode{})
			if err != nil || namesAnother(p, database) || namesAny(p, names) {
				names = append(names, name)
			}
		}
		if len(names) == before {
			return names, err
		}
	}
}

func namesAny(p *sqlscan.Parsed, names []string) bool {
	return slices.ContainsFunc(names, func(v string) bool { return hasName(p.Text, strings.TrimPrefix(v, viewPrefix)) })
}

// changing matches the keywords with which a function may change rows.
var changing = regexp.MustCompile(`(?i)\b(INSERT|UPDATE|DELETE|REPLACE|TRUNCATE|CALL)\b`)

func namesAnother(p *sqlscan.Parsed, database string) bool {
	for _, r := range p.Refs {
		switch {
		case !r.Qualified() || r.Schema == database:
		case strings.EqualFold(r.Schema, "information_schema"), strings.EqualFold(r.Schema, "performance_schema"),
			strings.EqualFold(r.Schema, "sys"):
		default:
			return true
		}
	}
	return false
}

// seeStrays reads the target's triggers before the first statement that changes rows.
func seeStrays(r *runner) error {
	if r.strayed {
		return nil
	}
	found, err := strayTriggers(r.ctx, r.note, r.Schema)
	if err != nil {
		return err
	}
	for _, name := range found {
		r.judge.strays[name] = true
	}
	r.strayed = true
	return nil
}

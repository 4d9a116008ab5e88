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
	names = slices.Clone(views)
	rows, err := schema.All(ctx, q, "SELECT TRIGGER_NAME, ACTION_STATEMENT, SQL_MODE FROM information_schema.TRIGGERS "+
		"WHERE TRIGGER_SCHEMA = ? ORDER BY TRIGGER_NAME", database)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		mode := sqlscan.Mode{
			ANSIQuotes:  strings.Contains(r[2], "ANSI_QUOTES"),
			NoBackslash: strings.Contains(r[2], "NO_BACKSLASH_ESCAPES"),
		}
		p, err := sqlscan.Parse([]byte("CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW "+r[1]), mode)
		if err != nil || namesAnother(p, database) || namesView(p, views) {
			names = append(names, strings.ToLower(r[0]))
		}
	}
	functions, err := strayFunctions(ctx, q, database, views)
	return append(names, functions...), err
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
			if err != nil || namesAnother(p, database) || namesView(p, names) {
				names = append(names, name)
			}
		}
		if len(names) == before {
			return names, err
		}
	}
}

func namesView(p *sqlscan.Parsed, views []string) bool {
	return slices.ContainsFunc(views, func(v string) bool { return hasName(p.Text, strings.TrimPrefix(v, viewPrefix)) })
}

func strayFunctions(
	ctx context.Context,
	q schema.Querier,
	database string,
	views []string,
) (names []string, err error) {
	rows, err := schema.All(ctx, q, "SELECT ROUTINE_NAME, COALESCE(ROUTINE_DEFINITION, ''), SQL_MODE FROM "+
		"information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? AND ROUTINE_TYPE = 'FUNCTION' ORDER BY ROUTINE_NAME",
		database)
	for _, r := range rows {
		mode := sqlscan.Mode{
			ANSIQuotes:  strings.Contains(r[2], "ANSI_QUOTES"),
			NoBackslash: strings.Contains(r[2], "NO_BACKSLASH_ESCAPES"),
		}
		p, err := sqlscan.Parse([]byte("CREATE FUNCTION x() RETURNS INT "+r[1]), mode)
		changes := changing.MatchString(r[1]) || r[1] == ""
		if changes && (err != nil || namesAnother(p, database) || namesView(p, views)) {
			names = append(names, strings.ToLower(r[0]))
		}
	}
	return names, err
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

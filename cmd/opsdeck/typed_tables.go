package main

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/site"
)

// typedTables are the service's tables that a person typed, as the server names them: t,
// db.t, each part in backticks or not, in any case where the server stores lower case.
func (a *app) typedTables(ctx context.Context, typed []string) ([]string, error) {
	names, err := a.typedNames(typed)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	s, err := a.chosen()
	if err != nil {
		return nil, err
	}
	lower := strings.ToLower(strings.Join(names, "\x00"))
	if lower != strings.Join(names, "\x00") && foldsNames(ctx, s) {
		names = strings.Split(lower, "\x00")
	}
	return names, nil
}

// typedNames are the names of tables or other objects of the service's database, in the case in
// which a person typed them.
func (a *app) typedNames(typed []string) (names []string, err error) {
	if len(typed) == 0 {
		return nil, nil
	}
	s, err := a.chosen()
	if err != nil {
		return nil, err
	}
	own := s.Service.Database.Name
	for _, text := range typed {
		in, name, ok := splitTable(text, own)
		if !ok || in != "" && !strings.EqualFold(in, own) {
			return nil, ops.E(ops.Usage, lang.M("%s is not a table of the database %s", text, own))
		}
		names = append(names, name)
	}
	return names, nil
}

// typedTable is typedTables for one table; "" stays "".
func (a *app) typedTable(ctx context.Context, typed string) (string, error) {
	if typed == "" {
		return "", nil
	}
	names, err := a.typedTables(ctx, []string{typed})
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// tablesExist refuses tables that the database does not have.
func (a *app) tablesExist(ctx context.Context, database string, names ...string) error {
	s, err := a.chosen()
	if err != nil || len(names) == 0 {
		return err
	}
	target, err := mysql.Resolve(s.Service.Database)
	if err != nil {
		return err
	}
	none, err := mysql.MissingTable(ctx, target, database, names...)
	if err == nil && none != "" {
		err = ops.E(ops.Usage, lang.M("there is no table %s", none))
	}
	return err
}

// splitTable reads a table's name with or without its database. Without backticks a dot
// ends the database's name only if that is the service's own: a table's name may hold dots.
func splitTable(text, own string) (in, name string, ok bool) {
	if !strings.HasPrefix(text, "`") {
		if in, rest, dotted := strings.Cut(text, "."); dotted && strings.EqualFold(in, own) {
			if !strings.HasPrefix(rest, "`") {
				return in, rest, rest != ""
			}
			name, rest, ok = quotedName(rest)
			return in, name, ok && rest == ""
		}
		return "", text, text != ""
	}
	name, rest, ok := quotedName(text)
	if !ok || rest == "" {
		return "", name, ok
	}
	in = name
	if rest, ok = strings.CutPrefix(rest, "."); !ok || rest == "" {
		return "", "", false
	}
	if !strings.HasPrefix(rest, "`") {
		return in, rest, true
	}
	name, rest, ok = quotedName(rest)
	return in, name, ok && rest == ""
}

// quotedName reads a name in backticks at the beginning of a text.
func quotedName(text string) (name, rest string, ok bool) {
	end := schema.SkipQuoted(text, 0)
	if end >= len(text) || end < 2 {
		return "", "", false
	}
	return strings.ReplaceAll(text[1:end], "``", "`"), text[end+1:], true
}

// foldsNames reports whether the service's server stores names in lower case; false where
// it does not answer.
func foldsNames(ctx context.Context, s *site.Site) bool {
	target, err := mysql.Resolve(s.Service.Database)
	if err != nil {
		return false
	}
	conn, err := mysql.Open(ctx, target, "")
	if err != nil {
		return false
	}
	defer conn.Close()
	folds, err := schema.FoldsNames(ctx, conn)
	return err == nil && folds
}

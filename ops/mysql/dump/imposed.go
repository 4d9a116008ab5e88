package dump

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// shed are the arguments that free the tool's session of what the server imposes on every
// session. help prints the tool's options. A tool that has no such option is refused where it
// would leave out rows or columns without an error.
func shed(ctx context.Context, d *dumper, tool string, help *exec.Cmd) ([]string, error) {
	hide, end, err := mysql.Imposed(ctx, d.target)
	if err != nil || len(hide)+len(end) == 0 {
		return nil, err
	}
	says, _ := help.Output()
	if bytes.Contains(says, []byte("--init-command=")) {
		return []string{"--init-command=" + mysql.SetSession(append(hide, end...))}, nil
	}
	if len(hide) == 0 {
		return nil, nil
	}
	names := make([]string, len(hide))
	for i, s := range hide {
		names[i] = s.Name
	}
	return nil, ops.E(ops.Failed, lang.M("%s would leave out rows or columns: the server sets %s for every session",
		tool, strings.Join(names, ", "))).
		WithHint(lang.M("use --engine native, which needs no other tool"))
}

// vectorDefinition is a column of MySQL's VECTOR in SHOW CREATE TABLE.
var vectorDefinition = regexp.MustCompile("(?m)^ *`(?:[^`]|``)+` vector\\b")

// unwritable refuses MariaDB's tool for tables of MySQL whose values it writes as text that no
// server takes back.
func unwritable(d *dumper, inv *inventory, tool string, mariaTool bool) error {
	if d.maria || !mariaTool || d.opts.NoData {
		return nil
	}
	if names := inv.defined(vectorDefinition); len(names) > 0 {
		return ops.E(ops.Failed, lang.M("%s writes VECTOR columns of MySQL in a form that cannot be loaded: %s",
			tool, strings.Join(names, ", "))).
			WithHint(lang.M("use --engine native, which needs no other tool"))
	}
	return nil
}

// defined are the tables whose definition matches.
func (inv *inventory) defined(by *regexp.Regexp) (names []string) {
	for _, db := range inv.databases {
		for _, t := range db.tables {
			if by.MatchString(t.create) {
				names = append(names, t.Name)
			}
		}
	}
	return names
}

// jsonDefinition is a column of MySQL's JSON in SHOW CREATE TABLE.
var jsonDefinition = regexp.MustCompile("(?m)^ *`(?:[^`]|``)+` json\\b")

// losesTypes warns of tables whose JSON values the server's own tool writes as plain text.
func losesTypes(d *dumper, inv *inventory, tool string) []string {
	if d.maria || d.opts.NoData { // MariaDB stores JSON as text
		return nil
	}
	names := inv.defined(jsonDefinition)
	if len(names) == 0 {
		return nil
	}
	return []string{tool + " writes JSON as text: a DECIMAL, date or BLOB inside a JSON value comes back as a double " +
		"or a string; --engine native keeps it: " + strings.Join(names, ", ")}
}

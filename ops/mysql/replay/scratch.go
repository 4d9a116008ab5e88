package replay

import (
	"fmt"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// tempTable is a temporary table of our database in one connection. Statement-format logs
// contain it, but no backup does.
type tempTable struct {
	thread uint32
	name   string
}

// temps are the temporary tables that are open at one place of the log. The value tells why
// the rows of one are not known; it is empty for one that the replay has too.
type temps map[tempTable]lang.Msg

func tempOf(q *binlog.Query, name string) tempTable {
	return tempTable{q.Thread, strings.ToLower(name)}
}

// isTemp reports whether a name means an open temporary table of our database.
func (j *judge) isTemp(q *binlog.Query, r sqlscan.Ref) bool {
	in := r.Schema
	if in == "" {
		in = q.Schema
	}
	_, open := j.temp[tempOf(q, r.Name)]
	return open && j.ours(in)
}

// temporary decides on a definition of a temporary table: it is made in the replay's session
// under the number of the session that made it, as mysqlbinlog does.
func (j *judge) temporary(q *binlog.Query, p *sqlscan.Parsed) decided {
	switch p.Verb {
	case "CREATE":
		return j.makeTemp(q, p)
	case "DROP":
		return j.dropTemp(q, p)
	}
	d, why := j.onTemp(q, p.Text)
	for _, r := range p.Refs[:1] {
		if !why.Empty() {
			j.temp[tempOf(q, r.Name)] = why
		}
	}
	var e effect
	alterEffect(p, []string{p.Own().Name}, p.Text, &e)
	for _, n := range e.renamed {
		old := tempOf(q, n[0])
		j.temp[tempOf(q, n[1])] = j.temp[old]
		delete(j.temp, old)
	}
	return d
}

func (j *judge) makeTemp(q *binlog.Query, p *sqlscan.Parsed) decided {
	own := p.Own()
	if own.Schema != "" && !j.ours(own.Schema) || own.Schema == "" && !j.ours(q.Schema) {
		return decided{}
	}
	if j.isTemp(q, own) && p.Cautious {
		return decided{}
	}
	d, why := j.onTemp(q, p.Text)
	j.temp[tempOf(q, own.Name)] = why
	return d
}

func (j *judge) dropTemp(q *binlog.Query, p *sqlscan.Parsed) decided {
	var names []string
	for _, r := range p.Refs {
		if !j.isTemp(q, r) {
			continue
		}
		delete(j.temp, tempOf(q, r.Name))
		names = append(names, schema.Name(j.to, r.Name))
	}
	if len(names) == 0 {
		return decided{}
	}
	return decided{kind: scratch, sql: "DROP TEMPORARY TABLE IF EXISTS " + strings.Join(names, ", ")}
}

// onTemp is a statement on a temporary table, to be run again; or why its outcome is not
// known, and then nothing is run.
func (j *judge) onTemp(q *binlog.Query, t *sqlscan.Text) (decided, lang.Msg) {
	if len(j.scope) > 0 {
		return decided{}, lang.M("only some tables are restored")
	}
	sql, why := j.rewritten(q, t)
	if !why.Empty() {
		return decided{}, why
	}
	return decided{kind: scratch, sql: sql}, lang.Msg{}
}

// rewritten is a statement of our database with the new database's name; or why it cannot
// be run again.
func (j *judge) rewritten(q *binlog.Query, t *sqlscan.Text) (string, lang.Msg) {
	// Without a current database, each table that it names has its database.
	if alone := q.Schema == "" && len(j.temp) == 0; !alone && !j.ours(q.Schema) {
		return "", lang.M("it was run in the database %s: %s", q.Schema, short(q.SQL))
	}
	if why := j.strayed(q, t); !why.Empty() {
		return "", why
	}
	var edits []sqlscan.Edit
	for i := range t.Tokens {
		name, ok := t.Name(i)
		if !ok {
			continue
		}
		if why, open := j.temp[tempOf(q, name)]; open && !why.Empty() {
			return "", lang.M("it reads the temporary table %s, whose rows are not known (%s): %s", name, why,
				short(q.SQL))
		}
		switch {
		case !t.Is(i+1, ".") || i > 0 && t.Is(i-1, "."):
		case j.ours(name):
			edits = append(edits, sqlscan.Edit{Start: t.Tokens[i].Start, End: t.Tokens[i].End, New: schema.Ident(j.to)})
		case j.others(t.Mode.Fold(name)):
			return "", lang.M("it also uses the database %s: %s", name, short(q.SQL))
		}
	}
	return string(sqlscan.Apply(q.SQL, edits)), lang.Msg{}
}

// changesTemp decides on a statement that changes the rows of a temporary table.
func (j *judge) changesTemp(q *binlog.Query, p *sqlscan.Parsed) (decided, lang.Msg) {
	own := tempOf(q, p.Own().Name)
	if !j.temp[own].Empty() {
		if singleTable(p) {
			return decided{}, lang.Msg{}
		}
		return decided{}, lang.M("it reads the temporary table %s, whose rows are not known (%s): %s", p.Own().Name,
			j.temp[own], short(q.SQL))
	}
	d, why := j.onTemp(q, p.Text)
	switch {
	case singleTable(p):
		if !why.Empty() {
			j.temp[own] = why
		}
		return d, lang.Msg{}
	case !why.Empty():
		return decided{}, why
	}
	// It may change our tables too.
	d.kind = rowsOf
	d.fewer = true
	return d, lang.Msg{}
}

// singleTable reports whether a statement changes only the table that it names first.
func singleTable(p *sqlscan.Parsed) bool {
	switch p.Verb {
	case "INSERT", "REPLACE":
		return true
	case "UPDATE":
		return p.Is(p.Body, "SET")
	case "DELETE":
		return p.Body >= p.Len() || p.Any(p.Body, "WHERE", "ORDER", "LIMIT")
	}
	return false
}

// dropTemps drops the temporary tables of a server that was restarted: it logs no DROP.
func dropTemps(r *runner) error {
	for t := range r.judge.temp {
		if err := asThread(r, t.thread); err != nil {
			return err
		}
		drop := "DROP TEMPORARY TABLE IF EXISTS " + schema.Name(r.Schema, t.name)
		if _, err := r.apply.ExecContext(r.ctx, drop); err != nil {
			return fmt.Errorf("%s: %w", drop, err)
		}
	}
	clear(r.judge.temp)
	return nil
}

// asThread gives the session the number of the session that a statement was logged for:
// temporary tables of the same name are kept apart by it.
func asThread(r *runner, thread uint32) error {
	if r.thread == thread {
		return nil
	}
	if err := setThread(r, thread); err != nil {
		return err
	}
	r.thread = thread
	return nil
}

func setThread(r *runner, thread uint32) error {
	q := fmt.Sprintf("SET SESSION pseudo_thread_id = %d", thread)
	_, err := r.apply.ExecContext(r.ctx, q)
	if err != nil {
		return mayNotTemp(fmt.Errorf("%s: %w", q, err), &r.server)
	}
	return nil
}

// quieten moves the end of a forecast back to the last place without open temporary tables:
// another session continues there, and has none of them.
func (l *look) quieten() {
	if !l.q.Quiet || len(l.judge.temp) == 0 || l.f.Transactions == 0 {
		return
	}
	if l.quiet.Transactions == 0 {
		l.quiet = Forecast{Rows: l.q.Rows, To: l.q.Run.From}
	}
	l.quiet.Waits = true
	*l.f = l.quiet
}

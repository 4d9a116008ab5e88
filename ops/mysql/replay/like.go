package replay

import (
	"context"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// like decides on CREATE TABLE c LIKE other.o: the log does not have the definition of o, so
// it is taken from the server. copies is false for every other statement.
func (j *judge) like(q *binlog.Query, p *sqlscan.Parsed) (d decided, refusal lang.Msg, copies bool) {
	other, ok := likeOf(p)
	if !ok {
		return d, refusal, false
	}
	if other.Schema == "" {
		other.Schema = q.Schema
	}
	if j.ours(other.Schema) {
		return d, refusal, false
	}
	if j.has == nil || !j.has(other) {
		return d, lang.M("it copies the definition of %s.%s, which is not known any more: %s", other.Schema, other.Name,
			short(q.SQL)), true
	}
	name := p.Own().Name
	create := "CREATE TABLE "
	if p.Cautious {
		create += "IF NOT EXISTS "
	}
	d = decided{kind: definition, tables: []string{name}, like: &other}
	d.sql = create + schema.Name(j.to, name) + " LIKE " + schema.Name(other.Schema, other.Name)
	d.effect.made = d.tables
	return d, refusal, true
}

// likeOf is the table whose definition a CREATE TABLE copies.
func likeOf(p *sqlscan.Parsed) (other sqlscan.Ref, ok bool) {
	at := p.Body
	if p.Is(at, "(") {
		at++
	}
	if p.Verb != "CREATE" || p.Kind != "TABLE" || p.Replace || !p.Is(at, "LIKE") {
		return other, false
	}
	other.Name, ok = p.Name(at + 1)
	if ok && p.Is(at+2, ".") {
		other.Schema = other.Name
		other.Name, ok = p.Name(at + 3)
	}
	return other, ok
}

// thereIs reports whether a table exists on the server.
func thereIs(ctx context.Context, q schema.Querier, t sqlscan.Ref) bool {
	n, err := schema.One(ctx, q, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND "+
		"TABLE_NAME = ? AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')", t.Schema, t.Name)
	return err == nil && n == "1"
}

// exists is thereIs over a connection of its own.
func exists(ctx context.Context, target mysql.Target, t sqlscan.Ref) bool {
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return false
	}
	defer db.Close()
	return thereIs(ctx, db, t)
}

// mayRedefine reports whether a statement may change the definition of a table.
func (j *judge) mayRedefine(q *binlog.Query, table sqlscan.Ref) bool {
	t, err := sqlscan.Tokenize(q.SQL, j.mode(q))
	if err != nil {
		return true
	}
	own := len(t.Tokens)
	switch {
	case !t.Any(0, "CREATE", "DROP", "ALTER", "RENAME"):
		return false
	case t.Is(0, "CREATE"): // what it copies or reads stays as it is
		p, err := sqlscan.Parse(q.SQL, j.mode(q))
		if err != nil {
			return true
		}
		own = p.Body
	}
	named := strings.EqualFold(q.Schema, table.Schema)
	here := t.Any(1, "DATABASE", "SCHEMA")
	for i := range t.Tokens[:own] {
		name, ok := t.Name(i)
		named = named || ok && strings.EqualFold(name, table.Schema)
		here = here || ok && strings.EqualFold(name, table.Name)
	}
	return named && here
}

// redefined refuses the tables that are created like one that a later statement changes: the
// server has another definition by now.
func (l *look) redefined(q *binlog.Query) {
	for i := 0; i < len(l.f.Likes); i++ {
		x := l.f.Likes[i]
		if !l.judge.mayRedefine(q, x.Other) {
			continue
		}
		x.at.Why = lang.M("it copies the definition of %s.%s, which was changed afterwards: CREATE TABLE %s",
			x.Other.Schema, x.Other.Name, x.Name)
		l.f.Refused = append(l.f.Refused, x.at)
		l.f.Likes = append(l.f.Likes[:i:i], l.f.Likes[i+1:]...)
		i--
	}
}

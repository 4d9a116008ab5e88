package rewind

import (
	"context"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// foreignKey is a foreign key that refers to a table of the database, with what happens
// to its rows when theirs is deleted or gets another key.
type foreignKey struct {
	schema.ForeignKey
	onDelete, onUpdate string
}

// acts tells whether the server changes rows of the key's table by itself.
func acts(rule string) bool { return rule == "CASCADE" || strings.HasPrefix(rule, "SET ") }

// foreignKeys are those that refer to the database's tables, from any database. all is false
// where the user may not see the keys of other databases.
func foreignKeys(ctx context.Context, q schema.Querier, database string) (keys []foreignKey, all bool, err error) {
	found, err := schema.ForeignKeys(ctx, q, database)
	if err != nil {
		return nil, false, err
	}
	hidden, all, err := schema.HiddenKeys(ctx, q, database)
	if err != nil {
		return nil, false, err
	}
	rules, err := schema.All(
		ctx,
		q,
		"SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE "+
			"FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = ?",
		database,
	)
	if err != nil {
		return nil, false, err
	}
	for _, k := range found {
		if k.ParentDatabase != database {
			continue
		}
		own := foreignKey{ForeignKey: k}
		for _, r := range rules {
			if r[0] == k.Database && r[1] == k.Table && r[2] == k.Name {
				own.onDelete, own.onUpdate = r[3], r[4]
			}
		}
		keys = append(keys, own)
	}
	for _, k := range hidden {
		keys = append(keys, foreignKey{ForeignKey: k, onDelete: k.OnDelete, onUpdate: k.OnUpdate})
	}
	return keys, all, nil
}

// UnloggedParents are the tables whose changes may change rows of a table through a foreign
// key without a trace in the log. MySQL logs such rows from 9.6 on, where the setting
// innodb_native_foreign_keys is off.
// https://dev.mysql.com/doc/refman/9.6/en/innodb-parameters.html
func UnloggedParents(ctx context.Context, q schema.Querier, database, table string) (names []string, err error) {
	logged, err := schema.All(ctx, q, "SHOW VARIABLES LIKE 'innodb_native_foreign_keys'")
	if err != nil || len(logged) > 0 && strings.EqualFold(logged[0][1], "OFF") {
		return nil, err
	}
	rows, err := schema.All(ctx, q, "SELECT DISTINCT UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME "+
		"FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ? AND "+
		"(DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET "+
		"DEFAULT'))",
		database, table)
	for _, r := range rows {
		name := r[1]
		if r[0] != database {
			name = r[0] + "." + name
		}
		names = append(names, name)
	}
	return names, err
}

// refersTo are the places of the columns that a foreign key refers to.
func (t *table) refersTo(k foreignKey) []int { return t.places(k.Refs) }

// differ tells whether an image of the log and another differ in one of some columns.
func (t *table) differ(a, b []binlog.Value, columns []int) bool {
	return slices.ContainsFunc(columns, func(i int) bool { return i >= 0 && !t.same(i, a[i], b[i]) })
}

// noteCascades notes the tables of which a change of the log may have changed rows by a
// foreign key that are not in the log.
func (p *Plan) noteCascades(t *table, change binlog.RowChange) {
	if !change.Silent || change.Verb == binlog.Insert {
		return
	}
	for _, k := range p.keys {
		if k.Parent != t.Name || slices.Contains(p.Cascades, p.named(k)) {
			continue
		}
		deleted := change.Verb == binlog.Delete && acts(k.onDelete)
		moved := change.Verb == binlog.Update && acts(k.onUpdate) &&
			t.differ(change.Before, change.After, t.refersTo(k))
		if deleted || moved {
			p.Cascades = append(p.Cascades, p.named(k))
		}
	}
}

// named is the name of a key's table, with its database when that is another one.
func (p *Plan) named(k foreignKey) string {
	if k.Database == p.Database {
		return k.Table
	}
	return k.Database + "." + k.Table
}

// using finds the rows that refer to rows of a plan.
type using struct{ *Plan }

// findUsers marks the rows that the plan deletes, or gives another key, while other rows
// refer to them: the server would refuse, or delete and change those rows, which no undo
// brings back. A row that the plan takes away first is in nobody's way.
func (p using) findUsers(ctx context.Context, q schema.Querier, lock string) error {
	p.Users = nil
	p.Unread = nil
	if err := p.holdBlindly(); err != nil {
		return err
	}
	for _, k := range p.keys {
		parent := p.tables[k.Parent]
		if parent == nil {
			continue
		}
		refs := parent.refersTo(k)
		ask := p.portions(func(_ *table, rows []*Row) error { return p.markUsed(ctx, q, k, rows, lock) })
		for _, i := range p.rows {
			e := p.entries.at(int(i))
			if p.entries.tables[e.table] != parent || e.now == none || e.before != none && k.onUpdate == "CASCADE" {
				continue
			}
			r, err := p.load(int(i))
			if err == nil && (r.Before == nil || parent.differ(r.Before, r.Now, refs)) {
				err = ask.add(int(e.table), r)
			}
			if err != nil {
				return err
			}
		}
		if err := ask.end(); err != nil {
			return err
		}
	}
	return nil
}

// holdBlindly keeps every row that the plan would delete, or give another key, where rows of
// other databases may refer to it and this user cannot see whether they do.
func (p using) holdBlindly() error {
	if p.keysKnown {
		return nil
	}
	for _, i := range p.rows {
		e := p.entries.at(int(i))
		if e.now == none {
			continue
		}
		r, err := p.load(int(i))
		if err != nil {
			return err
		}
		t := p.entries.tables[e.table]
		if r.Before != nil && !t.differ(r.Before, r.Now, t.key) {
			continue
		}
		p.Blind = true
		if err := p.hold(r); err != nil {
			return err
		}
	}
	return nil
}

// hold keeps a row: rows that are not the plan's refer to it, or may do so.
func (p using) hold(r *Row) error {
	r.held = true
	if r.State == binlog.Clean {
		r.State = binlog.Used
	}
	return p.store(r)
}

// holdUnread keeps rows to which rows may refer that this user cannot read.
func (p using) holdUnread(k foreignKey, rows []*Row) error {
	if !slices.Contains(p.Unread, p.named(k)) {
		p.Unread = append(p.Unread, p.named(k))
	}
	for _, r := range rows {
		if err := p.hold(r); err != nil {
			return err
		}
	}
	return nil
}

// markUsed looks for the rows of one foreign key that refer to some rows.
func (p using) markUsed(
	ctx context.Context,
	q schema.Querier,
	k foreignKey,
	rows []*Row,
	lock string,
) error {
	pairs, err := p.usersOf(ctx, q, k, rows, lock)
	if mysql.Number(err) == mysql.ErrTableAccessDenied {
		return p.holdUnread(k, rows)
	}
	if err != nil {
		return err
	}
	of := map[string]*Row{}
	for _, r := range rows {
		of[p.tables[k.Parent].keyOf(r.there())] = r
	}
	for _, pair := range pairs {
		clean, planned, err := p.leaves(k, pair.child)
		if err != nil {
			return err
		}
		r := of[pair.parent]
		if r == nil || planned && clean {
			continue
		}
		r.held = r.held || !planned
		if r.State == binlog.Clean {
			r.State = binlog.Used
		}
		if err := p.store(r); err != nil {
			return err
		}
		if !slices.Contains(p.Users, p.named(k)) {
			p.Users = append(p.Users, p.named(k))
		}
	}
	return nil
}

// leaves tells whether the plan deletes a row of a foreign key's table, or gives it another
// parent, and whether the row is as the transaction left it.
func (p using) leaves(k foreignKey, key string) (clean, planned bool, err error) {
	child := p.tables[k.Table]
	if child == nil || child.bare || k.Database != p.Database {
		return false, false, nil
	}
	i, ok, err := p.entries.find(p.entries.number(child), []byte(key), 0)
	if err != nil || !ok || p.entries.at(i).now == none {
		return false, false, err
	}
	r, err := p.load(i)
	if err != nil {
		return false, false, err
	}
	if r.Before != nil && !child.differ(r.Before, r.Now, child.places(k.Columns)) {
		return false, false, nil
	}
	return r.State == binlog.Clean, true, nil
}

// pair is a row that refers, and the row that it refers to, by their primary keys; child
// is "" where the plan changes nothing in its table.
type pair struct{ parent, child string }

// usersOf asks which rows refer to some rows; the server compares by the columns' rules.
func (p using) usersOf(
	ctx context.Context,
	q schema.Querier,
	k foreignKey,
	rows []*Row,
	lock string,
) ([]pair, error) {
	parent, child := p.tables[k.Parent], p.tables[k.Table]
	if k.Database != p.Database || child != nil && child.bare {
		child = nil
	}
	var list, on []string
	for _, i := range parent.key {
		list = append(list, keyExpr("p", parent.Columns[i]))
	}
	if child != nil {
		for _, i := range child.key {
			list = append(list, keyExpr("c", child.Columns[i]))
		}
	}
	for i, name := range k.Columns {
		on = append(on, "c."+schema.Ident(name)+" = p."+schema.Ident(k.Refs[i]))
	}
	query := "SELECT DISTINCT " + strings.Join(list, ", ") + " FROM " + parent.SQLName() + " p JOIN " +
		schema.Name(k.Database, k.Table) + " c ON " + strings.Join(on, " AND ") +
		" WHERE " + parent.keyAmong("p.", rows)
	found, err := schema.All(ctx, q, query+lock)
	if err != nil {
		return nil, err
	}
	pairs := make([]pair, len(found))
	for i, r := range found {
		n := len(parent.key)
		pairs[i].parent = parent.keyText(r[:n])
		if child != nil {
			pairs[i].child = child.keyText(r[n:])
		}
	}
	return pairs, nil
}

// keyExpr is NowExpr of a column of an aliased table.
func keyExpr(alias string, c schema.Column) string {
	name := schema.Ident(c.Name)
	return strings.ReplaceAll(format.NowExpr(c), name, alias+"."+name)
}

// keyText is keyOf of a key that was read.
func (t *table) keyText(texts []string) string {
	image := make([]binlog.Value, len(t.Columns))
	for n, i := range t.key {
		image[i] = binlog.Value{Kind: t.kind(i), Text: []byte(texts[n])}
	}
	return t.keyOf(image)
}

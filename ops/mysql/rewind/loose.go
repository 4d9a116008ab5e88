package rewind

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// errOrphans says that rows would refer to rows that are not there.
var errOrphans = errors.New("rows would refer to rows that are not there")

// loosen turns the foreign keys off for a plan whose rows refer to one another in a
// circle; the server then neither checks them nor changes rows by them. restore turns
// them on again.
func (p *Plan) loosen(ctx context.Context, c *sql.Conn) (restore func(), err error) {
	if !p.loose {
		return func() {}, nil
	}
	was, err := schema.One(ctx, c, "SELECT @@SESSION.foreign_key_checks")
	if err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(ctx, "SET SESSION foreign_key_checks = 0"); err != nil {
		return nil, err
	}
	return func() {
		// A connection that is lost takes its session with it.
		_, _ = c.ExecContext(context.WithoutCancel(ctx), "SET SESSION foreign_key_checks = "+was)
	}, nil
}

// orphans counts, where the foreign keys are off, the rows that refer to rows that are
// not there, by the keys of the plan's tables.
func (p *Plan) orphans(ctx context.Context, tx *sql.Tx, lock string) (counts map[string]string, err error) {
	if !p.loose {
		return nil, nil
	}
	keys, err := schema.ForeignKeys(ctx, tx, p.Database)
	if err != nil {
		return nil, err
	}
	counts = map[string]string{}
	for _, k := range keys {
		child := k.Database == p.Database && p.tables[k.Table] != nil
		parent := k.ParentDatabase == p.Database && p.tables[k.Parent] != nil
		if !child && !parent {
			continue
		}
		var set, on []string
		for i, c := range k.Columns {
			set = append(set, "c."+schema.Ident(c)+" IS NOT NULL")
			on = append(on, "p."+schema.Ident(k.Refs[i])+" = c."+schema.Ident(c))
		}
		n, err := schema.One(ctx, tx, "SELECT COUNT(*) FROM "+schema.Name(k.Database, k.Table)+" c LEFT JOIN "+
			schema.Name(k.ParentDatabase, k.Parent)+" p ON "+strings.Join(on, " AND ")+" WHERE "+
			strings.Join(set, " AND ")+" AND p."+schema.Ident(k.Refs[0])+" IS NULL"+lock)
		if err != nil {
			return nil, err
		}
		counts[k.Table+"."+k.Name] = n
	}
	return counts, nil
}

// proveKeys is an error where the run would leave rows without what they refer to.
func (p *Plan) proveKeys(ctx context.Context, tx *sql.Tx, before map[string]string) error {
	after, err := p.orphans(ctx, tx, " LOCK IN SHARE MODE")
	if err != nil {
		return err
	}
	for key, n := range after {
		if n != before[key] {
			table, _, _ := strings.Cut(key, ".")
			return &RefusedError{Verb: binlog.Insert, Table: table, Orphans: true, Err: errOrphans}
		}
	}
	return nil
}

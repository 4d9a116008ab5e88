package auditlog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
)

// LoadArchive says which archive to load where.
type LoadArchive struct {
	Path   string
	As     string // the new table beside the live one
	Report func(ops.Progress)
	batch  int // rows that one statement copies; 0 for copyRows
}

// Load loads an archive's table under another name beside the live one,
// which it never touches: into a scratch schema, compared there with the
// manifest, then copied into place. A name that is taken is refused. It can be
// broken off at any moment and run again.
func (y *Years) Load(ctx context.Context, o LoadArchive) (rows int64, err error) {
	db, err := mysql.Open(ctx, y.src.r.opt.Target, "")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	scratch := scratchName(y.src.r.opt.Schema, o.As)
	p := &placing{
		db:      db,
		target:  y.src.r.opt.Target,
		scratch: scratch,
		table:   y.src.r.opt.Table,
		live:    y.src.r.opt.Schema,
		as:      o.As,
		temp:    scratchName("loading", o.As),
		batch:   cmp.Or(o.batch, copyRows),
		report:  o.Report,
	}
	var taken int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND "+
		"TABLE_NAME = ?", p.live, o.As).
		Scan(&taken)
	if err != nil {
		return 0, y.src.lane.explain(err)
	}
	if taken > 0 {
		rows, placed := p.placed(ctx)
		if !placed {
			return 0, ops.E(ops.Usage, lang.M("the table %s already exists in the database %s", o.As, p.live)).
				WithHint(lang.M("choose another name with --as"))
		}
		return rows, y.src.lane.explain(p.clear(ctx))
	}
	src, err := load.Open(o.Path)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	if rows, err = y.loadInto(ctx, db, src, scratch, o.Report); err != nil {
		return 0, err
	}
	if err := y.proven(ctx, src, scratch, o.Report); err != nil {
		return 0, err
	}
	if err = p.place(ctx); err == nil {
		err = p.clear(ctx)
	}
	return rows, y.src.lane.explain(err)
}

// proven compares the loaded rows with the archive's manifest.
func (y *Years) proven(ctx context.Context, src *load.Source, scratch string, report func(ops.Progress)) error {
	if src.Manifest == nil {
		return nil
	}
	verdict, err := load.Verify(ctx, y.src.r.opt.Target, src.Manifest,
		load.VerifyOptions{Schema: scratch, Tables: []string{y.src.r.opt.Table}, Report: report})
	if err == nil && !verdict.Good {
		err = ops.E(ops.Failed, lang.M("the rows in %s do not match the archive", scratch)).
			WithHint(lang.M("check that database, then drop it; the live table was not touched"))
	}
	return err
}

// scratchName is the schema in which an archive is loaded before its table goes to
// its place. Its hash keeps shop_a and b apart from shop and a_b.
func scratchName(database, table string) string {
	sum := sha256.Sum256([]byte(database + "\x00" + table))
	return schema.Beside(database+"_"+table, "_load_"+hex.EncodeToString(sum[:4]))
}

// loadInto loads the table into the scratch schema, unless an earlier run did
// and was broken off before the end; what it holds then is verified all the same.
func (y *Years) loadInto(ctx context.Context, db *sql.DB, src *load.Source, scratch string,
	report func(ops.Progress)) (int64, error) {
	tables, err := found(ctx, db, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?", scratch)
	if err != nil {
		return 0, y.src.lane.explain(err)
	}
	if src.Manifest != nil && len(tables) == 1 && tables[0] == y.src.r.opt.Table {
		var rows int64
		for _, t := range src.Manifest.Tables {
			if t.Name == y.src.r.opt.Table {
				rows = t.Rows
			}
		}
		return rows, nil
	}
	from := ""
	if src.Manifest == nil {
		from = y.src.r.opt.Schema
	}
	done, err := load.Run(ctx, y.src.r.opt.Target, src,
		load.Options{Schema: scratch, From: from, Tables: []string{y.src.r.opt.Table}, Report: report})
	return done.Rows, err
}

// found reads the names that a query finds.
func found(ctx context.Context, db *sql.DB, query string, args ...any) (out []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

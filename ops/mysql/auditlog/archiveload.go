package auditlog

import (
	"context"
	"errors"
	"fmt"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
)

// LoadArchive says which archive to load where.
type LoadArchive struct {
	Path   string
	As     string // the new table beside the live one
	Report func(ops.Progress)
}

// LoadArchive loads an archive's table under another name beside the live one,
// which it never touches: into a scratch schema, compared there with the
// manifest, then renamed into place. A name that is taken is refused.
func (s *Source) LoadArchive(ctx context.Context, o LoadArchive) (rows int64, err error) {
	db, err := mysql.Open(ctx, s.o.Target, "")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var taken int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", s.o.Schema, o.As).Scan(&taken)
	if err != nil {
		return 0, s.explain(err)
	}
	if taken > 0 {
		return 0, ops.E(ops.Usage, lang.M("there is a table %s in the database %s already", o.As, s.o.Schema)).
			WithHint(lang.M("choose another name with --as"))
	}
	src, err := load.Open(o.Path)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	scratch := s.o.Schema + "_" + o.As + "_load"
	from := ""
	if src.Manifest == nil {
		from = s.o.Schema
	}
	done, err := load.Run(ctx, s.o.Target, src, load.Options{Schema: scratch, From: from, Tables: []string{s.o.Table}, Report: o.Report})
	if err != nil {
		return 0, err
	}
	if src.Manifest != nil {
		verdict, err := load.Verify(ctx, s.o.Target, src.Manifest, load.VerifyOptions{Schema: scratch, Tables: []string{s.o.Table}, Report: o.Report})
		if err != nil {
			return 0, err
		}
		if !verdict.Good {
			return 0, ops.E(ops.Failed, lang.M("the rows in %s are not those of the archive", scratch)).
				WithHint(lang.M("look at that schema, then drop it; the live table was not touched"))
		}
	}
	for _, statement := range []string{
		fmt.Sprintf("RENAME TABLE %s.%s TO %s.%s", audit.Ident(scratch), audit.Ident(s.o.Table), audit.Ident(s.o.Schema), audit.Ident(o.As)),
		"DROP DATABASE " + audit.Ident(scratch),
	} {
		if _, e := db.ExecContext(ctx, statement); e != nil {
			err = errors.Join(err, e)
			break
		}
	}
	if err != nil {
		return done.Rows, s.explain(err)
	}
	return done.Rows, nil
}

package main

import (
	"context"
	"io"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
)

// atCopy is how a backup at a copy is named: to restore's --from too.
func atCopy(copy, name string) string { return copy + ":" + name }

// stream makes the backup at a copy, with no file here. It counts when it was
// read back there.
func (sh *shelf) stream(ctx context.Context, o order, target mysql.Target, report func(ops.Progress)) (*made, error) {
	found, err := sh.copies(o.copy)
	if err != nil {
		return nil, err
	}
	cp, err := sh.copier(found[0], false, report)
	if err != nil {
		return nil, err
	}
	defer cp.Store.Close()
	began, spec := time.Now(), o.spec(sh.clock.Now().Local())
	m, err := cp.Stream(ctx, spec.Name, func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error) {
		opts := o.options(sh.clock.Now, report)
		opts.Out = w
		return sh.engine(o)(ctx, target, opts, name)
	})
	if err != nil {
		return nil, err
	}
	if _, err := cp.Look(ctx); err != nil { // the backup is there and proved all the same
		sh.note(lang.Raw(sentence(sh.lang, sh.explain(err))))
	}
	return &made{Manifest: m, Path: atCopy(o.copy, m.File), Copy: o.copy, Took: time.Since(began)}, nil
}

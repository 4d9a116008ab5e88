package backups

import (
	"context"
	"io"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/site"
)

// AtCopy is the name of a backup at a copy, also for restore --from.
func AtCopy(copy, name string) string { return copy + ":" + name }

// stream writes the backup directly to a copy, with no local file. It counts as good once
// it was read back there.
func (sh Offsite) stream(ctx context.Context, o Order, target mysql.Target, report func(ops.Progress)) (*Made, error) {
	found, err := sh.Copies(o.Copy)
	if err != nil {
		return nil, err
	}
	cp, err := sh.Copier(found[0], false, report)
	if err != nil {
		return nil, err
	}
	defer cp.Store.Close()
	began := time.Now()
	spec := o.Spec(sh.Clock.Now().Local())
	m, err := cp.Stream(ctx, spec.Name, func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error) {
		opts := o.Options(sh.Clock.Now, report)
		opts.Out = w
		return sh.Maker().engine(o)(ctx, target, opts, name)
	})
	if err != nil {
		return nil, err
	}
	if _, err := cp.Look(ctx); err != nil { // the backup is stored and verified there anyway
		sh.Say(lang.Raw(site.Sentence(sh.Lang, sh.Explain(err))))
	}
	return &Made{Manifest: m, Path: AtCopy(o.Copy, m.File), Copy: o.Copy, Took: time.Since(began)}, nil
}

package restores

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/remote"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// copyOf takes "COPY:NAME" apart when COPY is configured. An empty name is the
// newest usable backup there.
func (d Finder) copyOf(from string) (c config.Copy, name string, ok bool) {
	at, name, ok := strings.Cut(from, ":")
	if !ok {
		return c, "", false
	}
	for _, c := range d.Service.Backup.Copies {
		if c.Name == at {
			return c, name, true
		}
	}
	return c, "", false
}

// fetchedPath is where a backup of a copy comes to, before it is restored.
func (d Finder) fetchedPath(copy, name string) string {
	return filepath.Join(d.Shelf.Dir, "fetched", copy, name)
}

// fetchCommand is what a person would type to fetch a backup.
func fetchCommand(c config.Copy, name, path string) string {
	if c.Kind == "s3" {
		end := ""
		if c.Endpoint != "" {
			scheme := "https://"
			if c.Insecure {
				scheme = "http://"
			}
			end = "--endpoint-url " + scheme + strings.TrimPrefix(c.Endpoint, scheme) + " "
		}
		return fmt.Sprintf("aws s3 cp %ss3://%s/%s %s", end, c.Target, name, path)
	}
	ssh := "ssh"
	if c.Port != 0 {
		ssh += fmt.Sprintf(" -p %d", c.Port)
	}
	if c.IdentityFile != "" {
		ssh += " -i " + c.IdentityFile
	}
	return fmt.Sprintf("rsync -e '%s' %s/%s %s", ssh, c.Target, name, path)
}

// atCopy lists what a copy holds, as its manifests tell.
func (d Finder) atCopy(ctx context.Context, c config.Copy) (*backup.Inventory, error) {
	cp, err := d.Shelf.Offsite().Copier(c, true, nil)
	if err != nil {
		return nil, err
	}
	defer cp.Store.Close()
	now := d.Clock.Now()
	return cp.Inventory(
		ctx,
		backup.Scan{
			Dir:       c.Target,
			Databases: []string{d.Service.Database.Name},
			Tables:    d.Service.Restore.KeyTables,
			Zone:      now.Location(),
			Now:       now,
		},
	)
}

// sourceAtCopy is a backup that lies at a copy. Only its manifest is read now;
// the file comes when the restore begins, before anything is touched.
func (d Finder) sourceAtCopy(
	ctx context.Context,
	c config.Copy,
	name string,
	m *binlog.Moment,
) (restore.Source, error) {
	inv, err := d.atCopy(ctx, c)
	if err != nil {
		return restore.Source{}, err
	}
	set := backup.NewestUsable(inv, d.Service.Database.Name)
	if name != "" {
		set = inv.Find(name)
	}
	switch {
	case set == nil && name == "":
		return restore.Source{}, ops.E(ops.Failed, lang.M("there is no good backup at the copy %s", c.Name))
	case set == nil:
		return restore.Source{}, ops.E(ops.Usage, lang.M("there is no backup %q at the copy %s", name, c.Name)).
			WithHint(lang.M("the newest there: %s", newestAt(c, m)))
	}
	return d.sourceThere(ctx, c, set)
}

func (d Finder) sourceThere(ctx context.Context, c config.Copy, set *backup.Set) (restore.Source, error) {
	src := d.plainSource(set)
	src.Copy, src.Path = c.Name, d.fetchedPath(c.Name, set.Name)
	src.Fetch = fetchCommand(c, set.Name, src.Path)
	if set.Foreign {
		return src, nil
	}
	store, err := remote.Open(c)
	if err != nil {
		return src, err
	}
	defer store.Close()
	var text bytes.Buffer
	if err := store.Get(ctx, set.Name+backup.ManifestSuffix, &text); err != nil {
		return src, err
	}
	m, err := backup.DecodeManifest(text.Bytes())
	if err != nil {
		return src, err
	}
	fill(&src, m, d.Service.Database.Name)
	return src, nil
}

// fetch brings the plan's backup here from its copy, proved by its hash.
func (d Finder) fetch(ctx context.Context, p *restore.Plan, report run.Report) ([]restore.Note, error) {
	found, err := d.Shelf.Offsite().Copies(p.Source.Copy)
	if err != nil {
		return nil, err
	}
	store, err := remote.Open(found[0])
	if err != nil {
		return nil, err
	}
	defer store.Close()
	begin := time.Now()
	src := p.Source
	err = remote.Fetch(
		ctx,
		store,
		remote.Wanted{Name: src.Name, Size: src.SizeBytes, SHA256: src.SHA256, Manifest: src.Manifest},
		src.Path,
		func(done int64) {
			report(
				ops.Progress{
					Phase:   "fetch",
					Object:  src.Copy + ":" + src.Name,
					Done:    done,
					Total:   src.SizeBytes,
					Unit:    "bytes",
					Elapsed: time.Since(begin),
				},
			)
		},
	)
	if err != nil {
		return nil, ops.Wrap(err, ops.CodeOf(err), lang.M("the backup could not be fetched from the copy %s", src.Copy))
	}
	return []restore.Note{restore.N(lang.M("fetched from the copy %s; its hash matches", src.Copy))}, nil
}

// dropFetched removes what was fetched for a run that is over; while it can
// still go on it is needed.
func (d Finder) dropFetched(p *restore.Plan) {
	if p.Source.Copy == "" || p.Source.Path != d.fetchedPath(p.Source.Copy, p.Source.Name) {
		return
	}
	os.Remove(p.Source.Path)
	os.Remove(p.Source.Path + backup.ManifestSuffix)
	os.Remove(filepath.Dir(p.Source.Path))
	os.Remove(filepath.Dir(filepath.Dir(p.Source.Path)))
}

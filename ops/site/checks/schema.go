package checks

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/probe"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// schema checks that the tables of the newest good backup are still there.
func (b *checker) schema() {
	d := b.Service.Database
	if d.Name == "" {
		return
	}
	look := probe.Schema{
		Database: d.Name,
		Expected: inventory{b.Source}.tables,
		Present: func(ctx context.Context) ([]string, error) {
			target, err := mysql.Resolve(d)
			if err != nil {
				return nil, err
			}
			return mysql.Tables(ctx, target, d.Name)
		},
		Exists: func(ctx context.Context) (bool, error) {
			target, err := mysql.Resolve(d)
			if err != nil {
				return false, err
			}
			return mysql.HasDatabase(ctx, target, d.Name)
		},
		List:    site.MysqlClient(d) + ` -e "SHOW DATABASES"`,
		Emptied: inventory{b.Source}.emptied,
		Keys:    b.Service.Restore.KeyTables,
	}
	b.add("schema", health.KindSchema, processPace, culprits{b.Source}.withCulprit(look.Probe()),
		limits(lang.M("tables of the newest good backup"), lang.Msg{}, lang.M("a table is missing")),
		site.MysqlClient(d)+` -e "SHOW TABLES FROM `+d.Name+`"`, "opsdeck restore --plan")
	last := &b.checks[len(b.checks)-1]
	last.Timeout = max(last.Timeout, inventoryTimeout)
}

// tables are those of the newest good backup that has not shrunk; without one, the key
// tables of the configuration.
func (i inventory) tables(ctx context.Context) ([]string, lang.Msg, error) {
	shelf, err := i.shelf()
	if err != nil {
		return nil, lang.Msg{}, err
	}
	name := i.Service.Database.Name
	keys := i.Service.Restore.KeyTables
	inv, err := shelf.Read(ctx)
	switch {
	case err == nil:
		if m, by := reference(inv, name); m != nil {
			return tablesOf(m, name), by, nil
		}
	case len(keys) == 0 && !errors.Is(err, fs.ErrNotExist):
		return nil, lang.Msg{}, err
	}
	if len(keys) > 0 {
		by := lang.M("the configuration")
		target, err := mysql.Resolve(i.Service.Database)
		if err != nil {
			return keys, by, nil // the look at the tables says so, and what it follows from
		}
		stored, err := mysql.StoredNames(ctx, target, keys)
		if err != nil {
			return keys, by, nil
		}
		return stored, by, nil
	}
	return nil, lang.Msg{}, unreadManifest(inv, name)
}

// reference is the manifest of the backup to compare with, and which one that is; nil
// where there is none.
func reference(inv *backup.Inventory, name string) (*backup.Manifest, lang.Msg) {
	best := backup.BeforeLoss(inv, name)
	if best == nil {
		return nil, lang.Msg{}
	}
	by := lang.M("the newest good backup")
	if best != backup.NewestProved(inv, name) {
		by = lang.M("the backup before the loss (%s)", best.Name)
	}
	if m, err := backup.ReadManifest(best.Path); err == nil && !m.Partial {
		return m, by
	}
	return nil, lang.Msg{}
}

// unreadManifest is an error where backups exist that would say which tables the database
// has, but the manifest of none can be read.
func unreadManifest(inv *backup.Inventory, name string) error {
	if inv == nil {
		return nil
	}
	for _, s := range inv.Sets {
		i := slices.IndexFunc(s.Problems, func(p backup.Problem) bool { return p.Code == backup.BadManifest })
		if i >= 0 && s.Restorable(name) {
			return ops.E(ops.Failed, lang.M("%s: %s", s.Name, s.Problems[i].Text()))
		}
	}
	best := backup.BeforeLoss(inv, name)
	if best == nil {
		return nil
	}
	_, err := backup.ReadManifest(best.Path)
	if err == nil || errors.Is(err, backup.ErrNoManifest) {
		return nil
	}
	return ops.E(ops.Failed, lang.M("%s: its manifest cannot be read: %s", best.Name, err.Error()))
}

// fullTable is from how many rows on a table that is empty now was emptied.
const fullTable = 1

// emptied are the tables that had rows in the newest good backup that has not shrunk
// and have none now.
func (i inventory) emptied(ctx context.Context, present []string) ([]string, error) {
	shelf, err := i.shelf()
	if err != nil {
		return nil, err
	}
	name := i.Service.Database.Name
	inv, err := shelf.ReadOrNone(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the backup check says so
	}
	if err != nil {
		return nil, err
	}
	best := backup.BeforeLoss(inv, name)
	if best == nil {
		return nil, nil
	}
	var had []string
	for _, t := range best.Summary.Counts {
		table := strings.TrimPrefix(t.Name, name+".")
		if t.Rows >= fullTable && slices.Contains(present, table) {
			had = append(had, table)
		}
	}
	target, err := mysql.Resolve(i.Service.Database)
	if err != nil {
		return nil, err
	}
	server := swap.New(swap.Settings{Target: target, Marks: backups.DeadlyPath(shelf.StateDir)})
	defer server.Close()
	empty, deadly, err := server.Damage.Empty(ctx, name, had)
	if err == nil && len(deadly) > 0 {
		err = backups.DeadlyTables(deadly)
	}
	return empty, err
}

func tablesOf(m *backup.Manifest, database string) (names []string) {
	for _, t := range m.Tables {
		if t.Database == database {
			names = append(names, t.Name)
		}
	}
	return names
}

package restores

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
)

// Finder finds the backup of a choice: here, at a copy, or any dump file; and says what
// it holds.
type Finder struct{ *Desk }

// Finder finds backups.
func (d *Desk) Finder() Finder { return Finder{d} }

// Source is a backup of the inventory, one at a configured copy, or any dump
// file that a person named.
func (d Finder) Source(ctx context.Context, name string) (restore.Source, error) {
	return d.sourceTo(ctx, name, nil)
}

// sourceTo is Source for a restore to a moment, which its advice keeps; nil for none.
func (d Finder) sourceTo(ctx context.Context, name string, m *binlog.Moment) (restore.Source, error) {
	if c, there, ok := d.copyOf(name); ok {
		return d.sourceAtCopy(ctx, c, there, m)
	}
	if err := d.Shelf.Trusted(); err != nil && !strings.Contains(name, "/") {
		return restore.Source{}, err
	}
	inv, err := d.Shelf.Read(ctx)
	var known *ops.Error
	switch {
	case err == nil || strings.Contains(name, "/"):
	case errors.As(err, &known) && name == "" && len(d.Service.Backup.Copies) > 0:
		return restore.Source{}, known.WithHint(d.elsewhere(m))
	default:
		return restore.Source{}, err
	}
	if err == nil {
		if name == "" {
			if set, passed := proposal(inv, d.Service.Database.Name); set != nil {
				src, err := d.sourceIn(inv, set)
				src.PassedOver = append(passed, movedFrom(inv, set, d.Service.Database.Name)...)
				return src, err
			}
			return restore.Source{}, d.noGood(inv, m)
		}
		if set, err := d.Shelf.Find(inv, name); err == nil && (!strings.Contains(name, "/") || same(name, set.Path)) {
			return d.sourceIn(inv, set)
		}
	}
	return d.foreign(name)
}

// noGood says that no backup can be proposed, and which one of another server there is: the
// database may have moved.
func (d Finder) noGood(inv *backup.Inventory, m *binlog.Moment) error {
	if s := backup.NewestOther(inv, d.Service.Database.Name); s != nil {
		return ops.E(ops.Failed, lang.M("there is no good backup of this server in %s; %s was made from another "+
			"server, on the machine %s", d.Shelf.Dir, s.Name, s.Summary.Machine)).
			WithHint(lang.M("if the database has moved from there: opsdeck restore --from %s --plan",
				human.Shell(s.Name)))
	}
	if others := inv.OtherDatabases(inv.Database); len(others) > 0 && len(d.Service.Backup.Copies) == 0 {
		what, next := inv.NoneGood()
		return ops.E(ops.Failed, what).WithHint(next)
	}
	return ops.E(ops.Failed, lang.M("there is no good backup in %s", d.Shelf.Dir)).WithHint(d.elsewhere(m))
}

// elsewhere says where else a backup could be.
func (d Finder) elsewhere(m *binlog.Moment) lang.Msg {
	if copies := d.Service.Backup.Copies; len(copies) > 0 {
		return lang.M("the newest at the copy %s: %s", copies[0].Name, newestAt(copies[0], m))
	}
	return lang.M("list the backups: opsdeck backup list")
}

// newestAt is the command that restores the newest backup of a copy, to a moment or
// alone.
func newestAt(c config.Copy, m *binlog.Moment) string {
	command := "opsdeck restore --from " + c.Name + ":"
	switch {
	case m == nil:
		return command
	case m.Before != "":
		return command + " --before " + m.Before
	}
	return command + " --until " + strings.Join(strings.Fields(m.String()), "")
}

func same(a, b string) bool {
	one, err1 := filepath.Abs(a)
	two, err2 := filepath.Abs(b)
	return err1 == nil && err2 == nil && one == two
}

// foreign is a dump that is not in the backup folder, or not listed there.
func (d Finder) foreign(name string) (restore.Source, error) {
	path, err := filepath.Abs(config.Home(name))
	if err != nil {
		return restore.Source{}, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && name == filepath.Base(name) {
		path = filepath.Join(d.Shelf.Dir, name) // its name has no time, so that it is not listed
		info, err = os.Stat(path)
	}
	if err != nil || !info.Mode().IsRegular() {
		return restore.Source{}, ops.E(ops.Usage, lang.M("there is no backup %q in %s", name, d.Shelf.Dir)).
			WithHint(lang.M("list the names: opsdeck backup list"))
	}
	src := restore.Source{
		Name:      filepath.Base(path),
		Path:      path,
		Apart:     true,
		State:     string(backup.Unverified),
		Database:  d.Service.Database.Name,
		Databases: 1,
		SizeBytes: info.Size(),
		At:        dateOf(filepath.Base(path), info),
		Engine:    "unknown",
	}
	if m, err := backup.ReadManifest(path); err == nil {
		fill(&src, m, d.Service.Database.Name)
	} else if !errors.Is(err, backup.ErrNoManifest) {
		return src, err
	}
	return src, nil
}

// dateOf is the moment of a dump by its name, which a copy keeps; the file's own
// time, which it does not, is the last resort.
func dateOf(name string, info os.FileInfo) time.Time {
	if n, ok := backup.ParseName(name, backup.Known{}); ok {
		return n.At(time.Local)
	}
	return info.ModTime()
}

// plainSource is what the inventory tells of a backup.
func (d Finder) plainSource(set *backup.Set) restore.Source {
	src := restore.Source{
		Name:       set.Name,
		Path:       set.Path,
		Kind:       set.Kind,
		Engine:     set.Engine,
		State:      string(set.State),
		Database:   set.Database,
		Databases:  1,
		SizeBytes:  set.Size,
		SHA256:     set.SHA256,
		At:         set.At,
		VerifiedAt: set.Checked,
		Other:      set.Other,
	}
	for _, p := range set.Problems {
		src.Problems = append(src.Problems, p.Text().String())
		src.Faults = append(src.Faults, restore.N(p.Text()))
	}
	src.Unloadable = set.Unloadable()
	return src
}

func (d Finder) sourceOf(set *backup.Set) (restore.Source, error) {
	src := d.plainSource(set)
	if set.Foreign {
		return src, nil
	}
	m, err := backup.ReadManifest(set.Path)
	if err != nil {
		return src, err
	}
	fill(&src, m, d.Service.Database.Name)
	return src, nil
}

// fill takes over what a manifest tells of a database.
func fill(src *restore.Source, m *backup.Manifest, database string) {
	sum := backup.Summarise(m)
	src.Manifest = true
	src.Kind = m.Kind
	src.Engine = m.Engine
	src.SHA256 = m.SHA256
	src.RawBytes = m.RawBytes
	src.Flavour = m.Server.Flavour
	src.Version = m.Server.Version
	src.Server = m.Server.Identity
	src.Consistent = m.Consistent
	src.Encrypted = m.Encrypted
	src.Indexed = len(m.Members) > 0
	src.Positions = restore.PositionsOf(m)
	src.Where, src.NoData, src.Rowless = m.Where, m.NoData, restore.N(m.DefinitionsOnly())
	src.Unseen = sum.Unseen
	src.At = sum.At
	src.Partial = sum.Partial
	src.Databases = len(m.Databases)
	if !slices.Contains(m.Databases, database) && len(m.Databases) > 0 {
		database = m.Databases[0]
	}
	src.Database = database
	for _, t := range m.Tables {
		if t.Database == database {
			src.Tables = append(
				src.Tables,
				restore.SourceTable{
					Name:     t.Name,
					Rows:     t.Rows,
					Checksum: t.Checksum,
					Bytes:    t.DataBytes,
					Engine:   t.Engine,

					Definition: t.DefinitionHash,
				},
			)
		}
	}
	lastChunks(src, m, database)
	src.Holds = []backup.Object{}
	for _, o := range m.Objects {
		if o.Database != database {
			continue
		}
		src.Objects++
		src.Holds = append(src.Holds, o)
		if o.Kind == "sequence" {
			src.Tables = append(src.Tables, restore.SourceTable{
				Name:       o.Name,
				Engine:     "SEQUENCE",
				Definition: o.DefinitionHash,
			})
		}
		if o.Definer != "" && !slices.Contains(src.Definers, o.Definer) {
			src.Definers = append(src.Definers, o.Definer)
		}
	}
}

// lastChunks notes where the last chunk of each table begins, and its rows.
func lastChunks(src *restore.Source, m *backup.Manifest, database string) {
	at := map[string]int{}
	for i, t := range src.Tables {
		at[t.Name] = i
	}
	last := map[string]int64{}
	for _, member := range m.Members {
		i, ok := at[member.Object]
		if !ok || member.Kind != backup.MemberRows || member.Database != database {
			continue
		}
		t := &src.Tables[i]
		key, err := strconv.ParseInt(member.KeyFrom, 10, 64)
		switch {
		case member.KeyFrom == "" && t.LastKey == "":
			t.LastRows += member.Rows
		case err == nil && (t.LastKey == "" || key > last[t.Name]):
			t.LastKey = member.KeyFrom
			t.LastRows = member.Rows
			last[t.Name] = key
		}
	}
}

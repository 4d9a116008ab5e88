package drill

import (
	"context"
	"database/sql"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
)

// maxFaults bounds how many faults a remark names.
const maxFaults = 8

func (d *drill) fault(m lang.Msg) {
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, m)
	}
}

// integrity compares the copy with what the backup says of itself and asks the
// server whether the tables and the references between them are whole.
func (d *drill) integrity(ctx context.Context) error {
	compare := d.byManifest
	if d.src.Manifest == nil {
		compare = d.byContents
	}
	for _, check := range []func(context.Context) error{compare, d.checkTables, d.foreignKeys} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	d.counted()
	return nil
}

// counted notes that the backup has no checksums: then rows were counted, and no values
// compared.
func (d *drill) counted() {
	n := len(d.held)
	if m := d.src.Manifest; m != nil {
		for _, t := range m.Tables {
			if t.Checksum == "" && !t.DefinitionOnly && (d.Table == "" || t.Name == d.Table) {
				n++
			}
		}
	}
	if n > 0 {
		d.notes = append(d.notes,
			lang.M("the backup has no checksums for %d of the tables: their rows were counted, their values not "+
				"compared", n))
	}
}

func (d *drill) byManifest(ctx context.Context) error {
	o := load.VerifyOptions{Schema: d.Schema, From: d.from(), Jobs: d.Jobs, Without: d.spared, Report: d.Report}
	if d.Table != "" {
		o.Tables = []string{d.Table}
	}
	r, err := load.Verify(ctx, d.Target, d.src.Manifest, o)
	if err != nil {
		return err
	}
	if r.Good {
		return nil
	}
	d.server = d.describe(ctx)
	before := len(d.faults)
	written := 0 // definitions that this server writes in another way
	for _, t := range r.Tables {
		if t.State == backup.Differs && d.otherServer() && t.OnlyDefinition() {
			d.notes = append(d.notes, lang.M("this server writes the definition of %s in another way", t.Name))
			written++
			continue
		}
		if t.State == backup.Differs || t.State == backup.Missing || t.State == backup.Extra {
			d.fault(lang.M("table %s %s: %s rows, the manifest says %s %s", t.Name, foundAs(t.State),
				human.Count(t.Rows), human.Count(t.WantRows), t.Detail))
		}
	}
	for _, o := range r.Objects {
		if o.State == backup.Differs && d.otherServer() {
			d.notes = append(d.notes, lang.M("this server writes the definition of %s in another way", o.Name))
			written++
			continue
		}
		if o.State == backup.Differs || o.State == backup.Missing {
			d.fault(lang.M("%s %s %s %s", o.Kind, o.Name, foundAs(o.State), o.Detail))
		}
	}
	if len(d.faults) == before && written == 0 {
		d.fault(lang.M("the copy is not what the manifest says"))
	}
	return nil
}

// byContents counts the rows of a dump made by others in its own statements.
func (d *drill) byContents(ctx context.Context) error {
	c, err := load.Inspect(ctx, d.src)
	if err != nil {
		return err
	}
	if !c.Complete {
		d.fault(lang.M("the dump did not come to its end"))
	}
	held := slices.DeleteFunc(load.HeldTables(c, d.from()), func(t backup.DumpTable) bool {
		return d.Table != "" && t.Name != d.Table
	})
	if len(held) == 0 && !d.bare() {
		d.fault(lang.M("no table came"))
	}
	if d.held, err = load.CompareHeld(ctx, d.conn, d.Schema, held, nil); err != nil {
		return mysql.Explain(err, d.Target)
	}
	for _, v := range d.held {
		switch v.State {
		case backup.Missing:
			d.fault(lang.M("table %s missing", v.Name))
		case backup.Differs:
			d.fault(lang.M("table %s: %s rows, the dump holds %s", v.Name, human.Count(v.Rows),
				human.Count(v.WantRows)))
		}
	}
	return nil
}

// bare tells that the database had no table when it was backed up.
func (d *drill) bare() bool { return d.src.Manifest != nil && len(d.src.Manifest.Tables) == 0 }

// checkTables runs CHECK TABLE over the copy.
func (d *drill) checkTables(ctx context.Context) error {
	names, err := schema.All(
		ctx,
		d.conn,
		"SELECT TABLE_NAME, COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND "+
			"TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')",
		d.Schema,
	)
	if err != nil {
		return mysql.Explain(err, d.Target)
	}
	d.record.Tables = len(names)
	if len(names) == 0 && !d.bare() {
		d.fault(lang.M("no table came"))
	}
	var unsupported []string
	for i, row := range names {
		d.tell("check", row[0], i, len(names))
		check, err := load.CheckTable(ctx, d.conn, d.Schema, row[0], false)
		if err != nil {
			return mysql.Explain(err, d.Target)
		}
		if t := (schema.Table{Engine: row[1]}); check.Unsupported && t.OwnRows() {
			unsupported = append(unsupported, row[0])
		}
		for _, text := range check.Complaints {
			if t := (schema.Table{Engine: row[1]}); t.OwnRows() {
				d.fault(lang.M("CHECK TABLE %s: %s", row[0], text))
			} else { // it is about tables or servers elsewhere
				d.notes = append(d.notes, lang.M("CHECK TABLE %s: %s", row[0], text))
			}
		}
	}
	if len(unsupported) > 0 {
		d.notes = append(d.notes, lang.M("CHECK TABLE is not supported by the engine of: %s",
			strings.Join(unsupported, ", ")))
	}
	return nil
}

func (d *drill) tell(phase, object string, done, total int) {
	if d.Report != nil {
		d.Report(ops.Progress{Phase: phase, Object: object, Done: int64(done), Total: int64(total), Unit: "tables"})
	}
}

// foreignKeys looks for rows that refer to what is not there.
func (d *drill) foreignKeys(ctx context.Context) error {
	c := load.KeyCheck{
		Schema:   d.Schema,
		Faithful: d.src.Manifest != nil && len(d.src.Manifest.Tables) > 0 && len(d.faults) == 0,
		Held:     d.held,
		Kept: func(k schema.ForeignKey, rows int64) {
			d.record.Dangling = append(d.record.Dangling, []string{k.Table, human.Count(rows), k.Parent, k.Name})
		},
		Tell: func(table string, done, total int) { d.tell("foreign keys", table, done, total) },
	}
	if d.Table != "" {
		c.Tables = []string{d.Table}
	}
	faults, remarks, err := load.CheckForeignKeys(ctx, d.conn, c)
	if err != nil {
		return mysql.Explain(err, d.Target)
	}
	for _, m := range faults {
		d.fault(m)
	}
	d.notes = append(d.notes, remarks...)
	return nil
}

// freeOf is the room on the disk of the server's data, if that is on this machine.
func freeOf(ctx context.Context, c *sql.Conn, t mysql.Target) (int64, bool) {
	if t.Network != "unix" && !strings.HasPrefix(t.Addr, "127.") && !strings.HasPrefix(t.Addr, "localhost:") &&
		!strings.HasPrefix(t.Addr, "[::1]:") {
		return 0, false
	}
	dir, err := schema.One(ctx, c, "SELECT @@datadir")
	if err != nil {
		return 0, false
	}
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return 0, false // in a container: its paths are not ours
	}
	return int64(st.Bavail) * st.Bsize, true
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// foundAs is how a comparison found an object, in words.
func foundAs(state string) lang.Msg {
	switch state {
	case backup.Differs:
		return lang.M("differs")
	case backup.Missing:
		return lang.M("missing")
	case backup.Extra:
		return lang.M("extra")
	}
	return lang.Raw(state)
}

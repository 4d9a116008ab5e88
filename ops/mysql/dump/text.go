package dump

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// header sets the session variables of the client that loads the file; trailer restores
// them. The MariaDB comment admits rows that a CHECK would now refuse.
func (d *dumper) header(m *backup.Manifest) string {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"-- %s, native dump of %s %s, %s\n",
		oneLine(m.Tool),
		m.Server.Flavour,
		oneLine(m.Server.Version),
		m.SnapshotAt.Format("2006-01-02T15:04:05Z07:00"),
	)
	fmt.Fprintf(&b, "-- consistency: %s\n", m.Consistency)
	if m.Position.File != "" || m.Position.GTID != "" {
		fmt.Fprintf(
			&b,
			"-- position: %s %d, GTID %s\n",
			oneLine(m.Position.File),
			m.Position.Pos,
			oneLine(m.Position.GTID),
		)
	}
	b.WriteString(`
SET @OLD_CHARACTER_SET_CLIENT = @@CHARACTER_SET_CLIENT, @OLD_CHARACTER_SET_RESULTS = @@CHARACTER_SET_RESULTS, @OLD_COLLATION_CONNECTION = @@COLLATION_CONNECTION;
SET NAMES utf8mb4;
SET @OLD_TIME_ZONE = @@TIME_ZONE, TIME_ZONE = '+00:00';
SET @OLD_UNIQUE_CHECKS = @@UNIQUE_CHECKS, UNIQUE_CHECKS = 0;
SET @OLD_FOREIGN_KEY_CHECKS = @@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS = 0;
SET @OLD_SQL_MODE = @@SQL_MODE, SQL_MODE = '` + sqlMode + `';
SET @OLD_SQL_NOTES = @@SQL_NOTES, SQL_NOTES = 0;
SET SESSION net_read_timeout = 3600, SESSION net_write_timeout = 3600;
/*M!100201 SET @OLD_CHECK_CONSTRAINT_CHECKS = @@check_constraint_checks, check_constraint_checks = 0 */;
`)
	return b.String()
}

const trailer = `
/*M!100201 SET check_constraint_checks = @OLD_CHECK_CONSTRAINT_CHECKS */;
SET TIME_ZONE = @OLD_TIME_ZONE;
SET SQL_MODE = @OLD_SQL_MODE;
SET FOREIGN_KEY_CHECKS = @OLD_FOREIGN_KEY_CHECKS;
SET UNIQUE_CHECKS = @OLD_UNIQUE_CHECKS;
SET CHARACTER_SET_CLIENT = @OLD_CHARACTER_SET_CLIENT, CHARACTER_SET_RESULTS = @OLD_CHARACTER_SET_RESULTS, COLLATION_CONNECTION = @OLD_COLLATION_CONNECTION;
SET SQL_NOTES = @OLD_SQL_NOTES;
-- Dump completed
`

// oneLine keeps external text within its comment.
func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(s)
}

// fill writes all members: for each database its table definitions, placeholder views and
// rows, then the other objects of all databases.
func (d *dumper) fill(ctx context.Context, inv *inventory, snap *snapshot, m *backup.Manifest) error {
	if err := d.define(backup.Member{Kind: backup.MemberHeader}, []byte(d.header(m))); err != nil {
		return err
	}
	for _, db := range inv.databases {
		if !d.opts.NoData {
			for _, t := range db.tables {
				d.gate.total += t.Rows
			}
		}
	}
	for _, db := range inv.databases {
		if err := d.fillDatabase(ctx, db, snap); err != nil {
			return err
		}
	}
	if err := d.fillObjects(inv); err != nil {
		return err
	}
	return d.file.add(backup.Member{Kind: backup.MemberTrailer}, []byte(trailer))
}

func (d *dumper) fillDatabase(ctx context.Context, db *database, snap *snapshot) error {
	text := fmt.Sprintf("%s;\n\nUSE %s;\n", db.create, schema.Ident(d.named(db.name)))
	m := backup.Member{Kind: backup.MemberDatabase, Database: d.named(db.name)}
	if err := d.define(m, []byte(text)); err != nil {
		return err
	}
	for _, sequences := range []bool{true, false} { // a default may use a sequence
		for _, t := range db.tables {
			if t.Sequence != sequences {
				continue
			}
			text, err := t.definition(ctx, snap.conns[0])
			if err != nil {
				return err
			}
			if err := d.define(backup.Member{Kind: backup.MemberTable, Database: d.named(db.name), Object: t.Name},
				[]byte(text)); err != nil {
				return err
			}
		}
	}
	for _, o := range db.objects {
		if o.Kind != "view" || len(o.Columns) == 0 {
			continue
		}
		m := backup.Member{Kind: backup.MemberObject, Database: d.named(db.name), Object: o.Name,
			ObjectKind: "view-placeholder"}
		if err := d.define(m, []byte(o.placeholder())); err != nil {
			return err
		}
	}
	return d.fillRows(ctx, db, snap)
}

// fillRows reads the rows of all tables. Big tables that cannot be split come first, so
// that no connection is left alone with one at the end.
func (d *dumper) fillRows(ctx context.Context, db *database, snap *snapshot) error {
	if d.opts.NoData {
		return nil
	}
	var first, rest []chunk
	for _, t := range db.tables {
		if t.noRows() {
			continue
		}
		d.gate.step("ddl", t.Name)
		chunks, err := planChunks(ctx, snap.conns[0], t)
		if err != nil {
			return err
		}
		if len(chunks) == 1 && t.Bytes > 2*chunkBytes {
			first = append(first, chunks...)
		} else {
			rest = append(rest, chunks...)
		}
	}
	return d.run(ctx, snap.conns, append(first, rest...))
}

// definition is the statements that create a table or sequence. A table that is dumped
// only in part is never dropped: a restore adds to it.
func (t *table) definition(ctx context.Context, c *sql.Conn) (string, error) {
	name := schema.Ident(t.Name)
	switch {
	case t.Sequence:
		next, err := schema.All(ctx, c, "SELECT next_not_cached_value, cycle_count FROM "+t.SQLName())
		if err != nil || len(next) != 1 {
			return "", fmt.Errorf("read sequence %s: %w", t.SQLName(), err)
		}
		return fmt.Sprintf(
			"\nDROP SEQUENCE IF EXISTS %s;\n%s;\nDO SETVAL(%s, %s, 0, %s);\n",
			name,
			t.create,
			name,
			next[0][0],
			next[0][1],
		), nil
	case t.where != "":
		return "\n" + strings.Replace(t.create, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1) + ";\n", nil
	}
	return fmt.Sprintf("\nDROP TABLE IF EXISTS %s;\n%s;\n", name, t.create), nil
}

// placeholder is a view with only the columns, so that other views can be created before
// the real one.
func (o *object) placeholder() string {
	var columns []string
	for _, c := range o.Columns {
		columns = append(columns, "1 AS "+schema.Ident(c))
	}
	name := schema.Ident(o.Name)
	return fmt.Sprintf(
		"\nDROP VIEW IF EXISTS %s;\nCREATE VIEW %s AS SELECT %s;\n",
		name,
		name,
		strings.Join(columns, ", "),
	)
}

// phases are the kinds of objects in restore order, over all databases: a view may call
// another database's function.
var phases = []func(kind string) bool{
	func(kind string) bool { return kind != "view" && kind != "trigger" && kind != "event" },
	func(kind string) bool { return kind == "view" },
	func(kind string) bool { return kind == "trigger" || kind == "event" },
}

func (d *dumper) fillObjects(inv *inventory) error {
	in := inv.databases[len(inv.databases)-1] // the file's last USE
	for _, phase := range phases {
		for _, db := range inv.databases {
			for _, o := range db.objects {
				if !phase(o.Kind) {
					continue
				}
				if in != db {
					in = db
					m := backup.Member{Kind: backup.MemberDatabase, Database: db.name}
					if err := d.define(m, []byte("\nUSE "+schema.Ident(db.name)+";\n")); err != nil {
						return err
					}
				}
				if err := d.fillObject(o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *dumper) fillObject(o *object) error {
	m := backup.Member{Kind: backup.MemberObject, Database: o.Database, Object: o.Name, ObjectKind: o.Kind}
	return d.define(m, []byte(o.statements()))
}

// statements create the object, under its own settings.
func (o *object) statements() string {
	var b strings.Builder
	b.WriteByte('\n')
	if o.Kind != "view" { // first, because only sql_mode ORACLE knows packages
		fmt.Fprintf(&b, "SET SQL_MODE = %s;\n", schema.String(o.SQLMode))
	}
	fmt.Fprintf(&b, "DROP %s IF EXISTS %s;\n", strings.ToUpper(o.Kind), schema.Ident(o.Name))
	if o.client != "" {
		fmt.Fprintf(&b, "SET CHARACTER_SET_CLIENT = %s;\nSET COLLATION_CONNECTION = %s;\n", o.client, o.Collation)
	}
	if o.Kind == "event" {
		fmt.Fprintf(&b, "SET TIME_ZONE = %s;\n", schema.String(o.TimeZone))
	}
	collate := func(collation string) {
		if o.own != "" { // code takes the database's default collation from the time when it is made
			fmt.Fprintf(&b, "ALTER DATABASE %s COLLATE %s;\n", schema.Ident(o.Database), collation)
		}
	}
	collate(o.Default)
	end := delimiter(o.carried)
	fmt.Fprintf(&b, "DELIMITER %s\n%s\n%s\nDELIMITER ;\n", end, o.carried, end)
	collate(o.own)
	if o.Kind == "event" {
		b.WriteString("SET TIME_ZONE = '+00:00';\n")
	}
	fmt.Fprintf(&b, "SET NAMES utf8mb4;\nSET SQL_MODE = '%s';\n", sqlMode)
	return b.String()
}

// Recreate is SQL for the mysql client that creates objects whose definitions were read, as a
// backup stores them; each replaces one of its name. An object that a backup cannot store is
// an error.
func Recreate(ctx context.Context, c *sql.Conn, list []*schema.Object) (string, error) {
	var out strings.Builder
	objects := make([]*object, len(list))
	for i, o := range list {
		objects[i] = &object{Object: *o}
		problem, err := objects[i].carry(ctx, c)
		if err != nil {
			return "", fmt.Errorf("read %s %s: %w", o.Kind, o.Name, err)
		}
		if problem != "" {
			return "", ops.E(ops.Failed, lang.M("the definition of %s cannot be stored in a backup: %s",
				o.Kind+" "+schema.Name(o.Database, o.Name), problem)).
				WithHint(lang.M("create it again from a utf8mb4 session, or drop it"))
		}
		if o.Kind == "view" {
			if broken, err := brokenView(ctx, c, objects[i]); err != nil {
				return "", err
			} else if broken == "" && len(objects[i].Columns) > 0 {
				out.WriteString(objects[i].placeholder())
			}
		}
	}
	for _, phase := range phases {
		for _, o := range objects {
			if phase(o.Kind) {
				out.WriteString(o.statements())
			}
		}
	}
	return out.String(), nil
}

// delimiter returns one that does not occur in the statement.
func delimiter(create string) string {
	for _, d := range []string{";;", "$$", "//", "~~", "@@@@"} {
		if !strings.Contains(create, d) {
			return d
		}
	}
	d := ";;"
	for strings.Contains(create, d) {
		d += ";"
	}
	return d
}

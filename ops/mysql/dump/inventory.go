package dump

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// database is everything that the backup contains of one database.
type database struct {
	name    string
	create  string
	tables  []*table
	objects []*object
}

// table is a base table or a sequence with its definition.
type table struct {
	*schema.Table
	create  string // SHOW CREATE TABLE
	history bool   // all row versions are dumped
	where   string
	types   atomic.Bool // a value of a JSON column may be of a type that its text does not show
}

// object is a view, routine, trigger, event or library.
type object struct {
	schema.Object
	client  string // the client charset that its statement is written for; "" for any
	carried string // the statement in that charset, as stored in the file
	own     string // the database's default collation, where the object was made under another; else ""
}

// inventory is everything to dump.
type inventory struct {
	databases []*database
	warnings  []string
	unseen    []string // databases in which the user cannot see routines of other users
}

var systemDatabases = []string{"mysql", "information_schema", "performance_schema", "sys", "ndbinfo"}

// takeInventory reads the definitions of everything to dump and refuses what a dump cannot
// store.
func (d *dumper) takeInventory(ctx context.Context, q *sql.Conn) (*inventory, error) {
	names, err := d.databaseNames(ctx, q)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, ops.E(ops.Usage, lang.M("there is no database to back up"))
	}
	inv := &inventory{}
	for _, name := range names {
		if err := d.rights(ctx, q, name, inv); err != nil {
			return nil, err
		}
		db, err := d.readDatabase(ctx, q, name)
		if err != nil {
			return nil, err
		}
		inv.databases = append(inv.databases, db)
	}
	return inv, d.refuse(ctx, q, inv)
}

func (d *dumper) databaseNames(ctx context.Context, q *sql.Conn) ([]string, error) {
	rows, err := schema.All(ctx, q, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME")
	if err != nil {
		return nil, fmt.Errorf("list databases: %w", err)
	}
	var all []string
	for _, r := range rows {
		if !slices.Contains(systemDatabases, strings.ToLower(r[0])) {
			all = append(all, r[0])
		}
	}
	if d.opts.All {
		return all, nil
	}
	for _, name := range d.opts.Databases {
		if !slices.Contains(all, name) {
			return nil, ops.E(ops.Config,
				lang.M("the server has no database %s, or the user has no permission to see it", name)).
				WithHint(lang.M("check database.name in the configuration; `opsdeck doctor` lists the missing " +
					"privileges"))
		}
	}
	return d.opts.Databases, nil
}

func (d *dumper) readDatabase(ctx context.Context, q *sql.Conn, name string) (*database, error) {
	db := &database{name: name}
	if err := execute(ctx, q, "USE "+schema.Ident(name)); err != nil {
		return nil, err
	}
	create, err := schema.All(ctx, q, "SHOW CREATE DATABASE IF NOT EXISTS "+schema.Ident(name))
	if err != nil || len(create) == 0 {
		return nil, fmt.Errorf("show create database %s: %w", name, err)
	}
	db.create = create[0][1]
	tables, err := schema.Tables(ctx, q, name, d.opts.Tables...)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		create, err := schema.CreateTable(ctx, q, t)
		if err != nil {
			return nil, err
		}
		db.tables = append(
			db.tables,
			&table{Table: t, create: create, history: t.Versioned && !d.opts.NoHistory, where: d.opts.Where},
		)
	}
	objects, err := schema.Objects(ctx, q, name)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if len(d.opts.Tables) == 0 ||
			o.Kind == "trigger" && slices.Contains(d.opts.Tables, o.Table) && d.opts.Where == "" {
			db.objects = append(db.objects, &object{Object: *o})
		}
	}
	return db, d.asFormer(db)
}

// refuse fails for an object that cannot be dumped faithfully, and names it.
func (d *dumper) refuse(ctx context.Context, q *sql.Conn, inv *inventory) error {
	if level, err := schema.One(ctx, q, "SELECT @@GLOBAL.innodb_force_recovery"); err == nil && level != "0" {
		inv.warnings = append(inv.warnings, "made while the server ran with innodb_force_recovery="+level+
			": rows that InnoDB could not read may be missing")
	}
	for _, db := range inv.databases {
		for _, t := range db.tables {
			if err := d.refuseTable(ctx, q, t); err != nil {
				return err
			}
			if !t.Transactional() && !t.noRows() && !d.opts.NoData {
				inv.warnings = append(
					inv.warnings,
					fmt.Sprintf(
						"table %s (%s) is not transactional: its rows are not of the snapshot's moment",
						schema.Name(db.name, t.Name),
						t.Engine,
					),
				)
			}
		}
		// A view's statement omits the name of the current database.
		if err := execute(ctx, q, "USE "+schema.Ident(db.name)); err != nil {
			return err
		}
		if d.opts.Former != nil { // its objects were checked in the original database
			continue
		}
		if err := d.orphans(ctx, q, db.name); err != nil {
			return err
		}
		var kept []*object
		for _, o := range db.objects {
			broken, err := d.refuseObject(ctx, q, o)
			if err != nil {
				return err
			}
			if broken != "" {
				inv.warnings = append(inv.warnings, broken)
				continue
			}
			if o.Kind == "view" && !d.maria && schema.Ungarbled(o.Create) != o.Create {
				inv.warnings = append(inv.warnings, fmt.Sprintf(
					"view %s compares bytes with text that MySQL garbled when the view was created: it finds nothing, "+
						"here and where it is restored; write that text in hexadecimal",
					schema.Name(db.name, o.Name)))
			}
			kept = append(kept, o)
		}
		db.objects = viewsInOrder(kept)
	}
	return nil
}

func (d *dumper) refuseTable(ctx context.Context, q *sql.Conn, t *table) error {
	what := schema.Name(t.Database, t.Name)
	if t.Engine == "" && !t.Sequence {
		return ops.E(ops.Failed, lang.M("table %s cannot be read: it is damaged, or the server does not know its "+
			"engine", what)).
			WithHint(lang.M("check it with CHECK TABLE; exclude it with --tables"))
	}
	if len(t.Columns) == 0 {
		return ops.E(ops.Config, lang.M("the user has no permission to read the columns of table %s", what)).
			WithHint(lang.M("grant SELECT on the whole database"))
	}
	if schema.RowsOutside(t.Engine) { // its rows are not read: its server may not respond
		return nil
	}
	if _, err := schema.All(ctx, q, "SELECT * FROM "+what+" LIMIT 0"); denied(err) {
		return ops.Wrap(err, ops.Config, lang.M("the user has no permission to read table %s", what)).
			WithHint(lang.M("grant SELECT on the whole database"))
	}
	if err := d.refuseExpressions(ctx, q, t); err != nil {
		return err
	}
	switch strings.ToLower(t.Engine) {
	case "s3": // its definition cannot be loaded either: CREATE TABLE refuses the engine
		return ops.E(ops.Failed,
			lang.M("table %s (%s) keeps its rows elsewhere; a backup cannot contain them", what, t.Engine)).
			WithHint(lang.M("back it up where its rows are, and exclude it here with --tables"))
	}
	if !t.history || d.opts.NoData {
		return nil
	}
	return d.refuseHistory(ctx, q, t, what)
}

// refuseHistory fails if old row versions cannot be restored.
func (d *dumper) refuseHistory(ctx context.Context, q *sql.Conn, t *table, what string) error {
	hint := lang.M("--no-history dumps its current rows only")
	for _, c := range t.Columns {
		if c.Period && !strings.HasPrefix(c.DataType, "timestamp") {
			return ops.E(ops.Failed, lang.M("the history of table %s is recorded by transaction and cannot be "+
				"restored", what)).
				WithHint(hint)
		}
	}
	can, err := schema.All(ctx, q, "SHOW VARIABLES LIKE 'system_versioning_insert_history'")
	if err != nil {
		return err
	}
	if len(can) == 0 {
		return ops.E(ops.Failed, lang.M("this server cannot restore the history of table %s", what)).WithHint(hint)
	}
	return nil
}

// refuseObject reads an object's definition. A definition that the user cannot see is an
// error. A broken view is an error, or a warning if allowed.
func (d *dumper) refuseObject(ctx context.Context, q *sql.Conn, o *object) (warning string, err error) {
	what := o.Kind + " " + schema.Name(o.Database, o.Name)
	if err := o.ReadDefinition(ctx, q); err != nil {
		if denied(err) || err == schema.ErrHidden {
			return "", ops.Wrap(err, ops.Config,
				lang.M("the user has no permission to read the definition of %s", what)).
				WithHint(lang.M("grant SHOW VIEW, TRIGGER, EVENT, and for routines SELECT on *.* or SHOW_ROUTINE"))
		}
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	problem, err := o.carry(ctx, q)
	if err != nil {
		return "", err
	}
	if problem != "" && d.opts.Broken {
		return fmt.Sprintf("%s is not in the backup: %s", what, problem), nil
	}
	if problem != "" {
		return "", ops.E(ops.Failed, lang.M("the definition of %s cannot be stored in a backup: %s", what, problem)).
			WithHint(lang.M("create it again from a utf8mb4 session, or skip it with --skip-broken"))
	}
	if o.Kind != "view" {
		return "", nil
	}
	if problem, err = brokenView(ctx, q, o); problem == "" || err != nil {
		return "", err
	}
	if d.opts.Broken {
		return fmt.Sprintf("%s is broken (%s) and not in the backup", what, problem), nil
	}
	return "", ops.E(ops.Failed, lang.M("%s no longer works (%s) and could not be restored", what, problem)).
		WithHint(lang.M("repair or drop it, or skip it with --skip-broken"))
}

// brokenView tells what is wrong with a view; "" if nothing is.
func brokenView(ctx context.Context, q *sql.Conn, o *object) (string, error) {
	if o.Refused != "" {
		return o.Refused, nil
	}
	rows, err := schema.All(ctx, q, "SHOW FIELDS FROM "+schema.Name(o.Database, o.Name))
	switch {
	case ctx.Err() != nil:
		return "", err
	case denied(err):
		return "", nil // the user may not read from it, but has seen its definition
	case err != nil:
		var works bool
		if o.Columns, works = worksByItself(ctx, q, o); works {
			return "", nil
		}
		return err.Error(), nil
	}
	for _, r := range rows {
		o.Columns = append(o.Columns, r[0])
	}
	return "", nil
}

// manifestObjects lists the objects and tables, without what is known only after the dump.
func (d *dumper) manifestObjects(inv *inventory) (objects []backup.Object) {
	for _, db := range inv.databases {
		for _, t := range db.tables {
			if t.Sequence {
				objects = append(
					objects,
					backup.Object{
						Database:       d.named(db.name),
						Kind:           "sequence",
						Name:           t.Name,
						DefinitionHash: schema.Hash(t.create),
					},
				)
			}
		}
		for _, o := range db.objects {
			objects = append(
				objects,
				backup.Object{
					Database:       d.named(db.name),
					Kind:           o.Kind,
					Name:           o.Name,
					Table:          o.Table,
					Definer:        o.Definer,
					DefinitionHash: o.Hash(),
					NotLoadable:    d.unable[o.Kind+" "+schema.Name(d.named(db.name), o.Name)],
				},
			)
		}
	}
	return objects
}

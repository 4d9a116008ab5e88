package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// object is a trigger, view, routine or event with all settings that affect its meaning.
type object struct {
	Kind      string `json:"kind"` // trigger, view, library, package, package body, procedure, function, event
	Name      string `json:"name"`
	Table     string `json:"table,omitempty"` // of a trigger
	Create    string `json:"create"`
	SQLMode   string `json:"sql_mode"`
	Charset   string `json:"charset"`
	Collation string `json:"collation"`
	TimeZone  string `json:"time_zone,omitempty"`
	Default   string `json:"default,omitempty"` // the database's default collation when it was made
	Enabled   bool   `json:"enabled,omitempty"` // of an event
}

// contents is what a database holds besides rows.
type contents struct {
	Charset   string   `json:"charset"`
	Collation string   `json:"collation"`
	Tables    []string `json:"tables"`
	Objects   []object `json:"objects"`
	Grants    []string `json:"grants,omitempty"` // on routines: they are lost with them
}

func (c contents) of(kinds ...string) []object {
	var out []object
	for _, o := range c.Objects {
		if slices.Contains(kinds, o.Kind) {
			out = append(out, o)
		}
	}
	return out
}

// look reads the contents of a database and makes it the connection's default database:
// only then does SHOW CREATE VIEW omit its name.
func (s *objects) look(ctx context.Context, c *sql.Conn, name string) (contents, error) {
	var out contents
	there, err := exists(ctx, c, name)
	if err != nil || !there {
		return out, err
	}
	if _, err := c.ExecContext(ctx, "USE "+restore.Name(name)); err != nil {
		return out, err
	}
	row, err := schema.All(
		ctx,
		c,
		"SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE "+
			"SCHEMA_NAME = ?",
		name,
	)
	if err != nil {
		return out, err
	}
	out.Charset, out.Collation = row[0][0], row[0][1]
	if out.Tables, err = tables(ctx, c, name); err != nil {
		return out, err
	}
	for _, read := range []func(context.Context, *sql.Conn, string) ([]object, error){triggers, views, routines,
		events} {
		objects, err := read(ctx, c, name)
		if err != nil {
			return out, fmt.Errorf("read the objects of %s: %w", name, err)
		}
		out.Objects = append(out.Objects, objects...)
	}
	out.Grants = routineGrants(ctx, c, name)
	return out, nil
}

// show runs a SHOW CREATE statement and returns its row by column name.
func show(ctx context.Context, c *sql.Conn, query string) (map[string]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	all, err := schema.ByName(rows)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no result", query)
	}
	return all[0], nil
}

func newObject(kind, name, create string, r map[string]string) (object, error) {
	if r[create] == "" {
		return object{}, fmt.Errorf("the definition of %s %s is not visible: a privilege is missing", kind, name)
	}
	return object{Kind: kind, Name: name, Create: r[create], SQLMode: r["sql_mode"], Charset: r["character_set_client"],
		Collation: r["collation_connection"], TimeZone: r["time_zone"], Default: r["database collation"]}, nil
}

func triggers(ctx context.Context, c *sql.Conn, in string) ([]object, error) {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY "+
			"EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER",
		in,
	)
	var out []object
	for _, r := range rows {
		def, err := show(ctx, c, "SHOW CREATE TRIGGER "+restore.Name(in, r[0]))
		if err != nil {
			return nil, err
		}
		o, err := newObject("trigger", r[0], "sql original statement", def)
		if err != nil {
			return nil, err
		}
		o.Table = r[1]
		out = append(out, o)
	}
	return out, err
}

// views are sorted so that each follows the views it needs, as far as names tell;
// makeViews repeats until all are created.
func views(ctx context.Context, c *sql.Conn, in string) ([]object, error) {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME",
		in,
	)
	var out []object
	for _, r := range rows {
		def, err := show(ctx, c, "SHOW CREATE VIEW "+restore.Name(in, r[0]))
		if err != nil {
			def, err = schema.BrokenView(ctx, c, in, r[0], err)
		}
		if err != nil {
			return nil, err
		}
		o, err := newObject("view", r[0], "create view", def)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, err
}

// routines are the libraries, packages and routines, in an order in which they can be made.
func routines(ctx context.Context, c *sql.Conn, in string) ([]object, error) {
	list, err := schema.Routines(ctx, c, in)
	if err != nil {
		return nil, err
	}
	var out []object
	for _, r := range list {
		def, err := show(ctx, c, "SHOW CREATE "+strings.ToUpper(r.Kind)+" "+restore.Name(in, r.Name))
		if err != nil {
			return nil, err
		}
		o, err := newObject(r.Kind, r.Name, "create "+r.Kind, def)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func events(ctx context.Context, c *sql.Conn, in string) ([]object, error) {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY EVENT_NAME",
		in,
	)
	var out []object
	for _, r := range rows {
		def, err := show(ctx, c, "SHOW CREATE EVENT "+restore.Name(in, r[0]))
		if err != nil {
			return nil, err
		}
		o, err := newObject("event", r[0], "create event", def)
		if err != nil {
			return nil, err
		}
		o.Enabled = r[1] == "ENABLED"
		out = append(out, o)
	}
	return out, err
}

// routineGrants are the grants that dropping a routine removes. Reading them takes
// privileges on mysql.procs_priv; without them, no grants are kept.
func routineGrants(ctx context.Context, c *sql.Conn, in string) []string {
	rows, err := schema.All(
		ctx,
		c,
		"SELECT User, Host, Routine_type, Routine_name, Proc_priv FROM mysql.procs_priv WHERE Db = ?",
		in,
	)
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range rows {
		for _, right := range strings.Split(r[4], ",") {
			grant := "GRANT " + strings.ToUpper(
				right,
			) + " ON " + r[2] + " %s TO " + schema.String(
				r[0],
			) + "@" + schema.String(
				r[1],
			)
			if strings.EqualFold(right, "Grant") {
				grant = "GRANT USAGE ON " + r[2] + " %s TO " + schema.String(
					r[0],
				) + "@" + schema.String(
					r[1],
				) + " WITH GRANT OPTION"
			}
			out = append(out, strings.Replace(grant, "%s", restore.Name(in, r[3]), 1))
		}
	}
	return out
}

// under are the statements that give the connection's default database another default collation,
// which code made then keeps, and those that give it its own again; none where it has that.
func under(ctx context.Context, c *sql.Conn, collation string) (set, back []string, err error) {
	var in, own string
	if err := c.QueryRowContext(ctx, "SELECT DATABASE(), @@collation_database").Scan(&in, &own); err != nil {
		return nil, nil, err
	}
	if own == collation {
		return nil, nil, nil
	}
	alter := "ALTER DATABASE " + restore.Name(in) + " COLLATE "
	return []string{alter + collation}, []string{alter + own}, nil
}

// create creates an object in the connection's default database, unchanged.
func (o object) create(ctx context.Context, c *sql.Conn) error {
	client, text, err := schema.ForClient(ctx, c, o.Charset, schema.Runnable(o.Kind, o.SQLMode, o.Create))
	if err != nil {
		return fmt.Errorf("make %s %s: %w", o.Kind, o.Name, err)
	}
	session := []string{"SET SESSION sql_mode = " + schema.String(o.SQLMode)}
	if client != "" {
		session = append(session, "SET character_set_client = "+client, "SET collation_connection = "+o.Collation)
	}
	if o.TimeZone != "" {
		session = append(session, "SET time_zone = "+schema.String(o.TimeZone))
	}
	back := []string{"SET SESSION sql_mode = ''", "SET NAMES utf8mb4", "SET time_zone = '+00:00'"}
	if o.Default != "" {
		under, own, err := under(ctx, c, o.Default)
		if err != nil {
			return err
		}
		session, back = append(session, under...), append(own, back...)
	}
	var failed error
	for _, q := range append(session, text) {
		if err := mysql.DefineSoon(ctx, c, q); err != nil {
			failed = fmt.Errorf("make %s %s: %w", o.Kind, o.Name, err)
			break
		}
	}
	if mysql.Lost(failed) {
		return failed
	}
	for _, q := range back {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// drop drops an object. Before MariaDB 11.7 only sql_mode ORACLE knows packages.
func (o object) drop(ctx context.Context, c *sql.Conn, in string) error {
	if strings.HasPrefix(o.Kind, "package") {
		if _, err := c.ExecContext(ctx, "SET SESSION sql_mode = 'ORACLE'"); err != nil {
			return err
		}
		defer c.ExecContext(ctx, "SET SESSION sql_mode = ''")
	}
	err := mysql.DefineSoon(ctx, c, "DROP "+strings.ToUpper(o.Kind)+" IF EXISTS "+restore.Name(in, o.Name))
	if err != nil {
		return fmt.Errorf("drop %s %s: %w", o.Kind, o.Name, err)
	}
	return nil
}

// moved is the object as it must be created in another database. The name of the database
// that it comes from contains the run's id, so it can occur in the text only as that name. It
// keeps its quotes; bare tells that it may stay without any.
func (o object) moved(from, to string, bare bool) object {
	name := restore.Name(to)
	plain := name
	if bare {
		plain = to
	}
	o.Create = strings.NewReplacer(restore.Name(from), name, `"`+from+`"`,
		`"`+strings.ReplaceAll(to, `"`, `""`)+`"`, from, plain).Replace(o.Create)
	return o
}

// arrived is an object of the shadow as it must be created in the live database. If that has
// the backup's name, whoever wrote the name without quotes could do so.
func arrived(p *restore.Plan, o object) object {
	return o.moved(p.Shadow, p.Target.Live, p.Source.Database == p.Target.Live)
}

// dropBare drops a database that this restore created, if it is completely empty.
func (s *objects) dropBare(ctx context.Context, c *sql.Conn, name string) error {
	there, err := exists(ctx, c, name)
	if err != nil || !there {
		return err
	}
	now, err := s.look(ctx, c, name)
	if err != nil || len(now.Tables)+len(now.Objects) > 0 {
		return err
	}
	return mysql.DropDatabase(ctx, c, name)
}

// dropEmpty drops a database of ours once it has no tables.
func (s *objects) dropEmpty(ctx context.Context, c *sql.Conn, name string) error {
	left, err := tables(ctx, c, name)
	if err != nil || len(left) > 0 {
		return err
	}
	return mysql.DropDatabase(ctx, c, name)
}

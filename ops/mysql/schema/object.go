package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Object is anything in a database that is not a table: "library", "function",
// "procedure", "package", "package body", "view", "trigger" or "event".
type Object struct {
	Database  string
	Kind      string
	Name      string
	Table     string // a trigger's
	Definer   string // user@host
	SQLMode   string
	Charset   string // the client's when it was made
	Collation string // the connection's when it was made
	TimeZone  string // an event's
	Default   string // the database's default collation when it was made; "" of a view
	Create    string // the statement that makes it, in utf8mb4
	Refused   string // why the server refuses to show a view; Create is made of what it tells elsewhere
	Columns   []string
}

// ErrHidden says that the server shows that an object is there but not what it is.
var ErrHidden = errors.New("the server does not show the definition")

// Objects lists the objects of a database in an order in which they can be
// made: libraries and routines, views, triggers in the order they fire, events.
// Their definitions are still to be read.
func Objects(ctx context.Context, q Querier, database string) ([]*Object, error) {
	var all []*Object
	for _, l := range slices.Concat(routines, []objectQuery{
		{query: `SELECT 'view', t.TABLE_NAME, '', IFNULL(v.DEFINER,''), '' FROM information_schema.TABLES t LEFT JOIN information_schema.VIEWS v
			ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME WHERE t.TABLE_SCHEMA = ? AND t.TABLE_TYPE = 'VIEW' ORDER BY t.TABLE_NAME`},
		{query: `SELECT 'trigger', TRIGGER_NAME, EVENT_OBJECT_TABLE, DEFINER, '' FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
			ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER`},
		{query: `SELECT 'event', EVENT_NAME, '', DEFINER, TIME_ZONE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY EVENT_NAME`},
	}) {
		found, err := l.read(ctx, q, database)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// Routines lists the libraries, packages and routines of a database in an order in which
// they can be made.
func Routines(ctx context.Context, q Querier, database string) ([]*Object, error) {
	var all []*Object
	for _, l := range routines {
		found, err := l.read(ctx, q, database)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// RoutineKinds are the kinds that Routines lists.
var RoutineKinds = []string{"library", "package", "package body", "function", "procedure"}

// objectQuery asks for kind, name, table, definer and time zone of a database's objects.
type objectQuery struct {
	query    string
	optional string // the table that it reads, if a server may lack it
}

var routines = []objectQuery{
	{query: "SELECT 'library', LIBRARY_NAME, '', '', '' FROM information_schema.LIBRARIES WHERE LIBRARY_SCHEMA " +
		"= ? ORDER BY 2", optional: "LIBRARIES"},
	{query: `SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME, '', DEFINER, '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
		ORDER BY FIELD(ROUTINE_TYPE,'PACKAGE','PACKAGE BODY','FUNCTION','PROCEDURE'), ROUTINE_NAME`},
}

func (l objectQuery) read(ctx context.Context, q Querier, database string) (all []*Object, err error) {
	if l.optional != "" {
		has, err := One(ctx, q, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+
			"'information_schema' AND TABLE_NAME = '"+l.optional+"'")
		if err != nil || has == "0" {
			return nil, err
		}
	}
	rows, err := All(ctx, q, l.query, database)
	if err != nil {
		return nil, fmt.Errorf("list objects of %s: %w", database, err)
	}
	for _, r := range rows {
		all = append(
			all,
			&Object{Database: database, Kind: r[0], Name: r[1], Table: r[2], Definer: r[3], TimeZone: r[4]},
		)
	}
	return all, nil
}

// ReadDefinition reads the statement that makes the object and the settings it
// was made under. The connection's database must be the object's own, for then
// a view's statement does not name it.
func (o *Object) ReadDefinition(ctx context.Context, q Querier) error {
	row, err := o.show(ctx, q)
	if err != nil {
		return err
	}
	o.Create = row.First("create view", "create procedure", "create function", "sql original statement", "create event",
		"create package", "create package body", "create library")
	if o.Create == "" {
		return ErrHidden
	}
	o.Refused = row[refused]
	o.SQLMode = row["sql_mode"]
	o.Charset = row["character_set_client"]
	o.Collation = row["collation_connection"]
	o.Default = row["database collation"]
	if tz := row["time_zone"]; tz != "" {
		o.TimeZone = tz
	}
	return nil
}

func (o *Object) show(ctx context.Context, q Querier) (Fields, error) {
	rows, err := q.QueryContext(ctx, "SHOW CREATE "+strings.ToUpper(o.Kind)+" "+Name(o.Database, o.Name))
	if err != nil && o.Kind == "view" {
		return BrokenView(ctx, q, o.Database, o.Name, err)
	}
	if err != nil {
		return nil, err
	}
	all, err := ByName(rows)
	if err != nil || len(all) == 0 {
		return Fields{}, err
	}
	return all[0], nil
}

// noSuchUser is ER_NO_SUCH_USER, with which SHOW CREATE VIEW fails for a view that calls a
// function whose definer is gone.
const noSuchUser = 1449

// refused is the column in which BrokenView tells the failure.
const refused = "refused"

// BrokenView is what SHOW CREATE VIEW would show of a view for which it fails with
// ER_NO_SUCH_USER: by information_schema, its names are qualified. Of other failures, and if
// that does not show the view, it returns the failure.
func BrokenView(ctx context.Context, q Querier, database, name string, failure error) (Fields, error) {
	var e *mysql.MySQLError
	if !errors.As(failure, &e) || e.Number != noSuchUser {
		return nil, failure
	}
	rows, err := All(ctx, q, "SELECT DEFINER, SECURITY_TYPE, VIEW_DEFINITION, CHECK_OPTION, CHARACTER_SET_CLIENT, "+
		"COLLATION_CONNECTION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", database, name)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || rows[0][2] == "" {
		return nil, failure
	}
	r := rows[0]
	at := max(strings.LastIndex(r[0], "@"), 0)
	create := "CREATE DEFINER=" + Ident(r[0][:at]) + "@" + Ident(strings.TrimPrefix(r[0][at:], "@")) +
		" SQL SECURITY " + r[1] + " VIEW " + Ident(name) + " AS " + r[2]
	if r[3] != "NONE" {
		create += " WITH " + r[3] + " CHECK OPTION"
	}
	return Fields{"create view": create, "character_set_client": r[4], "collation_connection": r[5],
		refused: failure.Error()}, nil
}

// Original reads the statement again in the bytes in which it was given, that
// is in the object's own client charset, for a session that will set that.
func (o *Object) Original(ctx context.Context, c *sql.Conn) (text string, err error) {
	if _, err := c.ExecContext(ctx, "SET character_set_results = NULL"); err != nil {
		return "", err
	}
	defer func() {
		if _, back := c.ExecContext(context.WithoutCancel(ctx), "SET character_set_results = utf8mb4"); err == nil {
			err = back
		}
	}()
	again := *o
	err = again.ReadDefinition(ctx, c)
	return again.Create, err
}

// ForClient is a statement in the bytes of a client's charset, for a session that will set
// that charset: the server stores the client's charset with code and reads the bytes of the
// statement by it. The text is UTF-8. What the charset cannot hold, as a column that a view
// of SELECT * got from a table, is for a utf8mb4 session.
func ForClient(ctx context.Context, q Querier, charset, text string) (client, bytes string, err error) {
	if charset == "" || charset == "utf8mb4" || isASCII([]byte(text)) {
		return charset, text, nil
	}
	converted := fmt.Sprintf("CONVERT(_utf8mb4 0x%x USING %s)", text, charset)
	rows, err := All(ctx, q, "SELECT HEX("+converted+"), HEX(CONVERT("+converted+" USING utf8mb4))")
	if err != nil {
		return "", "", fmt.Errorf("convert to the client's charset: %w", err)
	}
	if !strings.EqualFold(rows[0][1], fmt.Sprintf("%x", text)) {
		return "utf8mb4", text, nil
	}
	raw, err := hex.DecodeString(rows[0][0])
	return charset, string(raw), err
}

var eventStatus = regexp.MustCompile(
	`( ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE ON SLAVE|DISABLE ON REPLICA|DISABLE)`,
)

// Hash is the SHA-256, hex, of the definition and what it means: mode, collation
// and time zone are part of it, whether an event is enabled is not.
func (o *Object) Hash() string {
	create := o.Create
	if at := eventStatus.FindStringSubmatchIndex(create); o.Kind == "event" && at != nil {
		create = create[:at[3]] + create[at[1]:]
	}
	sum := sha256.Sum256(
		[]byte(strings.Join([]string{o.Kind, o.Name, o.Table, o.SQLMode, o.Collation, o.TimeZone, create}, "\x00")),
	)
	return hex.EncodeToString(sum[:])
}

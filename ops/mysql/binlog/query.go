package binlog

import (
	"fmt"

	"golang.org/x/text/encoding"

	"opsdeck/ops/mysql/sqlscan"
)

// Query is a logged statement with the session settings it ran under.
type Query struct {
	Thread     uint32
	Seconds    uint32 // execution time
	ErrorCode  uint16 // error code on the server; not 0 for a statement that was only partly applied
	Schema     string
	SQL        []byte   // in UTF-8; the client's bytes where they cannot be turned into it and back
	Settings   []string // of MariaDB's SET STATEMENT … FOR before SQL, each as "name = value"
	Flags2     uint32   // OPTION_AUTO_IS_NULL, OPTION_NOT_AUTOCOMMIT, no foreign keys, no unique checks
	HasFlags2  bool
	SQLMode    uint64
	HasSQLMode bool
	Increment  uint16 // auto_increment_increment; 0 if not logged
	Offset     uint16
	Client     uint16 // collations by number; 0 if not logged
	Connection uint16
	Server     uint16
	TimeZone   string
	LCTime     uint16
	Micros     uint32            // microseconds of the start time
	Database   uint16            // default collation of the database
	Explicit   uint8             // explicit_defaults_for_timestamp + 1; 0 if not logged
	DDLXID     bool              // MySQL: the statement commits by itself
	Default4   uint16            // default_collation_for_utf8mb4
	PrimaryKey uint8             // sql_require_primary_key + 1
	Encryption uint8             // default_table_encryption + 1
	charset    encoding.Encoding // of the client's bytes, if SQL was turned into UTF-8
}

// executeLoadExtra is the length that LOAD DATA adds to a query event's post-header, in
// bytes.
const executeLoadExtra = 13

// Bits of Flags2.
const (
	OptionAutoIsNull    = 1 << 14
	OptionNotAutocommit = 1 << 19
	OptionNoForeignKeys = 1 << 26
	OptionNoUnique      = 1 << 27

	OptionNoCheckConstraints = 1 << 15 // MariaDB
	OptionExplicitDefaults   = 1 << 24 // MariaDB: explicit_defaults_for_timestamp
)

// parseQuery parses a query event, including MariaDB's compressed form.
func parseQuery(e *Event) (*Query, error) {
	c := cursor{b: e.body()}
	q := &Query{Thread: c.u32(), Seconds: c.u32()}
	schema := int(c.u8())
	q.ErrorCode = c.u16()
	length := int(c.u16())
	if e.Type == TypeExecuteLoad {
		c.take(executeLoadExtra)
	}
	status := c.take(length)
	q.Schema = string(c.take(schema))
	c.take(1)
	if err := c.err("query event"); err != nil {
		return nil, err
	}
	q.SQL = c.b
	if e.Type == TypeQueryCompressed {
		var err error
		if q.SQL, err = inflate(c.b); err != nil {
			return nil, err
		}
	}
	q.status(&cursor{b: status})
	q.decode()
	var before sqlscan.Prefix
	before, q.SQL = sqlscan.Prefixed(q.SQL, q.Mode())
	q.Settings = before.Settings
	return q, nil
}

// Bits of SQLMode.
const (
	modeANSIQuotes  = 1 << 2
	modeNoBackslash = 1 << 20
)

// Mode is how the statement's text is read.
func (q *Query) Mode() sqlscan.Mode {
	return sqlscan.Mode{ANSIQuotes: q.SQLMode&modeANSIQuotes != 0, NoBackslash: q.SQLMode&modeNoBackslash != 0}
}

// status parses the status variables. They come in no fixed order and have no length
// field, so parsing ends at the first unknown one.
func (q *Query) status(c *cursor) {
	for len(c.b) > 0 && !c.bad {
		switch kind := c.u8(); kind {
		case 0:
			q.Flags2 = c.u32()
			q.HasFlags2 = true
		case 1:
			q.SQLMode = c.u64()
			q.HasSQLMode = true
		case 2:
			c.terminated()
		case 3:
			q.Increment, q.Offset = c.u16(), c.u16()
		case 4:
			q.Client, q.Connection, q.Server = c.u16(), c.u16(), c.u16()
		case 5:
			q.TimeZone = c.text()
		case 6:
			c.text()
		case 7:
			q.LCTime = c.u16()
		case 8:
			q.Database = c.u16()
		case 9:
			c.u64()
		case 10:
			c.u32()
		case 11:
			c.text()
			c.text()
		case 12:
			skipSchemas(c)
		case 13:
			q.Micros = uint32(c.le(3))
		case 14, 15: // commit timestamps of old versions
			c.take(0)
		case 16:
			q.Explicit = c.u8() + 1
		case 17:
			c.u64()
			q.DDLXID = true
		case 18:
			q.Default4 = c.u16()
		case 19:
			q.PrimaryKey = c.u8() + 1
		case 20:
			q.Encryption = c.u8() + 1
		case 128: // MariaDB's microseconds
			q.Micros = uint32(c.le(3))
		case 129: // MariaDB's XID of a DDL
			c.u64()
		default:
			return
		}
	}
}

// skipSchemas skips the names of the databases that a statement changes; a count of 254
// means too many to list.
func skipSchemas(c *cursor) {
	n := c.u8()
	if n == 254 {
		return
	}
	for range n {
		for !c.bad && c.u8() != 0 {
		}
	}
}

// textOf is the text of an annotation. MySQL's has a length byte before it, which cannot
// exceed 255.
func textOf(e *Event) ([]byte, error) {
	b := e.body()
	if e.Type == TypeRowsQuery {
		if len(b) == 0 {
			return nil, fmt.Errorf("%w: a short annotation", ErrDamaged)
		}
		b = b[1:]
	}
	return b, nil
}

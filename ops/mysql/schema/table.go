package schema

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Querier is what reads: a *sql.Conn, *sql.DB or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Table is one base table, or a MariaDB sequence.
type Table struct {
	Database  string
	Name      string
	Engine    string
	Sequence  bool  // a MariaDB sequence
	Versioned bool  // MariaDB's system versioning
	Rows      int64 // the server's estimate
	Bytes     int64 // of data, the server's estimate
	Columns   []Column
	Key       []string // columns of the key that chunks go by: primary, else unique and not null; nil for none
	KeyUnique string   // the key's name
	Hashes    int      // MariaDB's unique keys over a BLOB: each has a column that is not listed, with a hash
}

// SQLName is the quoted name with its database.
func (t *Table) SQLName() string { return Name(t.Database, t.Name) }

// Transactional tells whether a snapshot covers the table. NDB has transactions but
// no snapshots: it reads at READ COMMITTED whatever the session asks for.
// https://dev.mysql.com/doc/refman/8.4/en/mysql-cluster-limitations-transactions.html
func (t *Table) Transactional() bool {
	switch strings.ToLower(t.Engine) {
	case "innodb", "rocksdb", "tokudb":
		return true
	}
	return false
}

// OwnRows tells whether the table keeps rows itself. The others show those of
// other tables or servers, or keep none: a dump holds only their definition, and
// writing to them would change what is elsewhere.
func (t *Table) OwnRows() bool {
	return !t.Sequence && !RowsOutside(t.Engine) && !rowless[strings.ToUpper(t.Engine)]
}

// RowsOutside tells whether tables of an engine have their rows in files or on
// servers that the schema does not hold.
// https://mariadb.com/docs/server/server-usage/storage-engines
func RowsOutside(engine string) bool { return outside[strings.ToUpper(engine)] }

// FilesOfItsOwn tells whether a table has rows in a file that goes with it, though a
// dump holds none of them: one of the engine CONNECT may.
func (t *Table) FilesOfItsOwn() bool { return strings.EqualFold(t.Engine, "CONNECT") }

var outside = map[string]bool{
	"FEDERATED":  true,
	"FEDERATEDX": true,
	"CONNECT":    true,
	"SPIDER":     true,
	"S3":         true,
	"OQGRAPH":    true,
	"SPHINX":     true,
}

// rowless are the engines that show other tables' rows of the schema, or keep none.
var rowless = map[string]bool{
	"MRG_MYISAM": true,
	"MERGE":      true,
	"BLACKHOLE":  true,
}

// Stored are the columns that a dump holds: not the computed ones, and the
// period of a system-versioned table only with its history.
func (t *Table) Stored(history bool) []Column {
	var stored []Column
	for _, c := range t.Columns {
		if (!c.Generated && !c.Period) || (c.Period && history) {
			stored = append(stored, c)
		}
	}
	return stored
}

// Column finds a column by name; nil when there is none.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// IsMariaDB tells the flavour of the server behind q.
func IsMariaDB(ctx context.Context, q Querier) (bool, error) {
	version, err := One(ctx, q, "SELECT VERSION()")
	return strings.Contains(strings.ToLower(version), "mariadb"), err
}

// FoldsNames reports whether the server stores the names of databases and tables in lower
// case and compares them without case: lower_case_table_names is 1.
func FoldsNames(ctx context.Context, q Querier) (bool, error) {
	fold, err := One(ctx, q, "SELECT @@lower_case_table_names")
	return fold == "1", err
}

// One reads a single value as text; NULL and no row give "".
func One(ctx context.Context, q Querier, query string, args ...any) (string, error) {
	rows, err := All(ctx, q, query, args...)
	if err != nil || len(rows) == 0 || len(rows[0]) == 0 {
		return "", err
	}
	return rows[0][0], nil
}

// All reads a small result as text; NULL is "".
func All(ctx context.Context, q Querier, query string, args ...any) ([][]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(columns))
	ptrs := make([]any, len(columns))
	for i := range values {
		ptrs[i] = &values[i]
	}
	var all [][]string
	for rows.Next() {
		if err := rows.Scan(ptrs...); err != nil {
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = v.String
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// Tables reads the base tables and sequences of a database, by name; their
// columns in the order of definition. names, when given, picks some; one that
// does not exist is an error.
func Tables(ctx context.Context, q Querier, database string, names ...string) ([]*Table, error) {
	maria, err := IsMariaDB(ctx, q)
	if err != nil {
		return nil, err
	}
	tables, err := readTables(ctx, q, database)
	if err != nil {
		return nil, fmt.Errorf("read tables of %s: %w", database, err)
	}
	if tables, err = pick(tables, names); err != nil {
		return nil, err
	}
	byName := map[string]*Table{}
	for _, t := range tables {
		byName[t.Name] = t
	}
	if err := readColumns(ctx, q, database, byName, !maria); err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", database, err)
	}
	if err := readKeys(ctx, q, database, byName); err != nil {
		return nil, fmt.Errorf("read keys of %s: %w", database, err)
	}
	for _, t := range tables {
		t.hiddenPeriod()
	}
	return tables, nil
}

func pick(tables []*Table, names []string) ([]*Table, error) {
	if len(names) == 0 {
		return tables, nil
	}
	var picked []*Table
	for _, name := range names {
		found := false
		for _, t := range tables {
			if t.Name == name {
				picked = append(picked, t)
				found = true
			}
		}
		if !found {
			return nil, &NoTableError{Name: name}
		}
	}
	return picked, nil
}

// NoTableError says that a table that was asked for does not exist.
type NoTableError struct{ Name string }

func (e *NoTableError) Error() string { return "no table " + Ident(e.Name) }

func readTables(ctx context.Context, q Querier, database string) ([]*Table, error) {
	rows, err := All(
		ctx,
		q,
		`SELECT TABLE_NAME, TABLE_TYPE, IFNULL(ENGINE,''), IFNULL(TABLE_ROWS,0), IFNULL(DATA_LENGTH,0)
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE NOT LIKE '%VIEW%' ORDER BY TABLE_NAME`,
		database,
	)
	if err != nil {
		return nil, err
	}
	var tables []*Table
	for _, r := range rows {
		if Bookkeeping(r[0]) {
			continue
		}
		t := &Table{
			Database:  database,
			Name:      r[0],
			Engine:    r[2],
			Sequence:  r[1] == "SEQUENCE",
			Versioned: r[1] == "SYSTEM VERSIONED",
		}
		fmt.Sscan(r[3], &t.Rows)
		fmt.Sscan(r[4], &t.Bytes)
		tables = append(tables, t)
	}
	return tables, nil
}

func readColumns(ctx context.Context, q Querier, database string, tables map[string]*Table, mysql bool) error {
	rows, err := All(
		ctx,
		q,
		`SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IFNULL(CHARACTER_SET_NAME,''), IS_NULLABLE,
		EXTRA, IFNULL(GENERATION_EXPRESSION,''), IFNULL(COLLATION_NAME,'')
			FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION`,
		database,
	)
	if err != nil {
		return err
	}
	for _, r := range rows {
		t := tables[r[0]]
		if t == nil {
			continue
		}
		extra := strings.ToUpper(r[6])
		c := Column{
			Name:      r[1],
			DataType:  strings.ToLower(r[2]),
			Type:      r[3],
			Charset:   strings.ToLower(r[4]),
			Nullable:  r[5] == "YES",
			Collation: strings.ToLower(r[8]),
			Generated: strings.Contains(extra, "STORED GENERATED") || strings.Contains(extra, "VIRTUAL GENERATED"),
		}
		if e := strings.ToUpper(r[7]); c.Generated && (e == "ROW START" || e == "ROW END") {
			c.Generated, c.Period = false, true
		}
		c.decide(mysql)
		t.Columns = append(t.Columns, c)
	}
	return nil
}

// readKeys finds for each table the columns to chunk by.
func readKeys(ctx context.Context, q Querier, database string, tables map[string]*Table) error {
	rows, err := All(
		ctx,
		q,
		`SELECT TABLE_NAME, INDEX_NAME, IFNULL(COLUMN_NAME,''), IFNULL(SUB_PART,''), NULLABLE, INDEX_TYPE
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND NON_UNIQUE = 0
		ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX`,
		database,
	)
	if err != nil {
		return err
	}
	for i := 0; i < len(rows); {
		j := i
		var key []string
		usable := true
		for ; j < len(rows) && rows[j][0] == rows[i][0] && rows[j][1] == rows[i][1]; j++ {
			key = append(key, rows[j][2])
			whole := rows[j][3] == "" || rows[j][3] == "0" // an embedded server writes no prefix as 0
			usable = usable && rows[j][2] != "" && whole && rows[j][4] != "YES" && rows[j][5] == "BTREE"
		}
		t := tables[rows[i][0]]
		if t != nil && t.Key == nil && usable {
			t.Key, t.KeyUnique = key, rows[i][1]
		}
		if t != nil && rows[i][5] == "HASH" && strings.EqualFold(t.Engine, "InnoDB") {
			t.Hashes++
		}
		i = j
	}
	return nil
}

// hiddenPeriod adds the period of a table that is versioned without naming it:
// its columns can be read and written but are not listed.
func (t *Table) hiddenPeriod() {
	if !t.Versioned {
		return
	}
	for _, c := range t.Columns {
		if c.Period {
			return
		}
	}
	for _, name := range []string{"row_start", "row_end"} {
		t.Columns = append(t.Columns, Column{Name: name, DataType: "timestamp", Type: "timestamp(6)", Period: true})
	}
}

// CurrentKey are the columns of the key that tell the rows of now apart: without the end of a
// version, which is part of each key of a versioned table.
func (t *Table) CurrentKey() (names []string) {
	for _, name := range t.Key {
		if c := t.Column(name); c == nil || !c.Period {
			names = append(names, name)
		}
	}
	return names
}

// From is what to select from: the table, with all versions of its rows when
// history is wanted and kept.
func (t *Table) From(history bool) string {
	if history && t.Versioned {
		return t.SQLName() + " FOR SYSTEM_TIME ALL"
	}
	return t.SQLName()
}

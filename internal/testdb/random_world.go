package testdb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// world is a random database in the making.
type world struct {
	t  testing.TB
	s  *Server
	r  *rand.Rand
	db string
	n  int // names given

	tables  []worldTable
	views   []string // as SQL names
	parents []string // tables with a key that others may refer to
}

type worldTable struct {
	name    string // as SQL
	columns []string
}

// name is a new one, with whatever may stand in names.
func (w *world) name(kind string) string {
	w.n++
	return ident(kind + w.pick("", " ", "'", "`", "-", ";", "中", "%", "\"", "é", ".", "表 ") + fmt.Sprint(w.n))
}

func (w *world) pick(of ...string) string { return of[w.r.IntN(len(of))] }

func (w *world) one(of int) bool { return w.r.IntN(of) == 0 }

// comment is a COMMENT clause, or none.
func (w *world) comment() string {
	if w.one(2) {
		return ""
	}
	return " COMMENT " + literal(w.pick("it's", "客户;表", "a\\b", "--", "*/", "\"q\"", "`n`", "😀"))
}

// draft is a table that is not made yet.
type draft struct {
	w       *world
	parts   []string // of CREATE TABLE: columns, then keys
	columns []string // those that take values
	kinds   []int
	all     []string // with the computed ones
	options string
	parent  bool
	counter string // the AUTO_INCREMENT column
}

// table makes a table of random columns, keys, partitions and rows.
func (w *world) table() {
	w.t.Helper()
	d := &draft{w: w}
	for range 1 + w.r.IntN(12) {
		d.column()
	}
	d.computed()
	d.primary()
	if d.has("GEOMETRY") { // no partitioned table has one
		d.options = ""
	}
	d.keys()
	d.checks()
	charset := w.pick("", "", " DEFAULT CHARSET=gbk", " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
		" ROW_FORMAT=DYNAMIC")
	name := w.name("t")
	statements := []string{"SET sql_mode = ''", "SET time_zone = '+00:00'", "SET NAMES utf8mb4",
		"CREATE TABLE " + name + " (" + strings.Join(d.parts, ", ") + ")" + w.comment() + charset + d.options}
	for range w.r.IntN(4) {
		statements = append(
			statements,
			"INSERT INTO "+name+" ("+strings.Join(d.columns, ",")+") VALUES "+d.rows(1+w.r.IntN(60)),
		)
	}
	if d.counter != "" && w.one(2) { // a number that the server gives to no row by itself
		statements = append(statements, "UPDATE "+name+" SET "+d.counter+" = 0 WHERE "+d.counter+" = 1")
	}
	if len(w.parents) > 0 && w.one(2) {
		parent := w.parents[w.r.IntN(len(w.parents))]
		if d.options == "" { // a partitioned table has no foreign keys
			statements = append(
				statements,
				"ALTER TABLE "+name+" ADD COLUMN up BIGINT NULL, ADD FOREIGN KEY (up) REFERENCES "+parent+
					" (id) ON DELETE "+w.pick(
					"SET NULL",
					"CASCADE",
					"NO ACTION",
				),
				"UPDATE "+name+" SET up = (SELECT MIN(id) FROM "+parent+")",
			)
		}
	}
	w.s.Exec(w.t, w.db, statements...)
	w.tables = append(w.tables, worldTable{name, d.all})
	if d.parent {
		w.parents = append(w.parents, name)
	}
}

func (d *draft) column() {
	k := d.w.r.IntN(len(columnKinds))
	name := d.w.name("c")
	hidden := ""
	if len(d.columns) > 0 && d.w.one(8) {
		hidden = " INVISIBLE"
	}
	d.parts = append(d.parts, name+" "+columnKinds[k].kind+hidden+d.w.comment())
	d.columns = append(d.columns, name)
	d.all = append(d.all, name)
	d.kinds = append(d.kinds, k)
}

// computed adds columns that the server computes, and one with a default that it does.
func (d *draft) computed() {
	w := d.w
	for i, c := range d.columns {
		if !w.one(6) {
			continue
		}
		value := "(" + c + " MOD 97)"
		if !strings.HasPrefix(columnKinds[d.kinds[i]].kind, "INT") {
			if w.s.Flavour == "mariadb" { // whose rules for text and times are many
				continue
			}
			value = "(" + c + " IS NULL)"
		}
		name := w.name("g")
		d.parts = append(d.parts, name+" BIGINT GENERATED ALWAYS AS "+value+w.pick(" VIRTUAL", " STORED")+w.comment())
		d.all = append(d.all, name)
	}
	if w.one(3) {
		d.parts = append(
			d.parts,
			w.pick(
				"made DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
				"u VARCHAR(36) DEFAULT (UUID())",
				"x INT DEFAULT (1 + 2) CHECK (x <> 4)",
			),
		)
	}
}

// primary gives the table a key, or none, and partitions by it. No comment of a partition
// holds a quote: MariaDB reads it back under the session's sql_mode, and so cannot open
// the table under NO_BACKSLASH_ESCAPES.
func (d *draft) primary() {
	w := d.w
	switch w.r.IntN(4) {
	case 0, 1:
		d.counter = "id"
		d.parts = append(d.parts, "id BIGINT AUTO_INCREMENT PRIMARY KEY")
		d.options = w.pick(
			"",
			"",
			"",
			" PARTITION BY HASH (id) PARTITIONS 3",
			" PARTITION BY KEY (id) PARTITIONS 2",
			" PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (20), PARTITION `p 1` VALUES LESS THAN (90) "+
				"COMMENT 'a; -- b', PARTITION pm VALUES LESS THAN MAXVALUE)",
		)
		d.parent = d.options == ""
	case 2:
		d.counter = "seq"
		d.parts = append(
			d.parts,
			"k1 INT NOT NULL DEFAULT 3, k2 BINARY(16) NOT NULL DEFAULT '', seq INT AUTO_INCREMENT, KEY (seq), "+
				"PRIMARY KEY (k1, seq)",
		)
		d.options = w.pick(
			"",
			" PARTITION BY LIST (k1) (PARTITION a VALUES IN (1, 2), PARTITION b VALUES IN (3, NULL))",
			" PARTITION BY RANGE (k1) SUBPARTITION BY HASH (seq) SUBPARTITIONS 2 (PARTITION a VALUES LESS THAN (3), "+
				"PARTITION b VALUES LESS THAN MAXVALUE)",
		)
	}
}

// keys adds secondary keys, of parts of columns where whole ones may not be.
func (d *draft) keys() {
	for i, c := range d.columns {
		if !d.w.one(5) {
			continue
		}
		switch kind := columnKinds[d.kinds[i]].kind; {
		case strings.Contains(kind, "TEXT") || strings.Contains(kind, "BLOB") || strings.Contains(kind, "CHAR"):
			d.parts = append(d.parts, "KEY "+d.w.name("k")+" ("+c+"(9))"+d.w.comment())
		case !strings.Contains(kind, "JSON") && kind != "GEOMETRY":
			d.parts = append(d.parts, "KEY "+d.w.name("k")+" ("+c+d.w.pick("", " DESC")+")"+d.w.comment())
		}
	}
	for i, c := range d.columns {
		if kind := columnKinds[d.kinds[i]].kind; d.options == "" && strings.HasPrefix(kind, "TEXT") && d.w.one(3) {
			d.parts = append(d.parts, "FULLTEXT KEY "+d.w.name("f")+" ("+c+")")
		}
	}
}

func (d *draft) has(kind string) bool {
	return slices.ContainsFunc(d.kinds, func(k int) bool { return columnKinds[k].kind == kind })
}

// checks adds constraints that every row keeps.
func (d *draft) checks() {
	for _, c := range d.columns {
		if d.w.one(9) {
			d.parts = append(d.parts, "CONSTRAINT "+d.w.name("ck")+" CHECK ("+c+" IS NULL OR LENGTH("+c+") < 90000)")
		}
	}
}

func (d *draft) rows(n int) string {
	rows := make([]string, n)
	for i := range rows {
		values := make([]string, len(d.kinds))
		for j, k := range d.kinds {
			values[j] = "NULL"
			if !d.w.one(8) {
				values[j] = columnKinds[k].value(d.w.r)
			}
		}
		rows[i] = "(" + strings.Join(values, ",") + ")"
	}
	return strings.Join(rows, ",")
}

// modes under which objects are made: each carries its own.
var modes = []string{"", "STRICT_TRANS_TABLES", "ANSI_QUOTES,PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES"}

// object makes a view, trigger, routine or event.
func (w *world) object() {
	w.t.Helper()
	mode := w.pick(modes...)
	create := []func(string) string{w.view, w.trigger, w.trigger, w.procedure, w.function, w.event}[w.r.IntN(6)](mode)
	names := w.pick("utf8mb4", "utf8mb4 COLLATE utf8mb4_bin", "latin1")
	if strings.IndexFunc(create, func(c rune) bool { return c > 127 }) >= 0 {
		names = "utf8mb4"
	}
	w.s.Exec(w.t, w.db, "SET sql_mode = '"+mode+"'", "SET NAMES "+names, create)
}

// text is a string as SQL writes it under a mode.
func (w *world) text(mode string) string {
	s := w.pick("'it''s'", "';; -- no comment /* */'", "'a`b'", "'$$ // ~~'", "'DELIMITER x'", "'USE other'", "'100%'")
	if strings.Contains(mode, "ANSI_QUOTES") {
		return "(" + s + " || 'b')"
	}
	return s
}

func (w *world) view(mode string) string {
	t := w.tables[w.r.IntN(len(w.tables))]
	columns := slices.Clone(t.columns[:1+w.r.IntN(len(t.columns))])
	name := w.name("v")
	from := t.name + " AS x"
	if len(w.views) > 0 && w.one(2) {
		from += " LEFT JOIN (SELECT COUNT(*) AS n FROM " + w.pick(w.views...) + ") AS y ON y.n > 0"
		columns = append(columns, "y.n")
	}
	for i, c := range columns {
		if !strings.Contains(c, ".") {
			columns[i] = "x." + c
		}
	}
	w.views = append(w.views, name)
	return "CREATE " + w.pick(
		"",
		"ALGORITHM=MERGE ",
		"ALGORITHM=TEMPTABLE ",
	) + w.pick(
		"",
		"SQL SECURITY INVOKER ",
	) + "VIEW " + name + " AS SELECT " + strings.Join(
		columns,
		", ",
	) + ", " +
		w.text(
			mode,
		) + " AS words FROM " + from + w.pick(
		"",
		" WHERE 1 = 1",
	)
}

func (w *world) trigger(mode string) string {
	t := w.tables[w.r.IntN(len(w.tables))]
	body := w.pick(
		"SET @a = "+w.text(mode),
		"BEGIN SET @a = "+w.text(mode)+"; IF @a IS NULL THEN SET @b = 1; END IF; END",
	)
	return "CREATE TRIGGER " + w.name(
		"g",
	) + " " + w.pick(
		"BEFORE",
		"AFTER",
	) + " " + w.pick(
		"INSERT",
		"UPDATE",
		"DELETE",
	) + " ON " + t.name + " FOR EACH ROW " + body
}

func (w *world) procedure(mode string) string {
	return "CREATE PROCEDURE " + w.name(
		"p",
	) + "(IN a INT, OUT b VARCHAR(50), INOUT c DECIMAL(10,2))" + w.plainComment() + w.pick(
		"",
		" SQL SECURITY INVOKER",
		" MODIFIES SQL DATA",
	) +
		" BEGIN DECLARE i INT DEFAULT 0; again: WHILE i < a DO SET i = i + 1; IF i > 9 THEN LEAVE again; END IF; " +
		"END WHILE; SET b = " + w.text(
		mode,
	) + "; SELECT COUNT(*) FROM " + w.tables[w.r.IntN(len(w.tables))].name + "; END"
}

func (w *world) function(mode string) string {
	return "CREATE FUNCTION " + w.name(
		"f",
	) + "(a VARCHAR(40) CHARACTER SET utf8mb4) RETURNS " + w.pick(
		"INT",
		"VARCHAR(90) CHARACTER SET utf8mb4",
		"JSON",
	) + w.plainComment() +
		w.pick(
			" DETERMINISTIC",
			" NO SQL",
		) + w.pick(
		" RETURN "+w.text(mode),
		" BEGIN IF a = "+w.text(mode)+" THEN RETURN 1; END IF; RETURN NULL; END",
	)
}

// event holds no ";;": MySQL's mysqldump looks for a delimiter for ever then.
func (w *world) event(mode string) string {
	body := strings.ReplaceAll(w.text(mode), ";;", ";")
	return "CREATE EVENT " + w.name(
		"e",
	) + " ON SCHEDULE " + w.pick(
		"AT '2037-01-01 00:00:00'",
		"EVERY 1 DAY STARTS '2037-01-01 02:00:00'",
		"EVERY '1:30' MINUTE_SECOND STARTS '2037-01-01 02:00:00' ENDS '2037-06-01 02:00:00'",
	) +
		w.pick(
			"",
			" ON COMPLETION PRESERVE",
		) + w.pick(
		"",
		" DISABLE",
	) + w.plainComment() + " DO " + w.pick(
		"SET @a = "+body,
		"BEGIN SET @a = "+body+"; END",
	)
}

// plainComment is a COMMENT clause whose text reads the same under any mode and charset.
func (w *world) plainComment() string {
	return w.pick("", " COMMENT 'it''s; --'", " COMMENT '*/'")
}

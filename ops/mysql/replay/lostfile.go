package replay

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/atomicfile"
)

// LostHead is the start of a file of statements from Lost.
const LostHead = "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\n" +
	"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\nSET foreign_key_checks = 0;\n"

// LostNames gives the tables of a folder their files.
type LostNames struct {
	given map[string]string // by table
	alike map[string]int    // how many, by names without case
}

// Of is the name of a table's file. No two tables have one, though the folder may fold case, and
// none is hidden from *.sql.
func (n *LostNames) Of(table string) string {
	if name, known := n.given[table]; known {
		return name
	}
	if n.given == nil {
		n.given, n.alike = map[string]string{}, map[string]int{}
	}
	name := strings.NewReplacer("%", "%25", "/", "%2F", "\x00", "%00").Replace(table)
	if rest, dot := strings.CutPrefix(name, "."); dot {
		name = "%2E" + rest
	}
	folded := strings.ToLower(strings.ToUpper(name))
	n.alike[folded]++
	if number := n.alike[folded]; number > 1 { // it differs from another in case alone
		name += fmt.Sprintf("%%~%d", number)
	}
	n.given[table] = name + ".sql"
	return n.given[table]
}

// LostFile is a file of SQL that puts back the rows of one table that a restore or an undo took
// away. It is one transaction: where a row is in the way of another, nothing of it is applied.
// All rows are removed before any is inserted, so that rows can have exchanged unique values.
type LostFile struct {
	file    *atomicfile.File
	out     *bufio.Writer // definitions and deletions
	spooled *os.File      // without a name: the insertions
	rows    *bufio.Writer
	begun   bool
	err     error
}

// CreateLost starts the file at path. about is a comment.
func CreateLost(path, about string) (*LostFile, error) {
	file, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return nil, err
	}
	spooled, err := os.CreateTemp(filepath.Dir(path), ".lost-*.tmp")
	if err != nil {
		file.Abort()
		return nil, err
	}
	if err := os.Remove(spooled.Name()); err != nil {
		spooled.Close()
		file.Abort()
		return nil, err
	}
	f := &LostFile{file: file, out: bufio.NewWriterSize(file, 1<<16), spooled: spooled,
		rows: bufio.NewWriterSize(spooled, 1<<16)}
	f.write(f.out, "-- "+about+"\n-- One transaction: if a row is in the way, nothing of this file is applied.\n"+
		"-- The table's triggers fire when it is loaded; drop them before if they already did their work.\n"+
		LostHead)
	return f, nil
}

func (f *LostFile) write(to *bufio.Writer, text string) {
	if f.err == nil {
		_, f.err = to.WriteString(text)
	}
}

// Path is that of the file.
func (f *LostFile) Path() string { return f.file.Path() }

// Define adds a statement that runs before the transaction.
func (f *LostFile) Define(sql string) { f.write(f.out, sql+";\n") }

// Delete adds a statement that removes a row before any is inserted.
func (f *LostFile) Delete(sql string) {
	f.begin()
	f.write(f.out, sql+";\n")
}

func (f *LostFile) begin() {
	if !f.begun {
		f.write(f.out, "START TRANSACTION;\n")
	}
	f.begun = true
}

// Insert adds a statement that inserts a row. It returns the first error of writing.
func (f *LostFile) Insert(sql []byte) error {
	if f.err == nil {
		_, f.err = f.rows.Write(sql)
	}
	return f.err
}

// Commit finishes the file.
func (f *LostFile) Commit() error {
	f.begin()
	if f.err == nil {
		f.err = f.rows.Flush()
	}
	if f.err == nil {
		_, f.err = f.spooled.Seek(0, io.SeekStart)
	}
	if f.err == nil {
		_, f.err = io.Copy(f.out, f.spooled)
	}
	f.write(f.out, "COMMIT;\n")
	if f.err == nil {
		f.err = f.out.Flush()
	}
	f.spooled.Close()
	if f.err != nil {
		f.file.Abort()
		return f.err
	}
	return f.file.Commit()
}

// Abort removes the file, unless it was committed.
func (f *LostFile) Abort() {
	f.spooled.Close()
	f.file.Abort()
}

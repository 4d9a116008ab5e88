package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Errors of a server: no privilege for a statement, and no such table in information_schema.
const (
	errNoPrivilege  = 1227
	errUnknownTable = 1109
)

// HiddenKeys are the foreign keys of other databases into a database which ForeignKeys leaves
// out, because information_schema shows only tables on which the user has a privilege. InnoDB's
// own tables show all of them to whoever has PROCESS. all is false where neither that nor a
// privilege on every table is there: there may be more.
//
// Of a hidden key, the rules come with it: nobody else shows them.
// https://dev.mysql.com/doc/refman/8.4/en/information-schema-innodb-foreign-table.html
func HiddenKeys(ctx context.Context, q Querier, database string) (keys []ForeignKey, all bool, err error) {
	rows, err := innodbKeys(ctx, q)
	if fault := (*mysql.MySQLError)(nil); errors.As(err, &fault) && fault.Number == errNoPrivilege {
		all, err = seesAllTables(ctx, q)
		return nil, all, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("list InnoDB's foreign keys: %w", err)
	}
	shown, err := ForeignKeys(ctx, q, database)
	if err != nil {
		return nil, false, err
	}
	names := fileNames{}
	for _, r := range rows {
		parent, err := names.read(ctx, q, r[2])
		if err != nil {
			return nil, false, err
		}
		if !sameDatabase(parent[0], database) {
			continue
		}
		child, err := names.read(ctx, q, r[1])
		if err != nil {
			return nil, false, err
		}
		_, name, _ := strings.Cut(r[0], "/")
		k := ForeignKey{Name: name, Database: child[0], Table: child[1], ParentDatabase: database, Parent: parent[1]}
		if sameDatabase(child[0], database) || slices.ContainsFunc(shown, k.sameTable) {
			continue
		}
		k.OnDelete, k.OnUpdate = keyRules(r[3])
		last := len(keys) - 1
		if last < 0 || keys[last].Name != k.Name || keys[last].Database != k.Database {
			keys = append(keys, k)
			last++
		}
		keys[last].Columns = append(keys[last].Columns, r[4])
		keys[last].Refs = append(keys[last].Refs, r[5])
	}
	return keys, true, nil
}

// innodbKeys are InnoDB's foreign keys, a row for each column: ID, table, parent, bits of the
// rules, column, column of the parent. MariaDB's tables have another name.
func innodbKeys(ctx context.Context, q Querier) (rows [][]string, err error) {
	for _, name := range []string{"INNODB_FOREIGN", "INNODB_SYS_FOREIGN"} {
		rows, err = All(ctx, q, "SELECT k.ID, k.FOR_NAME, k.REF_NAME, k.TYPE, c.FOR_COL_NAME, c.REF_COL_NAME "+
			"FROM information_schema."+name+" k JOIN information_schema."+name+"_COLS c ON c.ID = k.ID "+
			"WHERE SUBSTRING_INDEX(k.FOR_NAME, '/', 1) <> SUBSTRING_INDEX(k.REF_NAME, '/', 1) ORDER BY k.ID, c.POS")
		if fault := (*mysql.MySQLError)(nil); !errors.As(err, &fault) || fault.Number != errUnknownTable {
			return rows, err
		}
	}
	return nil, nil // no InnoDB: no foreign keys
}

// seesAllTables reports whether the user has a privilege on every table.
func seesAllTables(ctx context.Context, q Querier) (bool, error) {
	lines, err := Grants(ctx, q)
	if err != nil {
		return false, err
	}
	partly := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "REVOKE ") })
	return !partly && slices.ContainsFunc(lines, func(l string) bool {
		list, _, found := strings.Cut(strings.TrimPrefix(l, "GRANT "), " ON *.* ")
		words := strings.Split(list, ", ")
		return found && (slices.Contains(words, "SELECT") || slices.Contains(words, "ALL PRIVILEGES"))
	}), nil
}

// fileNames are names of tables as InnoDB has them, with their database and table.
type fileNames map[string][2]string

// read takes a name apart. MariaDB has it as its file is called, with @ and digits for a
// character; the server reads that.
func (n fileNames) read(ctx context.Context, q Querier, name string) (parts [2]string, err error) {
	if known, ok := n[name]; ok {
		return known, nil
	}
	parts[0], parts[1], _ = strings.Cut(name, "/")
	for i, p := range parts {
		if !strings.Contains(p, "@") || strings.ContainsAny(p, `'\`) {
			continue
		}
		plain, err := One(ctx, q, "SELECT CONVERT(_filename'"+p+"' USING utf8mb4)")
		if fault := (*mysql.MySQLError)(nil); errors.As(err, &fault) {
			continue // MySQL has plain names here, and an @ is an @
		}
		if err != nil {
			return parts, err
		}
		parts[i] = plain
	}
	n[name] = parts
	return parts, nil
}

// sameDatabase compares names of databases: InnoDB has them in lower case on a server that
// does not tell cases apart.
func sameDatabase(a, b string) bool { return strings.EqualFold(a, b) }

// sameTable reports whether two keys are of one table: all keys of a table are shown, or none.
func (k ForeignKey) sameTable(o ForeignKey) bool {
	return sameDatabase(k.Database, o.Database) && strings.EqualFold(k.Table, o.Table)
}

// keyRules reads what InnoDB does with rows that refer to a row that is deleted or gets
// another key: bits 1 and 4 for CASCADE, 2 and 8 for SET NULL.
func keyRules(bits string) (onDelete, onUpdate string) {
	var n int
	if _, err := fmt.Sscan(bits, &n); err != nil {
		return "CASCADE", "CASCADE"
	}
	rule := func(cascade, null int) string {
		switch {
		case n&cascade != 0:
			return "CASCADE"
		case n&null != 0:
			return "SET NULL"
		}
		return "RESTRICT"
	}
	return rule(1, 2), rule(4, 8)
}

package schema

import (
	"database/sql"
	"strings"
)

// Fields is one row of a statement whose columns differ between servers and versions: its
// values by lower-case column names, NULL as "".
type Fields map[string]string

// First is the first of the columns that has a value, or "".
func (f Fields) First(names ...string) string {
	for _, n := range names {
		if f[n] != "" {
			return f[n]
		}
	}
	return ""
}

// ByName reads all rows and closes them.
func ByName(rows *sql.Rows) (all []Fields, err error) {
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := Fields{}
		for i, n := range names {
			row[strings.ToLower(n)] = values[i].String
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

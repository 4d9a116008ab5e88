package mysql

import (
	"database/sql"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/schema"
)

// row reads the first row of a query into a map by lower-case column name; NULL
// is "", and no row an empty map.
func (l *look) row(query string) (map[string]string, error) { return l.rowOf(query) }

// rowOf is row with arguments.
func (l *look) rowOf(query string, args ...any) (map[string]string, error) {
	rows, err := l.rows(query, args...)
	if err != nil || len(rows) == 0 {
		return map[string]string{}, err
	}
	return rows[0], nil
}

// rows reads all rows of a query, each as row does.
func (l *look) rows(query string, args ...any) ([]schema.Fields, error) {
	rows, err := l.db.QueryContext(l.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return schema.ByName(rows)
}

// pairs reads rows of name and value, names in lower case.
func (l *look) pairs(query string) (map[string]string, error) {
	rows, err := l.db.QueryContext(l.ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		out[strings.ToLower(name.String)] = value.String
	}
	return out, rows.Err()
}

// column reads the first column of all rows.
func (l *look) column(query string, args ...any) ([]string, error) {
	rows, err := l.db.QueryContext(l.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s.String)
	}
	return out, rows.Err()
}

// reason is why something could not be seen.
func (l *look) reason(err error) lang.Msg {
	switch {
	case lacksRight(err):
		return lang.M("%s lacks the privilege to see it", l.probe.Target.User)
	case Number(err) == 0:
		if FaultOf(err) == Stopped {
			l.gone = err
		}
		return Reason(err)
	}
	return lang.Raw(firstLine(err.Error()))
}

// lacksRight tells whether the account may not see what was asked for.
func lacksRight(err error) bool {
	switch Number(err) {
	case ErrSpecificAccess, ErrAccessDenied, ErrDBAccessDenied, ErrTableAccessDenied:
		return true
	}
	return false
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// number reads what the server prints for a number; what is none is 0.
func number(s string) int64 {
	f, _ := strconv.ParseFloat(s, 64)
	return int64(f)
}

// unixTime reads seconds since 1970 with a fraction.
func unixTime(s string) time.Time {
	f, _ := strconv.ParseFloat(s, 64)
	return time.UnixMicro(int64(f * 1e6))
}

func isMaria(version string) bool { return strings.Contains(strings.ToLower(version), "mariadb") }

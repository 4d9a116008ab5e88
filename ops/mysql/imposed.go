package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
)

// Server errors for a variable that the server does not have.
const errUnknownVariable = 1193

// readers are the settings that change, without an error, which rows or columns another
// program reads.
var readers = map[string]bool{
	"sql_select_limit":                                 true,
	"system_versioning_asof":                           true,
	"show_gipk_in_create_table_and_information_schema": true,
}

// enders are the settings that end another program's reading with an error.
var enders = map[string]bool{
	"max_execution_time": true,
	"max_join_size":      true,
	"sql_big_selects":    true,
}

// Imposed are the settings that differ from ours in a session of this account that nobody
// has changed: what the server's own tools read with. Those that hide are the ones under which
// a tool leaves something out without an error; the others end it with one.
func Imposed(ctx context.Context, t Target) (hide, end []Setting, err error) {
	connector, err := Connector(t.Config(""))
	if err != nil {
		return nil, nil, err
	}
	s, ok := connector.(*sessions)
	if !ok {
		return nil, nil, fmt.Errorf("unexpected connector %T", connector)
	}
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, nil, Explain(err, t)
	}
	defer c.Close()
	for _, setting := range settings {
		if !readers[setting.Name] && !enders[setting.Name] {
			continue
		}
		value, err := link{c}.variable(ctx, setting.Name)
		switch {
		case Number(err) == errUnknownVariable:
		case err != nil:
			return nil, nil, Explain(err, t)
		case setting.imposed(value) && readers[setting.Name]:
			hide = append(hide, setting)
		case setting.imposed(value):
			end = append(end, setting)
		}
	}
	return hide, end, nil
}

// imposed tells whether a value that the server prints is another than the setting's.
func (s Setting) imposed(printed string) bool {
	if s.Value == "DEFAULT" {
		return !strings.EqualFold(printed, s.Value)
	}
	return !s.holds(printed)
}

// variable is a session variable's value. The query has a limit of its own, which counts even
// where sql_select_limit is 0.
func (l link) variable(ctx context.Context, name string) (string, error) {
	q, ok := l.Conn.(driver.QueryerContext)
	if !ok {
		return "", fmt.Errorf("the driver queries nothing")
	}
	rows, err := q.QueryContext(ctx, "SELECT @@SESSION."+name+" LIMIT 1", nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return "", err
	}
	return text(row[0]), nil
}

// SetSession is the statement that gives a session these settings.
func SetSession(list []Setting) string { return statement(list) }

package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// Connector makes sessions that are the same on every server: whatever a
// server's global settings, the account or init_connect impose on a session is
// replaced before the session is used (see Settings). What c.Params sets comes
// after that. Every connection of this program to a server comes from here.
func Connector(c *mysqldriver.Config) (driver.Connector, error) {
	c = c.Clone()
	after := c.Params
	c.Params = nil
	c.Apply(mysqldriver.BeforeConnect(useConnectLog))
	if c.DialFunc == nil {
		c.DialFunc = dialLine
	}
	if c.MaxAllowedPacket == 0 {
		// The driver would ask the server by a SELECT before the session is ours:
		// none at sql_select_limit 0, and with max_execution_time the server may
		// take the end of that SELECT's time for the end of a later statement's.
		c.MaxAllowedPacket = 1 << 30 // no server takes more
	}
	inner, err := mysqldriver.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return &sessions{Connector: inner, database: c.DBName, after: after,
		certificate: c.TLS != nil && len(c.TLS.Certificates) > 0}, nil
}

type connectLogKey struct{}

// useConnectLog gives a connection the ear of its Connect as its log.
func useConnectLog(ctx context.Context, c *mysqldriver.Config) error {
	if e, ok := ctx.Value(connectLogKey{}).(*connectLog); ok {
		c.Logger = e
	}
	return nil
}

// sessions hands out connections whose settings are ours.
type sessions struct {
	driver.Connector
	database string
	after    map[string]string

	configured string // the database's name in the configuration; "" is not looked at

	certificate bool // one of the client is shown

	mu   sync.Mutex
	plan *plan // nil before the first connection
}

// plan is what makes a session of one server ours.
type plan struct {
	set  string   // one statement with all settings that the server takes
	more []string // what can't be part of it

	folds bool // the server has its names of databases in lower case
}

// Connect logs in and replaces what the server imposes on the session.
func (s *sessions) Connect(ctx context.Context) (driver.Conn, error) {
	e := &connectLog{}
	ctx = context.WithValue(ctx, connectLogKey{}, e)
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, e.says(err, s.certificate)
	}
	if err := s.settle(ctx, link{c}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (s *sessions) settle(ctx context.Context, l link) error {
	s.mu.Lock()
	p := s.plan
	s.mu.Unlock()
	if p == nil || l.run(ctx, p) != nil { // a server that was upgraded takes other settings
		fresh, err := l.make(ctx, s.database)
		if err == nil {
			err = fresh.misnamed(s.configured)
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.plan = fresh
		s.mu.Unlock()
	}
	for name, value := range s.after {
		if err := l.exec(ctx, "SET SESSION "+name+" = "+value); err != nil {
			return fmt.Errorf("set session %s: %w", name, err)
		}
	}
	return nil
}

// link is a connection before database/sql has it.
type link struct{ driver.Conn }

func (l link) exec(ctx context.Context, query string) error {
	e, ok := l.Conn.(driver.ExecerContext)
	if !ok {
		return errors.New("the driver executes no statements")
	}
	_, err := e.ExecContext(ctx, query, nil)
	return err
}

// run makes the session ours by what an earlier one has found out.
func (l link) run(ctx context.Context, p *plan) error {
	if err := l.exec(ctx, p.set); err != nil {
		return err
	}
	for _, q := range p.more {
		if err := l.exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// make finds out which settings the server has, and makes the session ours.
func (l link) make(ctx context.Context, database string) (*plan, error) {
	now, err := l.variables(ctx)
	if err != nil {
		return nil, err
	}
	p := &plan{folds: now["lower_case_table_names"] == "1"}
	if err := l.settings(ctx, p, now); err != nil {
		return nil, err
	}
	if now["init_connect"] != "" {
		// It may have moved the session elsewhere.
		if database != "" {
			p.more = append(p.more, "USE "+schema.Ident(database))
		}
		if l.exec(ctx, "SET RESOURCE GROUP USR_default") == nil {
			p.more = append(p.more, "SET RESOURCE GROUP USR_default")
		}
		if database != "" {
			if err := l.exec(ctx, p.more[0]); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// misnamed refuses a configured name that the server does not have in this form: it would be
// found by some statements, and be another database to all that compares names.
func (p *plan) misnamed(database string) error {
	stored := strings.ToLower(database)
	if !p.folds || stored == database {
		return nil
	}
	return ops.E(ops.Config, lang.M("lower_case_table_names is 1 on the server, so the database is named %s there; "+
		"the configuration says %s", stored, database)).
		WithHint(lang.M("write %s in the configuration", "database.name: "+stored))
}

// variables are the session's by name. Three of them could keep the server from
// telling them all, and are replaced first; a server has two of the three.
func (l link) variables(ctx context.Context) (map[string]string, error) {
	for _, first := range []string{"sql_select_limit = 18446744073709551615", "max_execution_time = 0",
		"max_statement_time = 0"} {
		if err := l.exec(ctx, "SET SESSION "+first); lost(err) {
			return nil, err
		}
	}
	// MariaDB lets an account whose password has expired set variables, and no more.
	now, err := l.show(ctx)
	if err != nil && (lost(err) || Number(err) == ErrMustSetPassword) {
		return nil, err
	}
	return now, nil // nil: a server that does not tell is asked one by one
}

// lost tells an error of the line from an answer of the server.
func lost(err error) bool { return err != nil && Number(err) == 0 }

func (l link) show(ctx context.Context) (map[string]string, error) {
	q, ok := l.Conn.(driver.QueryerContext)
	if !ok {
		return nil, errors.New("the driver queries nothing")
	}
	names := []string{"'init_connect'", "'lower_case_table_names'"}
	for _, s := range settings {
		names = append(names, "'"+s.Name+"'")
	}
	rows, err := q.QueryContext(
		ctx,
		"SHOW SESSION VARIABLES WHERE Variable_name IN ("+strings.Join(names, ",")+")",
		nil,
	)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	got := map[string]string{}
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return got, nil
		case err != nil:
			return nil, err
		}
		if len(row) > 1 {
			got[strings.ToLower(text(row[0]))] = text(row[1])
		}
	}
}

func text(v driver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// settings replaces all in one statement, else one after another.
func (l link) settings(ctx context.Context, p *plan, now map[string]string) error {
	var list []Setting
	for _, s := range settings {
		value, has := now[s.Name]
		if (has || now == nil) && !(s.Privileged && s.holds(value)) {
			list = append(list, s)
		}
	}
	if p.set = statement(list); l.exec(ctx, p.set) == nil {
		return nil
	}
	var taken []Setting
	for _, s := range list {
		err := l.exec(ctx, statement([]Setting{s}))
		switch {
		case err == nil:
			taken = append(taken, s)
		case lost(err):
			return err
		case now != nil && !s.Privileged && !s.holds(now[s.Name]):
			return ops.Wrap(
				err,
				ops.Failed,
				lang.M("the server does not let opsdeck set %s for its own session", s.Name),
			)
		}
	}
	p.set = statement(taken)
	return nil
}

func statement(list []Setting) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = "SESSION " + s.Name + " = " + s.Value
	}
	if len(parts) == 0 {
		return "DO 0"
	}
	return "SET " + strings.Join(parts, ", ")
}

// holds tells whether a value that the server prints is the setting's.
func (s Setting) holds(printed string) bool {
	plain := func(v string) string {
		v = strings.ToUpper(strings.Trim(v, "'"))
		switch v {
		case "ON", "1", "1.000000":
			return "1"
		case "OFF", "0", "0.000000":
			return "0"
		}
		return v
	}
	return plain(printed) == plain(s.Value) || slices.Contains([]string{"DEFAULT", "@@GLOBAL." + s.Name}, s.Value)
}

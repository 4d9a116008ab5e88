package audits

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/auditlog"
	"opsdeck/ops/site"
)

// Table is a service's audit table. Its connections are its own.
type Table struct{ *auditlog.Source }

// OpenTable opens the audit table of a service, on its replica where one is configured.
func OpenTable(ctx context.Context, s *site.Site) (*Table, error) {
	where := s.Service.Database
	if replica := s.Service.Audit.Replica; replica != (config.Database{}) {
		where = replica
		if where.Name == "" {
			where.Name = s.Service.Database.Name
		}
	}
	return open(ctx, s, where)
}

// openPrimary opens the audit table where rows are written, and so deleted.
func openPrimary(ctx context.Context, s *site.Site) (*Table, error) {
	return open(ctx, s, s.Service.Database)
}

func open(ctx context.Context, s *site.Site, where config.Database) (*Table, error) {
	a := s.Service.Audit
	if a.Table == "" {
		return nil, ops.E(ops.Config, lang.M("no audit table is configured for %s", s.Service.Name)).
			WithHint(lang.M("set audit.table in the configuration"))
	}
	target, err := mysql.Resolve(where)
	if err != nil {
		return nil, err
	}
	src, err := auditlog.Dial(ctx, auditlog.Options{
		Target:   target,
		Schema:   where.Name,
		Table:    a.Table,
		Columns:  a.Columns,
		Aliases:  a.Aliases,
		MaxRows:  a.MaxRows,
		Timeout:  a.Timeout,
		Zone:     columnZone(a.TimeZone),
		StateDir: s.StateDir,
		Clock:    s.Clock,
	})
	if err != nil {
		return nil, err
	}
	return &Table{src}, nil
}

// columnZone is the zone of a DATETIME column by the configuration, which was
// checked; nil for the server's.
func columnZone(name string) *time.Location {
	if name != "" && name != "server" {
		if zone, err := clock.ParseZone(name); err == nil {
			return zone
		}
	}
	return nil
}

// gentleRows times max_rows is how many rows the order of a table may be
// learnt from without asking: that is read in small pieces and only once.
const gentleRows = 100

// Leave is how a reading asks whoever waits for it.
type Leave struct {
	Yes    bool // granted beforehand
	Agrees func(what, advice lang.Msg) bool
	// Progress begins to show how the table's order is learnt; done ends it.
	Progress func() (report func(ops.Progress), done func())
}

// Read runs a reading of the table; what would read much is asked for first, and
// an order that is not known yet is learnt.
func (t *Table) Read(ctx context.Context, l Leave, read func(leave bool) error) error {
	for range 3 {
		err := read(l.Yes)
		var much *audit.TooMuchError
		var unproved *audit.UnprovedError
		switch {
		case errors.As(err, &much):
			if !l.Agrees(much.Message(), much.Advice()) {
				return much.Explain()
			}
			l.Yes = true
		case errors.As(err, &unproved):
			if !l.Yes && unproved.Rows > t.MaxRows()*gentleRows && !l.Agrees(unproved.Message(), lang.Msg{}) {
				return unproved.Explain()
			}
			if err := t.learn(ctx, l); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return read(l.Yes)
}

func (t *Table) learn(ctx context.Context, l Leave) error {
	report, done := l.Progress()
	defer done()
	return t.Prove(ctx, 0.2, report)
}

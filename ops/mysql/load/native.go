package load

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql/schema"
)

// native loads a backup made by opsdeck.
func (s *session) native(ctx context.Context, src *Source) error {
	s.lenient = s.o.Spare
	p, err := s.plan(ctx, src)
	if err != nil {
		return err
	}
	if err := p.spare(s.note); err != nil {
		return err
	}
	s.report.From = p.from
	if err := s.definers(ctx, p.guard.definers); err != nil {
		return err
	}
	if err := s.makeSchema(ctx, p.options); err != nil {
		return err
	}
	j, err := s.begin(ctx, identity(s.o, src.Manifest.SHA256, p.from), p.makes())
	if err != nil {
		return err
	}
	s.report.Resumed = j.resumed
	s.meter = newMeter(s.o.Report, "ddl", "bytes", p.bytes)
	if err := s.definitions(ctx, p, j); err != nil {
		return err
	}
	s.meter.phase("rows", "")
	if err := s.rows(ctx, src, p, j); err != nil {
		return err
	}
	s.meter.phase("objects", "")
	if err := s.revive(ctx, p); err != nil {
		return err
	}
	if err := s.objects(ctx, p, j.resumed || s.o.Replace); err != nil {
		return err
	}
	if err := s.closeJournal(ctx); err != nil {
		return err
	}
	s.account(p)
	s.meter.phase("done", "")
	return nil
}

// spare notes the objects that the plan leaves out.
func (p *plan) spare(note func(kind, object, detail string)) error {
	for _, u := range p.refused {
		if u.Kind == "table" {
			return refuse("table "+u.Name, lang.Raw(u.Why))
		}
		note(backup.NoteUnread, u.Kind+" "+u.Name, u.Why)
	}
	return nil
}

// makeSchema creates the target schema if it does not exist, with the options from the
// dump, and selects it.
func (s *session) makeSchema(ctx context.Context, options string) error {
	return define(
		ctx,
		s.main,
		"CREATE DATABASE IF NOT EXISTS "+schema.Ident(s.o.Schema)+" "+options,
		"USE "+schema.Ident(s.o.Schema),
	)
}

// begin opens the journal, after checking that nothing else has the names that the load
// creates.
func (s *session) begin(ctx context.Context, id string, makes map[string]bool) (*journal, error) {
	exists, err := hasJournal(ctx, s.main, s.o.Schema)
	if err != nil {
		return nil, err
	}
	if !exists && !s.o.Replace {
		if err := s.refuseTaken(ctx, makes); err != nil {
			return nil, err
		}
	}
	return s.openJournal(ctx, id)
}

// makes lists what the plan creates: "table x", "trigger y" …
func (p *plan) makes() map[string]bool {
	names := map[string]bool{}
	for _, t := range p.tables {
		names["table "+t.object] = true
	}
	for _, o := range p.objects {
		names[strings.TrimSuffix(o.kind, "-placeholder")+" "+o.object] = true
	}
	return names
}

// refuseTaken refuses the load when the schema already has one of the names: "table x",
// "trigger y" …
func (s *session) refuseTaken(ctx context.Context, names map[string]bool) error {
	there, err := schema.Inventory(ctx, s.main, s.o.Schema)
	if err != nil {
		return wrap("look into the schema", err)
	}
	for _, n := range there {
		other := strings.Replace(n, "view ", "table ", 1) // tables and views share one namespace
		if names[n] || names[other] || names[strings.Replace(n, "table ", "view ", 1)] {
			return ops.E(ops.Failed, lang.M("the database %s already has the %s", s.o.Schema, n)).
				WithHint(lang.M("load into a database that does not exist or is empty"))
		}
	}
	return nil
}

// header applies the settings of the file's header to the main connection.
func (s *session) header(ctx context.Context, p *plan) error { return p.settle(ctx, s.main) }

// settle applies the settings of the file's header to a connection.
func (p *plan) settle(ctx context.Context, c *sql.Conn) error {
	for _, v := range p.header {
		if v.action == settle {
			if err := exec(ctx, c, string(v.sql)); err != nil && !optional(err) {
				return err
			}
		}
	}
	return exec(ctx, c, "SET foreign_key_checks = 0")
}

// revive opens a new main connection when the old one was lost while other connections
// loaded the rows.
func (s *session) revive(ctx context.Context, p *plan) error {
	if s.main.PingContext(ctx) == nil {
		return nil
	}
	c, err := s.worker(ctx)
	if err != nil {
		return err
	}
	s.main.Close()
	s.main = c
	return s.header(ctx, p)
}

// definitions creates the tables and sequences.
func (s *session) definitions(ctx context.Context, p *plan, j *journal) error {
	if err := s.header(ctx, p); err != nil {
		return err
	}
	for _, t := range p.tables {
		if j.has(doneTable, t.member) {
			continue
		}
		s.meter.phase("ddl", t.object)
		if err := s.makeTable(ctx, t, j.resumed || s.o.Replace); err != nil {
			return err
		}
		if err := define(ctx, s.main, doneLine(doneTable, t.member)); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) makeTable(ctx context.Context, t *table, clear bool) error {
	if clear {
		kind := "TABLE"
		if t.create == nil {
			kind = "SEQUENCE"
		}
		if err := define(ctx, s.main, "DROP "+kind+" IF EXISTS "+schema.Ident(t.object)); err != nil {
			return err
		}
	}
	for _, v := range t.statements {
		q := v.sql
		if t.without != nil && v.parsed.Verb == "CREATE" {
			q = t.without
		}
		if t.create != nil && strings.EqualFold(t.create.Options["ENGINE"], "ARCHIVE") {
			q = []byte(schema.WithoutCounter(string(q))) // it takes no row below its counter, which the rows set
		}
		if err := define(ctx, s.main, string(q)); err != nil {
			return fmt.Errorf("table %s: %w", t.object, err)
		}
	}
	return nil
}

// objects creates views, routines, triggers and events, in the file's order.
func (s *session) objects(ctx context.Context, p *plan, clear bool) error {
	lent := false
	for _, o := range p.objects {
		s.meter.phase("objects", o.object)
		if lent && o.kind == "view" {
			s.report.Objects++
			continue
		}
		made, err := makeObject(ctx, s, o, clear)
		if o.kind == "view" && Lendable(err) {
			var failed map[string]error
			if failed, err = lend(ctx, s.main, p.objects); err == nil {
				err = failed[o.object]
			}
			for name, why := range failed {
				if err == nil {
					err = fmt.Errorf("view %s: %w", name, why)
				}
			}
			lent, made = err == nil, true
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", o.kind, o.object, err)
		}
		if made && !strings.HasSuffix(o.kind, "-placeholder") {
			s.report.Objects++
		}
	}
	return nil
}

func makeObject(ctx context.Context, s *session, o step, clear bool) (made bool, err error) {
	for _, v := range o.statements {
		if create := v.parsed.Verb == "CREATE"; create {
			made = true
			if drop := dropFor(v); clear && drop != "" {
				if err := define(ctx, s.main, drop); err != nil {
					return made, err
				}
			}
		}
		if err := define(ctx, s.main, string(v.sql)); err != nil {
			return made, err
		}
	}
	return made, nil
}

// dropFor returns the DROP for the object that a CREATE creates.
func dropFor(v verdict) string {
	p := v.parsed
	if p.Replace || !body(p) {
		return ""
	}
	return "DROP " + p.Kind + " IF EXISTS " + schema.Ident(p.Own().Name)
}

// account fills in the report's tables.
func (s *session) account(p *plan) {
	for _, t := range p.tables {
		s.report.Rows += t.rows
		s.report.RawBytes += t.bytes
		if t.create != nil {
			s.report.Tables = append(s.report.Tables, backup.LoadedTable{Name: t.object, Rows: t.rows, How: t.how})
		}
	}
}

// definers checks before the start whether the accounts that own objects exist on the
// target, and whether the user may create objects for them.
func (s *session) definers(ctx context.Context, definers map[string][]string) error {
	if len(definers) == 0 || s.o.Definer == DefinerCurrent {
		return nil
	}
	own, err := schema.One(ctx, s.main, "SELECT CURRENT_USER()")
	if err != nil {
		return err
	}
	var absent []string
	foreign := ""
	for account, objects := range definers {
		user, host := splitAccount(account)
		if user+"@"+host == own {
			continue
		}
		foreign = user + "@" + host
		n, err := schema.One(ctx, s.main, "SELECT COUNT(*) FROM mysql.user WHERE User = ? AND Host = ?", user, host)
		if err == nil && n == "0" {
			absent = append(absent, user+"@"+host)
			slices.Sort(objects)
			s.note(backup.NoteDefiner, user+"@"+host, "does not exist here; defines "+strings.Join(objects, ", "))
		}
	}
	if foreign != "" && !s.mayDefine(ctx) {
		return ops.E(ops.Config, doctor.NoDefiners(foreign)).WithHint(doctor.NoDefinersHint())
	}
	if len(absent) > 0 && s.o.Definer == "" {
		slices.Sort(absent)
		return ops.E(ops.Failed,
			lang.M("the server does not have the accounts that objects belong to: %s", strings.Join(absent, ", "))).
			WithHint(lang.M("create these accounts first"))
	}
	return nil
}

// mayDefine tells whether the user may create objects for another definer.
func (s *session) mayDefine(ctx context.Context) bool {
	lines, err := schema.Grants(ctx, s.main)
	if err != nil {
		return true // unknown: the server will refuse it if not
	}
	return doctor.ParseGrants(lines).MayDefine()
}

// splitAccount reads `user`@`host`, 'user'@'host' or user@host.
func splitAccount(account string) (user, host string) {
	at := strings.LastIndexByte(account, '@')
	if at < 0 {
		return unquote(account), "%"
	}
	return unquote(account[:at]), unquote(account[at+1:])
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '`' || s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return strings.ReplaceAll(s[1:len(s)-1], s[:1]+s[:1], s[:1])
	}
	return s
}

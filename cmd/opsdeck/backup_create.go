package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
)

type backupCreateCmd struct {
	Kind           string        `enum:"manual,scheduled,emergency" default:"manual" placeholder:"KIND" help:"Why the backup is made: manual, scheduled or emergency."`
	Engine         string        `enum:",native,mysqldump" default:"" placeholder:"ENGINE" help:"native, or mysqldump to run the server's own tool."`
	Tables         []string      `placeholder:"A,B" help:"These tables only, with their triggers."`
	Where          string        `placeholder:"SQL" help:"Only rows of --tables that match this condition."`
	NoData         bool          `help:"Definitions only, no rows."`
	Databases      []string      `placeholder:"A,B" help:"These databases instead of the service's." xor:"databases"`
	AllDatabases   bool          `help:"All databases of the server except its system databases." xor:"databases"`
	Jobs           int           `placeholder:"N" help:"Number of connections that read rows; at most one per core."`
	Compress       string        `enum:",gzip,zstd" default:"" placeholder:"gzip|zstd" help:"How the file is compressed."`
	LockWait       time.Duration `placeholder:"DUR" help:"The longest wait for a lock on the server."`
	Throttle       string        `placeholder:"SIZE" help:"Maximum bytes of SQL per second: 50M."`
	ThreadsRunning int           `placeholder:"N" help:"Pause while more threads run on the server."`
	Recipient      []string      `placeholder:"AGE1…" help:"Encrypt to these age public keys."`
	NoHistory      bool          `help:"Only the current rows of system-versioned tables."`
	SkipBroken     bool          `help:"Skip views that no longer work, and what no backup can store, with a warning."`
	To             string        `placeholder:"COPY" help:"Stream it directly to this configured copy; needs no local disk space."`
	DryRun         bool          `help:"Show what would be done, do nothing."`
	JSON           bool          `name:"json" help:"Print JSON."`
}

type backupCreateJSON struct {
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	SizeBytes   int64           `json:"size_bytes"`
	RawBytes    int64           `json:"raw_bytes"`
	Tables      int             `json:"tables"`
	Rows        int64           `json:"rows"`
	SHA256      string          `json:"sha256"`
	DurationMS  int64           `json:"duration_ms"`
	Consistent  bool            `json:"consistent"`
	Consistency string          `json:"consistency"`
	Position    backup.Position `json:"position"`
	Sources     []backup.Source `json:"sources,omitempty"`
	Links       []string        `json:"links"`
	Warnings    []string        `json:"warnings"`
	Shrink      *shrinkJSON     `json:"shrink"` // null: as large as those before it
}

// Run makes a backup.
func (c *backupCreateCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if len(c.Databases) == 0 {
		if c.Tables, err = a.typedTables(ctx, c.Tables); err != nil {
			return err
		}
	}
	o, err := c.order()
	if err != nil {
		return err
	}
	if o, err = sh.Maker().OrderOf(o); err != nil {
		return err
	}
	if o.Copy != "" {
		if _, err := sh.Offsite().Copies(o.Copy); err != nil {
			return err
		}
	}
	if c.DryRun {
		if len(o.Databases) == 1 {
			if err := a.tablesExist(ctx, o.Databases[0], o.Tables...); err != nil {
				return err
			}
		}
		return c.plan(sh, o)
	}
	p := a.progress()
	sh.Maker().NoteOpenFolder()
	m, err := c.make(ctx, sh, o, p.report)
	p.done()
	if m == nil {
		return err
	}
	if c.JSON {
		if werr := a.json(createJSON(m)); werr != nil {
			return werr
		}
		return err
	}
	tellMade(a, m)
	return err
}

// make makes the backup between the pings of the service's backups, when it is one that
// could stand for them: all of the database, and not a restore's.
func (c *backupCreateCmd) make(ctx context.Context, sh *shelf, o backups.Order,
	report func(ops.Progress)) (m *backups.Made, err error) {
	run := func(ctx context.Context) error {
		m, err = sh.Maker().Make(ctx, o, report)
		return err
	}
	if c.Kind == backup.KindEmergency || len(c.Tables)+len(c.Databases) > 0 || c.NoData || c.AllDatabases {
		err = run(ctx)
		return m, err
	}
	said := func() string {
		if m == nil {
			return ""
		}
		return fmt.Sprintf("%s, %s\n", m.Path, human.Bytes(createJSON(m).SizeBytes))
	}
	err = sh.Nights().Pinged(ctx, backups.PingBackup, said, run)
	return m, err
}

func (c *backupCreateCmd) order() (backups.Order, error) {
	o := backups.Order{
		Kind:      c.Kind,
		Engine:    c.Engine,
		Databases: c.Databases,
		All:       c.AllDatabases,
		Tables:    c.Tables,
		Where:     c.Where,
		NoData:    c.NoData,
		NoHistory: c.NoHistory,
		Broken:    c.SkipBroken,
		Jobs:      c.Jobs,
		Compress:  c.Compress,
		LockWait:  c.LockWait,
		Threads:   c.ThreadsRunning,
		To:        c.Recipient,
		Copy:      c.To,
	}
	switch {
	case c.Where != "" && len(c.Tables) == 0:
		return o, ops.E(ops.Usage, lang.M("--where needs --tables: it is a condition on their rows"))
	case len(c.Tables) > 0 && (c.AllDatabases || len(c.Databases) > 1):
		return o, ops.E(ops.Usage, lang.M("--tables must belong to one database"))
	case c.Jobs < 0:
		return o, ops.E(ops.Usage, lang.M("--jobs must be 1 or more"))
	}
	if c.Throttle != "" {
		rate, err := human.ParseBytes(c.Throttle)
		if err != nil || rate == 0 {
			return o, ops.E(ops.Usage, lang.M("--throttle %q is not a size", c.Throttle)).
				WithHint(lang.M("for example --throttle 50M"))
		}
		o.BytesRate = rate
	}
	return o, nil
}

// plan says what would be done.
func (c *backupCreateCmd) plan(sh *shelf, o backups.Order) error {
	name := o.Spec(sh.clock.Now().Local()).Name(1)
	path := filepath.Join(sh.Dir, name)
	if o.Copy != "" {
		path = backups.AtCopy(o.Copy, name)
	}
	if c.JSON {
		return sh.json(struct {
			DryRun bool   `json:"dry_run"`
			Name   string `json:"name"`
			Path   string `json:"path"`
			Engine string `json:"engine"`
		}{true, name, path, o.Engine})
	}
	what := strings.Join(o.Databases, ", ")
	if o.All {
		what = sh.lang.T("all databases")
	}
	if len(o.Tables) > 0 {
		what += ": " + strings.Join(o.Tables, ", ")
	}
	sh.say(lang.M("would back up %s (service %s) to %s (engine %s, %d connections)", what, sh.Service.Name, path,
		o.Engine, o.Jobs))
	return nil
}

func createJSON(m *backups.Made) backupCreateJSON {
	doc := backupCreateJSON{
		Name:        m.File,
		Path:        m.Path,
		SizeBytes:   m.SizeBytes,
		RawBytes:    m.RawBytes,
		Tables:      len(m.Tables),
		SHA256:      m.SHA256,
		DurationMS:  m.Took.Milliseconds(),
		Consistent:  m.Consistent,
		Consistency: m.Consistency,
		Position:    m.Position,
		Sources:     m.Sources,
	}
	doc.Links = append(doc.Links, m.Links...)
	doc.Warnings = append(doc.Warnings, m.Warnings...)
	for _, w := range m.Lacks() {
		doc.Warnings = append(doc.Warnings, w.String())
	}
	if m.Shrink != nil {
		doc.Shrink = shrinkDoc(*m.Shrink)
		doc.Warnings = append(doc.Warnings, m.Shrink.Text().String())
	}
	for _, t := range m.Tables {
		doc.Rows += t.Rows
	}
	return doc
}

// tellMade says what was made, and everything that is not as it should be.
func tellMade(a *app, m *backups.Made) {
	j := createJSON(m)
	a.say(lang.M("made %s", m.Path))
	rate := float64(m.RawBytes) / max(m.Took.Seconds(), 0.001)
	a.say(lang.M("  %s on disk of %s of SQL · %d tables · %s rows · %s (%s)", human.Bytes(m.SizeBytes),
		human.Bytes(m.RawBytes), j.Tables, human.Count(j.Rows), human.Duration(m.Took), human.Rate(rate)))
	a.say(lang.M("  %s", m.Manifest.ConsistencyText()))
	if m.Position.File != "" {
		a.say(lang.M("  binlog %s, position %s", m.Position.File, fmt.Sprint(m.Position.Pos)))
	}
	for _, src := range m.Sources {
		if src.File == "" && src.GTID == "" { // a warning says that it is not known
			a.say(lang.M("  replica of %s", fmt.Sprintf("%s:%d", src.Host, src.Port)))
			continue
		}
		a.say(lang.M("  replica of %s: applied up to %s %s %s", fmt.Sprintf("%s:%d", src.Host, src.Port), src.File,
			fmt.Sprint(src.Pos), src.GTID))
	}
	if m.Copy != "" {
		a.say(lang.M("  streamed to the copy %s and verified there", m.Copy))
	}
	for _, l := range m.Links {
		a.say(lang.M("  also as %s", l))
	}
	if m.Shrink != nil {
		a.note(lang.M("  ! %s", m.Shrink.Text()))
		a.note(lang.M("  ! check whether rows were lost; %s still has them", m.Shrink.Before.Name))
		a.note(lang.M("  ! if they were removed on purpose: %s", "opsdeck backup accept "+human.Shell(m.File)))
	}
	for _, w := range m.Lacks() {
		a.note(lang.M("  ! %s", w))
	}
	for _, w := range m.Warnings {
		a.note(lang.M("  ! %s", termsafe.Line(w)))
	}
}

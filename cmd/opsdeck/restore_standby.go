package main

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	core "opsdeck/ops/restore/standby"
	"opsdeck/ops/site/standby"
)

// restoreStandbyCmd is the group of `opsdeck restore standby`.
type restoreStandbyCmd struct {
	Run     standbyRunCmd     `cmd:"" help:"Build the standby, or apply the archived binlog to it; watch does this continuously."`
	Status  standbyStatusCmd  `cmd:"" help:"Show how far the standby is, and its last check."`
	Rebuild standbyRebuildCmd `cmd:"" help:"Drop the standby and build it again from the newest good backup."`
	Remove  standbyRemoveCmd  `cmd:"" help:"Drop the standby's database."`
}

type standbyRunCmd struct {
	DryRun bool `help:"Say what would be done, and what a standby costs."`
	JSON   bool `name:"json" help:"Print JSON."`
}

// standbyDidJSON is what one round did.
type standbyDidJSON struct {
	Built        bool        `json:"built"`
	Dropped      string      `json:"dropped,omitempty"`
	Why          string      `json:"why,omitempty"`
	Transactions int64       `json:"transactions"`
	Rows         int64       `json:"rows"`
	Check        *core.Check `json:"check,omitempty"`
	Paused       string      `json:"paused,omitempty"`
}

// Run does one round.
func (c *standbyRunCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	k, err := keeper(a)
	if err != nil {
		return err
	}
	if c.DryRun {
		return standbyCosts(ctx, a, k, c.JSON)
	}
	return standbyRound(ctx, a, k, c.JSON)
}

// keeper works on the standby of the chosen service.
func keeper(a *app) (*standby.Keeper, error) {
	d, err := a.desk()
	if err != nil {
		return nil, err
	}
	return standby.Open(d), nil
}

// standbyCosts says what a round would do.
func standbyCosts(ctx context.Context, a *app, k *standby.Keeper, asJSON bool) error {
	s, err := k.Look(ctx)
	if err != nil {
		return err
	}
	builds := s.State != core.Ready || !s.Gone.Empty()
	if !builds {
		if asJSON {
			return a.json(map[string]any{"dry_run": true, "builds": false})
		}
		a.say(s.Headline(a.clock.Now()))
		a.say(lang.M("the archived binlog would be applied to it"))
		return nil
	}
	cost, err := k.Costs(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(map[string]any{"dry_run": true, "builds": true, "cost": cost, "room": cost.Room() == nil})
	}
	a.sayAll(cost.Say())
	return cost.Room()
}

// standbyRound runs one round and tells what it did.
func standbyRound(ctx context.Context, a *app, k *standby.Keeper, asJSON bool) error {
	bar := a.progress()
	k.Report = bar.report
	k.Begun = func(c standby.Cost) error {
		for _, m := range c.Say() {
			a.note(m)
		}
		return nil
	}
	did, err := k.Run(ctx)
	bar.done()
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(standbyDidJSON{
			Built:        did.Built,
			Dropped:      did.Dropped,
			Why:          a.lang.Msg(did.Why),
			Transactions: did.Transactions,
			Rows:         did.Rows,
			Check:        did.Checked,
			Paused:       a.lang.Msg(did.Paused),
		})
	}
	a.sayAll(did.Texts())
	s, err := k.Look(ctx)
	if err != nil {
		return err
	}
	a.say(s.Headline(a.clock.Now()))
	return nil
}

type standbyStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// standbyJSON is the standing for programs.
type standbyJSON struct {
	Service   string             `json:"service"`
	Enabled   bool               `json:"enabled"`
	State     string             `json:"state"` // off, building, ready, broken, gone
	Summary   string             `json:"summary"`
	Schema    string             `json:"schema,omitempty"`
	SizeBytes int64              `json:"size_bytes"`
	Backup    string             `json:"backup,omitempty"`
	BuiltAt   *time.Time         `json:"built_at,omitempty"`
	Place     *binlog.Position   `json:"place,omitempty"`
	AppliedTo *time.Time         `json:"applied_to,omitempty"`
	LookedAt  *time.Time         `json:"looked_at,omitempty"`
	DelayMS   int64              `json:"delay_ms"`
	LagMS     *int64             `json:"lag_ms"` // behind the delay; null: not known
	Paused    string             `json:"paused,omitempty"`
	Check     *core.Check        `json:"check,omitempty"`
	Leftovers []standby.Leftover `json:"leftovers"`
}

// Run shows the standing.
func (c *standbyStatusCmd) Run(ctx context.Context, a *app) error {
	k, err := keeper(a)
	if err != nil {
		return err
	}
	s, err := k.Look(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(standbyDocument(a.lang, s, a.clock.Now()))
	}
	a.sayAll(s.Lines(a.clock.Now()))
	return nil
}

// standbyDocument is the standing for programs.
func standbyDocument(l *lang.Printer, s standby.Standing, now time.Time) standbyJSON {
	doc := standbyJSON{
		Service: s.Service, Enabled: s.On, State: string(s.State), Schema: s.Schema, SizeBytes: s.SizeBytes,
		Summary: l.Msg(s.Headline(now)), Backup: s.Backup, DelayMS: s.Delay.Milliseconds(),
		Check: s.Check, Paused: l.Msg(s.Paused.Msg), Leftovers: s.Rest,
		BuiltAt: timeOrNull(s.BuiltAt), AppliedTo: timeOrNull(s.AppliedTo), LookedAt: timeOrNull(s.LookedAt),
	}
	if !s.Gone.Empty() {
		doc.State = "gone"
	}
	if s.Place.File != "" {
		doc.Place = &s.Place.Position
	}
	if lag, known := s.Lag(now); known && s.Gone.Empty() {
		ms := lag.Milliseconds()
		doc.LagMS = &ms
	}
	return doc
}

type standbyRebuildCmd struct {
	Confirm string `placeholder:"NAME" help:"The service's database name, where there is no terminal."`
	DryRun  bool   `help:"Show what would be done."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// standingFor is the standby as it is, for a verb that changes it.
func standingFor(ctx context.Context, a *app, dry bool) (k *standby.Keeper, s standby.Standing, err error) {
	if err := a.mayChange(dry); err != nil {
		return nil, s, err
	}
	if k, err = keeper(a); err != nil {
		return nil, s, err
	}
	s, err = k.Look(ctx)
	return k, s, err
}

// Run drops the standby and builds it again.
func (c *standbyRebuildCmd) Run(ctx context.Context, a *app) error {
	k, s, err := standingFor(ctx, a, c.DryRun)
	if err != nil {
		return err
	}
	cost, err := k.Costs(ctx)
	if err != nil {
		return err
	}
	if c.DryRun && c.JSON {
		drops := []string{}
		if s.Schema != "" && s.Gone.Empty() {
			drops = append(drops, s.Schema)
		}
		return a.json(map[string]any{"dry_run": true, "drops": drops, "cost": cost, "room": cost.Room() == nil})
	}
	what := lang.M("This builds the standby from %s.", cost.Backup)
	if s.Schema != "" && s.Gone.Empty() {
		what = lang.M("This drops the standby %s (%s) and builds it again from %s; until then a restore loads a "+
			"backup.",
			s.Schema, human.Bytes(s.SizeBytes), cost.Backup)
	}
	if c.DryRun {
		a.say(what)
		a.sayAll(cost.Say())
		return cost.Room()
	}
	if err := cost.Room(); err != nil {
		return err
	}
	if err := a.confirm(ctx, k.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	if err := k.Forget(); err != nil {
		return err
	}
	return standbyRound(ctx, a, k, c.JSON)
}

type standbyRemoveCmd struct {
	Also    []string `placeholder:"SCHEMA" help:"Also drop this database, which is named like a standby and which status lists."`
	Confirm string   `placeholder:"NAME" help:"The service's database name, where there is no terminal."`
	DryRun  bool     `help:"Show what would be dropped; drop nothing."`
	JSON    bool     `name:"json" help:"Print JSON."`
}

// Run drops the standby.
func (c *standbyRemoveCmd) Run(ctx context.Context, a *app) error {
	k, s, err := standingFor(ctx, a, c.DryRun)
	if err != nil {
		return err
	}
	names := s.Removable(c.Also)
	if c.DryRun && c.JSON {
		return a.json(map[string]any{"dry_run": true, "drops": names, "built_again": s.On})
	}
	if len(names) == 0 {
		a.sayAll(s.Lines(a.clock.Now()))
		return ops.E(ops.Usage, lang.M("there is no standby to drop"))
	}
	if !c.JSON || c.DryRun {
		for _, m := range s.Removal(names) {
			a.note(m)
		}
	}
	if c.DryRun {
		return nil
	}
	what := lang.M("This drops the standby of %s. The service's database and its backups stay as they are.",
		k.Service.Database.Name)
	if err := a.confirm(ctx, k.Service.Database.Name, c.Confirm, what); err != nil {
		return err
	}
	dropped, err := k.Remove(ctx, c.Also)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(map[string]any{"dropped": dropped})
	}
	for _, name := range dropped {
		a.say(lang.M("dropped %s", name))
	}
	return nil
}

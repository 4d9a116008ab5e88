package swap

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// lostObjects finds the views, routines, triggers and events in scope that the restore
// drops or replaces: the backup does not have them, defines them differently, or has no
// information on them.
func (x *Losses) lostObjects(ctx context.Context, l *restore.Loss, live string, src restore.Source, scope []string) {
	c, err := x.conn(ctx, "", time.Second)
	if err != nil {
		l.Unlisted = true
		return
	}
	defer c.Close()
	there, err := schema.Objects(ctx, c, live)
	if err != nil {
		l.Unlisted = true
		return
	}
	// A view's statement omits the name of the current database.
	_, unused := c.ExecContext(ctx, "USE "+restore.Name(live))
	for _, o := range there {
		if !slices.Contains(restore.ObjectKinds, o.Kind) ||
			len(scope) > 0 && (o.Kind != "trigger" || !slices.Contains(scope, o.Table)) {
			continue
		}
		how := compareObject(ctx, c, o, src, unused == nil)
		if how == "" {
			continue
		}
		if src.Replay != nil && (how != restore.ObjectMissing || !src.Unseen) { // the log may create it
			how = restore.ObjectUnknown
		}
		l.Objects = append(l.Objects, restore.LossObject{Kind: o.Kind, Name: o.Name, Table: o.Table, How: how})
	}
	x.lostDefinitions(ctx, c, l, live, src, scope)
}

// lostDefinitions finds the tables and sequences in scope that are defined differently now:
// an index, a default or a foreign key that was added since the backup is lost, and numbers
// that a sequence gave out since are given out again.
func (x *Losses) lostDefinitions(
	ctx context.Context,
	c *sql.Conn,
	l *restore.Loss,
	live string,
	src restore.Source,
	scope []string,
) {
	list, err := schema.Tables(ctx, c, live)
	if err != nil {
		l.Unlisted = true
		return
	}
	version, err := schema.One(ctx, c, "SELECT VERSION()")
	sameServer := err == nil && version == src.Version
	for _, t := range list {
		held, in := src.Table(t.Name)
		if !in || held.Definition == "" || len(scope) > 0 && !slices.Contains(scope, t.Name) {
			continue
		}
		want := backup.Table{Name: t.Name, DefinitionHash: held.Definition}
		kind := "table"
		state, err := load.CompareDefinition(ctx, c, t, want, live, src.Database)
		if t.Sequence {
			kind = "sequence"
			state, err = load.CompareSequence(ctx, c, t, backup.Object{DefinitionHash: held.Definition})
		}
		how := restore.ObjectChanged
		switch {
		case err != nil: // a table that cannot be read is told elsewhere
			continue
		case state == backup.Same:
			continue
		case src.Replay != nil || !sameServer: // the log may change it; another version prints it otherwise
			how = restore.ObjectUnknown
		}
		l.Objects = append(l.Objects, restore.LossObject{Kind: kind, Name: t.Name, How: how})
	}
}

// compareObject compares a live object with the backup; empty if they are the same.
func compareObject(
	ctx context.Context,
	c schema.Querier,
	o *schema.Object,
	src restore.Source,
	readable bool,
) (how string) {
	i := slices.IndexFunc(src.Holds, func(b backup.Object) bool { return b.Kind == o.Kind && b.Name == o.Name })
	switch {
	case src.Holds == nil:
		return restore.ObjectUnknown
	case i < 0:
		return restore.ObjectMissing
	case src.Holds[i].DefinitionHash == "" || !readable || o.ReadDefinition(ctx, c) != nil:
		return restore.ObjectUnknown
	}
	if same, _ := load.SameObject(o, src.Holds[i], o.Database, src.Database); !same {
		return restore.ObjectChanged
	}
	return ""
}

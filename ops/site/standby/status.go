package standby

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/standby"
)

// Standing is how the standby is now: what is remembered of it, and what the server says.
type Standing struct {
	*standby.Record
	On        bool
	Delay     time.Duration
	SizeBytes int64
	// Gone is why a standby that is remembered as ready is none; empty when it is there.
	Gone lang.Msg
	Rest []Leftover // other schemas with the name of a standby
}

// Leftover is a schema that is named like a standby and is not the present one.
type Leftover struct {
	Schema    string `json:"schema"`
	SizeBytes int64  `json:"size_bytes"`
	Restore   string `json:"restore,omitempty"` // that took it; "" when none of this state folder did
}

// Lag is how far the standby is behind its delay; known is false for one that never was
// applied to.
func (s Standing) Lag(now time.Time) (lag time.Duration, known bool) {
	if s.AppliedTo.IsZero() {
		return 0, false
	}
	return max(0, now.Add(-s.Delay).Sub(s.AppliedTo)), true
}

// Remains tells that the feature is off and its schema is still there.
func (s Standing) Remains() bool { return !s.On && s.Schema != "" && s.Gone.Empty() }

// Look asks the record and the server.
func (k *Keeper) Look(ctx context.Context) (s Standing, err error) {
	s = Standing{On: k.Service.Restore.Standby, Delay: k.Service.Restore.StandbyDelay}
	if s.Record, err = k.Standby().Load(); err != nil {
		return s, ops.Wrap(err, ops.Failed, lang.M("the record of the standby cannot be read"))
	}
	server := k.Server()
	defer server.Close()
	all, err := server.Standby.List(ctx, k.Service.Database.Name)
	if err != nil {
		return s, mysql.Explain(err, k.Target)
	}
	taken, err := k.taken()
	if err != nil {
		return s, err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != s.Schema || taken[name] != "" {
			s.Rest = append(s.Rest, Leftover{name, all[name], taken[name]})
		}
	}
	if s.Schema == "" {
		return s, nil
	}
	s.Gone, err = k.gone(ctx, server, s.Record, all, taken)
	s.SizeBytes = all[s.Schema]
	return s, err
}

// gone is why the standby of a record is none any more.
func (k *Keeper) gone(
	ctx context.Context,
	server *swap.Server,
	rec *standby.Record,
	all map[string]int64,
	taken map[string]string,
) (lang.Msg, error) {
	id, err := server.Facts.Identity(ctx)
	if err != nil {
		return lang.Msg{}, mysql.Explain(err, k.Target)
	}
	_, there := all[rec.Schema]
	switch {
	case id != rec.Server:
		return lang.M("it is on another server"), nil
	case taken[rec.Schema] != "":
		return lang.M("the restore %s used it", taken[rec.Schema]), nil
	case rec.State == standby.Building && !there:
		return lang.Msg{}, nil // its schema comes with the first table
	case !there:
		return lang.M("its database %s does not exist", rec.Schema), nil
	case rec.State != standby.Ready:
		return lang.Msg{}, nil
	}
	_, ok, err := server.Standby.State(ctx, rec.Schema)
	if err == nil && !ok {
		return swap.NoPlace(), nil
	}
	return lang.Msg{}, mysql.Explain(err, k.Target)
}

// Costs tells what the next build would take; it is an error where none can be done.
func (k *Keeper) Costs(ctx context.Context) (c Cost, err error) {
	server := k.Server()
	defer server.Close()
	rec, err := k.Standby().Load()
	if err != nil {
		return c, err
	}
	r := round{Keeper: k, ctx: ctx, server: server, rec: rec, did: &Did{}}
	if r.log, err = r.openLog(); err != nil {
		return c, err
	}
	defer r.log.Close()
	b, err := r.choose()
	if err != nil {
		return c, k.explained(err)
	}
	if c, err = k.cost(ctx, server.Facts, b.src); err == nil {
		err = r.regain(&c)
	}
	return c, k.explained(err)
}

// Forget makes the next round build again, also from the backup of the standby that broke.
// The schema is dropped when the next one is begun.
func (k *Keeper) Forget() error {
	held, err := k.hold("standby rebuild")
	if err != nil {
		return err
	}
	defer held.Release()
	rec, err := k.Standby().Load()
	if err != nil || rec.Schema == "" {
		return err
	}
	rec.State, rec.Tried = standby.Broken, ""
	rec.Why = restore.N(lang.M("a rebuild was requested"))
	return k.Standby().Save(rec)
}

// Remove drops the schema of the standby, and what is remembered of it. others are further
// schemas to drop that are standbys by their names; what a restore took is left to
// drop-old.
func (k *Keeper) Remove(ctx context.Context, others []string) (dropped []string, err error) {
	held, err := k.hold("standby remove")
	if err != nil {
		return nil, err
	}
	defer held.Release()
	s, err := k.Look(ctx)
	if err != nil {
		return nil, err
	}
	server := k.Server()
	defer server.Close()
	entry := oplog.Entry{Action: "standby.remove", Object: s.Schema}
	err = k.Record(ctx, entry, func(ctx context.Context, _ map[string]string) error {
		for _, name := range s.Removable(others) {
			if err := server.Standby.Drop(ctx, k.Service.Database.Name, name); err != nil {
				return err
			}
			dropped = append(dropped, name)
		}
		return os.RemoveAll(k.Standby().Dir())
	})
	return dropped, k.explained(err)
}

// Removable are the schemas that Remove drops.
func (s Standing) Removable(others []string) (names []string) {
	taken := false
	for _, x := range s.Rest {
		taken = taken || x.Schema == s.Schema
		if x.Restore == "" && slices.Contains(others, x.Schema) {
			names = append(names, x.Schema)
		}
	}
	if s.Schema != "" && !taken {
		names = append(names, s.Schema)
	}
	return names
}

// Headline is the standing in one sentence.
func (s Standing) Headline(now time.Time) lang.Msg {
	const clock = "2006-01-02 15:04:05"
	switch {
	case s.Remains():
		return lang.M("restore.standby is off, but the database %s is still there (%s)", s.Schema,
			human.Bytes(s.SizeBytes))
	case !s.On:
		return lang.M("no standby is kept")
	case s.State == standby.Off && s.Why.Key != "":
		return lang.M("the standby was not built yet: %s", s.Why.Msg)
	case s.State == standby.Off:
		return lang.M("the standby was not built yet")
	case !s.Gone.Empty():
		return lang.M("there is no standby: %s", s.Gone)
	case s.State == standby.Building:
		return lang.M("the standby is being built from %s", s.Backup)
	case s.State == standby.Broken:
		return lang.M("the standby is broken: %s", s.Why.Msg)
	}
	lag, _ := s.Lag(now)
	if lag < time.Minute {
		return lang.M("standby at %s, within its delay of %s", s.AppliedTo.Local().Format(clock),
			human.Duration(s.Delay))
	}
	return lang.M("standby at %s, %s older than its delay of %s allows", s.AppliedTo.Local().Format(clock),
		human.Duration(lag.Truncate(time.Second)), human.Duration(s.Delay))
}

package standby

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/restore/standby"
)

// base is a backup that a standby can be built from, and the log that continues it.
type base struct {
	src restore.Source
	run *changes.Run
}

// build loads a standby, or goes on with a load that was broken off. why is what ended the
// former one.
func (r *round) build(why lang.Msg) error {
	p, err := r.unfinished()
	if err != nil {
		return err
	}
	if p == nil {
		if p, err = r.begin(why); err != nil {
			return err
		}
	} else {
		r.Say(lang.M("continuing the build of the standby %s", p.Shadow))
	}
	began := time.Now()
	f := r.Standby().Folder(p.ID)
	entry := oplog.Entry{Action: "standby.build", Object: p.Source.Name}
	var doubts []restore.Note
	err = r.Record(r.ctx, entry, func(ctx context.Context, detail map[string]string) error {
		detail["schema"] = p.Shadow
		doubts, err = r.server.Standby.Build(ctx, p, f, r.paced(ctx))
		return err
	})
	if err != nil {
		return err
	}
	if len(doubts) > 0 {
		return r.markBroken(lang.M("what was loaded is not the backup: %s", doubts[0].Msg), p.Source.Name)
	}
	r.rec.State, r.rec.BuiltAt, r.rec.BuildMS = standby.Ready, r.now(), time.Since(began).Milliseconds()
	r.rec.Check = &standby.Check{
		At:       r.now(),
		Backup:   p.Source.Name,
		BackupAt: p.Source.At,
		Place:    p.Source.Replay.From.Position,
		Tables:   len(p.Source.Tables),
		Rows:     p.Source.Rows(),
		Good:     true,
	}
	r.rec.AppliedTo, r.rec.Place = p.Source.At, p.Source.Replay.From
	r.did.Built = true
	if err := r.save(); err != nil {
		return err
	}
	state, ok, err := r.server.Standby.State(r.ctx, p.Shadow)
	if err == nil && !ok {
		err = fmt.Errorf("the standby %s was built and does not say how far it is", p.Shadow)
	}
	r.state = state
	return err
}

// unfinished is the plan of a build that was broken off and can go on; nil when there is
// none.
func (r *round) unfinished() (*restore.Plan, error) {
	if r.rec.State != standby.Building {
		return nil, nil
	}
	id, err := r.server.Facts.Identity(r.ctx)
	if err != nil || id != r.rec.Server {
		return nil, err
	}
	text, err := regular.ReadFile(planPath(r.Standby().Folder(r.rec.ID)))
	if err != nil {
		return nil, nil // a new one is begun, and the former schema swept
	}
	p := &restore.Plan{}
	if json.Unmarshal(text, p) != nil || p.Source.Replay == nil {
		return nil, nil
	}
	if _, err := os.Stat(p.Source.Path); err != nil {
		return nil, nil // its backup is gone
	}
	return p, nil
}

func planPath(f run.Folder) string { return filepath.Join(f.Path, "build.json") }

// begin chooses the backup, tells the cost, drops the former standby and writes down what
// is built now.
func (r *round) begin(why lang.Msg) (*restore.Plan, error) {
	b, err := r.choose()
	if err != nil {
		return nil, err
	}
	cost, err := r.cost(r.ctx, r.server.Facts, b.src)
	if err != nil {
		return nil, err
	}
	if err := r.regain(&cost); err != nil {
		return nil, err
	}
	if err := cost.Room(); err != nil {
		return nil, err
	}
	if r.Begun != nil {
		if err := r.Begun(cost); err != nil {
			return nil, err
		}
	}
	if err := r.drop(why); err != nil {
		return nil, err
	}
	server, err := r.server.Facts.Identity(r.ctx)
	if err != nil {
		return nil, err
	}
	live := r.Service.Database.Name
	id := restore.NewID(r.now(), uint16(rand.Uint32()))
	b.src.Replay = &restore.Replay{From: b.run.From, To: b.run.From, Done: b.run.Done.String(), BackupAt: b.src.At}
	p := &restore.Plan{
		FormatVersion: restore.PlanVersion,
		ID:            id,
		Service:       r.Service.Name,
		Mode:          restore.Swap,
		Source:        b.src,
		Shadow:        restore.StandbySchema(live, id),
		Target:        restore.Target{Database: live, Live: live, Identity: server},
		LockWait:      restore.Span(r.Service.Backup.LockWait),
	}
	r.rec = &standby.Record{FormatVersion: standby.Version, Service: r.Service.Name, Database: live, Server: server,
		ID: id, Schema: p.Shadow, State: standby.Building, Backup: b.src.Name, BackupAt: b.src.At,
		Done: b.run.Done.String(), Rate: r.rec.Rate}
	f := r.Standby().Folder(id)
	text, err := json.Marshal(p)
	if err == nil {
		err = os.MkdirAll(f.Path, 0o700)
	}
	if err == nil {
		err = atomicfile.WriteBytes(planPath(f), 0o600, text)
	}
	if err != nil {
		return nil, err
	}
	r.Say(lang.M("loading %s into the standby %s", b.src.Name, p.Shadow))
	return p, r.save()
}

// regain counts the room that the former standby gives back.
func (r *round) regain(c *Cost) error {
	if r.rec.Schema == "" || c.FreeBytes < 0 {
		return nil
	}
	taken, err := r.taken()
	if err != nil || taken[r.rec.Schema] != "" {
		return err
	}
	sizes, err := r.server.Standby.List(r.ctx, r.Service.Database.Name)
	c.FreeBytes += sizes[r.rec.Schema]
	return err
}

// drop removes the schema of a standby that cannot go on.
func (r *round) drop(why lang.Msg) error {
	old := r.rec.Schema
	if old == "" {
		return nil
	}
	taken, err := r.taken()
	if err != nil {
		return err
	}
	if id := taken[old]; id != "" {
		r.did.Why = lang.M("the restore %s used it", id)
	} else {
		if why.Empty() {
			why = lang.M("its build cannot continue")
		}
		r.Say(lang.M("rebuilding the standby: %s", why))
		if err := r.server.Standby.Drop(r.ctx, r.Service.Database.Name, old); err != nil {
			return err
		}
		r.did.Dropped, r.did.Why = old, why
	}
	return os.RemoveAll(r.Standby().Folder(r.rec.ID).Path)
}

// choose finds the newest backup that the archived log continues up to now.
func (r *round) choose() (*base, error) {
	sources, err := r.Finder().StandbySources(r.ctx)
	if err != nil {
		return nil, err
	}
	first := error(nil)
	for _, src := range sources {
		b, err := r.continued(src)
		if err == nil {
			return b, nil
		}
		if first == nil {
			first = err
		}
		if r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
	}
	if first == nil {
		first = ops.E(ops.Failed, lang.M("no good backup records its binlog position")).
			WithHint(lang.M("make one: opsdeck backup create"))
	}
	return nil, first
}

// continued looks whether the log can be applied to a backup, up to now.
func (r *round) continued(src restore.Source) (*base, error) {
	refused := func(why lang.Msg) error {
		return ops.E(ops.Failed, lang.M("no standby can be built from %s: %s", src.Name, why)).
			WithHint(lang.M("make a full backup now: opsdeck backup create"))
	}
	if src.Name == r.rec.Tried {
		return nil, refused(lang.M("the last one that was built from it broke: %s", r.rec.Why.Msg))
	}
	run, err := r.log.From(src.Database, src.Positions)
	switch {
	case err != nil:
		return nil, refused(lang.M("the archived binlog does not continue it"))
	case run.Gap != nil:
		return nil, refused(lang.M("the archived binlog has a gap after it"))
	case run.Beyond != nil:
		return nil, refused(lang.M("the service has moved to another server since"))
	}
	rows := map[string]int64{}
	for _, t := range src.Tables {
		rows[t.Name] = t.Rows
	}
	rest, err := replay.Ahead(r.ctx, r.Target, replay.Span{
		Run:      run,
		Moment:   binlog.Moment{Time: r.now()},
		Database: r.Service.Database.Name,
		Schema:   restore.StandbySchema(r.Service.Database.Name, "00000000-000000-0000"),
		Rows:     rows,
	})
	if err != nil {
		return nil, err
	}
	if len(rest.Refused) > 0 {
		return nil, refused(rest.Refused[0].Why)
	}
	if err := replay.MayApply(r.ctx, r.Target, run); err != nil {
		return nil, err
	}
	return &base{src, run}, nil
}

// markBroken marks the standby as broken: it is not used, and the next one is built from another
// backup.
func (r *round) markBroken(why lang.Msg, backup string) error {
	r.rec.State, r.rec.Why, r.rec.Tried = standby.Broken, restore.N(why), backup
	if err := r.save(); err != nil {
		return err
	}
	return ops.E(ops.Failed, lang.M("the standby is broken: %s", why)).
		WithHint(lang.M("it is rebuilt from the next full backup; rebuild it now: opsdeck restore standby rebuild"))
}

// Cost is what a standby takes.
type Cost struct {
	Schema    string `json:"-"`
	Backup    string `json:"backup"`
	NeedBytes int64  `json:"need_bytes"` // on the disk of the server's data, about
	FreeBytes int64  `json:"free_bytes"` // -1: not known
	KeepBytes int64  `json:"keep_bytes"` // free space below which it pauses
	LogBytes  int64  `json:"log_bytes"`  // what loading it adds to the binary log, about
}

// Room is an error where the disk has too little room.
func (c Cost) Room() error {
	if c.FreeBytes < 0 || c.FreeBytes-c.NeedBytes-c.LogBytes >= c.KeepBytes {
		return nil
	}
	return ops.E(ops.Failed, lang.M("the standby needs about %s on the server's disk and %s of binlog; %s are "+
		"free, of which %s stay free", human.Bytes(c.NeedBytes), human.Bytes(c.LogBytes), human.Bytes(c.FreeBytes),
		human.Bytes(c.KeepBytes))).
		WithHint(lang.M("make room, or set restore.standby: false"))
}

// Say tells the cost before anything is done.
func (c Cost) Say() []lang.Msg {
	free := lang.M("the free space there is not known")
	if c.FreeBytes >= 0 {
		free = lang.M("%s are free", human.Bytes(c.FreeBytes))
	}
	return []lang.Msg{
		lang.M("a standby loads a second copy of the database from %s: about %s on the server's disk; %s",
			c.Backup, human.Bytes(c.NeedBytes), free),
		lang.M("loading it adds about %s to the binlog, and each later change of the database is written to the "+
			"log twice", human.Bytes(c.LogBytes)),
		lang.M("it works over one connection, with pauses, and stops while the disk or the server is busy"),
	}
}

// rawRoom is how much a loaded copy takes for each byte of its text.
const rawRoom = 1.5

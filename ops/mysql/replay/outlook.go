package replay

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
	"opsdeck/ops/restore"
)

// Outlook is the first statement of an archived log that a replay cannot do, as far as the
// log was looked through. It is continued from where the last look ended, so a look costs
// only what is new.
type Outlook struct {
	Backup string       `json:"backup"` // the backup that would be rolled forward
	At     binlog.Place `json:"at"`     // looked through up to here
	Done   string       `json:"done,omitempty"`
	Strays []string     `json:"strays,omitempty"` // see judge.strays
	Temps  []OpenTemp   `json:"temps,omitempty"`
	Stops  *Stop        `json:"stops,omitempty"` // nil: none was found
	// Prepared are XA transactions, not yet committed or rolled back, that a replay cannot do.
	Prepared map[string]restore.Note `json:"prepared,omitempty"`
	Partial  bool                    `json:"partial,omitempty"`

	LookedAt time.Time `json:"looked_at,omitzero"`
}

// OpenTemp is a temporary table that is open at the end of a look.
type OpenTemp struct {
	Thread uint32       `json:"thread"`
	Name   string       `json:"name"`
	Why    restore.Note `json:"why,omitzero"` // why its rows are not known
}

// Stop is a transaction that a replay cannot do.
type Stop struct {
	ID   string          `json:"id"`
	At   binlog.Position `json:"at"` // the last place that can be reached: where it begins
	Time time.Time       `json:"time"`
	Why  restore.Note    `json:"why"` // English in JSON
}

// mostLooked is how much log one look reads, in bytes.
const mostLooked = 256 << 20

// Continue looks through what follows in the log. It reads statements only: whether rows can
// be replayed depends on the server and the user at the time.
func (o Outlook) Continue(
	ctx context.Context,
	target mysql.Target,
	run *changes.Run,
	src restore.Source,
) (Outlook, error) {
	if o.Backup != src.Name || o.At.File == "" {
		o = Outlook{Backup: src.Name, At: run.From, Done: run.Done.String()}
	}
	if o.Stops != nil {
		return o, nil
	}
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return o, err
	}
	defer db.Close()
	l := &outlooker{Outlook: &o}
	if l.done, err = binlog.ParseGTIDs(o.Done); err != nil {
		return o, err
	}
	if err := l.ask(ctx, db, run, src); err != nil {
		return o, err
	}
	var more bool
	open := func() bool { return len(l.Prepared) > 0 } // a commit is no statement that the index knows
	o.At, more, err = run.Statements(ctx, o.At, mostLooked, open, l.file, l.take)
	if err != nil {
		return o, err
	}
	o.Partial = more
	l.keep()
	return o, nil
}

// outlooker is a look in progress.
type outlooker struct {
	*Outlook
	judge judge
	done  binlog.GTIDs
	skip  bool     // the backup holds the group
	why   lang.Msg // why the group cannot be replayed
}

func (l *outlooker) ask(ctx context.Context, q schema.Querier, run *changes.Run, src restore.Source) error {
	names, err := schemas(ctx, q)
	if err != nil {
		return err
	}
	maria, err := schema.IsMariaDB(ctx, q)
	if err != nil {
		return err
	}
	l.judge = newJudge(src.Database, restore.SideSchema(src.Database, "new", "00000000-000000-0000"), nil, names)
	l.judge.maria = maria
	if l.judge.folds, err = schema.FoldsNames(ctx, q); err != nil {
		return err
	}
	l.judge.has = func(t sqlscan.Ref) bool { return thereIs(ctx, q, t) }
	if l.judge.inbound, err = inboundOf(ctx, q, src.Database); err != nil {
		return err
	}
	if l.At == run.From {
		strays, err := strayTriggers(ctx, q, src.Database)
		if err != nil {
			return err
		}
		l.Strays = heldStrays(src, strays)
	}
	for _, name := range l.Strays {
		l.judge.strays[name] = true
	}
	for _, t := range l.Temps {
		l.judge.temp[tempTable{t.Thread, t.Name}] = t.Why.Msg
	}
	return nil
}

// heldStrays are the triggers, functions and views of a backup among those that name another
// database.
func heldStrays(src restore.Source, strays []string) (held []string) {
	for _, o := range src.Holds {
		name := strings.ToLower(o.Name)
		if (o.Kind == "trigger" || o.Kind == "function") && slices.Contains(strays, name) {
			held = append(held, name)
		}
		if o.Kind == "view" && slices.Contains(strays, viewPrefix+name) {
			held = append(held, viewPrefix+name)
		}
	}
	return held
}

// keep stores what the next look needs.
func (l *outlooker) keep() {
	l.Strays = slices.Sorted(maps.Keys(l.judge.strays))
	l.Temps = nil
	for t, why := range l.judge.temp {
		l.Temps = append(l.Temps, OpenTemp{t.thread, t.name, restore.N(why)})
	}
}

func (l *outlooker) file(_ binlog.Place, f *format.Format) error {
	if !f.Created.IsZero() {
		clear(l.judge.temp)
	}
	return nil
}

func (l *outlooker) take(i *format.Item) error {
	switch i.What {
	case format.Begin:
		l.why = lang.Msg{}
		l.skip = i.Group.GTID.ID != "" && !l.done.Empty() && contains(l.done, i.Group.GTID.ID)
	case format.Statement:
		if _, why := l.judge.statement(i.Query); l.why.Empty() {
			l.why = why
		}
	case format.Load, format.Incident:
		if why := l.judge.unreplayable(i); l.why.Empty() {
			l.why = why
		}
	case format.End:
		if !l.skip && l.Stops == nil && !i.Group.RolledBack {
			l.end(i.Group)
		}
	}
	return nil
}

// end notes a group that a replay cannot do. Of an XA transaction nothing is replayed before
// it is committed.
func (l *outlooker) end(g *format.Group) {
	why := restore.N(l.why)
	switch g.Phase {
	case format.XAPrepared:
		if !l.why.Empty() {
			if l.Prepared == nil {
				l.Prepared = map[string]restore.Note{}
			}
			l.Prepared[g.XA] = why
		}
		return
	case format.XARollback:
		delete(l.Prepared, g.XA)
		return
	case format.XACommit:
		first, known := l.Prepared[g.XA]
		delete(l.Prepared, g.XA)
		if known {
			why = first
		}
	}
	if why.Empty() {
		return
	}
	l.Stops = &Stop{ID: g.ID(), At: binlog.Position{File: g.File, Pos: g.Pos}, Time: g.Time, Why: why}
}

package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
	"opsdeck/ops/restore"
)

// Draft forecasts how a backup would be rolled forward to a moment. A reason that prevents
// the whole replay is an *ops.Error; single statements that cannot be replayed are listed
// in the result.
func Draft(
	ctx context.Context,
	log *changes.Source,
	target mysql.Target,
	src restore.Source,
	c restore.Choice,
) (*restore.Replay, error) {
	m := *c.Moment
	if src.Where != "" || src.NoData || !src.Manifest {
		return nil, ops.E(ops.Failed, lang.M("%s cannot be rolled forward: it does not contain all rows of its "+
			"tables, or does not record their moment", src.Name)).
			WithHint(lang.M("choose another backup"))
	}
	if len(src.Positions) == 0 {
		return nil, ops.E(ops.Failed, lang.M("%s does not record its binlog position", src.Name)).
			WithHint(lang.M("choose a backup that was made with the binlog on, by a user with the privilege to " +
				"read its position"))
	}
	run, err := log.From(src.Database, src.Positions)
	if err != nil {
		return nil, noStart(err, src)
	}
	q, err := ask(ctx, target, src, c)
	if err != nil {
		return nil, err
	}
	q.Run, q.Moment = run, m
	q.Has = func(t sqlscan.Ref) bool { return exists(ctx, target, t) }
	f, err := Look(ctx, q)
	if err != nil && !errors.Is(err, ErrNotReached) {
		return nil, err
	}
	if err := orderOf(m, src, run, f).refusal(m, src, run, err == nil); err != nil {
		return nil, err
	}
	if err := unasked(m, run, f); err != nil {
		return nil, err
	}
	out := replayOf(m, src, run, f)
	if len(f.Unseen) > 0 {
		out.Warnings = append(out.Warnings, restore.N(f.unseen(&q.server, src.Database)))
	}
	if f.Transactions == 0 {
		return out, nil
	}
	err = try(ctx, target, run, f.Temporary)
	if long := f.Long.fits(ctx, target, q, f, err == nil); long != nil {
		return nil, long
	}
	if err == nil || f.Temporary || f.Triggers || !byStatements(ctx, target, src.Database, err) {
		return out, err
	}
	if f.InPart != "" {
		return nil, inPart(f.InPart, &q.server)
	}
	out.Warnings = append(out.Warnings, restore.N(lang.M("the binlog's rows are replayed one by one as "+
		"statements, which is slower: this user lacks the privilege for the BINLOG statement (%s)", q.server.grant())))
	return out, nil
}

// Span is a part of the log that is applied to a database that already has everything
// before it.
type Span struct {
	Run      *changes.Run
	Moment   binlog.Moment
	Database string           // name in the log
	Schema   string           // target database
	Rows     map[string]int64 // current row counts
	// Quiet ends it where no temporary table is open, so that another session can continue.
	Quiet bool
}

// Ahead forecasts the effect of applying a span and reads nothing after its end. If the
// log ends before the moment, the span ends with the log.
func Ahead(ctx context.Context, target mysql.Target, s Span) (*Forecast, error) {
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	q := Question{Run: s.Run, Moment: s.Moment, From: s.Database, To: s.Schema, Rows: s.Rows}
	q.Open, q.Quiet = true, s.Quiet
	if q.Others, err = schemas(ctx, db); err != nil {
		return nil, mysql.Explain(err, target)
	}
	if q.Maria, err = schema.IsMariaDB(ctx, db); err != nil {
		return nil, mysql.Explain(err, target)
	}
	if q.Folds, err = schema.FoldsNames(ctx, db); err != nil {
		return nil, mysql.Explain(err, target)
	}
	return Look(ctx, q)
}

// MayApply returns an error if this user or this server cannot apply the log's rows.
func MayApply(ctx context.Context, target mysql.Target, run *changes.Run) error {
	return try(ctx, target, run, false)
}

// byStatements reports whether rows can be replayed as statements if the server refuses
// its BINLOG statement: no table may have triggers, which would fire again.
func byStatements(ctx context.Context, target mysql.Target, database string, refused error) bool {
	if mysql.Number(refused) != mysql.ErrSpecificAccess {
		return false
	}
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return false
	}
	defer db.Close()
	n, err := schema.One(ctx, db, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ?",
		database)
	return err == nil && n == "0"
}

func noStart(err error, src restore.Source) error {
	var unread *changes.UnreadError
	if errors.As(err, &unread) {
		return ops.Wrap(err, ops.Failed, lang.M("the binlog is not archived from %s on, and more than %s of it is "+
			"on the server: too much to read at once", unread.File, human.Bytes(unread.Most))).
			WithHint(lang.M("archive it first: opsdeck backup binlog fetch"))
	}
	var unlogged *changes.UnloggedError
	if errors.As(err, &unlogged) {
		return ops.Wrap(err, ops.Failed, lang.M("the server does not log changes of %s (%s): no log continues %s",
			unlogged.Database, unlogged.Setting, src.Name)).
			WithHint(lang.M("only the backup itself can be restored; change the setting, restart the server and make " +
				"a full backup to be able to restore to a moment"))
	}
	position := src.Positions[0]
	var another *changes.AnotherLogError
	if errors.As(err, &another) {
		return ops.Wrap(err, ops.Failed, lang.M("%s of server %s may not be the log of %s: the service may "+
			"have moved to another server, or its log was reset", another.File, another.Server, src.Name)).
			WithHint(lang.M("choose a newer backup, or make a full one now: opsdeck backup create"))
	}
	if errors.Is(err, changes.ErrAmbiguous) {
		return ops.Wrap(err, ops.Failed, lang.M("several available logs contain the position of %s: %s",
			src.Name, position.Position.String())).
			WithHint(lang.M("choose a newer backup, or make a full one now: opsdeck backup create"))
	}
	return ops.Wrap(err, ops.Failed, lang.M("the available binlog does not contain the position of %s: %s",
		src.Name, position.Position.String())).
		WithHint(lang.M("choose another backup; the archive's contents: opsdeck backup binlog list"))
}

// notReached tells how far the log reaches.
func notReached(m binlog.Moment, src restore.Source, run *changes.Run) error {
	span := reach(src, run)
	if run.Gap != nil && run.Gap.Reason == binlog.Unlogged {
		return ops.E(ops.Failed, lang.M("from %s on, the server did not log changes of %s: %s cannot be reached",
			run.Gap.ToFile, src.Database, m.String())).
			WithHint(lang.M("it can reach %s", span))
	}
	if run.Gap != nil {
		return ops.E(ops.Failed, lang.M("the binlog has a gap before %s: it ends at %s and continues with %s",
			m.String(), run.End().String(), binlog.Position{File: run.Gap.ToFile, Pos: run.Gap.ToPos}.String())).
			WithHint(lang.M("it can reach %s", span))
	}
	if next := run.Beyond; next != nil {
		return ops.E(ops.Failed, lang.M("the log of this server ends before %s; the available log continues on "+
			"another server, %s, at %s", m.String(), next.Server,
			next.FromTime.Local().Format("2006-01-02 15:04:05 -07:00"))).
			WithHint(lang.M("a later moment needs a full backup made on that server; this one can reach %s", span))
	}
	return ops.E(ops.Usage, lang.M("the available binlog does not reach %s", m.String())).
		WithHint(lang.M("it can reach %s", span))
}

// reach describes the time range that a backup can be rolled forward to.
func reach(src restore.Source, run *changes.Run) string {
	const form = "2006-01-02 15:04:05 -07:00"
	to := run.ToTime()
	if to.Before(src.At) {
		to = src.At
	}
	return fmt.Sprintf("%s … %s (%s … %s)", src.At.Local().Format(form), to.Local().Format(form), run.From.Position,
		run.End().Position)
}

// ask queries the server for the facts that a forecast needs.
func ask(ctx context.Context, target mysql.Target, src restore.Source, c restore.Choice) (q Question, err error) {
	db, err := mysql.Open(ctx, target, "")
	if err != nil {
		return q, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return q, mysql.Explain(err, target)
	}
	defer conn.Close()
	q = Question{From: src.Database, To: c.Into, Tables: c.Tables, Rows: map[string]int64{}}
	if q.To == "" {
		q.To = restore.SideSchema(src.Database, "new", "00000000-000000-0000")
	}
	if q.Others, err = schemas(ctx, conn); err != nil {
		return q, mysql.Explain(err, target)
	}
	var s server
	if err := s.ask(ctx, conn); err != nil {
		return q, mysql.Explain(err, target)
	}
	q.Maria, q.Folds, q.server = s.maria, s.folds, s
	if q.Side, err = sideOf(ctx, conn, src); err != nil {
		return q, mysql.Explain(err, target)
	}
	strays, err := strayTriggers(ctx, conn, src.Database)
	if err != nil {
		return q, mysql.Explain(err, target)
	}
	q.Strays = heldStrays(src, strays)
	if q.Inbound, err = inboundOf(ctx, conn, src.Database); err != nil {
		return q, mysql.Explain(err, target)
	}
	for _, t := range src.Tables {
		if len(c.Tables) == 0 || slices.Contains(c.Tables, t.Name) {
			q.Rows[t.Name] = t.Rows
			if t.Rows == 0 && t.Checksum == "" {
				q.Rows[t.Name] = unknownRows
			}
		}
	}
	return q, nil
}

// unasked is the error for a set of GTIDs that omits transactions before its end: a log is
// replayed in order, and later transactions may need the rows of an omitted one.
func unasked(m binlog.Moment, run *changes.Run, f *Forecast) error {
	if f.Extra.Empty() {
		return nil
	}
	all := run.Base.Clone()
	all.Union(f.Extra)
	if want, err := binlog.ParseGTIDs(m.GTIDs); err == nil {
		all.Union(want)
	}
	return ops.E(ops.Usage, lang.M("transactions that are not in %s come before its end in the binlog: %s", m.String(),
		f.Extra.String())).
		WithHint(lang.M("to replay them too, name them: --until %s", all.String()))
}

func replayOf(m binlog.Moment, src restore.Source, run *changes.Run, f *Forecast) *restore.Replay {
	r := &restore.Replay{
		Asked:        m,
		BackupAt:     src.At,
		From:         run.From,
		Done:         run.Done.String(),
		To:           f.To,
		ToTime:       f.ToTime,
		Next:         f.Next,
		Reach:        reach(src, run),
		Transactions: f.Transactions,
		Tables:       f.Tables,
		Rows:         f.Rows,
		Least:        f.Least,
		After:        f.After,
		AfterCount:   f.AfterCount,
		AfterDDL:     f.AfterDDL,
		Live:         run.Live,
		Definers:     f.Definers,
		Creations:    f.Triggers || f.Functions,
	}
	warn := func(m lang.Msg) { r.Warnings = append(r.Warnings, restore.N(m)) }
	switch {
	case f.Damaged != nil:
		warn(lang.M("the binlog after that is damaged: %s", f.Damaged.Error()))
		r.Ends = restore.N(lang.M("the log is damaged after it, so what comes later is not known"))
	case run.Gap != nil:
		r.Ends = restore.N(lang.M("the log has a gap after %s, so what comes later is not known",
			run.End().Position.String()))
	}
	if f.Statements > 0 {
		warn(
			lang.M(
				"%d statements in statement format are run again: what is not deterministic in them may give "+
					"other results",
				f.Statements,
			),
		)
	}
	if f.Foreign > 0 {
		warn(lang.M("%d transactions also changed other databases: that part is not replayed", f.Foreign))
	}
	if early := f.Early; early.Count > 0 {
		warn(lang.M("not restored although their time is before %s: %d later transactions. The replay ends before the "+
			"first one at or after that time (%s, %s). A session that sets its timestamp, or a clock that was set "+
			"back, causes this. --until %s restores them too, and with them %d transactions at or after that time",
			m.String(), early.Count, early.First.String(), early.Time.Local().Format("2006-01-02 15:04:05 -07:00"),
			early.Last.String(), early.Between))
	}
	for _, x := range f.Likes {
		warn(lang.M("%s is created like %s.%s, as that table is now", x.Name, x.Other.Schema, x.Other.Name))
	}
	if len(f.Rough) > 0 {
		warn(lang.M("the rows of these tables are an estimate: a foreign key may have removed rows, which the log "+
			"does not name: %s", strings.Join(f.Rough, ", ")))
	}
	if len(f.Followed) > 0 {
		warn(lang.M("foreign keys refer to tables of other databases, in which rows were changed or deleted. The "+
			"binlog does not contain what that did to these tables, so rows without a parent may remain in them: %s",
			strings.Join(f.Followed, ", ")))
	}
	for _, x := range f.Refused {
		at := x.Time.Local().Format("2006-01-02 15:04:05")
		r.Refused = append(r.Refused, restore.N(lang.M("%s, %s: %s", at, x.ID, x.Why)))
	}
	return r
}

// Rolled is the source with its replay, dated to the moment that it is rolled forward to.
func Rolled(src restore.Source, r *restore.Replay) restore.Source {
	src.Replay = r
	switch {
	case !r.Asked.Time.IsZero():
		src.At = r.Asked.Time
	case !r.ToTime.IsZero():
		src.At = r.ToTime
	}
	return src
}

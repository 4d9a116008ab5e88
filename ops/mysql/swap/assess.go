package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// surveyJobs is the number of tables that are surveyed in parallel.
const surveyJobs = 4

// countLimit is the estimated row count up to which a table is counted.
const countLimit = 2_000_000

// Surveyor assesses the target before, and between the steps of, a restore.
type Surveyor struct {
	*link
	facts    *Facts
	damage   *Damage
	sessions *Sessions
	losses   *Losses
	wait     time.Duration // of what is tried, for a lock of others
}

// Survey assesses the target for a backup and a selection: what is broken, what will be
// lost, what blocks the restore. It changes nothing except for creating a temporary empty
// database, which shows whether RENAME works across databases.
func (s *Surveyor) Survey(
	ctx context.Context,
	live string,
	src restore.Source,
	choice restore.Choice,
) (*restore.Assessment, error) {
	db, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	a := &restore.Assessment{At: time.Now(), Loss: restore.Loss{Since: src.At}, Disk: restore.Disk{SaveFree: -1}}
	if a.Server, err = s.facts.state(ctx, db); err != nil {
		return nil, err
	}
	if err := mysql.RefuseNoRoom(ctx, db, s.Target); err != nil {
		return nil, err // what follows tries statements, which would wait
	}
	if f := s.facts.readOnly(ctx, db, &a.Server); f != nil {
		a.Findings = append(a.Findings, *f)
	}
	s.surveyFrozen(ctx, a, live)
	if !a.Frozen {
		s.sweepTrials(ctx, a, db, live)
	}
	target := live
	if choice.Into != "" {
		target = choice.Into
	}
	if a.SchemaThere, err = exists(ctx, db, target); err != nil {
		return nil, err
	}
	if f := s.facts.readOnlyDatabase(ctx, db, target); f != nil {
		a.Server.ReadOnly = true // nothing is tried in it
		a.Findings = append(a.Findings, *f)
	}
	if err := s.surveyTables(ctx, db, a, target, src); err != nil {
		return nil, err
	}
	s.damage.surveyDeadly(a)
	if choice.Into != "" {
		held, err := schema.Inventory(ctx, db, target)
		if err != nil {
			return nil, err
		}
		if len(held) > 0 {
			a.Findings = append(
				a.Findings,
				restore.Finding{
					State:  ops.StateCritical,
					Blocks: true,
					What:   restore.N(lang.M("%s is not empty: it has the %s", target, held[0])),
					Hint:   restore.N(lang.M("choose a database that does not exist or is empty")),
				},
			)
		}
		s.surveyRights(ctx, db, a, target, restore.Into)
		s.surveyCreators(ctx, db, a, target, src, nil)
		s.surveyOwners(ctx, db, a, target, src, nil)
		s.surveyDisk(ctx, db, a, src)
		return a, nil
	}
	if a.Sessions, a.SessionsHidden, err = s.surveySessions(ctx, live); err != nil {
		return nil, err
	}
	keys, err := schema.ForeignKeys(ctx, db, live)
	if err != nil {
		return nil, err
	}
	a.Closure = closure(choice.Tables, keys)
	if len(choice.Tables) == 0 {
		a.Closure = nil
	}
	for _, k := range keys {
		switch {
		case k.Database != live && k.ParentDatabase == live:
			a.Outside = append(a.Outside, k.Database+"."+k.Table)
		case k.Database == live && k.ParentDatabase != live:
			a.Beyond = append(a.Beyond, k.Table+" → "+k.ParentDatabase+"."+k.Parent)
		}
	}
	hidden, all, err := schema.HiddenKeys(ctx, db, live)
	if err != nil {
		return nil, err
	}
	for _, k := range hidden {
		a.Outside = append(a.Outside, k.Database+"."+k.Table)
	}
	a.OutsideHidden = !all
	s.surveyPrepared(ctx, db, a, live)
	s.surveyOrphans(ctx, db, a, live)
	s.surveyTriggers(ctx, db, a, live, choice.Tables)
	s.surveyEvents(ctx, db, a, live)
	s.surveyDefiners(ctx, db, a, src)
	s.surveyRights(ctx, db, a, live, restore.Swap)
	s.surveyCreators(ctx, db, a, live, src, choice.Tables)
	s.surveyOwners(ctx, db, a, live, src, choice.Tables)
	s.surveyRename(ctx, db, a, live)
	s.surveyDisk(ctx, db, a, src)
	if src.Replay != nil {
		a.Loss = src.Replay.Loss()
	} else {
		s.losses.loss(ctx, a, live, src, choice.Tables)
	}
	if a.SchemaThere {
		s.losses.lostObjects(ctx, &a.Loss, live, src, choice.Tables)
	}
	return a, nil
}

// surveyTables compares the live tables with the backup's: present, readable, checked,
// counted.
func (s *Surveyor) surveyTables(
	ctx context.Context,
	db *sql.DB,
	a *restore.Assessment,
	in string,
	src restore.Source,
) error {
	rows, err := schema.All(
		ctx,
		db,
		"SELECT TABLE_NAME, COALESCE(ENGINE, ''), COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH + INDEX_LENGTH, 0), "+
			"TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME",
		in,
	)
	if err != nil {
		return fmt.Errorf("list the tables of %s: %w", in, err)
	}
	var names []string
	for _, r := range rows {
		if r[4] == "VIEW" || r[4] == "SYSTEM VIEW" {
			a.Views++
			continue
		}
		if schema.Bookkeeping(r[0]) {
			continue
		}
		t := restore.TableState{Name: r[0], Exists: true, Engine: r[1], BackupRows: -1, Estimate: true}
		t.Rows, _ = strconv.ParseInt(r[2], 10, 64)
		t.Bytes, _ = strconv.ParseInt(r[3], 10, 64)
		t.Versioned = r[4] == "SYSTEM VERSIONED"
		if r[4] == "SEQUENCE" {
			t.Engine = r[4]
		}
		a.Tables = append(a.Tables, t)
		names = append(names, r[0])
	}
	for _, t := range src.Tables {
		if !slices.Contains(names, t.Name) {
			a.Tables = append(a.Tables, restore.TableState{Name: t.Name, InBackup: true, BackupRows: t.Rows})
		}
	}
	g := errgroup.Group{}
	g.SetLimit(surveyJobs)
	for i := range a.Tables {
		if t := &a.Tables[i]; t.Exists {
			g.Go(func() error { s.surveyTable(ctx, db, t, in, src); return nil })
		}
	}
	g.Wait()
	s.countObjects(ctx, db, a, in)
	return ctx.Err()
}

func (s *Surveyor) surveyTable(ctx context.Context, db *sql.DB, t *restore.TableState, in string, src restore.Source) {
	if b, ok := src.Table(t.Name); ok {
		t.InBackup, t.BackupRows = true, b.Rows
	}
	err := s.damage.risk(ctx, db, in, t.Name, func() error { return s.readTable(ctx, db, t, in) })
	if err == nil || ctx.Err() != nil {
		return
	}
	t.Check = err.Error()
	t.Estimate = true
	var ends *deadlyError
	if t.Deadly = errors.As(err, &ends); t.Deadly {
		t.Evidence = ends.Evidence
	}
}

// readTable checks a table and counts its rows. The returned error concerns the
// connection; problems of the table are in its state.
func (s *Surveyor) readTable(ctx context.Context, db *sql.DB, t *restore.TableState, in string) error {
	c, err := load.CheckTable(ctx, db, in, t.Name, true)
	if mysql.Lost(err) {
		return err
	}
	switch {
	case err != nil || c.Unsupported:
	case len(c.Complaints) > 0:
		t.Check = c.Complaints[0]
	default:
		t.Check = "OK"
	}
	if t.Rows > countLimit {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	of := restore.Name(in, t.Name)
	if t.Versioned { // a backup counts all versions of the rows
		of += allVersions
	}
	n, err := schema.One(bounded, db, "SELECT COUNT(*) FROM "+of)
	switch {
	case err == nil:
		t.Rows, _ = strconv.ParseInt(n, 10, 64)
		t.Estimate = false
	case bounded.Err() == nil:
		if mysql.Lost(err) {
			return err
		}
		t.Rows, t.Estimate, t.Check = -1, false, err.Error()
	}
	return nil
}

func (s *Surveyor) countObjects(ctx context.Context, db *sql.DB, a *restore.Assessment, in string) {
	for _, o := range []struct {
		to    *int
		query string
	}{{&a.Routines, "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?"},
		{&a.Triggers, "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?"},
		{&a.Events, "SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?"}} {
		if n, err := schema.One(ctx, db, o.query, in); err == nil {
			*o.to, _ = strconv.Atoi(n)
		}
	}
}

// surveyTriggers lists the triggers that the swap drops; they are also counted.
func (s *Surveyor) surveyTriggers(ctx context.Context, db *sql.DB, a *restore.Assessment, live string, scope []string) {
	rows, err := schema.All(
		ctx,
		db,
		"SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY "+
			"TRIGGER_NAME",
		live,
	)
	if err != nil {
		return // they are read again at the swap
	}
	for _, r := range rows {
		if len(scope) == 0 || slices.Contains(scope, r[1]) {
			a.TriggerNames = append(a.TriggerNames, r[0])
		}
	}
}

func (s *Surveyor) surveySessions(ctx context.Context, in string) (list []restore.Session, hidden bool, err error) {
	c, err := s.conn(ctx, "", time.Second)
	if err != nil {
		return nil, false, err
	}
	defer c.Close()
	_, err = schema.One(ctx, c, "SELECT COUNT(*) FROM information_schema.INNODB_TRX")
	hidden = mysql.Number(err) == mysql.ErrSpecificAccess // it needs PROCESS, as the sessions of others do
	list, err = s.sessions.list(ctx, c, in)
	return list, hidden, err
}

// surveyDefiners finds definers of the backup's objects that the server does not know.
// Without the privilege to read accounts it reports nothing.
func (s *Surveyor) surveyDefiners(ctx context.Context, db *sql.DB, a *restore.Assessment, src restore.Source) {
	for _, d := range src.Definers {
		user, host, ok := strings.Cut(d, "@")
		if !ok || user == "" || strings.EqualFold(user, "current_user") {
			continue
		}
		rows, err := schema.All(
			ctx,
			db,
			"SELECT 1 FROM mysql.user WHERE User = ? AND Host = ?",
			strings.Trim(user, "`'"),
			strings.Trim(host, "`'"),
		)
		if err == nil && len(rows) == 0 && !slices.Contains(a.Definers, d) {
			a.Definers = append(a.Definers, d)
		}
	}
}

// untried tells that the RENAME was not tried, with the privilege that allows the trial.
func (s *Surveyor) untried(ctx context.Context, pool *sql.DB, live string) restore.Finding {
	grant := ""
	if account, err := mysql.NewAccount(ctx, pool); err == nil {
		grant = account.Grant(doctor.Trial, doctor.Places{Live: live})
	}
	return restore.Finding{
		State: ops.StateUnknown,
		What: restore.N(lang.M("the RENAME was not tried, nor whether objects can be created for others: this user " +
			"may not keep a trial out of the binlog (sql_log_bin)")),
		Hint: restore.N(lang.Raw(grant)),
	}
}

// surveyRename tries the swap's RENAME on two temporary databases.
func (s *Surveyor) surveyRename(ctx context.Context, pool *sql.DB, a *restore.Assessment, live string) {
	if len(a.Missing) > 0 || a.Server.ReadOnly || a.Frozen || !a.SwapRefused.Empty() {
		return
	}
	db := s.unlogged(ctx)
	if db == nil {
		a.Findings = append(a.Findings, s.untried(ctx, pool, live))
		return
	}
	defer db.Close()
	id := probeID()
	one := restore.SideSchema(live, probeFrom, id)
	two := restore.SideSchema(live, probeTo, id)
	if err := holdOn(ctx, db, one, two); err != nil {
		a.Findings = append(a.Findings, restore.Finding{State: ops.StateCritical, Blocks: true,
			What: restore.N(lang.M("could not test whether tables can be swapped: %s", err.Error())),
			Hint: restore.N(lang.M("try again"))})
		return
	}
	var made []string // what waits for a lock now would wait as long to be dropped
	defer func() {
		back := context.WithoutCancel(ctx)
		for _, name := range made {
			mysql.DropDatabase(back, db, name)
		}
	}()
	for i, q := range []string{"CREATE DATABASE " + restore.Name(one), "CREATE DATABASE " + restore.Name(two),
		"CREATE TABLE " + restore.Name(one, "t") + " (id INT PRIMARY KEY)", "RENAME TABLE " + restore.Name(one, "t") +
			" TO " + restore.Name(two, "t"),
		"SELECT COUNT(*) FROM " + restore.Name(two, "t")} {
		err := try(ctx, db, q)
		switch {
		case err == nil && i < 2:
			made = append(made, []string{one, two}[i])
		case err == nil:
		case denied(err): // the right is for other databases than the live one
			a.SwapRefused = restore.N(lang.M("no privileges on databases beside %s: %s", live, err.Error()))
			return
		case mysql.Number(err) == mysql.ErrLockWaitTimeout: // somebody's backup, for one
			a.Findings = append(a.Findings, restore.Finding{State: ops.StateCritical, Blocks: true,
				What: restore.N(lang.M("could not test whether tables can be swapped: %s",
					lang.M("another session holds a lock, and nothing can be created meanwhile"))),
				Hint: restore.N(lang.M("try again"))})
			return
		case i < 3: // in place it would fail too, once the live tables are dropped
			what := lang.M("the server cannot create tables: %s", err.Error())
			hint := lang.M("find the cause in the server's error log")
			if by := mysql.ReadOnlyBy(err); by != "" {
				_, hint = doctor.ReadOnly(by)
			}
			a.Findings = append(a.Findings, restore.Finding{State: ops.StateCritical, Blocks: true,
				What: restore.N(what), Hint: restore.N(hint)})
			return
		default:
			a.SwapRefused = restore.RawNote(err.Error())
			return
		}
	}
}

// denied reports that the user lacks a privilege on the database or table.
func denied(err error) bool {
	return mysql.Number(err) == mysql.ErrDBAccessDenied || mysql.Number(err) == mysql.ErrTableAccessDenied
}

func try(ctx context.Context, db *sql.Conn, q string) error {
	if strings.HasPrefix(q, "SELECT") {
		_, err := schema.All(ctx, db, q)
		return err
	}
	return mysql.DefineSoon(ctx, db, q)
}

// surveyDisk estimates the disk space that both modes need: the size of the live tables,
// or of the dump's text if that is larger; and about the text once more in the binary log.
// What is free is known only if the server's folders are on this machine.
func (s *Surveyor) surveyDisk(ctx context.Context, db *sql.DB, a *restore.Assessment, src restore.Source) {
	var now int64
	for _, t := range a.Tables {
		now += t.Bytes
	}
	size := max(now, src.RawBytes*3/2)
	a.Disk.NeedSwap = size + size/10
	a.Disk.NeedPlace = max(0, size+size/10-now)
	a.Disk.NeedSave = max(src.SizeBytes, now/4)
	disks, err := mysql.Disks(ctx, db, s.Target)
	if err != nil {
		return
	}
	if a.Server.BinaryLog {
		a.Disk.NeedLog = src.RawBytes
	}
	for _, d := range disks {
		switch {
		case d.Data:
			a.Disk.Known, a.Disk.Folder, a.Disk.Free = d.Known, d.Folder, d.Free
			if d.Log { // one disk takes both
				a.Disk.NeedSwap += a.Disk.NeedLog
				a.Disk.NeedPlace += a.Disk.NeedLog
			}
		case a.Server.BinaryLog:
			a.Disk.Log = &restore.LogDisk{Known: d.Known, Folder: d.Folder, Free: d.Free}
		}
	}
}

func local(network, addr string) bool {
	return network == "unix" || strings.HasPrefix(addr, "127.") || strings.HasPrefix(addr, "localhost:") ||
		strings.HasPrefix(addr, "[::1]:")
}

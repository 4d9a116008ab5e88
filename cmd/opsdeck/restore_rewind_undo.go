package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/rewind"
	"opsdeck/ops/restore"
)

// rewindPrefix begins the id of a transaction that was taken back.
const rewindPrefix = "rewind-"

// rewindRecord is what is kept of one, with what takes it back.
type rewindRecord struct {
	ID       string          `json:"id"`
	Service  string          `json:"service"`
	Database string          `json:"database"`
	Txn      string          `json:"txn"`
	At       time.Time       `json:"at"`
	State    string          `json:"state"`
	Rows     int             `json:"rows"`              // in the file beside it, NAME.rows.zst
	Inverse  []binlog.NetRow `json:"inverse,omitempty"` // where earlier versions kept them
}

// States of a record. A prepared one was committed or not: its rows tell.
const (
	rewindPrepared = "prepared"
	rewindDone     = "done"
	rewindUndone   = "undone"
)

func (sh *shelf) rewindPath(id string) string {
	return filepath.Join(sh.StateDir, "rewinds", filepath.Base(id)+".json")
}

// rewindRows is the file of the rows that take it back.
func (sh *shelf) rewindRows(id string) string {
	return strings.TrimSuffix(sh.rewindPath(id), ".json") + ".rows.zst"
}

// keepInverse keeps the rows of a record, then the record that tells of them.
func (sh *shelf) keepInverse(r rewindRecord, rows []binlog.NetRow) error {
	path := sh.rewindRows(r.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	err := atomicfile.Write(path, 0o600, func(w io.Writer) error { return rewind.WriteInverse(w, rows) })
	if err != nil {
		return err
	}
	return sh.keepRewind(r)
}

// inverseOf reads the rows that take a record's run back.
func (sh *shelf) inverseOf(r rewindRecord) ([]binlog.NetRow, error) {
	if r.Rows == 0 {
		return r.Inverse, nil
	}
	file, err := os.Open(sh.rewindRows(r.ID))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return rewind.ReadInverse(file)
}

func (sh *shelf) keepRewind(r rewindRecord) error {
	path := sh.rewindPath(r.ID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, 0o600, data)
}

func (sh *shelf) loadRewind(id string) (r rewindRecord, err error) {
	data, err := os.ReadFile(sh.rewindPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return r, ops.E(ops.Usage, lang.M("no transaction was taken back under %q", id))
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

// carryOut runs a plan with its inverse on disk before the commit, and on record.
func (sh *shelf) carryOut(ctx context.Context,
	conn *sql.Conn,
	p *rewind.Plan,
	choice rewind.Choice,
	kept rewindRecord,
) (rewind.Done, error) {
	held, err := sh.holdDatabase(ctx, sh.Service, "restore rewind")
	if err != nil {
		return rewind.Done{}, err
	}
	defer held.Release()
	log, err := sh.oplog(ctx)
	if err != nil {
		return rewind.Done{}, err
	}
	entry := oplog.Entry{
		Service: sh.Service.Name,
		Action:  "restore.rewind",
		Object:  kept.Database,
		Result:  oplog.Started,
		Detail:  map[string]string{"id": kept.ID, "txn": kept.Txn},
	}
	if err := log.Record(entry); err != nil {
		return rewind.Done{}, err
	}
	done, err := p.Run(ctx, conn, choice, func(inverse []binlog.NetRow) error {
		kept.Rows = len(inverse)
		return sh.keepInverse(kept, inverse)
	})
	entry.Result = oplog.Done
	if err != nil {
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	} else {
		kept.State = rewindDone
		err = sh.keepRewind(kept)
	}
	return done, errors.Join(err, log.Record(entry))
}

// newestRewind is the id of the newest one that can be taken back, if it is newer than
// every restore.
func (a *app) newestRewind() string {
	state, err := a.stateDir()
	if err != nil {
		return ""
	}
	runs, _ := restore.Store{Dir: state}.Runs()
	newest := ""
	for _, id := range runs {
		newest = max(newest, id)
	}
	found := ""
	entries, _ := os.ReadDir(filepath.Join(state, "rewinds"))
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if stamp := strings.TrimPrefix(id, rewindPrefix); ok && stamp != id && stamp > newest {
			newest, found = stamp, id
		}
	}
	return found
}

// undoRewind takes back that a transaction was taken back.
func (c *restoreUndoCmd) undoRewind(ctx context.Context, a *app, id string) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	r, err := sh.loadRewind(id)
	if err != nil {
		return err
	}
	if r.State == rewindUndone {
		return ops.E(ops.Usage, lang.M("%s is undone already", id))
	}
	if r.Database != sh.Service.Database.Name {
		return ops.E(ops.Usage, lang.M("%s is about the database %s", id, r.Database))
	}
	return sh.onConn(ctx, func(conn *sql.Conn) error {
		rows, err := sh.inverseOf(r)
		if err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("what takes %s back cannot be read", id))
		}
		p, err := rewind.Back(ctx, conn, r.Database, r.ID, rows)
		if err != nil {
			return sh.rewindError(err)
		}
		if c.DryRun {
			sh.sayRewind(p)
			return nil
		}
		if err := sh.rewind(ctx, conn, p, "", c.Confirm, c.JSON); err != nil {
			return err
		}
		r.State = rewindUndone
		return sh.keepRewind(r)
	})
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

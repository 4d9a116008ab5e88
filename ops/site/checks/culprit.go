package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	reader "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/site/backups"
)

// mostCulprit is how many bytes of the server's own log a check reads to find who removed
// tables; the archive, which is found by its index, is read whatever its size.
const mostCulprit = 64 << 20

// mostDefinitions is how many statements that change definitions are looked at.
const mostDefinitions = 200

// culprits finds who removed tables, by the binlog.
type culprits struct{ Source }

// withCulprit names the transaction that removed tables, and the command that restores to
// just before it.
func (b culprits) withCulprit(look health.Probe) health.Probe {
	known := &found{}
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		if !r.Lost {
			return r
		}
		missing := missingTables(r)
		t := known.of(r.Headline.String()+strings.Join(missing, "\x00"), func() *binlog.Transaction {
			return b.culprit(ctx, missing)
		})
		if t == nil {
			r.Alone = b.alone(ctx, r, missing)
			return r
		}
		r.Add("removed_by", t.ID, lang.Raw(t.ID))
		drop := lang.Raw(t.Drop(b.Service.Database.Name))
		r.Why = lang.M("%s; removed at %s by %s: %s", r.Why, human.Moment(t.Time), t.ID, drop)
		r.Detail = lang.M("%s (%s)", r.Headline, r.Why)
		r.Next = lang.M("Restore to just before it: opsdeck restore --before %s --plan.", t.ID)
		if b.cutOff(ctx, t.Time) {
			r.Next = lang.M("Restore from the newest backup: %s", "opsdeck restore --plan")
			if alone := b.alone(ctx, r, missing); !alone.Empty() {
				r.Next = alone
			}
		}
		return r
	}
}

// alone advises to restore the missing tables alone, where a backup has them and others are left:
// those lose nothing. It is empty elsewhere.
func (b culprits) alone(ctx context.Context, r health.Result, missing []string) lang.Msg {
	newest, err := inventory(b).NewestGood(ctx)
	if n, _ := r.Field("tables").(int); err != nil || newest.CreatedAt.IsZero() || n == 0 || len(missing) == 0 {
		return lang.Msg{}
	}
	return lang.M("Restore the missing tables alone: %s",
		"opsdeck restore --tables "+human.Shell(strings.Join(missing, ","))+" --plan")
}

// cutOff tells whether a restore swapped the tables between the newest good backup and a moment:
// no restore reaches that.
func (b culprits) cutOff(ctx context.Context, moment time.Time) bool {
	at, err := b.Site()
	if err != nil {
		return false
	}
	newest, err := inventory(b).NewestGood(ctx)
	if err != nil {
		return false
	}
	cut, err := at.LogCut(b.Service.Database.Name, newest.CreatedAt)
	return err == nil && !cut.IsZero() && !cut.Truncate(time.Second).After(moment) // the log has whole seconds
}

// found is the last answer, so that the log is not read at every look at the same loss.
type found struct {
	sync.Mutex
	loss string
	txn  *binlog.Transaction
}

func (f *found) of(loss string, look func() *binlog.Transaction) *binlog.Transaction {
	f.Lock()
	defer f.Unlock()
	if f.txn == nil || f.loss != loss {
		f.loss, f.txn = loss, look()
	}
	return f.txn
}

// missingTables are the tables that the check found absent.
func missingTables(r health.Result) []string {
	for _, f := range r.Fields {
		if names, ok := f.Value.([]string); ok && f.Name == "missing_tables" {
			return names
		}
	}
	return nil
}

// culprit is the newest transaction that dropped the database or one of the missing tables,
// and after which that was not made again; nil where the log at hand does not tell.
func (b culprits) culprit(ctx context.Context, missing []string) *binlog.Transaction {
	sh, err := inventory(b).shelf()
	if err != nil {
		return nil
	}
	src := b.log(ctx, sh)
	if src == nil {
		return nil
	}
	defer src.Close()
	name := b.Service.Database.Name
	var found *binlog.Transaction
	q := changes.Query{Query: binlog.Query{
		Filter: binlog.Filter{Schema: name, Kind: binlog.DDL},
		Limit:  mostDefinitions,
	}}
	left := slices.Clone(missing)
	err = src.List(ctx, q, func(t *binlog.Transaction) error { // the newest first
		if t.Removes(name, left) {
			found = t
			return binarchive.ErrEnough
		}
		left = slices.DeleteFunc(left, t.Makes)
		if len(left) == 0 && len(missing) > 0 {
			return binarchive.ErrEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, binarchive.ErrEnough) {
		return nil
	}
	return found
}

// log is the archive, and what the server has beyond it where that is little.
func (b culprits) log(ctx context.Context, sh *backups.Shelf) *changes.Source {
	keys, err := sh.Identities()
	if err != nil {
		return nil
	}
	folder := sh.Binlog().Archive()
	if target, err := mysql.Resolve(b.Service.Database); err == nil {
		server, err := folder.Ask(ctx, target)
		if err == nil && server.Logging && beyond(folder, server) <= mostCulprit {
			if src, err := changes.Open(ctx, folder, keys, target); err == nil {
				return src
			}
		}
	}
	src, err := changes.OpenArchive(folder, keys)
	if err != nil {
		return nil
	}
	return src
}

// beyond is about how many bytes of a server's log the archive lacks.
func beyond(folder binarchive.Folder, server *reader.Server) (size uint64) {
	segments, err := folder.Segments(server.ID)
	last := ""
	if err == nil && len(segments) > 0 {
		last = segments[len(segments)-1].File
	}
	_, from, _ := binlog.Split(last)
	for _, l := range server.Logs {
		if _, n, _ := binlog.Split(l.File); n >= from {
			size += l.Pos
		}
	}
	return size
}

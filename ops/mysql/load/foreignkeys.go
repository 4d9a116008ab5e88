package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// KeyCheck says what is known about a copy before its foreign keys are checked.
type KeyCheck struct {
	Schema   string
	Tables   []string // the only tables that were loaded; empty: all
	Faithful bool     // its rows equal the backup's: rows without a parent had none there either
	// Held are the counts of a dump without manifest. A key is as in the dump when its
	// two tables have the rows of the dump.
	Held   []backup.TableVerdict
	Logged bool          // Held are the tables after a replay of the binary log
	Within time.Duration // keys that are not checked by then are told; 0: no limit
	// Kept is told each key of which the backup itself has rows without a parent; nil for
	// nobody.
	Kept func(k schema.ForeignKey, rows int64)
	// Among refuses tables that were checked before, and with them the keys between two of
	// these; nil: all keys are checked.
	Among func(table string) bool
	Tell  func(table string, done, total int)
}

// noSuchTable is ER_NO_SUCH_TABLE; the others say that a statement ran too long.
const (
	noSuchTable    = 1146
	errTimeMySQL   = 3024
	errTimeMariaDB = 1969
)

// CheckForeignKeys finds rows of a loaded copy whose parent rows are missing: the copy
// was loaded with the checks off. Faults make the copy bad, remarks do not. Drill and
// restore both use it.
func CheckForeignKeys(ctx context.Context, q schema.Querier, c KeyCheck) (faults, remarks []lang.Msg, err error) {
	keys, err := schema.ForeignKeys(ctx, q, c.Schema)
	if err != nil {
		return nil, nil, err
	}
	hidden, _, err := schema.HiddenKeys(ctx, q, c.Schema)
	if err != nil {
		return nil, nil, err
	}
	keys = append(keys, hidden...)
	begin := time.Now()
	unchecked := 0
	for i, k := range keys {
		if k.Database != c.Schema || k.ParentDatabase != c.Schema {
			found, err := c.across(ctx, q, k, begin)
			if err != nil {
				return nil, nil, err
			}
			if !found.Empty() {
				remarks = append(remarks, found)
			}
			continue
		}
		if !c.loaded(k.Table) && !c.loaded(k.Parent) {
			continue
		}
		if c.Among != nil && !c.Among(k.Table) && !c.Among(k.Parent) {
			continue
		}
		if c.Tell != nil {
			c.Tell(k.Table, i, len(keys))
		}
		if in, err := c.limit(ctx, q, begin); err != nil {
			return nil, nil, err
		} else if !in {
			unchecked++
			continue
		}
		found, rows, missing, err := dangling(ctx, q, k)
		switch {
		case errors.Is(err, errOutOfTime):
			unchecked++
		case err != nil:
			return nil, nil, err
		case found.Empty():
		case !c.loaded(k.Table) || !c.loaded(k.Parent):
			if !missing {
				remarks = append(remarks, lang.M("%s; only one of the two tables was restored", found))
			}
		case c.faithful(k, missing) && c.Logged:
			remarks = append(remarks, lang.M("%s, as in the backup and the log", found))
		case c.Logged && c.unproven(k):
			remarks = append(remarks,
				lang.M("%s; the log has statements instead of rows: this cannot be compared with it", found))
		case c.faithful(k, missing):
			if c.Kept != nil && rows > 0 {
				c.Kept(k, rows)
			}
			remarks = append(remarks, lang.M("%s, as in the backup", found))
		default:
			faults = append(faults, found)
		}
	}
	if c.Within > 0 {
		if err := limitTime(ctx, q, 0); err != nil {
			return nil, nil, err
		}
	}
	if unchecked > 0 {
		remarks = append(remarks,
			lang.M("foreign keys not checked, to save time: %s of %s; the rows are as in the backup",
				strconv.Itoa(unchecked), strconv.Itoa(len(keys))))
	}
	return faults, remarks, nil
}

// across looks at a key between the copy and another database, which was not loaded: rows
// without a parent there are no fault of the backup.
func (c KeyCheck) across(
	ctx context.Context,
	q schema.Querier,
	k schema.ForeignKey,
	begin time.Time,
) (lang.Msg, error) {
	if k.Database == c.Schema && !c.loaded(k.Table) || k.ParentDatabase == c.Schema && !c.loaded(k.Parent) {
		return lang.Msg{}, nil
	}
	if in, err := c.limit(ctx, q, begin); err != nil || !in {
		return lang.Msg{}, err
	}
	named := k
	named.Table, named.Parent = k.Database+"."+k.Table, k.ParentDatabase+"."+k.Parent
	found, _, _, err := danglingAs(ctx, q, k, named)
	if errors.Is(err, errOutOfTime) || err == nil && found.Empty() {
		return lang.Msg{}, nil
	}
	return lang.M("%s; the other database was not restored", found), err
}

// errOutOfTime says that the server ended the look at a key.
var errOutOfTime = errors.New("out of time")

// limit has the server end what runs longer than the time that is left; in is false when
// none is. A server that knows no such limit checks all keys.
func (c KeyCheck) limit(ctx context.Context, q schema.Querier, begin time.Time) (in bool, err error) {
	if c.Within == 0 {
		return true, nil
	}
	left := c.Within - time.Since(begin)
	if left < time.Millisecond {
		return false, nil
	}
	return true, limitTime(ctx, q, left)
}

// limitTime sets how long a statement may run; 0 is for ever.
func limitTime(ctx context.Context, q schema.Querier, d time.Duration) error {
	for _, set := range []string{
		fmt.Sprintf("SET SESSION max_execution_time = %d", d.Milliseconds()), // MySQL
		fmt.Sprintf("SET SESSION max_statement_time = %f", d.Seconds()),      // MariaDB
	} {
		if _, err := schema.All(ctx, q, set); err != nil && !optional(err) {
			return err
		}
	}
	return nil
}

// loaded tells whether a table is one of those that were loaded.
func (c KeyCheck) loaded(table string) bool {
	return len(c.Tables) == 0 || slices.Contains(c.Tables, table)
}

// faithful tells whether the two tables of a key are as in the backup; missing tells that
// the parent does not exist.
func (c KeyCheck) faithful(k schema.ForeignKey, missing bool) bool {
	if c.Faithful {
		return true
	}
	child, held := c.held(k.Table)
	if !held || child.State != backup.Same {
		return false
	}
	parent, held := c.held(k.Parent)
	if missing {
		return !held
	}
	return held && parent.State == backup.Same
}

// unproven tells whether a replay counted neither too many nor too few rows of the two
// tables, and of one of them none.
func (c KeyCheck) unproven(k schema.ForeignKey) bool {
	child, held := c.held(k.Table)
	parent, too := c.held(k.Parent)
	known := func(v backup.TableVerdict) bool { return v.State == backup.Same || v.State == backup.Unchecked }
	return held && too && known(child) && known(parent)
}

// held finds what is known about a table of the dump.
func (c KeyCheck) held(table string) (backup.TableVerdict, bool) {
	i := slices.IndexFunc(c.Held, func(v backup.TableVerdict) bool { return v.Name == table })
	if i < 0 {
		return backup.TableVerdict{}, false
	}
	return c.Held[i], true
}

// dangling describes the rows of one key that have no parent, and counts them; empty when
// there are none. missing tells that the parent table does not exist.
func dangling(
	ctx context.Context,
	q schema.Querier,
	k schema.ForeignKey,
) (found lang.Msg, n int64, missing bool, err error) {
	return danglingAs(ctx, q, k, k)
}

// danglingAs is dangling for a key whose tables have other names for people.
func danglingAs(
	ctx context.Context,
	q schema.Querier,
	key, k schema.ForeignKey,
) (found lang.Msg, n int64, missing bool, err error) {
	n, err = key.Orphans(ctx, q)
	switch {
	case ctx.Err() != nil:
		return found, 0, false, ctx.Err()
	case mysql.Number(err) == errTimeMySQL || mysql.Number(err) == errTimeMariaDB:
		return found, 0, false, errOutOfTime
	case mysql.Lost(err):
		return found, 0, false, err
	case mysql.Number(err) == noSuchTable:
		found = lang.M("the foreign key %s of %s refers to a table that is missing: %s", k.Name, k.Table, k.Parent)
		return found, 0, true, nil
	case err != nil:
		return lang.M("the foreign key %s of %s cannot be checked: %s", k.Name, k.Table, err.Error()), 0, false, nil
	case n == 0:
		return found, 0, false, nil
	}
	found = lang.M("%s has %s rows without a matching row in %s (foreign key %s)",
		k.Table, human.Count(n), k.Parent, k.Name)
	return found, n, false, nil
}

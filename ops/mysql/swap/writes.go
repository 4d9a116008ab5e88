package swap

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// The means to detect writes on a server, most reliable first. A mark is the name of the
// means and its reading.
const (
	byCounts = "writes=" // performance_schema's write count of the live database
	byLog    = "log="    // the binlog position, whose events name databases; and the reading of byStats
	byTimes  = "times="  // byStats, also where there are MyISAM tables, whose files have a time of change
	byStats  = "stats="  // InnoDB's count of changed rows in live tables, last change, server's clock
)

// Writes detects writes to the live database, by whatever the server counts.
type Writes struct {
	*link
	loader Loader
}

// Mark records the current state of writes to the live database.
func (m *Writes) Mark(ctx context.Context, p *restore.Plan) (run.WriteMark, error) {
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for _, means := range []string{byCounts, byLog, byStats} {
		at, ok := m.read(ctx, c, means, p.Target.Live)
		if !ok {
			continue
		}
		if !settled(means, at) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return "", ctx.Err()
			}
			if later, ok := m.read(ctx, c, means, p.Target.Live); ok {
				at = later
			}
		}
		return run.WriteMark(means + at), nil
	}
	return "", ctx.Err()
}

// settled reports whether a mark was taken in a later second than the last change.
// Otherwise it could not distinguish a later change from a recount by InnoDB.
func settled(means, at string) bool {
	switch means {
	case byLog:
		at = readPlace(at).stats
	case byCounts:
		return true
	}
	c, ok := readCounters(at)
	return !ok || c.settled()
}

// Since reports what was written since a mark.
func (m *Writes) Since(ctx context.Context, p *restore.Plan, from run.WriteMark) (run.Writes, error) {
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return run.Writes{}, err
	}
	defer c.Close()
	live := p.Target.Live
	means, before, ok := strings.Cut(string(from), "=")
	if !ok {
		return run.Writes{
			Blind: true,
			Notes: []restore.Note{
				restore.N(
					lang.M(
						"this user can read no count of writes (performance_schema, binlog), so opsdeck " +
							"cannot rule out writes",
					),
				),
			},
		}, nil
	}
	means += "="
	now, ok := m.read(ctx, c, means, live)
	if err := ctx.Err(); err != nil {
		return run.Writes{}, err
	}
	where := firstWord(now)
	w := run.Writes{}
	if means == byLog {
		w.At = run.WriteMark(where)
	}
	switch {
	case !ok:
		w.Untold, w.Notes = true, []restore.Note{
			restore.N(
				lang.M(
					"the server's write position is no longer visible; cannot tell whether %s was written to",
					live,
				),
			),
		}
	case now == before:
	case means == byLog:
		return m.between(ctx, c, live, p.Shadow, readPlace(before), readPlace(now))
	case means == byStats && grew(before, now):
		stirred(&w, live, before, now)
	case means == byCounts:
		w.Live = true
		w.Notes = []restore.Note{
			restore.N(
				lang.M("something still writes to %s: its write count rose from %s to %s", live, firstWord(before),
					where),
			),
		}
	}
	return w, nil
}

// read takes the current reading of a means; ok is false if the server does not have it.
func (m *Writes) read(ctx context.Context, c *sql.Conn, means, live string) (at string, ok bool) {
	switch means {
	case byCounts:
		n, err := schema.One(
			ctx,
			c,
			"SELECT COALESCE(SUM(COUNT_WRITE), -1) FROM performance_schema.table_io_waits_summary_by_table WHERE "+
				"OBJECT_SCHEMA = ?",
			live,
		)
		return n, err == nil && n != "" && n != "-1" && m.counting(ctx, c)
	case byLog:
		at := m.binlog(ctx, c)
		if at == "" {
			return "", false
		}
		stats, _ := m.read(ctx, c, byStats, live)
		return at + " " + stats, true
	}
	view := "INNODB_TABLESTATS"
	if m.mariadb {
		view = "INNODB_SYS_TABLESTATS"
	}
	n, err := changedRows(ctx, c, view, live)
	if err != nil || n == "-1" && means != byTimes {
		return "", false
	}
	_, _ = c.ExecContext(ctx, "SET SESSION information_schema_stats_expiry = 0") // MySQL: else times are a day old
	last, err := schema.One(
		ctx,
		c,
		"SELECT CONCAT(COALESCE(FLOOR(UNIX_TIMESTAMP(MAX(UPDATE_TIME))), 0), ' ', UNIX_TIMESTAMP()) FROM "+
			"information_schema.TABLES WHERE TABLE_SCHEMA = ?",
		live,
	)
	if err != nil {
		return "", false
	}
	engines := "'InnoDB'"
	if means == byTimes {
		engines += ", 'MyISAM'"
	}
	others, err := schema.One(
		ctx,
		c,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE NOT LIKE '%VIEW%' AND "+
			"ENGINE NOT IN ("+engines+")",
		live,
	)
	return n + " " + last, err == nil && others == "0"
}

// counters are a reading of byStats: InnoDB's count of changed rows, the time of the last
// change, and the server's clock, in Unix seconds.
type counters struct{ changed, last, clock int64 }

func readCounters(text string) (c counters, ok bool) {
	_, err := fmt.Sscan(text, &c.changed, &c.last, &c.clock)
	return c, err == nil
}

// settled reports whether the last change was before the second of the reading: a later
// change is then detectable, even if InnoDB restarts its count from 0.
func (c counters) settled() bool { return c.last < c.clock }

// grew reports whether rows were changed between two readings of byStats. A lower count
// does not mean a change: seconds after many changes, InnoDB recounts a table on its own
// and starts from 0. It does mean one if the last known change was in the same second as
// the first reading, where a later change would not be visible.
func grew(before, now string) bool {
	was, ok := readCounters(before)
	is, readable := readCounters(now)
	if !ok || !readable {
		return before != now
	}
	return is.changed > was.changed || is.last > was.last || is.changed < was.changed && !was.settled()
}

// stirred describes what grew found.
func stirred(w *run.Writes, live, before, now string) {
	was, _ := readCounters(before)
	is, _ := readCounters(now)
	var what lang.Msg
	switch {
	case is.changed > was.changed:
		w.Live = true
		what = lang.M(
			"something still writes to %s: InnoDB's count of changed rows rose from %s to %s",
			live,
			strconv.FormatInt(was.changed, 10),
			strconv.FormatInt(is.changed, 10),
		)
	case is.last > was.last:
		w.Live = true
		what = lang.M(
			"something still writes to %s: InnoDB recorded a change at %s",
			live,
			time.Unix(is.last, 0).Format(time.TimeOnly),
		)
	default:
		w.Untold = true
		what = lang.M("InnoDB's count of changed rows was reset; cannot tell whether %s was written to", live)
	}
	w.Notes = []restore.Note{restore.N(what)}
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// changedRows is InnoDB's count of changed rows in a database's tables, or "-1" where it
// knows none of them.
func changedRows(ctx context.Context, c *sql.Conn, view, live string) (string, error) {
	rows, err := schema.All(ctx, c, "SELECT NAME, MODIFIED_COUNTER FROM information_schema."+view)
	if err != nil {
		return "", err
	}
	own := schema.InnoDBName(live)
	sum := int64(-1)
	for _, r := range rows {
		database, _, _ := strings.Cut(r[0], "/")
		n, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil || !own.MatchString(database) {
			continue
		}
		sum = max(sum, 0) + n
	}
	return strconv.FormatInt(sum, 10), nil
}

// counting reports whether the server's instruments are on.
func (m *Writes) counting(ctx context.Context, c *sql.Conn) bool {
	on, err := schema.One(ctx, c, "SELECT @@performance_schema")
	if err != nil || on != "1" {
		return false
	}
	rows, err := schema.All(
		ctx,
		c,
		"SELECT 1 FROM performance_schema.setup_instruments WHERE NAME = 'wait/io/table/sql/handler' AND ENABLED = "+
			"'YES'",
	)
	return err == nil && len(rows) == 1
}

// binlog is the binlog position, "file:position"; empty if the binlog is off.
func (m *Writes) binlog(ctx context.Context, c *sql.Conn) string {
	for _, q := range []string{"SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"} {
		if r, err := show(ctx, c, q); err == nil {
			return r["file"] + ":" + r["position"]
		}
	}
	return ""
}

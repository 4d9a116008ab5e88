package swap

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// numbering keeps a restore or an undo from giving a key twice: the tables that it puts in place
// continue after every AUTO_INCREMENT value that the replaced ones had given out.
type numbering struct {
	*link
	damage *Damage
	log    Log
}

// next is, for each table, the AUTO_INCREMENT value that its next row gets at least.
type next map[string]uint64

// raise keeps the larger values.
func (n next) raise(with next) {
	for t, v := range with {
		n[t] = max(n[t], v)
	}
}

// of reads the next values of a database's tables; an empty scope is all of them. A row whose
// key was changed can be beyond the server's counter, so the largest keys count too.
func (k *numbering) of(ctx context.Context, c *sql.Conn, in string, scope []string) (next, error) {
	// MySQL: the values are a day old otherwise. Others do not know the variable.
	_, _ = c.ExecContext(ctx, "SET SESSION information_schema_stats_expiry = 0")
	rows, err := schema.All(ctx, c, "SELECT t.TABLE_NAME, t.ENGINE, t.AUTO_INCREMENT, c.COLUMN_NAME "+
		"FROM information_schema.TABLES t JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA "+
		"AND c.TABLE_NAME = t.TABLE_NAME AND c.EXTRA LIKE '%auto_increment%' WHERE t.TABLE_SCHEMA = ?", in)
	if err != nil {
		return nil, fmt.Errorf("read the AUTO_INCREMENT values of %s: %w", in, err)
	}
	out := next{}
	var innodb [][]string
	for _, r := range rows {
		if len(scope) > 0 && !slices.Contains(scope, r[0]) {
			continue
		}
		if v, err := strconv.ParseUint(r[2], 10, 64); err == nil {
			out[r[0]] = v
		}
		if strings.EqualFold(r[1], "InnoDB") {
			innodb = append(innodb, r)
		}
	}
	return out, k.largest(ctx, c, in, innodb, out)
}

// largest raises the values over the largest keys. In InnoDB the column begins an index. What
// cannot be read is left out.
func (k *numbering) largest(ctx context.Context, c *sql.Conn, in string, rows [][]string, out next) error {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r[0]
	}
	deadly, err := k.damage.deadlyTables(ctx, in, names)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if slices.Contains(deadly, r[0]) {
			continue
		}
		text, err := schema.One(ctx, c, "SELECT MAX("+schema.Ident(r[3])+") FROM "+restore.Name(in, r[0]))
		if mysql.Lost(err) {
			return err
		}
		if v, bad := strconv.ParseUint(text, 10, 64); err == nil && bad == nil && v+1 > v {
			out[r[0]] = max(out[r[0]], v+1)
		}
	}
	return nil
}

// continues makes the tables of a database continue at the given values at least. It lists
// those that it raised. A value that cannot be set is told, and does not stop a restore.
func (k *numbering) continues(
	ctx context.Context, c *sql.Conn, in string, at next,
) (raised []restore.Counter, notes []restore.Note, err error) {
	now, err := k.of(ctx, c, in, slices.Collect(maps.Keys(at)))
	if err != nil {
		return nil, nil, err
	}
	// MariaDB: a system-versioned table refuses an ALTER otherwise. Others do not know it.
	_, _ = c.ExecContext(ctx, "SET SESSION system_versioning_alter_history = KEEP")
	for _, t := range slices.Sorted(maps.Keys(at)) {
		was, counts := now[t]
		if !counts || was >= at[t] {
			continue
		}
		q := "ALTER TABLE " + restore.Name(in, t) + " AUTO_INCREMENT = " + strconv.FormatUint(at[t], 10)
		switch err := mysql.DefineSoon(ctx, c, q); {
		case mysql.Lost(err) || ctx.Err() != nil:
			return raised, notes, err
		case err != nil:
			notes = append(notes, restore.N(lang.M("the next AUTO_INCREMENT value of %s could not be set to %s: %s", t,
				strconv.FormatUint(at[t], 10), err.Error())))
		default:
			raised = append(raised, restore.Counter{Table: t, Next: at[t]})
		}
	}
	return raised, notes, nil
}

// sequences makes the sequences of one database continue after those of another.
func (k *numbering) sequences(ctx context.Context, c *sql.Conn, from, to string, scope []string) error {
	if !k.mariadb {
		return nil
	}
	rows, err := schema.All(ctx, c, "SELECT a.TABLE_NAME FROM information_schema.TABLES a JOIN "+
		"information_schema.TABLES b ON a.TABLE_NAME = b.TABLE_NAME WHERE a.TABLE_TYPE = 'SEQUENCE' AND "+
		"b.TABLE_TYPE = 'SEQUENCE' AND a.TABLE_SCHEMA = ? AND b.TABLE_SCHEMA = ?", from, to)
	if err != nil {
		return fmt.Errorf("list the sequences of %s: %w", from, err)
	}
	for _, r := range rows {
		if len(scope) > 0 && !slices.Contains(scope, r[0]) {
			continue
		}
		was, err := numberOf(ctx, c, from, r[0])
		if err == nil && was != "" {
			err = continueAt(ctx, c, to, r[0], was)
		}
		if mysql.Lost(err) {
			return err
		}
	}
	return nil
}

// numberOf is the number that a sequence gives out next, those in its cache left out; "" of one
// that begins again at its end.
func numberOf(ctx context.Context, c *sql.Conn, in, name string) (string, error) {
	was, err := schema.All(ctx, c, "SELECT next_not_cached_value FROM "+restore.Name(in, name)+
		" WHERE cycle_option = 0")
	if err != nil || len(was) != 1 {
		return "", err
	}
	return was[0][0], nil
}

// continueAt makes a sequence continue at a number, unless it is there already: SETVAL never goes
// back.
func continueAt(ctx context.Context, c *sql.Conn, in, name, at string) error {
	if _, err := strconv.ParseInt(at, 10, 64); err != nil {
		if _, err = strconv.ParseUint(at, 10, 64); err != nil {
			return err
		}
	}
	_, err := schema.All(ctx, c, "SELECT SETVAL("+restore.Name(in, name)+", "+at+", 0)")
	return err
}

func sequencesPath(f run.Folder) string { return filepath.Join(f.Path, "sequences.json") }

// rememberSequences records the numbers of the live sequences before a load in place drops them.
// Of a sequence that an earlier try has dropped, the record stays.
func (k *numbering) rememberSequences(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	if !k.mariadb {
		return nil
	}
	at, err := readJSON[map[string]string](sequencesPath(f))
	if err != nil {
		return err
	}
	if at == nil {
		at = map[string]string{}
	}
	names, err := sequencesOf(ctx, c, p)
	if err != nil || len(names)+len(at) == 0 {
		return err
	}
	for _, name := range names {
		now, err := numberOf(ctx, c, p.Target.Database, name)
		if mysql.Lost(err) {
			return err
		}
		if was, known := at[name]; err == nil && now != "" && (!known || beyond(was, now)) {
			at[name] = now
		}
	}
	text, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(sequencesPath(f), 0o600, text)
}

// beyond reports whether a number is farther from zero than another: a load that was cut off
// leaves a sequence at its beginning, whichever way it counts.
func beyond(was, is string) bool {
	w, bad := strconv.ParseFloat(was, 64)
	i, err := strconv.ParseFloat(is, 64)
	return bad == nil && err == nil && math.Abs(i) > math.Abs(w)
}

// sequencesOf are the live sequences in scope.
func sequencesOf(ctx context.Context, c *sql.Conn, p *restore.Plan) (names []string, err error) {
	rows, err := schema.All(ctx, c, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE' "+
		"AND TABLE_SCHEMA = ?", p.Target.Database)
	if err != nil {
		return nil, fmt.Errorf("list the sequences of %s: %w", p.Target.Database, err)
	}
	for _, r := range rows {
		if len(p.Tables) == 0 || slices.Contains(p.Tables, r[0]) {
			names = append(names, r[0])
		}
	}
	return names, nil
}

// rememberedSequences makes the live sequences continue after those that a load in place dropped.
func (k *numbering) rememberedSequences(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	at, err := readJSON[map[string]string](sequencesPath(f))
	if err != nil || len(at) == 0 {
		return err
	}
	names, err := sequencesOf(ctx, c, p)
	if err != nil {
		return err
	}
	for _, name := range names {
		if at[name] == "" {
			continue
		}
		if err := continueAt(ctx, c, p.Target.Database, name, at[name]); mysql.Lost(err) {
			return err
		}
	}
	return nil
}

// over makes the tables of a shadow, before the swap, continue after the live ones.
func (k *numbering) over(ctx context.Context, c *sql.Conn, p *restore.Plan) ([]restore.Counter, []restore.Note, error) {
	at, err := k.of(ctx, c, p.Target.Live, p.Tables)
	if err != nil {
		return nil, nil, err
	}
	if err := k.sequences(ctx, c, p.Target.Live, p.Shadow, p.Tables); err != nil {
		return nil, nil, err
	}
	return k.after(ctx, c, p, p.Shadow, at)
}

// back makes the old tables, before an undo, continue after the restored ones.
func (k *numbering) back(ctx context.Context, c *sql.Conn, p *restore.Plan) ([]restore.Counter, []restore.Note, error) {
	at, err := k.of(ctx, c, p.Target.Live, p.Tables)
	if err != nil {
		return nil, nil, err
	}
	if err := k.sequences(ctx, c, p.Target.Live, p.Kept, p.Tables); err != nil {
		return nil, nil, err
	}
	return k.continues(ctx, c, p.Kept, at)
}

// after makes restored tables continue after the live ones, whose values are given. Of a live
// table that is gone, or was made again or truncated, the log knows the values.
func (k *numbering) after(
	ctx context.Context, c *sql.Conn, p *restore.Plan, in string, at next,
) ([]restore.Counter, []restore.Note, error) {
	coming, err := k.of(ctx, c, in, p.Tables)
	if err != nil {
		return nil, nil, err
	}
	var lost []string
	for _, t := range slices.Sorted(maps.Keys(coming)) {
		if at[t] < coming[t] {
			lost = append(lost, t)
		}
	}
	var unknown []restore.Note
	if len(lost) > 0 {
		given, err := k.logged(ctx, c, p, in, lost)
		if ctx.Err() != nil || mysql.Lost(err) {
			return nil, nil, err
		}
		if err != nil {
			unknown = append(unknown,
				restore.N(lang.M("the largest key that these tables had before is unknown, so the next "+
					"rows can get keys that lost rows had: %s", strings.Join(lost, ", "))))
		}
		at.raise(given)
	}
	raised, notes, err := k.continues(ctx, c, in, at)
	return raised, append(unknown, notes...), err
}

// logged finds the next values of tables by the log of the time after the backup or replay.
func (k *numbering) logged(
	ctx context.Context, c *sql.Conn, p *restore.Plan, in string, names []string,
) (next, error) {
	if k.log == nil {
		return nil, errUnlogged
	}
	columns := map[string]int{}
	rows, err := schema.All(ctx, c, "SELECT TABLE_NAME, ORDINAL_POSITION FROM information_schema.COLUMNS "+
		"WHERE TABLE_SCHEMA = ? AND EXTRA LIKE '%auto_increment%'", in)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if at, err := strconv.Atoi(r[1]); err == nil && slices.Contains(names, r[0]) {
			columns[r[0]] = at - 1
		}
	}
	log, err := k.log(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	run, err := runAfter(log, p)
	if err != nil {
		return nil, err
	}
	given, err := replay.Given(ctx, run, p.Source.Database, columns)
	out := next{}
	for t, v := range given {
		out[t] = v + 1
	}
	return out, err
}

// runAfter is the log from the end of a plan's replay, or from its backup, on.
func runAfter(log *changes.Source, p *restore.Plan) (*changes.Run, error) {
	if r := p.Source.Replay; r != nil {
		return log.At(r.To, "")
	}
	m, err := backup.ReadManifest(p.Source.Path)
	if err != nil {
		return nil, err
	}
	return log.From(p.Source.Database, restore.PositionsOf(m))
}

func countersPath(f run.Folder) string { return filepath.Join(f.Path, "counters.json") }

// remember records the values of the live tables before a load in place drops them. Those of
// an earlier try stay.
func (k *numbering) remember(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	if f.Path == "" {
		return nil
	}
	if err := k.rememberSequences(ctx, c, p, f); err != nil {
		return err
	}
	at, err := k.of(ctx, c, p.Target.Database, p.Tables)
	if err != nil {
		return err
	}
	former, err := readJSON[next](countersPath(f))
	if err != nil {
		return err
	}
	at.raise(former)
	text, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(countersPath(f), 0o600, text)
}

// remembered makes the live tables continue after those that a load in place dropped. Its
// connection is new: a server in memory may write back what an older one has seen of a table.
func (k *numbering) remembered(
	ctx context.Context, p *restore.Plan, f run.Folder, back bool,
) ([]restore.Counter, []restore.Note, error) {
	if f.Path == "" {
		return nil, nil, nil
	}
	at, err := readJSON[next](countersPath(f))
	if err != nil {
		return nil, nil, err
	}
	if at == nil {
		at = next{}
	}
	c, err := k.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	if err := k.rememberedSequences(ctx, c, p, f); err != nil {
		return nil, nil, err
	}
	if back {
		return k.continues(ctx, c, p.Target.Database, at)
	}
	return k.after(ctx, c, p, p.Target.Database, at)
}

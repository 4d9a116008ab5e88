package swap

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
)

// ErrEnded reports that the server ended, by its own error log, while it was read.
var ErrEnded = ops.E(ops.Failed, lang.M("the server exited while it was read"))

// MarkedIn are the tables of a database that are marked as ending the server when read.
// The server is queried only if there are marks.
func (g *Damage) MarkedIn(ctx context.Context, in string) ([]string, error) {
	if err := g.knownMarks(); err != nil {
		return nil, err
	}
	var names []string
	for _, m := range g.marks.list {
		if m.Schema == in && !slices.Contains(names, m.Table) {
			names = append(names, m.Table)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return g.deadlyTables(ctx, in, names)
}

// Watch starts watching a long reading. The returned function takes the reading's error
// and adds what the server's error log says if the server has ended in between: errors.Is
// then finds ErrEnded.
func (g *Damage) Watch(ctx context.Context) (func(error) error, error) {
	db, err := g.db(ctx)
	if err != nil {
		return nil, err
	}
	up, err := uptime(ctx, db)
	if err != nil {
		return nil, mysql.Explain(err, g.Target)
	}
	begin := time.Now()
	return func(read error) error {
		if !mysql.Lost(read) || ctx.Err() != nil {
			return read
		}
		now, err := g.await(ctx, db)
		if err != nil || now+1 >= up+time.Since(begin).Seconds() {
			return read
		}
		evidence := damage(g.lastErrors(ctx, db))
		if len(evidence) == 0 {
			return read
		}
		return ops.Wrap(
			ErrEnded,
			ops.Failed,
			lang.M("the server exited while it was read; its error log: %s", strings.Join(evidence, " | ")),
		).WithHint(lang.M("find the damaged table: %s", "opsdeck restore --plan"))
	}, nil
}

var damaged = regexp.MustCompile(`(?i)corrupt|assertion|signal|checksum|\[FATAL\]`)

// damage filters the lines of an error log that report damaged data or a crash.
func damage(lines []string) (out []string) {
	for _, l := range lines {
		if damaged.MatchString(l) {
			out = append(out, l)
		}
	}
	return out
}

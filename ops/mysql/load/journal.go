package load

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// Kinds of lines in the progress table.
const (
	doneIdentity = "identity" // identifies the load
	doneTable    = "table"    // the table was created
	// a member's rows are committed; of a foreign dump, those of the statements member to
	// note
	doneRows = "rows"

	doneStatement = "statement" // of a foreign dump: a definition was run
)

// journal is what an earlier attempt at the same load has done.
type journal struct {
	resumed bool
	done    map[string]map[int]bool // kind → number of the member
	spans   map[int]int             // of a foreign dump: first statement with rows → last one
}

func (j *journal) has(kind string, member int) bool { return j.done[kind][member] }

// identity identifies a load: the same backup, part and target, and everything else on
// which the numbers in the journal depend.
func identity(o Options, backup, from string, more ...string) string {
	parts := append([]string{backup, o.Schema, from, o.Definer, fmt.Sprint(o.NoDefer)}, o.Tables...)
	parts = append(parts, o.Without...)
	sum := sha256.Sum256([]byte(strings.Join(append(parts, more...), "\x00")))
	return hex.EncodeToString(sum[:])
}

// hasJournal reports whether a load into a database has begun: it has a progress table.
func hasJournal(ctx context.Context, c *sql.Conn, database string) (bool, error) {
	n, err := schema.One(
		ctx,
		c,
		"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		database,
		ProgressTable,
	)
	return n != "0", err
}

// openJournal reads the progress table, or creates it.
func (s *session) openJournal(ctx context.Context, id string) (*journal, error) {
	j := &journal{done: map[string]map[int]bool{doneTable: {}, doneRows: {}, doneStatement: {}}, spans: map[int]int{}}
	exists, err := hasJournal(ctx, s.main, s.o.Schema)
	if err != nil {
		return nil, err
	}
	if !exists {
		return j, s.newJournal(ctx, id)
	}
	rows, err := schema.All(ctx, s.main, "SELECT kind, member, note FROM "+schema.Ident(ProgressTable))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		n, _ := strconv.Atoi(r[1])
		if r[0] == doneIdentity && r[2] != id {
			return nil, s.otherLoad()
		}
		if set := j.done[r[0]]; set != nil {
			set[n] = true
		}
		if last, err := strconv.Atoi(r[2]); err == nil && r[0] == doneRows {
			j.spans[n] = last
		}
		j.resumed = j.resumed || r[0] == doneIdentity
	}
	if !j.resumed { // created, but not filled yet
		return j, s.newJournal(ctx, id)
	}
	return j, nil
}

func (s *session) otherLoad() error {
	return ops.E(ops.Failed, lang.M("the database %s contains another, unfinished load", s.o.Schema)).
		WithHint(lang.M("finish that one, or drop the database"))
}

func (s *session) newJournal(ctx context.Context, id string) error {
	return define(
		ctx,
		s.main,
		"CREATE TABLE IF NOT EXISTS "+schema.Ident(
			ProgressTable,
		)+" (kind VARCHAR(16) CHARACTER SET ascii NOT NULL, member BIGINT NOT NULL, "+
			"note VARCHAR(100) CHARACTER SET ascii NOT NULL DEFAULT '', PRIMARY KEY (kind, member)) ENGINE=InnoDB "+
			"COMMENT='opsdeck: a load that is not finished'",
		"INSERT INTO "+schema.Ident(ProgressTable)+" VALUES ('"+doneIdentity+"', 0, '"+id+"')",
	)
}

// doneLine is the statement that records members as done.
func doneLine(kind string, members ...int) string {
	values := make([]string, len(members))
	for i, m := range members {
		values[i] = fmt.Sprintf("('%s',%d,'')", kind, m)
	}
	return "INSERT INTO " + schema.Ident(ProgressTable) + " VALUES " + strings.Join(values, ",")
}

// markSpan records the rows of statements as committed; it may be called again for the
// same statements.
func markSpan(ctx context.Context, c *sql.Conn, first, last int) error {
	return exec(
		ctx,
		c,
		fmt.Sprintf("REPLACE INTO %s VALUES ('%s',%d,'%d')", schema.Ident(ProgressTable), doneRows, first, last),
	)
}

// marked tells whether a member's line is there. It is asked after a COMMIT whose result
// was lost.
func marked(ctx context.Context, c *sql.Conn, kind string, member int) (bool, error) {
	n, err := schema.One(
		ctx,
		c,
		"SELECT COUNT(*) FROM "+schema.Ident(ProgressTable)+" WHERE kind = ? AND member = ?",
		kind,
		member,
	)
	return n == "1", err
}

// closeJournal ends a load. From here on the load is complete, so an interrupt no longer
// stops it, unless the connection is stalled.
func (s *session) closeJournal(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return define(ctx, s.main, "DROP TABLE IF EXISTS "+schema.Ident(ProgressTable))
}

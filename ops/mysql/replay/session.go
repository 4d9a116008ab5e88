package replay

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/doctor"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// server is what is known of the server.
type server struct {
	maria      bool
	account    doctor.Account
	folds      bool  // names of databases and tables are in lower case
	batch      int   // size of the events in one BINLOG statement, in bytes
	packet     int64 // max_allowed_packet, in bytes
	fragments  bool  // BINLOG takes two fragments
	gtids      bool
	collations map[int][2]string // by number: charset, collation
}

// mostBatch is the maximum size of events sent to the server at once, in bytes.
const mostBatch = 256 << 10

// annotatedBatch is the maximum if the server logs the statement's text with each table's
// event.
const annotatedBatch = 16 << 10

func (s *server) ask(ctx context.Context, c *sql.Conn) (err error) {
	if s.maria, err = schema.IsMariaDB(ctx, c); err != nil {
		return err
	}
	if s.account, err = mysql.NewAccount(ctx, c); err != nil {
		return err
	}
	if s.folds, err = schema.FoldsNames(ctx, c); err != nil {
		return err
	}
	if s.packet, err = mysql.Packet(ctx, c); err != nil {
		return err
	}
	s.batch = min(mostBatch, (int(s.packet)-1024)/4*3)
	if s.fragments, err = takesFragments(ctx, c); err != nil {
		return err
	}
	if mode, err := schema.One(ctx, c, "SELECT @@GLOBAL.gtid_mode"); err == nil {
		s.gtids = mode == "ON"
	}
	rows, err := schema.All(ctx, c, "SELECT ID, CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLLATIONS "+
		"WHERE ID IS NOT NULL")
	s.collations = map[int][2]string{}
	for _, r := range rows {
		if id, err := strconv.Atoi(r[0]); err == nil {
			s.collations[id] = [2]string{r[1], r[2]}
		}
	}
	return err
}

func schemas(ctx context.Context, q schema.Querier) ([]string, error) {
	rows, err := schema.All(ctx, q, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
	var names []string
	for _, r := range rows {
		names = append(names, r[0])
	}
	return names, err
}

func setUp(ctx context.Context, c *sql.Conn) error {
	for _, q := range []string{
		"SET NAMES utf8mb4",
		"SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
		"SET SESSION net_read_timeout = 3600, net_write_timeout = 3600, wait_timeout = 86400, lock_wait_timeout = 60",
	} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	// The log does not tell it. What was altered there kept its history.
	_, err := c.ExecContext(ctx, "SET SESSION system_versioning_alter_history = KEEP")
	if mysql.Number(err) == mysql.ErrUnknownVariable {
		return nil
	}
	return err
}

// annotations are the variables that make a server log the statements' text: a BINLOG
// statement's text is logged once per table in it, so the log grows with the square of
// what is replayed.
var annotations = []string{"binlog_annotate_row_events", "binlog_rows_query_log_events"}

// quietly turns off the logging of statement text. If the server does not allow it,
// batches are smaller.
func (s *server) quietly(ctx context.Context, c *sql.Conn) error {
	for _, name := range annotations {
		_, err := c.ExecContext(ctx, "SET SESSION "+name+" = OFF")
		if err == nil || mysql.Number(err) == mysql.ErrUnknownVariable {
			continue
		}
		if mysql.Number(err) == 0 {
			return err
		}
		if on, err := schema.One(ctx, c, "SELECT @@SESSION."+name); err != nil || on != "0" {
			s.batch = min(s.batch, annotatedBatch)
		}
	}
	return nil
}

// byRows makes the session log rows, on a server that enforces GTID consistency: in
// statement format it refuses temporary tables in a transaction, and the replay's changes
// are committed together with its position. The format cannot change while a temporary
// table is open.
//
// MySQL Reference Manual, "Restrictions on Replication with GTIDs".
func byRows(ctx context.Context, c *sql.Conn) error {
	enforced, err := schema.One(ctx, c, "SELECT @@GLOBAL.enforce_gtid_consistency")
	if err != nil || enforced != "ON" {
		return lostOnly(err) // only MySQL has this variable
	}
	if format, err := schema.One(ctx, c, "SELECT @@SESSION.binlog_format"); err != nil || format == "ROW" {
		return lostOnly(err)
	}
	_, err = c.ExecContext(ctx, "SET SESSION binlog_format = ROW")
	return err
}

// lostOnly is nil for an error by which the server answers.
func lostOnly(err error) error {
	if mysql.Number(err) != 0 {
		return nil
	}
	return err
}

// aloneWait is the wait for the last statement of a killed replay, in seconds.
const aloneWait = 120

// lockName is the name of the lock that a replay into a database holds.
func lockName(in string) string {
	sum := sha256.Sum256([]byte(in))
	return fmt.Sprintf("opsdeck_replay_%x", sum[:16])
}

// alone makes sure that no other replay runs on the database. The lock ends with its
// session; the server ends a killed process's session after its statement.
func alone(ctx context.Context, c *sql.Conn, in string) error {
	got, err := schema.One(ctx, c, fmt.Sprintf("SELECT GET_LOCK('%s', %d)", lockName(in), aloneWait))
	if err == nil && got != "1" {
		return ops.E(ops.Busy, lang.M("another replay is working on the database %s", in))
	}
	return err
}

// send sends the batch to the server.
func (r *runner) send() error {
	if r.batch.len() == 0 {
		return nil
	}
	if err := r.start(); err != nil {
		return err
	}
	if r.plain.on || r.batch.events[0].plain != nil {
		return sent(r, r.sendPlain())
	}
	for _, q := range r.server.binlog(r.batch.native()) {
		if err := mysql.Fits(len(q), r.server.packet); err != nil {
			return err
		}
		if _, err := r.apply.ExecContext(r.ctx, q); err != nil {
			return err
		}
	}
	return sent(r, nil)
}

// sent records that the batch was applied, unless an error ended it.
func sent(r *runner, err error) error {
	if err == nil {
		r.unsent = binlog.Place{}
	}
	return err
}

// sendPlain runs the collected statements.
func (r *runner) sendPlain() error {
	for _, e := range r.batch.take() {
		if err := r.plainSession(e.foreign); err != nil {
			return err
		}
		for _, q := range e.plain {
			if _, err := mysql.ExecLong(r.ctx, r.apply, q, r.server.packet); err != nil {
				return fmt.Errorf("%s: %w", short([]byte(q)), err)
			}
		}
	}
	return nil
}

// tell sends the events' format to the server.
func (r *runner) tell(f *format.Format) error {
	if r.plain.on {
		return nil
	}
	err := r.server.tell(r.ctx, r.apply, f)
	if mysql.Number(err) == mysql.ErrSpecificAccess && !r.native {
		r.plain.on = true
		return nil
	}
	return err
}

// tell sends the events' format to the server. After it, MySQL with GTIDs takes no statement
// until GTID_NEXT is set: a user who may not do that is refused before.
func (s *server) tell(ctx context.Context, c *sql.Conn, f *format.Format) error {
	if err := takesRows(ctx, c); err != nil {
		return err
	}
	if s.gtids {
		if err := automatic(ctx, c); err != nil {
			return err
		}
	}
	if _, err := c.ExecContext(ctx, inBinlog(f.Native())); err != nil {
		return fmt.Errorf("the log's format: %w", err)
	}
	if !s.gtids {
		return nil
	}
	return automatic(ctx, c)
}

// takesRows lets a session take row events: in statement format it refuses them
// (ER_BINLOG_ROW_INJECTION_AND_STMT_MODE). A user who may not change that is refused here.
func takesRows(ctx context.Context, c *sql.Conn) error {
	if format, err := schema.One(ctx, c, "SELECT @@SESSION.binlog_format"); err != nil || format != "STATEMENT" {
		return lostOnly(err)
	}
	_, err := c.ExecContext(ctx, "SET SESSION binlog_format = ROW")
	return err
}

// automatic lets the server give the session's transactions their GTIDs.
func automatic(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, "SET @@SESSION.GTID_NEXT = 'AUTOMATIC'")
	return err
}

// start opens a transaction, unless one is open. In sql_mode ORACLE, BEGIN would begin a block.
func (r *runner) start() error {
	if !r.open {
		if err := drain(r); err != nil {
			return err
		}
		if _, err := r.apply.ExecContext(r.ctx, "START TRANSACTION"); err != nil {
			return err
		}
		r.open = true
	}
	return nil
}

// commit commits the replayed changes together with the position.
func (r *runner) commit() error {
	if err := r.send(); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	r.state.Temps = len(r.judge.temp)
	text, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	in := schema.Name(r.Schema, Table)
	queries := []string{
		fmt.Sprintf("UPDATE %s SET what = _utf8mb4 0x%x WHERE id = %d", in, text, rowState),
	}
	if r.noted {
		queries = append(queries, fmt.Sprintf("DELETE FROM %s WHERE id = %d", in, rowPending))
	}
	for _, q := range append(queries, "COMMIT") {
		if _, err := r.apply.ExecContext(r.ctx, q); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	r.open = false
	r.noted = false
	r.size = 0
	r.wait = nil
	r.saved = r.state.At
	return nil
}

// noteStep records that a non-transactional step begins.
func (r *runner) noteStep(p pending) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = r.note.ExecContext(
		r.ctx,
		fmt.Sprintf("REPLACE INTO %s VALUES (%d, _utf8mb4 0x%x)", schema.Name(r.Schema, Table), rowPending, text),
	)
	if err != nil {
		return fmt.Errorf("record a step: %w", err)
	}
	r.noted = true
	return nil
}

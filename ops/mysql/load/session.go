package load

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

// sqlMode is the mode in which rows are inserted: ids of 0 are kept, and every value
// that the original server held is accepted. It is the same as in the header of
// opsdeck's dumps.
const sqlMode = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"

const errUnknownVariable = 1193

// session is one load: its connections, what the server supports, and its report.
type session struct {
	o      Options
	target mysql.Target
	db     *sql.DB
	main   *sql.Conn // for definitions, one after another

	maria     bool
	folds     bool // the server compares names of databases without their case
	packet    int  // max_allowed_packet
	local     bool // LOAD DATA LOCAL works
	addsKeys  bool // the server adds a primary key to tables without one, and the user may not disable that
	lenient   bool // definitions that the guard refuses are left out of the plan and listed in it
	oneLoader bool // LOAD DATA locks the AUTO_INCREMENT counter: one at a time per table

	mu     sync.Mutex
	report *backup.LoadReport
	meter  *meter

	altered map[string]*altered // by table: values of a foreign dump that the server changed
}

func connect(ctx context.Context, target mysql.Target, o Options) (*session, error) {
	db, err := rowread.Open(ctx, target, "")
	if err != nil {
		return nil, err
	}
	s := &session{o: o, target: target, db: db, report: &backup.LoadReport{}}
	db.SetMaxIdleConns(0) // a connection carries settings: never reuse one
	if err := s.probe(ctx); err != nil {
		s.close()
		return nil, mysql.Explain(err, target)
	}
	return s, nil
}

func (s *session) close() {
	if s.main != nil {
		s.main.Close()
	}
	s.db.Close()
}

// probe pins the main connection and finds out what the server supports.
func (s *session) probe(ctx context.Context) (err error) {
	if s.maria, err = schema.IsMariaDB(ctx, s.db); err != nil {
		return err
	}
	if s.main, err = s.conn(ctx); err != nil {
		return err
	}
	ask := func(name string) string {
		v, _ := schema.One(ctx, s.main, "SELECT @@GLOBAL."+name)
		return v
	}
	fold := ask("lower_case_table_names")
	s.folds = fold != "" && fold != "0"
	s.packet, _ = strconv.Atoi(ask("max_allowed_packet"))
	s.packet = max(s.packet, 1<<20)
	s.local = !s.o.NoLocal && ask("local_infile") == "1"
	s.oneLoader = ask("innodb_autoinc_lock_mode") != "2"
	own, _ := schema.One(ctx, s.main, "SELECT @@SESSION.sql_generate_invisible_primary_key")
	s.addsKeys = own == "1"
	return ctx.Err()
}

// alone ensures that no other load works on the schema. The lock ends with the main
// connection; that of a killed load may last a moment longer.
func (s *session) alone(ctx context.Context) error {
	sum := sha256.Sum256([]byte(s.o.Schema))
	got, err := schema.One(ctx, s.main, "SELECT GET_LOCK('opsdeck_load_"+hex.EncodeToString(sum[:16])+"', 10)")
	if err == nil && got == "0" {
		return ops.E(ops.Busy, lang.M("another load is working on the database %s", s.o.Schema))
	}
	return nil // load even if the server has no such locks
}

// settings returns the settings of every loading connection. Settings that a server does
// not know are skipped: conn tries each one instead of comparing versions.
func (s *session) settings() []string {
	set := []string{
		"NAMES utf8mb4", "SESSION time_zone = '+00:00'", "SESSION sql_mode = '" + sqlMode + "'",
		"SESSION foreign_key_checks = 0", "SESSION sql_notes = 1",
		"SESSION net_read_timeout = 3600", "SESSION net_write_timeout = 3600", "SESSION wait_timeout = 86400",
		"SESSION lock_wait_timeout = 60", "SESSION innodb_lock_wait_timeout = 120",
		"SESSION max_statement_time = 0",      // MariaDB
		"SESSION check_constraint_checks = 0", // MariaDB: keep the rows as they were
		"SESSION show_create_table_skip_secondary_engine = 0",
		"SESSION sql_generate_invisible_primary_key = 0", // MySQL: a table without a key stays so
		"SESSION sql_require_primary_key = 0",
		"SESSION restrict_fk_on_non_standard_key = 0",
		"SESSION explicit_defaults_for_timestamp = 1",
		"SESSION system_versioning_insert_history = 1",
		"SESSION system_versioning_alter_history = KEEP",
		"SESSION default_storage_engine = InnoDB",
	}
	if s.maria {
		// With the checks off, MariaDB loads an empty table in bulk, which over several
		// statements is slower and locks the table.
		set = append(set, "SESSION unique_checks = 1")
	} else {
		set = append(set, "SESSION unique_checks = 0")
	}
	return set
}

// conn opens a connection with the settings of a load.
func (s *session) conn(ctx context.Context) (*sql.Conn, error) {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for i, set := range s.settings() {
		if _, err := c.ExecContext(ctx, "SET "+set); err != nil && !optional(err) &&
			(i < essential || mysql.Number(err) == 0) {
			c.Close()
			return nil, fmt.Errorf("set %s: %w", strings.ToLower(set), err)
		}
	}
	if s.o.NoBinlog {
		if _, err := c.ExecContext(ctx, "SET SESSION sql_log_bin = 0"); err != nil {
			c.Close()
			return nil, ops.Wrap(
				err,
				ops.Config,
				lang.M("the binlog cannot be skipped: the user lacks the privilege"),
			)
		}
	}
	return c, nil
}

// essential is the number of settings at the start of the list that decide whether the
// rows are restored unchanged. The others make a load fast and patient; a server that
// refuses them does not stop it.
const essential = 4

// optional tells whether a setting failed because it is unknown or the user may not
// change it.
func optional(err error) bool {
	switch mysql.Number(err) {
	case errUnknownVariable, mysql.ErrSpecificAccess, mysql.ErrOptionReadOnly, 1238, 1231, 1232:
		return true
	}
	return false
}

// use selects the target schema on a connection.
func (s *session) use(ctx context.Context, c *sql.Conn) error {
	return exec(ctx, c, "USE "+schema.Ident(s.o.Schema))
}

// worker opens a connection with the target schema selected.
func (s *session) worker(ctx context.Context) (*sql.Conn, error) {
	c, err := s.conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.use(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (s *session) note(kind, object, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.report.Notes {
		if n.Kind == kind && n.Object == object && n.Detail == detail {
			return
		}
	}
	s.report.Notes = append(s.report.Notes, backup.LoadNote{Kind: kind, Object: object, Detail: detail})
}

func exec(ctx context.Context, c *sql.Conn, statements ...string) error {
	for _, q := range statements {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", firstWords(q), err)
		}
	}
	return nil
}

// define is exec for statements that each commit by themselves. A statement that the
// server refuses because of other sessions' locks is retried.
func define(ctx context.Context, c *sql.Conn, statements ...string) error {
	for _, q := range statements {
		if err := mysql.Define(ctx, c, q); err != nil {
			return fmt.Errorf("%s: %w", firstWords(q), err)
		}
	}
	return nil
}

// firstWords shortens a statement for an error.
func firstWords(q string) string {
	q = strings.Join(strings.Fields(q[:min(len(q), 200)]), " ")
	if len(q) > 80 {
		q = strings.ToValidUTF8(q[:80], "") + "…"
	}
	return q
}

// kill ends the work of a connection on the server, which would continue an ALTER TABLE
// long after the client has gone.
func (s *session) kill(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if c, err := s.db.Conn(ctx); err == nil {
		c.ExecContext(ctx, "KILL "+id)
		c.Close()
	}
}

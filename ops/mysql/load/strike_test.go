package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
)

// striker kills the first statement that matches while the server is at it: a lock
// on the whole server holds the statement until it has been seen and killed.
type striker struct {
	t         *testing.T
	db        *sql.DB
	how       string // "QUERY" or "CONNECTION"
	statement *regexp.Regexp
	lock      string // holds such statements
	seen      atomic.Bool
	done      chan struct{}
}

func (k *striker) at(statement string) {
	if !k.statement.MatchString(statement) || !k.seen.CompareAndSwap(false, true) {
		return
	}
	held := make(chan bool)
	go func() {
		defer close(k.done)
		k.strike(held)
	}()
	<-held
}

// strike reports by held that the statement may go on.
func (k *striker) strike(held chan<- bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, err := k.db.Conn(ctx)
	if err == nil {
		defer c.Close()
		err = exec(ctx, c, "SET SESSION lock_wait_timeout = 60", k.lock)
	}
	close(held)
	if err != nil {
		k.t.Errorf("%v: %v", k.statement, err)
		return
	}
	defer exec(ctx, c, "UNLOCK TABLES")
	id, ok := k.find(ctx, c)
	if !ok {
		k.t.Errorf("%v was not seen at work", k.statement)
		return
	}
	if err := exec(ctx, c, fmt.Sprintf("KILL %s %d", k.how, id)); err != nil {
		k.t.Error(err)
	}
	for { // until it has felt it
		if now, ok := k.look(ctx, c); !ok || now != id {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// find waits until the statement is at work.
func (k *striker) find(ctx context.Context, c *sql.Conn) (id int64, ok bool) {
	for ctx.Err() == nil {
		if id, ok = k.look(ctx, c); ok {
			return id, true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return 0, false
}

// look looks once for the statement at work. MariaDB shows one whose connection was killed
// as such until it has felt it: with the lock gone before, it would be done after all.
func (k *striker) look(ctx context.Context, c *sql.Conn) (id int64, ok bool) {
	rows, err := c.QueryContext(
		ctx,
		"SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Query', 'Killed') AND ID <> CONNECTION_ID()",
	)
	if err != nil {
		return 0, false
	}
	defer rows.Close()
	for rows.Next() {
		var info sql.NullString
		if rows.Scan(&id, &info) == nil && k.statement.MatchString(info.String) {
			return id, true
		}
	}
	return 0, false
}

// oneOfAll is a schema with one of everything, and few rows.
func oneOfAll(t *testing.T, s *testdb.Server) string {
	t.Helper()
	name := s.Schema(t)
	var rows strings.Builder
	for i := range 300 {
		fmt.Fprintf(&rows, ",(%d,'n%d','客户 %d')", i+1, i, i%7)
	}
	s.Exec(
		t,
		name,
		"SET NAMES utf8mb4; CREATE TABLE big (id BIGINT PRIMARY KEY AUTO_INCREMENT, no VARCHAR(40), text "+
			"VARCHAR(90), UNIQUE KEY (no), KEY k (text, id)) ENGINE=InnoDB CHARACTER SET utf8mb4; "+
			"INSERT INTO big VALUES "+rows.String()[1:],
		"CREATE TABLE child (id INT PRIMARY KEY, big BIGINT, KEY (big), FOREIGN KEY (big) REFERENCES big (id)) "+
			"ENGINE=InnoDB",
		"CREATE TABLE heap (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM",
		"INSERT INTO child SELECT id, id FROM big",
		"INSERT INTO heap SELECT id, text FROM big",
		"CREATE VIEW v AS SELECT COUNT(*) n FROM big",
		"CREATE TRIGGER g BEFORE INSERT ON child FOR EACH ROW SET NEW.big = NEW.big + 0",
		"CREATE PROCEDURE p() SELECT 1",
		"CREATE EVENT e ON SCHEDULE AT '2037-01-01' DO SELECT 1",
	)
	return name
}

// deferAll gives every table its secondary keys behind its rows.
func deferAll(t *testing.T) {
	was := deferFrom
	deferFrom = 0
	t.Cleanup(func() { deferFrom = was })
}

// statements of each phase of a load, as they begin.
var (
	objectStatements = []string{
		"CREATE.{1,100}VIEW `v` AS select count",
		"CREATE.{1,100}PROCEDURE",
		"CREATE.{1,100}TRIGGER",
		"CREATE.{1,100}EVENT",
		"DROP TABLE IF EXISTS `_opsdeck_load`",
	}
	nativeStatements = append(
		[]string{
			"CREATE DATABASE",
			"CREATE TABLE IF NOT EXISTS `_opsdeck_load`",
			"INSERT INTO `_opsdeck_load` VALUES \\('identity'",
			"CREATE TABLE `big`",
			"INSERT INTO `_opsdeck_load` VALUES \\('table'",
			"LOAD DATA",
			"INSERT INTO `_opsdeck_load` VALUES \\('rows'",
			"COMMIT",
			"ALTER TABLE `big`",
		},
		objectStatements...)
	foreignStatements = append(
		[]string{
			"CREATE DATABASE",
			"CREATE TABLE `big`",
			"INSERT INTO `big`",
			"INSERT INTO `heap`",
			"REPLACE INTO `_opsdeck_load`",
			"COMMIT",
			"ALTER TABLE `big` ADD",
		},
		objectStatements...)
)

// A statement of each phase is killed in the middle, or its connection. The load then
// ends well, or says what happened; run again it comes to the same end. On each server
// every other statement loses its connection; in a soak each has both.
func TestAKillInTheMiddleOfAnyStatementIsOvercome(t *testing.T) {
	testdb.Quiet(t)
	deferAll(t)
	both := os.Getenv("OPSDECK_SOAK") != ""
	testdb.Beside(t, func(t *testing.T, s *testdb.Server) {
		from := oneOfAll(t, s)
		native := backedUp(t, s, dump.Options{Databases: []string{from}})
		foreign := source(
			t,
			s.Dump(t, "--routines", "--triggers", "--events", "--skip-lock-tables", "--databases", from),
		)
		for i, how := range []string{"QUERY", "CONNECTION"} {
			if s.Flavour == "mysql" {
				i++
			}
			for n, statement := range nativeStatements {
				if both || (n+i)%2 == 0 {
					mustVerify(t, s, native.Manifest, struck(t, s, native, from, how, statement))
				}
			}
			for n, statement := range foreignStatements {
				if both || (n+i)%2 == 0 {
					sameAs(t, s, struck(t, s, foreign, from, how, statement), from)
				}
			}
		}
	})
}

// struck loads a source into a schema of its own; the first statement that begins
// so is killed.
func struck(t *testing.T, s *testdb.Server, src *Source, from, how, statement string) (schema string) {
	t.Helper()
	schema = s.Schema(t)
	s.Exec(t, "", "DROP DATABASE "+schema)
	k := &striker{
		t:         t,
		db:        s.Open(t, ""),
		how:       how,
		statement: regexp.MustCompile(`(?s)^(/\*!\d+ )?` + statement),
		lock:      "FLUSH TABLES WITH READ LOCK",
		done:      make(chan struct{}),
	}
	to := target(s)
	to.Addr, to.NoTLS = s.Tap(t, k.at), true
	o := Options{Schema: schema, From: from, Definer: DefinerKeep, Events: true}
	_, err := Run(t.Context(), to, src, o)
	if !k.seen.Load() {
		t.Errorf("%s: no such statement was run", statement)
		return schema
	}
	<-k.done
	t.Logf("KILL %s in %s: %v", how, statement, err)
	if err != nil {
		said(t, err)
		untilDone(t, func() error {
			_, err := Run(t.Context(), to, src, o)
			return err
		})
	}
	return schema
}

// said fails for an error that has no sentence for people.
func said(t *testing.T, err error) {
	t.Helper()
	var known *ops.Error
	if !errors.As(err, &known) || known.Code != ops.Failed && known.Code != ops.Busy {
		t.Errorf("code %d: %v", ops.CodeOf(err), err)
	}
}

// A reader of the verification that is killed, before its rows or among them, gives
// an error and never a verdict.
func TestAKillInTheMiddleOfTheVerificationIsNoVerdict(t *testing.T) {
	allTold(t)
	testdb.Quiet(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from := s.Schema(t)
		s.Exec(
			t,
			from,
			"CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100) NOT NULL)",
			"INSERT INTO a (v) SELECT REPEAT('x', 100) FROM information_schema.COLUMNS LIMIT 1000",
			"INSERT INTO a (v) SELECT a.v FROM a, (SELECT 1 FROM a LIMIT 110) b",
		) // more than the socket's buffers hold behind the first report
		src := backedUp(t, s, dump.Options{Databases: []string{from}})
		db := s.Open(t, "")
		for _, how := range []string{"QUERY", "CONNECTION"} {
			k := &striker{
				t:         t,
				db:        db,
				how:       how,
				statement: regexp.MustCompile("^SELECT /.*FROM .*`a`"),
				lock:      "LOCK TABLES `" + from + "`.a WRITE",
				done:      make(chan struct{}),
			}
			to := target(s)
			to.Addr, to.NoTLS = s.Tap(t, k.at), true
			_, err := Verify(t.Context(), to, src.Manifest, VerifyOptions{Schema: from})
			<-k.done
			refusedVerdict(t, how+" before the rows", err)

			k = &striker{t: t, db: db, how: how, statement: k.statement}
			to = mysql.Target{Network: "unix", Addr: s.Socket, User: s.User, Password: s.Password}
			var once sync.Once
			_, err = Verify(t.Context(), to, src.Manifest, VerifyOptions{Schema: from, Report: func(p ops.Progress) {
				if p.Phase == "verify" && p.Rows > 0 {
					once.Do(k.now)
				}
			}})
			refusedVerdict(t, how+" among the rows", err)
		}
		mustVerify(t, s, src.Manifest, from)
	})
}

// now kills the statement, which is at work.
func (k *striker) now() {
	c, err := k.db.Conn(context.Background())
	if err != nil {
		k.t.Error(err)
		return
	}
	defer c.Close()
	id, ok := k.look(context.Background(), c)
	if !ok {
		k.t.Error("no reader was seen")
		return
	}
	if err := exec(context.Background(), c, fmt.Sprintf("KILL %s %d", k.how, id)); err != nil {
		k.t.Error(err)
	}
}

func refusedVerdict(t *testing.T, what string, err error) {
	t.Helper()
	t.Logf("KILL %s: %v", what, err)
	if err == nil {
		t.Errorf("KILL %s: it passed for a verdict", what)
		return
	}
	said(t, err)
}

package load

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/dump"
)

// untilDone runs a load again and again until it succeeds, as a person would.
func untilDone(t *testing.T, run func() error) (tries int) {
	t.Helper()
	for tries = 1; ; tries++ {
		err := run()
		if err == nil {
			return tries
		}
		if tries == 20 {
			t.Fatal(err)
		}
	}
}

func TestKilledQueriesAndConnectionsCostNoRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
		schema := s.Schema(t)
		o := Options{Schema: schema, Definer: DefinerCurrent, Commit: 1 << 20}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		kills := make(chan int, 1)
		go func() { kills <- killRepeatedly(ctx, t, s, schema) }()
		n := untilDone(t, func() error {
			_, err := Run(context.Background(), target(s), src, o)
			return err
		})
		stop()
		t.Logf("%d runs, %d kills", n, <-kills)
		mustVerify(t, s, src.Manifest, schema)
	})
}

// killRepeatedly kills what works in a schema, five times.
func killRepeatedly(ctx context.Context, t *testing.T, s *testdb.Server, schema string) (kills int) {
	db := s.Open(t, "")
	for kills < 5 && ctx.Err() == nil {
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		var id int
		if db.QueryRow("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = ? AND COMMAND = 'Query' ORDER BY "+
			"RAND() LIMIT 1", schema).
			Scan(&id) !=
			nil {
			continue
		}
		how := []string{"KILL QUERY", "KILL CONNECTION"}[kills%2]
		if _, err := db.Exec(fmt.Sprintf("%s %d", how, id)); err == nil {
			kills++
		}
	}
	return kills
}

func TestAServerThatDiesInTheMiddleIsLoadedToTheEnd(t *testing.T) {
	allTold(t)
	flavours := []string{"mariadb"}
	if os.Getenv("OPSDECK_SOAK") != "" {
		flavours = append(flavours, "mysql")
	}
	for _, flavour := range flavours {
		s := testdb.Private(t, flavour)
		src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
		o := Options{Schema: "copy", Definer: DefinerCurrent, Commit: 1 << 20}
		var once sync.Once
		dying := o
		for at := range 2 {
			once = sync.Once{}
			dying.Report = func(p ops.Progress) {
				if p.Rows > int64(2000*(1-at)) {
					once.Do(s.Kill)
				}
			}
			if _, err := Run(context.Background(), target(s), src, dying); err == nil {
				t.Errorf("%d: the load outlived the server", at)
			}
			s.Start(t)
		}
		mustRun(t, s, src, o)
		mustVerify(t, s, src.Manifest, "copy")
	}
}

// proxy passes connections on, and cuts each after a number of bytes.
func proxy(t *testing.T, addr string, bytes func() int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				continue
			}
			go io.Copy(in, out)
			go func() {
				io.CopyN(out, in, bytes())
				in.Close()
				out.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestACutLineCostsNoRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
		schema := s.Schema(t)
		direct := target(s)
		cut := direct
		var mu sync.Mutex
		budget := int64(1 << 20)
		cut.Addr = proxy(t, direct.Addr, func() int64 {
			mu.Lock()
			defer mu.Unlock()
			budget += 1 << 20 // in the end it gets through
			return budget + rand.Int64N(1<<20)
		})
		cut.NoTLS = true
		n := untilDone(t, func() error {
			_, err := Run(
				context.Background(),
				cut,
				src,
				Options{Schema: schema, Definer: DefinerCurrent, Commit: 1 << 20},
			)
			return err
		})
		t.Logf("%d runs", n)
		mustVerify(t, s, src.Manifest, schema)
	})
}

// In each phase of both kinds of load all connections are killed at once; run again,
// the load comes to the same end.
func TestKillsInAnyPhaseAreOvercome(t *testing.T) {
	allTold(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		full := filled(t, s)
		native := backedUp(t, s, dump.Options{Databases: []string{full}})
		light, text := shopDump(t, s)
		foreign := source(t, text)
		name := fmt.Sprintf("u%d", rand.Uint32())
		s.Exec(t, "", "CREATE USER "+name+"@'%' IDENTIFIED BY 'secret of u'", "GRANT ALL ON *.* TO "+name+"@'%'")
		defer s.Exec(t, "", "DROP USER "+name+"@'%'")
		to := target(s)
		to.User, to.Password = name, "secret of u"
		db := s.Open(t, "")
		for _, phase := range []string{"ddl", "rows", "indexes", "objects", "foreign check", "foreign rows"} {
			src, o := native, Options{Schema: s.Schema(t), From: full, Definer: DefinerKeep, Commit: 1 << 20}
			phase, isForeign := strings.CutPrefix(phase, "foreign ")
			if isForeign {
				src, o.From, o.Events = foreign, light, true
			}
			var once sync.Once
			killing := o
			killing.Report = func(p ops.Progress) {
				if p.Phase == phase && (phase != "rows" || p.Rows > 0) {
					once.Do(func() { killAll(t, db, name) })
				}
			}
			_, err := Run(context.Background(), to, src, killing)
			t.Logf("%s, foreign %v: %v", phase, isForeign, err)
			if err != nil {
				untilDone(t, func() error {
					_, err := Run(context.Background(), to, src, o)
					return err
				})
			}
			if isForeign {
				sameAs(t, s, o.Schema, light)
			} else {
				mustVerify(t, s, src.Manifest, o.Schema)
			}
		}
	})
}

// killAll kills all connections of a user.
func killAll(t *testing.T, db *sql.DB, user string) {
	rows, err := db.Query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = ?", user)
	if err != nil {
		t.Error(err)
		return
	}
	defer rows.Close()
	var id int
	for rows.Next() {
		if rows.Scan(&id) == nil {
			db.Exec(fmt.Sprintf("KILL %d", id))
		}
	}
}

func TestInterruptOfALoadOnAStalledLineEndsAtOnce(t *testing.T) {
	s := testdb.MariaDB(t)
	src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
	direct := target(s)
	stalled := direct
	stall := make(chan struct{})
	addr, hangUp := stalling(t, direct.Addr, stall)
	stalled.Addr, stalled.NoTLS = addr, true
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	var at time.Time
	o := Options{Schema: s.Schema(t), Definer: DefinerCurrent, Commit: 1 << 20}
	waiting := o
	waiting.Report = func(p ops.Progress) {
		if p.Phase == "rows" {
			once.Do(func() {
				close(stall)
				at = time.Now()
				time.AfterFunc(500*time.Millisecond, cancel)
			})
		}
	}
	_, err := Run(ctx, stalled, src, waiting)
	// At once, not when the server's or the line's time is up, which would be an hour.
	if !errors.Is(err, context.Canceled) || time.Since(at) > 2*time.Minute {
		t.Errorf("after %v: %v", time.Since(at), err)
	}
	hangUp() // until then the server believes that the first load goes on
	mustRun(t, s, src, o)
	mustVerify(t, s, src.Manifest, o.Schema)
}

// stalling passes connections on until stall is closed; they stay open after it,
// until hangUp is called.
func stalling(t *testing.T, addr string, stall chan struct{}) (at string, hangUp func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var open []net.Conn
	hangUp = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	}
	t.Cleanup(hangUp)
	pipe := func(to, from net.Conn) {
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			select {
			case <-stall:
				return
			default:
			}
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				to.Close()
				return
			}
		}
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				continue
			}
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
	return l.Addr().String(), hangUp
}

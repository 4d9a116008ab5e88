package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// ErrClaimed is wrapped by the error that says who holds a database's claim.
var ErrClaimed = errors.New("another opsdeck works on the database")

const (
	claimBeat   = 20 * time.Second // how often a claim looks whether it is still there
	claimIdle   = "150"            // seconds after which the server forgets a holder that is gone without a word
	claimWait   = "1"              // seconds for the session of a holder that was just killed to end
	claimHolder = "opsdeck_holder" // the connection attribute that names the holder
)

// Claim is a lock on the server itself, named by a database: lock files keep out only
// those with the same state folder, and two machines may look after one server. It
// is a session that holds a lock of GET_LOCK, and ends with it. A server that was
// restarted in between is claimed again.
type Claim struct {
	target   Target
	database string
	who      claimant
	lost     func(error) // called once if somebody else has it after a break; may be nil

	mu   sync.Mutex
	pool *sql.DB
	stop chan struct{}
	done chan struct{}
}

// claimant is a holder as it names itself to others at the server.
type claimant struct {
	lock.Holder
	Machine string `json:"machine"`
}

// TakeClaim claims a database. It fails with ErrClaimed, and ops.Busy, where another
// has it. A server that cannot be reached, or has no such locks, is no reason to
// refuse: what follows will find that out; the first is claimed once it answers.
func TakeClaim(ctx context.Context, t Target, database string, who lock.Holder, lost func(error)) (*Claim, error) {
	machine, _ := os.Hostname()
	who.PID = os.Getpid()
	if who.Since.IsZero() {
		who.Since = time.Now()
	}
	c := &Claim{target: t, database: database, who: claimant{who, machine}, lost: lost,
		stop: make(chan struct{}), done: make(chan struct{})}
	if err := c.take(ctx); errors.Is(err, ErrClaimed) {
		return nil, err
	}
	go c.keep()
	return c, nil
}

// LookClaim returns an error like TakeClaim's if somebody has claimed the database.
// What cannot be seen is left to TakeClaim.
func LookClaim(ctx context.Context, t Target, database string) error {
	pool, err := Open(ctx, t, "")
	if err != nil {
		return nil
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil
	}
	defer conn.Close()
	name := claimName(ctx, conn, database)
	for range 3 { // the session of a holder that was just killed may still be ending
		free, err := schema.One(ctx, conn, "SELECT IS_FREE_LOCK(?)", name)
		if err != nil || free != "0" {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return claimed(ctx, conn, name, database)
}

// Release gives the database back.
func (c *Claim) Release() error {
	if c == nil {
		return nil
	}
	close(c.stop)
	<-c.done
	c.drop()
	return nil
}

func (c *Claim) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pool != nil {
		c.pool.Close()
		c.pool = nil
	}
}

// take opens the session that holds the lock.
func (c *Claim) take(ctx context.Context) error {
	text, err := json.Marshal(c.who)
	if err != nil {
		return err
	}
	pool, err := Open(ctx, c.target, "", func(d *driver.Config) {
		d.ConnectionAttributes = claimHolder + ":" + base64.RawURLEncoding.EncodeToString(text)
		d.Params["wait_timeout"] = claimIdle
	})
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	pool.SetConnMaxLifetime(0)
	conn, err := pool.Conn(ctx)
	if err != nil {
		pool.Close()
		return err
	}
	name := claimName(ctx, conn, c.database)
	got, err := schema.One(ctx, conn, "SELECT GET_LOCK(?, "+claimWait+")", name)
	if err == nil && got == "0" {
		err = claimed(ctx, conn, name, c.database)
	}
	conn.Close() // back to the pool, which has no other
	if err != nil {
		pool.Close()
		return err
	}
	c.mu.Lock()
	c.pool = pool
	c.mu.Unlock()
	return nil
}

// keep looks now and then whether the session is still there.
func (c *Claim) keep() {
	defer close(c.done)
	tick := time.NewTicker(claimBeat)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
		err := c.again(ctx)
		cancel()
		if errors.Is(err, ErrClaimed) {
			if c.lost != nil {
				c.lost(err)
			}
			return
		}
	}
}

// again claims the database once more where the session is gone.
func (c *Claim) again(ctx context.Context) error {
	c.mu.Lock()
	pool := c.pool
	c.mu.Unlock()
	if pool != nil {
		name := claimName(ctx, pool, c.database)
		mine, err := schema.One(ctx, pool, "SELECT IS_USED_LOCK(?) = CONNECTION_ID()", name)
		if err == nil && mine == "1" {
			return nil
		}
		c.drop()
	}
	return c.take(ctx)
}

// claimName is the lock's name: at most 64 characters, and not case sensitive.
func claimName(ctx context.Context, q schema.Querier, database string) string {
	if fold, err := schema.One(ctx, q, "SELECT @@lower_case_table_names"); err == nil && fold != "0" {
		database = strings.ToLower(database)
	}
	sum := sha256.Sum256([]byte(database))
	return "opsdeck_database_" + hex.EncodeToString(sum[:16])
}

// claimed says who has it, as far as the server lets it be seen.
func claimed(ctx context.Context, q schema.Querier, name, database string) error {
	id, _ := schema.One(ctx, q, "SELECT IS_USED_LOCK(?)", name)
	hint := lang.M("wait for it to end, then run this again")
	for _, table := range []string{"session_connect_attrs", "session_account_connect_attrs"} {
		text, err := schema.One(ctx, q, "SELECT ATTR_VALUE FROM performance_schema."+table+
			" WHERE PROCESSLIST_ID = ? AND ATTR_NAME = '"+claimHolder+"'", id)
		raw, bad := base64.RawURLEncoding.DecodeString(text)
		var who claimant
		if err != nil || bad != nil || text == "" || json.Unmarshal(raw, &who) != nil {
			continue
		}
		return ops.Wrap(ErrClaimed, ops.Busy,
			lang.M("busy: %s on %s (pid %d) holds the lock of %s on the server for %s since %s",
				who.User, who.Machine, who.PID, database, who.What, who.Since.Local().Format("2006-01-02 15:04:05")),
		).
			WithHint(hint)
	}
	rows, err := schema.All(ctx, q, "SELECT USER, HOST FROM information_schema.PROCESSLIST WHERE ID = ?", id)
	if err != nil || len(rows) == 0 {
		return ops.Wrap(ErrClaimed, ops.Busy,
			lang.M("busy: another opsdeck (connection %s) holds the lock of %s on the server", id, database)).
			WithHint(hint)
	}
	return ops.Wrap(ErrClaimed, ops.Busy,
		lang.M("busy: another opsdeck (connection %s of %s from %s) holds the lock of %s on the server",
			id, rows[0][0], rows[0][1], database)).
		WithHint(hint)
}

package dump

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// names detects that tables changed places: after RENAME TABLE or EXCHANGE PARTITION a
// snapshot reads another table's rows under the old name, with the same definition and
// without an error. All other DDL on a table that is not read yet fails with
// ER_TABLE_DEF_CHANGED.
//
// The server counts these statements. While the count is unchanged, nothing can have moved.
// If it changed, the tables' identities are compared. Two moves that cancel each other
// within pause are not detected. If the identity of a table is unknown, all are locked
// against DDL until their rows are read.
type names struct {
	mu        sync.Mutex
	databases []*database
	count     string            // of statements that can move a table
	was       map[string]string // identity by name, before the snapshot
	known     map[string]bool   // the identities
	vague     bool              // identities are creation times of the tables to dump
	checked   time.Time
	unchecked bool      // a chunk was read since
	lock      []string  // queries that take a transaction's metadata locks, which make DDL wait
	held      *sql.Conn // has these locks until the snapshot is open; nil if there are none
}

// pause is the shortest time between two checks.
const pause = 100 * time.Millisecond

// newNames takes note of the tables' identities. The caller closes it.
func (d *dumper) newNames(ctx context.Context, db *sql.DB, control *sql.Conn, all []*database) (*names, error) {
	n := &names{checked: time.Now(), databases: all, known: map[string]bool{}}
	n.count = moves(ctx, control)
	var err error
	if n.was, n.vague, err = n.read(ctx, control); err != nil {
		return nil, err
	}
	for _, id := range n.was {
		n.known[id] = true
	}
	if n.lock = n.locks(); len(n.lock) == 0 {
		return n, nil
	}
	if n.held, err = connect(ctx, db, d.opts.LockWait); err != nil {
		return nil, err
	}
	if err := execute(ctx, n.held, append([]string{"START TRANSACTION"}, n.lock...)...); err != nil {
		n.close()
		return nil, err
	}
	here, err := identity(ctx, control)
	there, err2 := identity(ctx, n.held)
	if err = errors.Join(err, err2); err == nil && here != there {
		err = severalServers()
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// locks are queries that lock all tables to dump, if the identity of one is unknown. A
// statement on several tables could wait for a locked one while it locks another.
func (n *names) locks() (queries []string) {
	if !n.vague {
		return nil
	}
	ours := map[string]string{}
	unknown := false
	for _, db := range n.databases {
		for _, t := range db.tables {
			id := n.was[t.SQLName()]
			ours[t.SQLName()] = id
			if t.Transactional() && !t.Sequence { // others are not of the snapshot's moment, and may have no savepoints
				unknown = unknown || id == ""
				queries = append(queries, "SELECT 1 FROM "+t.SQLName()+" LIMIT 0")
			}
		}
	}
	n.was = ours
	if !unknown {
		return nil
	}
	return queries
}

// close ends the locks of the time before the snapshot.
func (n *names) close() {
	if n.held != nil {
		n.held.Close()
	}
	n.held = nil
}

// moves is the server's count of statements that can move a table; "" if it is unknown.
func moves(ctx context.Context, q *sql.Conn) string {
	rows, err := schema.All(ctx, q, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_rename_table', 'Com_alter_table')")
	if err != nil {
		return ""
	}
	var all []string
	for _, r := range rows {
		all = append(all, r[0]+" "+r[1])
	}
	return strings.Join(all, ", ")
}

// read returns the identity of every table and partition by name. Without the PROCESS
// privilege these are the creation times of the tables to dump, "" where several share one.
func (n *names) read(ctx context.Context, q *sql.Conn) (ids map[string]string, vague bool, err error) {
	for _, view := range []string{"INNODB_TABLES", "INNODB_SYS_TABLES"} { // MySQL, MariaDB
		rows, err := schema.All(ctx, q, "SELECT NAME, TABLE_ID FROM information_schema."+view)
		if err == nil {
			ids := make(map[string]string, len(rows))
			for _, r := range rows {
				ids[r[0]] = r[1]
			}
			return ids, false, nil
		}
		if mysql.Lost(err) || ctx.Err() != nil {
			return nil, false, err
		}
	}
	ids = map[string]string{}
	for _, db := range n.databases {
		rows, err := schema.All(ctx, q, "SELECT TABLE_NAME, CREATE_TIME, CREATE_OPTIONS "+
			"FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE <> 'VIEW'", db.name)
		if err != nil {
			return nil, false, err
		}
		times := map[string]int{}
		for _, r := range rows {
			times[r[1]]++
		}
		for _, r := range rows {
			id := r[1]
			if times[id] > 1 || strings.Contains(r[2], "partitioned") {
				id = ""
			}
			ids[schema.Name(db.name, r[0])] = id
		}
	}
	return ids, true, nil
}

// check fails if a table may have moved since the snapshot.
func (n *names) check(ctx context.Context, q *sql.Conn) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.checked = time.Now()
	n.unchecked = false
	count := moves(ctx, q)
	if count != "" && count == n.count {
		return nil
	}
	is, vague, err := n.read(ctx, q)
	if err != nil {
		return err
	}
	for name, was := range n.was {
		var moved bool
		switch {
		case is[name] == was:
		case vague:
			moved = was != ""
		default: // a table that is newer than the snapshot has no rows in it: reading it fails
			moved = n.known[is[name]] && n.ours(name)
		}
		if moved || vague != n.vague {
			return changedError(name, nil)
		}
	}
	n.count = count
	return nil
}

// keep puts the definitions of the locked tables into a later inventory: until the lock's end
// they were the same.
func (n *names) keep(inv, after *inventory) {
	if len(n.lock) == 0 {
		return
	}
	for i, db := range inv.databases {
		for _, t := range db.tables {
			same := func(o *table) bool { return o.Name == t.Name }
			after.databases[i].tables = append(slices.DeleteFunc(after.databases[i].tables, same), t)
		}
	}
}

// ours reports whether a name of InnoDB's dictionary is of a database to dump.
func (n *names) ours(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	return slices.ContainsFunc(n.databases, func(db *database) bool {
		return schema.InnoDBName(db.name).MatchString(folder)
	})
}

// started checks before a long chunk if chunks were read since the last check.
func (n *names) started(ctx context.Context, q *sql.Conn, c *chunk) error {
	n.mu.Lock()
	unchecked := n.unchecked
	n.mu.Unlock()
	if unchecked && c.t.Bytes > chunkBytes/2 {
		return n.check(ctx, q)
	}
	return nil
}

// finished checks after a chunk, while its table's metadata lock is held, unless a check
// has just been made.
func (n *names) finished(ctx context.Context, q *sql.Conn) error {
	n.mu.Lock()
	n.unchecked = true
	fresh := time.Since(n.checked) < pause
	n.mu.Unlock()
	if fresh {
		return nil
	}
	return n.check(ctx, q)
}

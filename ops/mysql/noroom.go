package mysql

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// NoRoom is a server whose statements wait until there is free space on one of its disks.
// Such a server answers reads and takes no writes; it goes on by itself once there is room.
type NoRoom struct {
	Addr     string
	Folder   string        // where it writes; "" where that is not known
	For      time.Duration // how long the oldest statement has waited
	Sessions []string      // ids of the sessions that wait
	Sure     bool          // the server or its disk says so; else it is the usual cause of such a wait
}

// What MariaDB and MySQL call the state of a session that waits for room: MariaDB has a
// name for it, MySQL has none that a commit on a slow disk does not have too.
const (
	waitsForSpace  = "waiting for someone to free space"
	waitsForCommit = "waiting for handler commit"
)

const (
	slowCommit = 2 * time.Second  // a commit that takes longer is looked at
	deadCommit = 30 * time.Second // one that takes longer is not merely slow
	leastRoom  = 256 << 10        // a disk with less takes nothing that matters
)

// fullWriting is the error log's line of a write that waits for room, with the file.
var fullWriting = regexp.MustCompile(`^Disk is full writing '([^']+)'`)

// LookNoRoom finds statements that wait for free space on the server's disk; nil when none
// is seen. It reads only what such a server still answers: it does not tell the position
// of its binary log. Without the PROCESS privilege only the account's own sessions are seen.
func LookNoRoom(ctx context.Context, q schema.Querier, t Target) (*NoRoom, error) {
	rows, err := schema.All(ctx, q, "SELECT ID, LOWER(COALESCE(STATE, '')), COALESCE(TIME, 0) FROM "+
		"information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND STATE IN ('"+waitsForSpace+"', '"+
		waitsForCommit+"')")
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w", err)
	}
	n := &NoRoom{Addr: t.Addr}
	for _, r := range rows {
		seconds, _ := strconv.ParseInt(r[2], 10, 64)
		waited := time.Duration(seconds) * time.Second
		if r[1] == waitsForCommit && waited < slowCommit {
			continue
		}
		n.Sure = n.Sure || r[1] == waitsForSpace
		n.Sessions = append(n.Sessions, r[0])
		n.For = max(n.For, waited)
	}
	if len(n.Sessions) == 0 {
		return n.early(ctx, q, t)
	}
	if n.Addr == "" {
		n.Addr, _ = schema.One(ctx, q, "SELECT CONCAT(@@hostname, ':', @@port)") // the sentence does without
	}
	n.locate(ctx, q, t)
	if !n.Sure && n.For < deadCommit {
		return nil, nil
	}
	return n, nil
}

// early is the finding before any statement waits: the disk of the binary log is seen to be
// full, and the next write will.
func (n *NoRoom) early(ctx context.Context, q schema.Querier, t Target) (*NoRoom, error) {
	disks, err := Disks(ctx, q, t)
	if err != nil {
		return nil, nil // a server that does not say where it writes
	}
	for _, d := range disks {
		if d.Log && d.Known && d.Free < leastRoom {
			n.Sure, n.Folder = true, d.Folder
			return n, nil
		}
	}
	return nil, nil
}

// locate finds the disk: by MySQL's own error log, else by what is free, if that is seen.
func (n *NoRoom) locate(ctx context.Context, q schema.Querier, t Target) {
	said, err := schema.All(ctx, q,
		"SELECT DATA FROM performance_schema.error_log WHERE DATA LIKE 'Disk is full writing%' "+
			"AND LOGGED >= NOW(6) - INTERVAL ? SECOND ORDER BY LOGGED DESC LIMIT 1", int64(n.For/time.Second)+2)
	if err == nil && len(said) == 1 {
		n.Sure = true
		if m := fullWriting.FindStringSubmatch(said[0][0]); m != nil && filepath.IsAbs(m[1]) {
			n.Folder = filepath.Dir(m[1])
			return
		}
	}
	disks, err := Disks(ctx, q, t)
	if err != nil {
		return
	}
	for _, d := range disks {
		if d.Known && d.Free < leastRoom {
			n.Sure, n.Folder = true, d.Folder
			return
		}
	}
	for _, d := range disks {
		if d.Log && n.Folder == "" {
			n.Folder = d.Folder
		}
	}
}

// readOnlyWords begin statements that do not wait for room, however long they take.
var readOnlyWords = []string{"SELECT", "CHECK", "WITH"}

// holds tells whether a session is one of those that wait: itself for room, or for the log
// that another holds meanwhile, as SHOW BINARY LOGS and each commit do.
func (n *NoRoom) holds(ctx context.Context, q schema.Querier, id uint32) bool {
	if slices.Contains(n.Sessions, strconv.FormatUint(uint64(id), 10)) {
		return true
	}
	info, err := schema.One(ctx, q, "SELECT COALESCE(INFO, '') FROM information_schema.PROCESSLIST WHERE ID = ?", id)
	word, _, _ := strings.Cut(strings.TrimSpace(info), " ")
	return err == nil && word != "" && !slices.Contains(readOnlyWords, strings.ToUpper(word))
}

// what is the sentence for people: a clause with a subject. It stays true while the wait goes on.
func (n *NoRoom) what() lang.Msg {
	since := time.Now().Add(-n.For).Format("15:04:05")
	switch {
	case !n.Sure:
		return lang.M("the server at %s has not finished a commit since %s; the usual cause is a full disk", n.Addr,
			since)
	case len(n.Sessions) == 0:
		return lang.M("the server at %s cannot write its binlog: the disk of %s is full", n.Addr, n.Folder)
	case n.Folder == "":
		return lang.M("the server at %s accepts no writes: its disk is full, and statements have waited for space "+
			"since %s",
			n.Addr, since)
	}
	return lang.M("the server at %s accepts no writes: the disk of %s is full, and statements have waited for space "+
		"since %s",
		n.Addr, n.Folder, since)
}

// hint is what to do.
func (n *NoRoom) hint() lang.Msg {
	return lang.M("free space on the server: %s; the server then continues within a minute",
		"opsdeck runbook disk-full")
}

// Err is the error of a command that must not wait for room. It says nothing of the data
// that the command worked on: see Circumstance.
func (n *NoRoom) Err() error { return &noRoomError{ops.E(ops.Failed, n.what()).WithHint(n.hint())} }

type noRoomError struct{ said *ops.Error }

func (e *noRoomError) Error() string { return e.said.Error() }
func (e *noRoomError) Unwrap() error { return e.said }

// RefuseNoRoom is an error when the server surely waits for free space, or will with the next
// write. What cannot be looked at is no reason to refuse.
func RefuseNoRoom(ctx context.Context, q schema.Querier, t Target) error {
	if n, err := LookNoRoom(ctx, q, t); err == nil && n != nil && n.Sure {
		return n.Err()
	}
	return nil
}

// WhileRoom runs act, and ends its context when the server stops to accept writes because its
// disk is full: act waits for it otherwise. Then the error says so. q must not be a
// connection of act's.
func WhileRoom(ctx context.Context, q schema.Querier, t Target, act func(context.Context) error) error {
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(roomEvery):
			}
			if err := RefuseBlocked(work, q, t); err != nil && work.Err() == nil {
				stop(err)
				return
			}
		}
	}()
	err := act(work)
	close(ended)
	if full := context.Cause(work); err != nil && full != nil && ctx.Err() == nil {
		return full
	}
	return err
}

// roomEvery is how often it is asked whether the server still accepts writes.
const roomEvery = 2 * time.Second

// RefuseBlocked is an error when statements wait for free space. Then the server does not
// tell the position of its binary log either, which a backup needs.
func RefuseBlocked(ctx context.Context, q schema.Querier, t Target) error {
	if n, err := LookNoRoom(ctx, q, t); err == nil && n != nil && n.Sure && len(n.Sessions) > 0 {
		return n.Err()
	}
	return nil
}

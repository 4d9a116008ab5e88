// Package oplog keeps operations.jsonl: who changed what and when, a line per
// act. Each line holds the hash of the line before, so that a line that was
// changed, removed or put in later is found. It is a record, not a lock: root
// can rewrite the whole file, but not a part of it unseen.
package oplog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lock"
	"opsdeck/internal/redact"
	"opsdeck/internal/trust"
)

// fileName is the log's name in the state folder.
const fileName = "operations.jsonl"

// Results of an act.
const (
	Started = "started" // an act that takes long; a line with its end follows
	Done    = "done"
	Failed  = "failed"
	Stopped = "stopped" // by the person, nothing half done
)

// Entry is one line.
type Entry struct {
	Time    time.Time         `json:"time"`
	User    string            `json:"user"`
	Sudo    string            `json:"sudo_user,omitempty"`
	SSH     string            `json:"ssh_connection,omitempty"`
	Host    string            `json:"host"`
	PID     int               `json:"pid"`
	Service string            `json:"service,omitempty"`
	Action  string            `json:"action"` // "backup.create", "service.stop" …
	Object  string            `json:"object,omitempty"`
	Result  string            `json:"result"`
	Detail  map[string]string `json:"detail,omitempty"`
	Prev    string            `json:"prev"` // SHA-256 of the line before without its line break, hex; "" for the first
}

// Log is the record in one state folder. The zero Getenv and Now mean the
// process's own, the zero Ctx one without an end.
type Log struct {
	Dir    string
	Ctx    context.Context // ends every wait for the file soon after it ends
	Now    func() time.Time
	Getenv func(string) string
}

// Path is the file's name.
func (l *Log) Path() string { return filepath.Join(l.Dir, fileName) }

// Record appends an act with the person behind it and makes it durable. Time,
// person, host, pid and chain are filled in; secrets in details are masked.
//
// Errors are *lock.HeldError when somebody else keeps the file locked and
// *lock.UnansweredError when its file system does not answer.
func (l *Log) Record(e Entry) error {
	l.fill(&e)
	return lock.Answered(l.context(), l.Path(), func() error { return l.record(e) })
}

func (l *Log) context() context.Context {
	if l.Ctx == nil {
		return context.Background()
	}
	return l.Ctx
}

func (l *Log) record(e Entry) error {
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return fmt.Errorf("record the operation: %w", err)
	}
	f, err := trust.Open(l.Path(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("record the operation: %w", err)
	}
	defer f.Close()
	if err := lock.Wait(l.context(), f, unix.LOCK_EX); err != nil {
		return fmt.Errorf("record the operation: %w", err)
	}
	last, end, torn, err := lastLine(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", l.Path(), err)
	}
	if last != nil {
		e.Prev = hash(last)
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	text := append(line, '\n')
	if torn {
		// A crash in the middle of a line: end it, so that the chain goes on and
		// Verify can name it.
		text = append([]byte{'\n'}, text...)
	}
	if _, err := f.WriteAt(text, end); err != nil {
		f.Truncate(end)
		return fmt.Errorf("write %s: %w", l.Path(), err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", l.Path(), err)
	}
	if end == 0 {
		return atomicfile.SyncDir(l.Dir)
	}
	return nil
}

func (l *Log) fill(e *Entry) {
	getenv, now := l.Getenv, l.Now
	if getenv == nil {
		getenv = os.Getenv
	}
	if now == nil {
		now = time.Now
	}
	e.Time = now().Truncate(time.Millisecond)
	e.User = UserName()
	e.Sudo, e.SSH = getenv("SUDO_USER"), getenv("SSH_CONNECTION")
	e.Host, _ = os.Hostname()
	e.PID = os.Getpid()
	e.Object = redact.Text(e.Object)
	for k, v := range e.Detail {
		e.Detail[k] = redact.Text(v)
	}
}

// UserName is the name of the user that the process runs as.
func UserName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

func hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// lastLine finds the last line, whole or torn, and where the file ends.
func lastLine(f *os.File) (line []byte, end int64, torn bool, err error) {
	end, err = f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return nil, end, false, err
	}
	const block = 64 << 10
	var tail []byte
	for at := end; at > 0; {
		n := min(at, block)
		at -= n
		part := make([]byte, n)
		if _, err := f.ReadAt(part, at); err != nil {
			return nil, 0, false, err
		}
		tail = append(part, tail...)
		body := bytes.TrimSuffix(tail, []byte{'\n'})
		if i := bytes.LastIndexByte(body, '\n'); i >= 0 {
			return body[i+1:], end, len(body) == len(tail), nil
		}
	}
	body := bytes.TrimSuffix(tail, []byte{'\n'})
	return body, end, len(body) == len(tail), nil
}

// Problem is a place where the record is not what was written.
type Problem struct {
	Line int    `json:"line"`
	Kind string `json:"kind"` // "chain" or "torn"
}

// Read returns all entries, oldest first, and what is wrong with the chain. An
// absent file is an empty record.
func (l *Log) Read() (entries []Entry, problems []Problem, err error) {
	type read struct {
		entries  []Entry
		problems []Problem
	}
	got := make(chan read, 1)
	err = lock.Answered(l.context(), l.Path(), func() error {
		entries, problems, err := l.read()
		got <- read{entries, problems}
		return err
	})
	if e := (*lock.UnansweredError)(nil); errors.As(err, &e) {
		return nil, nil, err
	}
	r := <-got
	return r.entries, r.problems, err
}

func (l *Log) read() ([]Entry, []Problem, error) {
	f, err := trust.Open(l.Path(), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if err := lock.Wait(l.context(), f, unix.LOCK_SH); err != nil { // half a line that is being written is not torn
		return nil, nil, err
	}
	return parse(f)
}

func parse(r io.Reader) (entries []Entry, problems []Problem, err error) {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 16<<20)
	prev := ""
	for n := 1; scan.Scan(); n++ {
		line := scan.Bytes()
		var e Entry
		switch err := json.Unmarshal(line, &e); {
		case err != nil:
			problems = append(problems, Problem{n, "torn"})
		case e.Prev != prev:
			problems = append(problems, Problem{n, "chain"})
			fallthrough
		default:
			entries = append(entries, e)
		}
		prev = hash(line)
	}
	return entries, problems, scan.Err()
}

package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lock"
	"opsdeck/internal/regular"
)

// Check is the result of a verification of one file in one state.
type Check struct {
	At       time.Time
	Deep     bool
	Sealed   bool      // encrypted and not decrypted: only length and hash of the file were verified, not its contents
	Problems []Problem // none: it passed
	SHA256   string
	Inside   string // the database inside a foreign file
}

// OK tells whether it passed.
func (c Check) OK() bool {
	for _, p := range c.Problems {
		if p.Fatal() {
			return false
		}
	}
	return true
}

// NotOpened tells whether the configured key did not decrypt it. Then nothing shows that
// it can be restored.
func (c Check) NotOpened() bool {
	return slices.ContainsFunc(c.Problems, func(p Problem) bool { return p.Code == NotOpened })
}

// key identifies the state of the files that a check or a summary applies to. A changed
// file has another key, so old results never apply to it.
type key struct{ File, Manifest FileID }

// Index stores, for one folder of backups, the results of verifications and the contents
// of manifests, keyed by the files' identity. Checks are appended at once, so that two
// processes do not lose each other's; summaries are only a cache. It is safe for
// concurrent use.
type Index struct {
	mu        sync.Mutex
	base      string // path without suffix; "" saves nothing
	checks    map[key]Check
	summaries map[FileID]Summary
	bare      map[key]Check // the last check of each file, ignoring ctime; nil: not built yet
	lines     int
	read      FileID // identity of the file of checks when it was last read
	stale     bool   // summaries were added since the file was read
}

// OpenIndex reads the index of dir under stateDir; with "" nothing outlives the process.
// A damaged line is skipped, not an error: its file must be verified again.
func OpenIndex(stateDir, dir string) (*Index, error) {
	x := &Index{checks: map[key]Check{}, summaries: map[FileID]Summary{}}
	if stateDir == "" {
		return x, nil
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	sum := sha256.Sum256([]byte(dir))
	x.base = filepath.Join(stateDir, "backups", hex.EncodeToString(sum[:6]))
	if err := x.catchUp(); err != nil {
		return x, err
	}
	return x, eachLine(x.base+".manifests", x.readSummary)
}

// catchUp reads the checks again when other processes have added some: a console stays
// open for days while cron makes and verifies backups.
func (x *Index) catchUp() error {
	if x.base == "" {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	info, err := os.Stat(x.base + ".checks")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, _ := idOf(info) // before reading: later changes are then read again
	if now == x.read {
		return nil
	}
	x.lines = 0
	if err := eachLine(x.base+".checks", func(f []string) { x.lines++; x.readCheck(f) }); err != nil {
		return err
	}
	x.read = now
	return nil
}

func eachLine(path string, read func(fields []string)) error {
	text, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	rest := string(text)
	fields := make([]string, 0, 32)
	for rest != "" {
		line, after, whole := strings.Cut(rest, "\n")
		if !whole {
			break // cut short by a crash
		}
		rest = after
		fields = fields[:0]
		for {
			f, more, found := strings.Cut(line, "\t")
			fields = append(fields, f)
			if !found {
				break
			}
			line = more
		}
		read(fields)
	}
	return nil
}

// find returns the check of a file in its current state.
func (x *Index) find(k key) (Check, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, ok := x.checks[k]
	return c, ok
}

// Record saves the result of a verification, durably.
func (x *Index) Record(file, manifest FileID, c Check) error {
	return x.put(key{file, manifest}, c)
}

func (x *Index) put(k key, c Check) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.checks[k] = c
	x.bare = nil
	if x.base == "" {
		return nil
	}
	x.lines++
	return x.locked(func() error {
		f, err := os.OpenFile(x.base+".checks", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		end, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if _, err := f.WriteString(checkLine(k, c)); err != nil {
			f.Truncate(end) // half a line would spoil the next one
			return err
		}
		return f.Sync()
	})
}

// restamp moves the check of a file to its new identity, after opsdeck itself changed
// only its names (which changes ctime).
func (x *Index) restamp(old, now key) error {
	c, ok := x.find(old)
	if !ok || old == now {
		return nil
	}
	return x.put(now, c)
}

func (x *Index) summary(id FileID) (Summary, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s, ok := x.summaries[id]
	return s, ok
}

func (x *Index) learn(id FileID, s Summary) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.summaries[id] = s
	x.stale = true
}

// save writes the new summaries. When most entries belong to deleted files, it removes
// those. live holds the keys of all files now in the folder. A failed save costs time,
// not correctness.
func (x *Index) save(live map[key]bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.base == "" {
		return
	}
	if x.stale || len(x.summaries) > 2*len(live)+100 {
		var b bytes.Buffer
		seen := make(map[FileID]bool, len(live))
		for k := range live {
			s, ok := x.summaries[k.Manifest]
			if ok && !seen[k.Manifest] {
				seen[k.Manifest] = true
				summaryLine(&b, k.Manifest, s)
			}
		}
		if x.write(".manifests", b.Bytes()) == nil {
			x.stale = false
		}
	}
	if x.lines > 2*len(live)+1000 {
		x.compact(live)
	}
}

// compact reads the checks again under the lock, so that no check of another process is
// lost.
func (x *Index) compact(live map[key]bool) {
	x.locked(func() error {
		if err := eachLine(x.base+".checks", x.readCheck); err != nil {
			return err
		}
		var b strings.Builder
		lines := 0
		bare := make(map[key]bool, len(live))
		for k := range live {
			bare[k.bare()] = x.checks[k].At.IsZero() // not read yet in its current state: keep its last check
		}
		for k, c := range x.checks {
			if live[k] || bare[k.bare()] {
				b.WriteString(checkLine(k, c))
				lines++
			} else {
				delete(x.checks, k)
			}
		}
		x.lines = lines
		return x.write(".checks", []byte(b.String()))
	})
}

func (x *Index) write(suffix string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(x.base), 0o700); err != nil {
		return err
	}
	return atomicfile.WriteBytes(x.base+suffix, 0o600, text)
}

// locked excludes other processes while f writes.
func (x *Index) locked(f func() error) error {
	for try := 0; ; try++ {
		l, err := lock.Take(x.base+".lock", lock.Holder{What: "backup index"})
		if err == nil {
			defer l.Release()
			return f()
		}
		var held *lock.HeldError
		if !errors.As(err, &held) || try == 200 {
			return fmt.Errorf("backup index: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (id FileID) fields() string {
	return fmt.Sprintf("%d\t%d\t%d\t%d", id.Inode, id.Size, id.MTime, id.CTime)
}

// line reads the fields of a line in order; bad is set when a field is invalid.
type line struct {
	fields []string
	bad    bool
}

func (l *line) text() string {
	if len(l.fields) == 0 {
		l.bad = true
		return ""
	}
	f := l.fields[0]
	l.fields = l.fields[1:]
	return f
}

func (l *line) quoted() string {
	s, err := strconv.Unquote(l.text())
	l.bad = l.bad || err != nil
	return s
}

func (l *line) int() int64 {
	v, err := strconv.ParseInt(l.text(), 10, 64)
	l.bad = l.bad || err != nil
	return v
}

func (l *line) id() FileID {
	inode, err := strconv.ParseUint(l.text(), 10, 64)
	l.bad = l.bad || err != nil
	return FileID{Inode: inode, Size: l.int(), MTime: l.int(), CTime: l.int()}
}

func (l *line) time() time.Time {
	if n := l.int(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// depth is the word in the index for how thorough the check was.
func (c Check) depth() string {
	switch {
	case c.Deep:
		return "true"
	case c.Sealed:
		return "sealed"
	}
	return "false"
}

func checkLine(k key, c Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "c1\t%s\t%s\t%d\t%s\t%s\t%q", k.File.fields(), k.Manifest.fields(), nanos(c.At), c.depth(),
		c.SHA256, c.Inside)
	for _, p := range c.Problems {
		fmt.Fprintf(&b, "\t%q", strings.Join(append([]string{p.Code}, p.Args...), "\x00"))
	}
	b.WriteString("\t.\n")
	return b.String()
}

func (x *Index) readCheck(fields []string) {
	l := line{fields: fields}
	if l.text() != "c1" {
		return
	}
	k := key{l.id(), l.id()}
	c := Check{At: l.time()}
	depth := l.text()
	c.Deep, c.Sealed, c.SHA256, c.Inside = depth == "true", depth == "sealed", l.text(), l.quoted()
	for len(l.fields) > 1 {
		parts := strings.Split(l.quoted(), "\x00")
		c.Problems = append(c.Problems, Problem{Code: parts[0], Args: parts[1:]})
	}
	if l.text() == "." && !l.bad {
		x.checks[k] = c
		x.bare = nil
	}
}

func summaryLine(b *bytes.Buffer, id FileID, s Summary) {
	flags := ""
	for flag, on := range map[string]bool{
		"c": s.Consistent, "p": s.Partial, "e": s.Encrypted, "n": s.NoData, "u": s.Unseen, "d": s.Doubt,
		"l": s.NotLoadable,
	} {
		if on {
			flags += flag
		}
	}
	var counts strings.Builder
	for _, c := range s.Counts {
		fmt.Fprintf(&counts, "%s\x00%d\x00", c.Name, c.Rows)
	}
	fmt.Fprintf(b, "m5\t%s\t%q\t%q\t%q\t%q\t%q\t%q\t%q\t", id.fields(), s.File, s.Kind, s.Engine, s.Flavour, s.Server,
		s.Machine, strings.Join(s.Databases, "\x00"))
	fmt.Fprintf(b, "%d\t%d\t%d\t%d\t%d\t%d\t%s\t%q\t-%s\t%q\t%q\t.\n", nanos(s.At), nanos(s.Finished), s.SizeBytes,
		s.RawBytes, s.Tables, s.Rows, s.SHA256, s.Consistency, flags, counts.String(), s.Where)
}

func (x *Index) readSummary(fields []string) {
	l := line{fields: fields}
	if l.text() != "m5" {
		return
	}
	id := l.id()
	s := Summary{
		File:        l.quoted(),
		Kind:        l.quoted(),
		Engine:      l.quoted(),
		Flavour:     l.quoted(),
		Server:      l.quoted(),
		Machine:     l.quoted(),
		Databases:   strings.Split(l.quoted(), "\x00"),
		At:          l.time(),
		Finished:    l.time(),
		SizeBytes:   l.int(),
		RawBytes:    l.int(),
		Tables:      int(l.int()),
		Rows:        l.int(),
		SHA256:      l.text(),
		Consistency: l.quoted(),
	}
	flags := l.text()
	s.Consistent, s.Partial, s.Encrypted = strings.Contains(flags, "c"), strings.Contains(flags,
		"p"), strings.Contains(flags, "e")
	s.NoData = strings.Contains(flags, "n")
	s.Unseen = strings.Contains(flags, "u")
	s.Doubt = strings.Contains(flags, "d")
	s.NotLoadable = strings.Contains(flags, "l")
	parts := strings.Split(l.quoted(), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		rows, err := strconv.ParseInt(parts[i+1], 10, 64)
		l.bad = l.bad || err != nil
		s.Counts = append(s.Counts, TableRows{Name: parts[i], Rows: rows})
	}
	s.Where = l.quoted()
	if l.text() == "." && !l.bad {
		x.summaries[id] = s
	}
}

// LastPlan is when a plan was last executed in this folder; zero when never.
func (x *Index) LastPlan() time.Time {
	if x.base == "" {
		return time.Time{}
	}
	text, err := regular.ReadFile(x.base + ".lastplan")
	if err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}
	}
	return t
}

// Planned records that a plan was executed at t.
func (x *Index) Planned(t time.Time) error {
	if x.base == "" {
		return nil
	}
	return x.write(".lastplan", []byte(t.Format(time.RFC3339Nano)+"\n"))
}

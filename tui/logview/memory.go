package logview

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
)

// memoryFormat is the version of the files in which the Logs tab remembers.
const memoryFormat = 1

// Memory is what the Logs tab remembers from one console to the next, beside
// the state: a file for each service, and one for each set of logs.
type Memory struct {
	path    string
	session string
	sources []string
	now     func() time.Time
	aside   lang.Msg // which file was set aside, and why; empty for none
}

type rememberedLogs struct {
	Format  int        `json:"format"`
	History []string   `json:"history"`
	Marks   []Bookmark `json:"bookmarks"`
}

// rememberedSession is how the tab was left. Sources are for a person who reads the file.
type rememberedSession struct {
	Format  int       `json:"format"`
	Sources []string  `json:"sources"`
	Left    time.Time `json:"left"`
	Session
}

// NewMemory names the files of a service and of its logs, by the patterns that they are
// configured with.
func NewMemory(dir, service string, sources []string, now func() time.Time) *Memory {
	name := filepath.Base(filepath.Clean(service))
	h := fnv.New32a()
	h.Write([]byte(strings.Join(sources, "\x00")))
	return &Memory{
		path:    filepath.Join(dir, "logs-"+name+".json"),
		session: filepath.Join(dir, fmt.Sprintf("logs-session-%s-%08x.json", name, h.Sum32())),
		sources: sources,
		now:     now,
	}
}

// Into gives the tab what is remembered, and what keeps it.
func (m *Memory) Into(o *Options) {
	was := m.read()
	o.Session = m.readSession()
	o.SaveSession = m.saveSession
	o.Aside = m.aside
	o.History = was.History
	o.Marks = was.Marks
	o.SaveHistory = m.saveHistory
	o.SaveMarks = m.saveMarks
}

// read returns what was kept. A file that cannot be understood is set aside: it is not
// written over.
func (m *Memory) read() (r rememberedLogs) {
	if !m.load(m.path, &r, &r.Format) {
		return rememberedLogs{}
	}
	return r
}

// load reads a file into v, whose format is at format.
func (m *Memory) load(path string, v any, format *int) bool {
	b, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	what := lang.Msg{}
	switch {
	case err != nil:
		m.aside = lang.M("the saved state of the Logs tab cannot be read: %s", lang.Raw(err.Error()))
		return false
	case json.Unmarshal(b, v) != nil:
		what = lang.M("%s is damaged", filepath.Base(path))
	case *format > memoryFormat:
		what = lang.M("%s was written by a newer opsdeck", filepath.Base(path))
	default:
		return true
	}
	to := path + ".aside-" + m.now().Format("20060102_150405")
	if err := os.Rename(path, to); err != nil {
		m.aside = lang.M("%s, and it cannot be set aside: %s", what, lang.Raw(err.Error()))
		return false
	}
	m.aside = lang.M("%s: it is set aside as %s", what, filepath.Base(to))
	return false
}

// change reads what is there, for another console may have written to it, and
// writes it changed.
func (m *Memory) change(f func(*rememberedLogs)) error {
	if err := os.MkdirAll(filepath.Dir(m.path), 0o700); err != nil {
		return err
	}
	r := m.read()
	f(&r)
	r.Format = memoryFormat
	return writeMemory(m.path, r)
}

func writeMemory(path string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, 0o600, append(b, '\n'))
}

func (m *Memory) saveHistory(all []string) error {
	return m.change(func(r *rememberedLogs) { r.History = all })
}

func (m *Memory) saveMarks(all []Bookmark) error {
	return m.change(func(r *rememberedLogs) { r.Marks = all })
}

// placeHolds is how long the place in the logs is worth coming back to; after that the newest
// is what one wants to see.
const placeHolds = 12 * time.Hour

// readSession returns how the tab was left.
func (m *Memory) readSession() Session {
	var r rememberedSession
	if !m.load(m.session, &r, &r.Format) {
		return Session{}
	}
	if m.now().Sub(r.Left) > placeHolds {
		r.Place = nil
	}
	return r.Session
}

// saveSession keeps how the tab is left.
func (m *Memory) saveSession(s Session) error {
	if err := os.MkdirAll(filepath.Dir(m.session), 0o700); err != nil {
		return err
	}
	return writeMemory(m.session, rememberedSession{memoryFormat, m.sources, m.now(), s})
}

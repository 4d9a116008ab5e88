package binlog

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	domain "opsdeck/ops/binlog"
)

// Group is the unit of commit in the log: a transaction, or one statement that commits
// implicitly.
type Group struct {
	GTID
	File   string
	Thread uint32 // connection id, from the BEGIN that MySQL logs
	Pos    uint64 // start position in the file
	End    uint64 // end position; set with What End
	Time   time.Time
	Size   int64
	XA     string // id of the first or second part of an XA transaction, as SQL
	Phase  XAPhase
	// RolledBack marks a group that ends with ROLLBACK: its changes remain in
	// non-transactional tables.
	RolledBack bool

	open bool // BEGIN was seen: only COMMIT ends the group
}

// XAPhase is a group's phase of an XA transaction.
type XAPhase uint8

// The phases of an XA transaction.
const (
	XANone     XAPhase = iota
	XAPrepared         // changes, not yet committed
	XACommit           // commits a prepared transaction
	XARollback
)

// ID identifies the group for people: its GTID, else FILE:POS.
func (g *Group) ID() string {
	if g.GTID.ID != "" {
		return g.GTID.ID
	}
	return domain.Position{File: g.File, Pos: g.Pos}.String()
}

// What is the type of an item.
type What uint8

// Items of a group in order: Begin, any number of the middle ones, End.
const (
	Begin     What = iota
	Statement      // a query event that is not BEGIN or COMMIT
	Change         // a rows event
	Context        // an event that the next statement needs: INTVAR, RAND, USER_VAR
	Note           // text of the statement that caused the following rows
	Load           // LOAD DATA in statement format
	Incident       // the server reports that its log lost events here
	End
)

// Item is one step of a group.
type Item struct {
	What  What
	Group *Group
	Event *Event // the event itself; inside a payload, without checksum
	Map   *Event // table map event of a Change
	Query *Query // of a Statement
	Rows  *Rows  // of a Change
	Text  []byte // of a Note
}

// Walker groups a log's events into transactions.
type Walker struct {
	file   string
	format *Format
	group  *Group
	maps   map[uint64]mapped // of the group's tables so far
	known  map[uint64]mapped // of earlier groups: most repeat the same table maps
	item   Item              // that was emitted last

	// Brief is for who keeps nothing of an item after take returned: groups and rows are
	// used again.
	Brief bool
	spare *Group
	rows  Rows
}

// mostKnown is how many table maps are kept from earlier groups.
const mostKnown = 1000

type mapped struct {
	parsed *TableMap
	event  *Event
}

// NewWalker starts in a file, at the start of a group.
func NewWalker(file string, f *Format) *Walker {
	return &Walker{file: file, format: f, maps: map[uint64]mapped{}, known: map[uint64]mapped{}}
}

// Feed processes the next event, whose end position in the file is end, and calls take
// with the resulting items. Items are valid until take returns.
func (w *Walker) Feed(e *Event, end uint64, take func(*Item) error) error {
	from := end - uint64(len(e.Raw))
	if e.Type == TypeFormat {
		f, err := parseFormat(e)
		w.format = f
		clear(w.known)
		return err
	}
	if w.format == nil {
		return fmt.Errorf("%w: an event of type %d before the format", ErrDamaged, e.Type)
	}
	if w.group != nil {
		w.group.Size += int64(len(e.Raw))
	}
	s := step{w: w, from: from, end: end, take: take}
	if e.Type != TypePayload {
		return s.event(e)
	}
	return s.payload(e)
}

// payload processes the events inside a transaction payload.
func (s step) payload(e *Event) error { return openPayload(e, s.w.format, s.event) }

// step processes one event of the file, including the events inside a payload.
type step struct {
	w         *Walker
	from, end uint64
	take      func(*Item) error
}

func (s *step) event(e *Event) error {
	w := s.w
	switch e.Type {
	case TypeGTID, TypeAnonymousGTID, TypeGTIDTagged, TypeMariaGTID:
		return s.begin(e)
	case TypeTableMap:
		return w.tableMap(e)
	case TypeQuery, TypeQueryCompressed:
		return s.query(e)
	case TypeXID:
		return s.finish(e)
	case TypeXAPrepare:
		return s.prepare(e)
	case TypeRowsQuery, TypeAnnotateRows:
		text, err := textOf(e)
		if err != nil {
			return err
		}
		return s.item(Item{What: Note, Event: e, Text: text})
	case TypeIntvar, TypeRand, TypeUserVar:
		return s.item(Item{What: Context, Event: e})
	case TypeBeginLoad:
		return s.item(Item{What: Load, Event: e})
	case TypeExecuteLoad:
		return s.loaded(e)
	case TypeIncident:
		return s.incident(e)
	}
	if e.isRows() {
		return s.rows(e)
	}
	return nil
}

// tableMap adds a table map to the group. One that repeats that of an earlier group is not
// parsed again.
func (w *Walker) tableMap(e *Event) error {
	id := rowsID(e, w.format)
	if old, ok := w.known[id]; ok && bytes.Equal(old.event.body(), e.body()) {
		w.maps[id] = old
		return nil
	}
	own := *e
	own.Raw = append([]byte(nil), e.Raw...)
	m, err := parseTableMap(e, w.format)
	if err != nil {
		return err
	}
	if len(w.known) >= mostKnown {
		clear(w.known)
	}
	w.maps[id] = mapped{m, &own}
	w.known[id] = w.maps[id]
	return nil
}

// begin opens a group with its GTID event.
func (s *step) begin(e *Event) error {
	g, err := parseGTID(e)
	if err != nil {
		return err
	}
	w := s.w
	w.opened(Group{GTID: g, File: w.file, Pos: s.from, Size: int64(len(e.Raw))})
	w.group.open = e.Type == TypeMariaGTID && !g.Alone
	if g.Prepared {
		w.group.Phase = XAPrepared
	}
	return s.emit(Item{What: Begin, Group: w.group, Event: e})
}

// opened makes a group the open one.
func (w *Walker) opened(g Group) {
	if w.spare == nil || !w.Brief {
		w.spare = new(Group)
	}
	*w.spare = g
	w.group = w.spare
	clear(w.maps)
}

func (s *step) emit(i Item) error {
	s.w.item = i
	return s.take(&s.w.item)
}

// item emits a step of the open group. In logs without GTIDs the first event opens the
// group. The statement of a group that changes nothing is not emitted: of its items there are
// Begin and End only.
func (s *step) item(i Item) error {
	w := s.w
	if w.group == nil {
		w.opened(Group{File: w.file, Pos: s.from, Size: int64(len(i.Event.Raw))})
		if err := s.emit(Item{What: Begin, Group: w.group, Event: i.Event}); err != nil {
			return err
		}
	}
	i.Group = w.group
	if i.Group.Void() && (i.What == Statement || i.What == Note || i.What == Context) {
		return nil
	}
	return s.emit(i)
}

func (s *step) query(e *Event) error {
	q, err := parseQuery(e)
	if err != nil {
		return err
	}
	word := strings.ToUpper(strings.TrimSpace(string(q.SQL[:min(len(q.SQL), 300)])))
	switch {
	case word == "BEGIN":
		return s.opened(e, q, "")
	case strings.HasPrefix(word, "XA START"):
		return s.opened(e, q, xid(q.SQL))
	case strings.HasPrefix(word, "XA END"):
		return nil
	case strings.HasPrefix(word, "XA COMMIT"), strings.HasPrefix(word, "XA ROLLBACK"):
		return s.completes(e, q, strings.HasPrefix(word, "XA COMMIT"))
	case word == "COMMIT":
		return s.finish(e)
	case word == "ROLLBACK":
		if s.w.group != nil {
			s.w.group.RolledBack = true
		}
		return s.finish(e)
	}
	if err := s.item(Item{What: Statement, Event: e, Query: q}); err != nil {
		return err
	}
	return s.alone(e)
}

// alone ends a group that is a single statement.
func (s *step) alone(e *Event) error {
	if s.w.group.open {
		return nil
	}
	return s.finish(e)
}

func (s *step) opened(e *Event, q *Query, id string) error {
	if err := s.opens(e, id); err != nil {
		return err
	}
	s.w.group.Thread = q.Thread
	return nil
}

func (s *step) opens(e *Event, id string) error {
	w := s.w
	if w.group == nil {
		w.opened(Group{File: w.file, Pos: s.from, Size: int64(len(e.Raw))})
		if err := s.emit(Item{What: Begin, Group: w.group, Event: e}); err != nil {
			return err
		}
	}
	w.group.open = true
	if id != "" {
		w.group.XA = id
	}
	return nil
}

// xid is the id of an XA statement, as SQL.
func xid(sql []byte) string {
	fields := strings.Fields(string(sql))
	if len(fields) < 3 {
		return ""
	}
	return strings.Join(fields[2:], "")
}

func (s *step) completes(e *Event, q *Query, commit bool) error {
	if s.w.group == nil {
		if err := s.opens(e, ""); err != nil {
			return err
		}
	}
	g := s.w.group
	g.XA = xid(q.SQL)
	g.Phase = XARollback
	if commit {
		g.Phase = XACommit
	}
	return s.finish(e)
}

// prepare ends the first part of an XA transaction, or a whole one that commits in one
// phase.
func (s *step) prepare(e *Event) error {
	c := cursor{b: e.body()}
	onePhase := c.u8() != 0
	if s.w.group != nil && !onePhase {
		s.w.group.Phase = XAPrepared
	}
	if s.w.group != nil && s.w.group.XA == "" { // MariaDB does not log XA START
		format := c.u32()
		gtrid := int(c.u32())
		bqual := int(c.u32())
		data := c.take(gtrid + bqual)
		if err := c.err("XA event"); err != nil {
			return err
		}
		s.w.group.XA = fmt.Sprintf("X'%x',X'%x',%d", data[:gtrid], data[gtrid:], format)
	}
	return s.finish(e)
}

func (s *step) finish(e *Event) error {
	w := s.w
	if w.group == nil {
		return nil
	}
	g := w.group
	w.group = nil
	g.End, g.Time = s.end, g.Committed
	if g.Time.IsZero() {
		g.Time = e.Time()
	}
	return s.emit(Item{What: End, Group: g, Event: e})
}

func (s *step) rows(e *Event) error {
	w := s.w
	id := rowsID(e, w.format)
	m, known := w.maps[id]
	if !known {
		if id == 0xffffff || id == 0xffffffffffff { // ends a statement and holds no rows
			return nil
		}
		return fmt.Errorf("%w: rows of a table that no table map names", ErrDamaged)
	}
	r := &w.rows
	if !w.Brief {
		r = new(Rows)
	}
	if err := r.parse(e, w.format, m.parsed); err != nil {
		return err
	}
	return s.item(Item{What: Change, Event: e, Rows: r, Map: m.event})
}

// loaded handles LOAD DATA in statement format. Its text is stored like a query's, after the
// position of the file name.
func (s *step) loaded(e *Event) error {
	q, err := parseQuery(e)
	if err != nil {
		return err
	}
	if err := s.item(Item{What: Load, Event: e, Query: q}); err != nil {
		return err
	}
	return s.alone(e)
}

// incident handles an incident event: the server reports that changes are missing from the
// log.
func (s *step) incident(e *Event) error {
	if err := s.item(Item{What: Incident, Event: e}); err != nil {
		return err
	}
	return s.finish(e)
}

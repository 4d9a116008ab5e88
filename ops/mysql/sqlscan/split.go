package sqlscan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Limits bound the memory of a Splitter.
type Limits struct {
	Cut int // an INSERT longer than this is given in several statements, cut between rows; 0: 4 MB
	Max int // no statement, and no row of an INSERT, may be longer; 0: 1 GB
}

// Statement is one statement of the stream, without its delimiter.
type Statement struct {
	SQL    []byte // valid until the next call of Next
	Offset int64  // of its first byte in the stream
	Line   int    // of its first byte, from 1
	Part   bool   // not the first piece of a long INSERT
}

// ErrTooLong says that a statement is longer than Limits.Max.
var ErrTooLong = errors.New("statement longer than what can be sent")

// Splitter reads statements off a stream as the mysql client does: DELIMITER
// is obeyed, comments between statements are left out. Its memory is bounded by
// the longest row of an INSERT, or the longest other statement.
type Splitter struct {
	r      io.Reader
	limits Limits
	mode   Mode
	delim  []byte

	buf    []byte
	at, n  int   // unread: buf[at:n]
	base   int64 // offset of buf[0] in the stream
	line   int   // line of counted
	count  int   // what is before this index has been counted into line
	eof    bool
	failed error

	head []byte // of the INSERT being cut: up to VALUES
	st   state
}

// state is where the scan of one statement stands.
type state struct {
	start   int // of the statement's first token; -1 before it
	end     int // of its last token
	inCode  bool
	words   int // tokens so far, up to 2
	body    body
	insert  bool
	values  int // index behind VALUES; 0 before it
	depth   int
	cut     int // behind the last comma between rows
	rowEnd  int // behind the last row, before its comma
	trouble bool
}

const firstBuffer = 256 << 10

// NewSplitter reads from r, in the server's default mode.
func NewSplitter(r io.Reader, limits Limits) *Splitter {
	if limits.Cut <= 0 {
		limits.Cut = 4 << 20
	}
	if limits.Max <= 0 {
		limits.Max = 1 << 30
	}
	return &Splitter{r: r, limits: limits, delim: []byte(";"), buf: make([]byte, firstBuffer), line: 1}
}

// SetMode changes how what follows is read: to be called when a statement has
// changed sql_mode.
func (s *Splitter) SetMode(m Mode) { s.mode = m }

// Mode is how the stream is read now.
func (s *Splitter) Mode() Mode { return s.mode }

// Next returns the next statement; io.EOF behind the last one. A stream that
// ends inside a quote or a comment gives ErrOpen.
func (s *Splitter) Next() (Statement, error) {
	if s.failed != nil {
		return Statement{}, s.failed
	}
	st, err := s.next()
	if err == nil && len(st.SQL) > s.limits.Max {
		err = fmt.Errorf("line %d: %w (%d bytes)", st.Line, ErrTooLong, s.limits.Max)
	}
	if err != nil {
		s.failed = err
	}
	return st, err
}

func (s *Splitter) next() (Statement, error) {
	if s.head != nil {
		s.resume()
	} else {
		s.st = state{start: -1}
	}
	for {
		if done, err := s.delimiter(); err != nil {
			return Statement{}, err
		} else if done {
			if st, ok := s.statement(s.st.end, false); ok {
				return st, nil
			}
			continue
		}
		t, err := s.token()
		if err == io.EOF {
			return s.last()
		}
		if err != nil {
			return Statement{}, err
		}
		if s.st.words == 0 && !s.st.inCode && t.Kind == Word && bytes.EqualFold(s.buf[t.Start:t.End], delimiterWord) {
			if err := s.command(t.End); err != nil {
				return Statement{}, err
			}
			continue
		}
		s.at = t.End
		s.note(t)
		if s.ripe() {
			if st, ok := s.piece(); ok {
				return st, nil
			}
		}
	}
}

// delimiterWord is the client's command for another delimiter.
var delimiterWord = []byte("DELIMITER")

// delimiter steps over the delimiter when it stands at s.at.
func (s *Splitter) delimiter() (bool, error) {
	if s.st.inCode {
		return false, nil
	}
	for s.n-s.at < len(s.delim) && !s.eof {
		if err := s.fill(); err != nil {
			return false, err
		}
	}
	if !bytes.HasPrefix(s.buf[s.at:s.n], s.delim) {
		return false, nil
	}
	s.at += len(s.delim)
	return true, nil
}

// token reads the token at s.at without stepping over it.
func (s *Splitter) token() (Token, error) {
	for {
		if s.at == s.n {
			if s.eof {
				return Token{}, io.EOF
			}
			if err := s.fill(); err != nil {
				return Token{}, err
			}
			continue
		}
		t, more := s.st.body.read(s.buf[:s.n], s.at, s.mode, s.st.inCode)
		if !more || s.eof {
			if t.Kind == Open {
				return t, fmt.Errorf("line %d: %w", s.lineAt(t.Start), ErrOpen)
			}
			if s.n-t.End >= len(s.delim)-1 || s.eof {
				return s.beforeDelimiter(t), nil
			}
		}
		if err := s.fill(); err != nil {
			return Token{}, err
		}
	}
}

// beforeDelimiter ends a word where a delimiter like $$ begins inside it; the client's
// command goes before a delimiter of its own letters.
func (s *Splitter) beforeDelimiter(t Token) Token {
	if (t.Kind != Word && t.Kind != Number && t.Kind != Variable) || s.st.inCode || !wordByte[s.delim[0]] {
		return t
	}
	if last := s.buf[t.End-1]; last == '`' || last == '\'' || last == '"' {
		return t // @`in quotes`
	}
	if w := t.Start + len(delimiterWord); s.st.words == 0 && w <= t.End &&
		bytes.EqualFold(s.buf[t.Start:w], delimiterWord) &&
		(w == t.End || bytes.HasPrefix(s.buf[w:s.n], s.delim)) {
		t.End = w
		return t
	}
	upTo := min(t.End+len(s.delim)-1, s.n)
	if i := bytes.Index(s.buf[t.Start+1:upTo], s.delim); i >= 0 {
		t.End = min(t.End, t.Start+1+i)
	}
	return t
}

// note takes a token into the state.
func (s *Splitter) note(t Token) {
	st := &s.st
	switch t.Kind {
	case Space, Comment:
		return
	case Code:
		st.inCode = !st.inCode
	}
	if st.start < 0 {
		st.start = t.Start
	}
	st.end = t.End
	if t.Kind == Code {
		return
	}
	if st.words == 0 {
		word := s.buf[t.Start:t.End]
		st.insert = t.Kind == Word &&
			(bytes.EqualFold(word, []byte("INSERT")) || bytes.EqualFold(word, []byte("REPLACE")))
	}
	st.words = min(st.words+1, 2)
	if !st.insert {
		st.body.note(s.buf, t)
	}
	if st.insert {
		s.noteInsert(t)
	}
}

// noteInsert follows the rows of an INSERT.
func (s *Splitter) noteInsert(t Token) {
	st := &s.st
	first := s.buf[t.Start]
	switch {
	case t.Kind == Punct && first == '(':
		st.depth++
	case t.Kind == Punct && first == ')':
		st.depth--
		if st.depth == 0 && st.values > 0 {
			st.rowEnd = t.End
		}
	case st.depth > 0:
	case st.values == 0:
		word := s.buf[t.Start:t.End]
		if t.Kind == Word && (bytes.EqualFold(word, []byte("VALUES")) || bytes.EqualFold(word, []byte("VALUE"))) {
			st.values = t.End
		}
	case t.Kind == Punct && first == ',' && st.rowEnd > 0:
		st.cut = t.End
	default:
		st.trouble = true // ON DUPLICATE KEY UPDATE and the like: not to be cut
	}
}

// ripe tells whether an INSERT is long enough to be cut at its last comma.
func (s *Splitter) ripe() bool {
	st := &s.st
	return st.cut == s.at && st.cut > 0 && !st.trouble && !st.inCode && st.cut-st.start >= s.limits.Cut
}

// piece gives the rows so far as a statement and prepares the rest.
func (s *Splitter) piece() (Statement, bool) {
	if s.head == nil {
		s.head = append([]byte{}, s.buf[s.st.start:s.st.values]...)
		s.head = append(s.head, ' ')
	}
	return s.statement(s.st.rowEnd, true)
}

// resume puts the INSERT's head before the rows that are left. The bytes that
// it is written over have been given out.
func (s *Splitter) resume() {
	start := s.at - len(s.head)
	copy(s.buf[start:], s.head)
	s.st = state{start: start, end: s.at, words: 2, insert: true, values: s.at}
}

// statement ends the statement at end; ok is false when it is empty.
func (s *Splitter) statement(end int, more bool) (Statement, bool) {
	st := s.st
	part := s.head != nil && st.values == st.start+len(s.head) // only resume puts it so
	if !more {
		s.head = nil
	}
	if st.start < 0 || st.words == 0 {
		s.st = state{start: -1}
		return Statement{}, false
	}
	at := st.start
	if part {
		at = st.values // the head before it is a copy
	}
	return Statement{SQL: s.buf[st.start:end:end], Offset: s.base + int64(at), Line: s.lineAt(at), Part: part}, true
}

// last gives what stands behind the last delimiter.
func (s *Splitter) last() (Statement, error) {
	if s.st.inCode {
		return Statement{}, fmt.Errorf("line %d: %w", s.lineAt(s.st.start), ErrOpen)
	}
	if st, ok := s.statement(s.st.end, false); ok {
		s.st = state{start: -1}
		return st, nil
	}
	return Statement{}, io.EOF
}

// command obeys DELIMITER: the word behind it, to the end of the line.
func (s *Splitter) command(from int) error {
	for {
		n := bytes.IndexByte(s.buf[from:s.n], '\n')
		if n < 0 && !s.eof {
			offset := from - s.at
			if err := s.fill(); err != nil {
				return err
			}
			from = s.at + offset
			continue
		}
		end := s.n
		if n >= 0 {
			end = from + n
		}
		fields := bytes.Fields(s.buf[from:end])
		if len(fields) == 0 || bytes.ContainsAny(fields[0], "\\'\"`") || len(fields[0]) > 16 {
			return fmt.Errorf("line %d: DELIMITER without a usable delimiter", s.lineAt(s.at))
		}
		s.delim = append([]byte{}, fields[0]...)
		s.at = end
		s.st = state{start: -1}
		return nil
	}
}

// fill reads more behind what is there. What is before the statement (or before
// s.at, outside of one) goes; the buffer grows when that is not enough.
func (s *Splitter) fill() error {
	keep := s.at
	if s.st.start >= 0 {
		keep = s.st.start
	}
	if s.n-keep > s.limits.Max {
		return fmt.Errorf("line %d: %w (%d bytes)", s.lineAt(keep), ErrTooLong, s.limits.Max)
	}
	if keep > 0 && (s.n == len(s.buf) || keep > len(s.buf)/2) {
		s.drop(keep)
	}
	if s.n == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	// The buffer is filled whole, so that a long token, which is read again
	// from its start, costs no more than twice its length.
	// (io.ReadFull would hide a reader's own ErrUnexpectedEOF.)
	for idle := 0; s.n < len(s.buf); idle++ {
		n, err := s.r.Read(s.buf[s.n:])
		s.n += n
		switch {
		case err == io.EOF:
			s.eof = true
			return nil
		case err != nil:
			return err
		case n > 0:
			idle = 0
		case idle > 100:
			return io.ErrNoProgress
		}
	}
	return nil
}

func (s *Splitter) drop(keep int) {
	s.lineAt(keep)
	copy(s.buf, s.buf[keep:s.n])
	s.base += int64(keep)
	s.n -= keep
	s.at -= keep
	s.count -= keep
	st := &s.st
	if st.start >= 0 {
		st.start -= keep
	}
	for _, p := range []*int{&st.end, &st.values, &st.cut, &st.rowEnd} {
		*p = max(*p-keep, 0)
	}
}

// lineAt counts lines up to an index, which never goes back by more than the
// statement at hand.
func (s *Splitter) lineAt(i int) int {
	if i > s.count {
		s.line += bytes.Count(s.buf[s.count:i], []byte("\n"))
		s.count = i
		return s.line
	}
	return s.line - bytes.Count(s.buf[i:s.count], []byte("\n"))
}

package line

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"opsdeck/ops/logs"
)

// Between the events of a log stand lines without a sign of their own: the rest of a
// message of several lines, a stack, or what another program printed (console.log between
// Nest's lines). Which of them begins an event depends on the lines before it.

// Flow goes through the lines of a text in their order and tells which begin an event. The
// zero value is that at the beginning of a text.
type Flow struct {
	plain plainRule
	error errorRule
	blank bool // the line before is empty
	opens bool // the line before is the first of a slow log entry, or what happened is below it
	trace bool // a traceback of Python goes on, up to the line that names its error

	session uint32 // that wrote the event, in a log of PostgreSQL; 0 if not known, and not kept
}

// FlowAfterWhole is the state after a whole event.
var FlowAfterWhole = Flow{plain: plainAll}

// Bits is the state as it is kept.
func (f Flow) Bits() (b uint8) {
	b = uint8(f.plain) | uint8(f.error)<<3
	if f.blank {
		b |= 1 << 5
	}
	if f.opens {
		b |= 1 << 6
	}
	if f.trace {
		b |= 1 << 7
	}
	return b
}

// FlowOf is the state that was kept as b.
func FlowOf(b uint8) Flow {
	return Flow{
		plain: plainRule(b & 7), error: errorRule(b >> 3 & 3),
		blank: b&(1<<5) != 0, opens: b&(1<<6) != 0, trace: b&(1<<7) != 0,
	}
}

// plainRule is which lines without a sign begin an event.
type plainRule uint8

const (
	plainNone   plainRule = iota // none: they continue the event
	plainColour                  // none, up to the end of a colour that the event's first line began
	plainLooks                   // those that look like a statement of their own
	plainSpoken                  // those that do not look like the rest of one: another program speaks
	plainAll                     // all: the event was whole
)

// errorRule is whether lines without a sign belong to an error.
type errorRule uint8

const (
	errorNone   errorRule = iota
	errorMay              // a stack may follow
	errorWithin           // they do, up to the end of the stack
	errorIs               // as errorMay, after an error: its stack may begin with "error: …"
)

// Part is what a line is for the lines after it.
type Part uint8

// The parts of a text.
const (
	partRest    Part = iota // continues an event
	partBlank               // an empty line
	partEnd                 // a line of a stack, or a closing bracket: what an error prints ends with it
	partHead                // begins an event that lines without a sign continue
	partEntry               // begins an entry of a slow log, to which a line of KindNext belongs
	partSession             // begins an event of PostgreSQL, to which lines of its session belong
	partBelongs             // continues an event of its session
	partLoose               // begins an event of Nest: its message may go on
	partMay                 // such an event, or one of a text format, that a stack may follow
	partFailed              // such an event of an error
	partOpen                // such an event whose message goes on: it ends with a colon or a bracket
	partWhole               // is a whole event, as JSON
	partBelow               // begins an event with the time alone: what happened is on the line below
	partAside               // begins an event without a time, or of an access log, among others
	partSaid                // begins one with a level and no time
	partCrash               // begins an error without a time
	partPlain               // has no sign, and looks like a statement of its own
	partPlainOn             // such a line that goes on
	partSmall               // has no sign, and begins with a small letter
	partMark                // has no sign, and begins with a bullet, a quote or the like
	partError               // has no sign, and is the first line of an error
	partTold                // has no sign but its level in small letters: "error: …"
)

// Anchors tells whether a line begins an event whatever stands before it.
func (s *Shape) Anchors() bool { return s.Kind == KindHead }

// Resets tells whether such a line also decides alone what may follow it.
func (s *Shape) Resets() bool {
	return s.Kind == KindHead && s.part != partAside && s.part != partSaid && s.part != partCrash
}

// Unsigned tells whether it depends on the lines before whether a line begins an event.
func (s *Shape) Unsigned() bool { return s.part >= partPlain }

// Begins tells whether the next line, whose text with colours is raw, begins an event; bare
// says that it is of a text whose lines have no times.
func (f *Flow) Begins(s *Shape, raw []byte, bare bool) bool {
	if s.part == partWhole {
		*f = FlowAfterWhole
		return true
	}
	return f.after(s.Kind, s.part, raw, bare)
}

// BeginsRead is Begins for the line that a parser has read last.
func (f *Flow) BeginsRead(p *Parser, e *logs.Event, kind Kind, raw []byte, bare bool) bool {
	return f.after(kind, partOf(e, kind, &p.read), raw, bare)
}

func (f *Flow) after(kind Kind, part Part, raw []byte, bare bool) bool {
	was := f.error
	begins := f.next(kind, part, raw)
	switch {
	case begins && kind != KindPlain:
		f.trace = false
	case bare && kind == KindPlain:
		return f.bare(part, raw, was)
	}
	return begins
}

func (f *Flow) next(kind Kind, part Part, raw []byte) (begins bool) {
	begins = kind == KindHead || kind == KindNext && !f.opens
	below := f.opens && (part == partSaid || part == partCrash)
	f.opens = part == partEntry || part == partBelow
	if below {
		return false
	}
	wasBlank := f.blank
	f.blank = part == partBlank
	switch {
	case kind == KindHead:
		f.head(part, raw)
	case part == partBlank || part == partRest:
	case part == partBelongs:
		begins = f.strange(raw)
	case part == partEnd:
		f.error = errorNone
	case part >= partPlain:
		begins = f.unsigned(part, wasBlank)
	}
	if f.plain == plainColour && inkOf(raw) == inkEnds {
		f.plain = plainAll
	}
	return begins
}

// strange tells whether a line that adds to what its session wrote comes after an event of
// another session: one that is cut off from its own begins an event.
func (f *Flow) strange(raw []byte) bool {
	is := sessionOf(raw)
	if is == 0 || f.session == 0 || is == f.session {
		return false
	}
	f.session = is
	return true
}

// head notes what may follow an event's first line.
func (f *Flow) head(part Part, raw []byte) {
	f.error = errorNone
	f.session = 0
	switch part {
	case partSession:
		f.plain = plainSpoken
		f.session = sessionOf(raw)
	case partHead, partEntry, partBelow:
		f.plain = plainNone
	case partWhole:
		f.plain = plainAll
	case partAside, partSaid, partCrash:
		if f.plain != plainNone {
			f.plain = plainSpoken
		}
		if part == partCrash {
			f.error = errorWithin
		}
	default:
		f.plain = plainLooks
		switch inkOf(raw) {
		case inkEnds:
			f.plain = plainAll
		case inkGoesOn:
			f.plain = plainColour
		}
		switch part {
		case partOpen:
			f.error = errorWithin
		case partMay:
			f.error = errorMay
		case partFailed:
			f.error = errorIs
		}
	}
}

// unsigned tells whether a line without a sign begins an event.
func (f *Flow) unsigned(part Part, wasBlank bool) bool {
	switch {
	case f.plain <= plainColour || f.error == errorWithin:
		return false
	case f.error == errorIs && (part == partTold || part == partError || wasBlank),
		f.error == errorMay && (part == partError || wasBlank && part != partTold):
		f.error = errorWithin
		return false
	case f.plain < plainAll && part == partMark, f.plain == plainLooks && part == partSmall:
		return false
	}
	f.plain = plainSpoken
	f.error = errorNone
	if part == partError || part == partPlainOn {
		f.error = errorWithin
	}
	return true
}

// partOf is what a line is for the lines after it; read is how it was read.
func partOf(e *logs.Event, kind Kind, read *reading) Part {
	switch {
	case read.belongs:
		return partBelongs
	case read.session:
		return partSession
	case read.below:
		return partBelow
	}
	switch kind {
	case KindHead:
		return headPart(e, read.timed)
	case KindCont:
		text := strings.TrimLeft(e.Message, " \t")
		if strings.HasPrefix(text, "at ") || text == e.Message && text != "" && strings.IndexByte("}])", text[0]) >= 0 {
			return partEnd
		}
		return partRest
	case KindPlain:
		switch {
		case e.Level >= logs.LevelError && read.small:
			return partTold
		case e.Level >= logs.LevelError:
			return partError
		case e.Level != logs.LevelUnknown:
			return partPlain
		}
		return plainPart(e.Message)
	}
	return partHead
}

func headPart(e *logs.Event, timed bool) Part {
	failed := e.Level >= logs.LevelError
	switch {
	case e.Context == slowLog:
		return partEntry
	case e.Format == logs.FormatNest && goesOn(e.Message):
		return partOpen
	case e.Format == logs.FormatNest && failed:
		return partFailed
	case e.Format == logs.FormatNest:
		return partLoose
	case (e.Format == logs.FormatJSON || e.Format == logs.FormatLogfmt) && (timed || e.Level != logs.LevelUnknown):
		return partWhole
	case e.Context == accessContext:
		return partAside
	case !timed && failed:
		return partCrash
	case !timed && e.Level != logs.LevelUnknown:
		return partSaid
	case !timed:
		return partAside
	case e.Format != logs.FormatText || failed || e.Level == logs.LevelUnknown:
		return partHead
	case goesOn(e.Message):
		return partOpen
	}
	return partMay
}

// goesOn tells whether a text ends so that more must follow.
func goesOn(text string) bool {
	text = strings.TrimRight(text, " \r")
	return text == "" || strings.IndexByte(":{[(,\\", text[len(text)-1]) >= 0
}

// plainPart is the part of a line without a sign. Lines that differ in numbers and ids alone
// are of the same part.
func plainPart(text string) Part {
	shape := shapeText(nil, []byte(text))
	if len(shape) == 0 {
		return partBlank
	}
	if assigns(shape) || clause(shape) {
		return partMark
	}
	r, _ := utf8.DecodeRune(shape)
	switch {
	case unicode.IsLower(r):
		if !hasTag(shape) {
			return partSmall
		}
	case r <= rune(SlotID), unicode.IsLetter(r), r == '[', r == '{', bytes.HasPrefix(shape, []byte("<--- ")),
		bytes.HasPrefix(shape, []byte("> ")): // of V8, of npm
	case unicode.Is(unicode.So, r) && !insideTable(r):
	default:
		return partMark
	}
	if goesOn(text) {
		return partPlainOn
	}
	return partPlain
}

// hasTag tells whether a text begins with a tag: "query: …", "prisma:query …".
func hasTag(text []byte) bool {
	word, _, _ := bytes.Cut(text, []byte{' '})
	at := bytes.IndexByte(word, ':')
	return at > 0 && !bytes.HasPrefix(word[at:], []byte("://"))
}

// assigns tells whether a text begins with a key in capitals and its value, as the lines of
// journalctl -o export and of an environment do.
func assigns(text []byte) bool {
	key, _, ok := bytes.Cut(text, []byte{'='})
	for _, c := range key {
		ok = ok && (c >= 'A' && c <= 'Z' || c == '_' || c <= SlotID)
	}
	return ok && len(key) > 0
}

// clauses are words with which a line of an SQL statement begins that is not its first.
var clauses = map[string]bool{
	"FROM": true, "WHERE": true, "AND": true, "OR": true, "ORDER BY": true, "GROUP BY": true, "HAVING": true,
	"LIMIT": true, "OFFSET": true, "JOIN": true, "LEFT JOIN": true, "RIGHT JOIN": true, "INNER JOIN": true,
	"CROSS JOIN": true, "ON": true, "SET": true, "VALUES": true, "UNION": true, "UNION ALL": true, "RETURNING": true,
}

// clause tells whether a text begins with a clause of an SQL statement in capitals.
func clause(text []byte) bool {
	first, rest, _ := bytes.Cut(text, []byte{' '})
	if clauses[string(first)] {
		return true
	}
	second, _, _ := bytes.Cut(rest, []byte{' '})
	return len(rest) > 0 && clauses[string(text[:len(first)+1+len(second)])]
}

// insideTable tells whether a line that begins with r is inside a table of box characters,
// as console.table draws it.
func insideTable(r rune) bool {
	return r >= 0x2500 && r <= 0x257f && r != '┌' && r != '╔' && r != '╭'
}

// beginsError recognises the first line of an error with a stack: "TypeError: text",
// "Error [ERR_X]: text", "java.io.IOException", Python's Traceback.
func beginsError(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("Uncaught "))
	if bytes.HasPrefix(text, []byte("Traceback (most recent call last):")) {
		return true
	}
	n := 0
	for n < len(text) && (Letter(text[n]) || text[n] == '.' || text[n] == '_' || text[n] == '$') {
		n++
	}
	if !bytes.HasSuffix(text[:n], []byte("Error")) && !bytes.HasSuffix(text[:n], []byte("Exception")) {
		return false
	}
	return n == len(text) || text[n] == ':' || bytes.HasPrefix(text[n:], []byte(" ["))
}

// ink is what a line's colours say about its end.
type ink uint8

const (
	inkNone   ink = iota
	inkEnds       // a colour ends with the line
	inkGoesOn     // a colour does not
)

// inkOf looks at the last colour sequence of a line.
func inkOf(raw []byte) ink {
	_, _, n := Mark(raw)
	raw = raw[n:]
	if bytes.IndexByte(raw, 0x1b) < 0 {
		return inkNone
	}
	i := bytes.LastIndexByte(raw, 0x1b)
	if n = sgr(raw[i:]); n == 0 {
		return inkNone
	}
	switch string(raw[i+2 : i+n-1]) {
	case "", "0", "00", "39", "22", "49":
		if len(bytes.TrimRight(raw[i+n:], " \r")) == 0 {
			return inkEnds
		}
		return inkNone
	}
	return inkGoesOn
}

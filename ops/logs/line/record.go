package line

import (
	"bytes"
	"encoding/binary"
	"strings"

	"opsdeck/internal/bytepair"
	"opsdeck/internal/jsontext"
	"opsdeck/ops/logs"
)

// A record is an event whose first line tells nothing about it: an object over several
// lines, as winston's prettyPrint and indented JSON write it, or an entry of journalctl
// -o export (systemd.io/JOURNAL_EXPORT_FORMATS). All its lines are read together.

// RecordBytes is how many bytes of a record are read.
const RecordBytes = 16 << 10

// exportKey begins an entry of journalctl -o export.
const exportKey = "__CURSOR="

// OpensRecord tells whether a line, as a person sees it, may be the first of a record.
func OpensRecord(line []byte) bool {
	if len(line) == 0 || line[0] != '{' && line[0] != '_' {
		return false
	}
	return len(line) == 1 && line[0] == '{' || len(line) > len(exportKey) && string(line[:len(exportKey)]) == exportKey
}

// HoldsEntry tells whether an entry of journalctl -o export may begin in a text.
func HoldsEntry(text []byte) bool {
	if !bytepair.Fast {
		return bytes.Contains(text, []byte(exportKey))
	}
	for i := 1; i < len(text); i++ {
		if i = entryPair.Next(text, i); bytes.HasPrefix(text[min(i, len(text))-1:], []byte(exportKey)) {
			return true
		}
	}
	return false
}

// entryPair is of exportKey, from its second character on.
var entryPair = bytepair.New(exportKey[1], exportKey[2], 1, false, 0)

// EndsRecord tells whether a line is the last of the record that opener began.
func EndsRecord(opener, line string) bool {
	if strings.HasPrefix(opener, exportKey) {
		return line == ""
	}
	return strings.HasPrefix(line, "}")
}

// Record reads the record at the beginning of a text and counts its line breaks. An
// object is a record if it has two of level, time and message; otherwise it is another
// program's text. ms is Unset without a time.
func (p *Parser) Record(text string) (e logs.Event, ms int64, breaks int, ok bool) {
	pairs := []jsontext.Pair(nil)
	n := 0
	if strings.HasPrefix(text, exportKey) {
		pairs, n = exported(text)
	} else {
		text = string(Visible([]byte(text), nil))
		if pairs, n, ok = inspect(text); !ok || strings.Trim(lineOf(text[n:]), "\r") != "" {
			return e, Unset, 0, false
		}
	}
	e, ms = objects(p).ofPairs(text[:n], pairs)
	says := 0
	for _, said := range [...]bool{ms != Unset, e.Level != logs.LevelUnknown, e.Message != ""} {
		if said {
			says++
		}
	}
	return e, ms, strings.Count(text[:n], "\n"), says >= 2
}

// inspectedLine reads a record on one line: "{ level: 'info', message: 'text' }".
func (r objectReader) inspectedLine(line []byte) (e logs.Event, ms int64, ok bool) {
	if len(line) < 2 || line[len(line)-1] != '}' {
		return e, Unset, false
	}
	e, ms, _, ok = r.p.Record(string(line))
	return e, ms, ok
}

func lineOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// exported reads an entry: one field per line, up to an empty line. A field that is not
// plain text has its name on its own line, then its length in eight bytes.
func exported(text string) (pairs []jsontext.Pair, n int) {
	for n < len(text) {
		line, _, _ := strings.Cut(text[n:], "\n")
		key, value, ok := strings.Cut(line, "=")
		at := n + len(line) + 1
		switch {
		case line == "":
			return pairs, n
		case ok:
			n = min(at, len(text))
		default:
			if len(text) < at+8 {
				return pairs, n
			}
			size := binary.LittleEndian.Uint64([]byte(text[at : at+8]))
			if size > uint64(len(text)-at-8) {
				return pairs, n
			}
			end := at + 8 + int(size)
			value = text[at+8 : end]
			n = min(end+1, len(text))
		}
		if key+"=" == exportKey && len(pairs) > 0 {
			return pairs, n - len(line)
		}
		value = string(Visible([]byte(value), nil))
		pairs = append(pairs, jsontext.Pair{Key: key, Value: quoteJSON(value)})
	}
	return pairs, n
}

// isRecord tells whether only the first line of an event was read and it opens a record.
func isRecord(e *logs.Event) bool {
	return e.Format == logs.FormatUnknown && OpensRecord([]byte(e.Message))
}

// wholeRecord reads all lines of a record.
func (r objectReader) wholeRecord(e *logs.Event) {
	got, ms, _, ok := r.p.Record(e.Raw)
	if !ok {
		return
	}
	got.Raw = e.Raw
	got.Source = e.Source
	got.Line = e.Line
	got.Time = e.Time
	if ms != Unset {
		got.Time = r.p.timeOf(ms)
	}
	*e = got
}

// Record returns the number of the placeholder shape for first lines of records with a
// level.
func (s *Shapes) Record(l logs.Level) uint32 {
	return s.placeholder(&Shape{Level: l, part: partWhole}, recordSeed)
}

// placeholder completes a shape for first lines of events that are understood by several lines,
// one for each level, and returns its number.
func (s *Shapes) placeholder(shape *Shape, seed uint64) uint32 {
	h := mix(mix(s.Seed, uint64(shape.Level)+1), seed)
	s.mu.RLock()
	id, ok := s.byHash[h]
	s.mu.RUnlock()
	if ok {
		return id
	}
	shape.Kind, shape.Format = KindHead, logs.FormatText
	shape.Varies, shape.Opaque, shape.Record = true, true, true
	return s.add(h, shape)
}

const recordSeed = 0x7265636f7264 // "record"

package audit

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/internal/termsafe"
)

// Format is how rows are written to a file.
type Format string

// The formats of an export.
const (
	CSV   Format = "csv"   // with a byte order mark, so that Excel takes it for UTF-8; formulas defused
	JSONL Format = "jsonl" // the contract's JSON object a line
)

// Encoder writes rows in a format.
type Encoder struct {
	layout *Layout
	format Format
	mask   bool
	out    io.Writer
	csv    *csv.Writer
	cells  []string
}

// NewEncoder makes an encoder. begin writes what a file begins with; leave it
// out to go on with a file.
func NewEncoder(out io.Writer, l *Layout, f Format, mask, begin bool) (*Encoder, error) {
	e := &Encoder{layout: l, format: f, mask: mask, out: out}
	if f != CSV {
		return e, nil
	}
	e.csv = csv.NewWriter(out)
	e.csv.UseCRLF = true
	if !begin {
		return e, nil
	}
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return nil, err
	}
	return e, e.csv.Write(e.head())
}

func (e *Encoder) head() []string {
	var names []string
	for _, f := range e.layout.Fields() {
		names = append(names, f.String())
	}
	for _, c := range e.layout.Extra {
		names = append(names, defuse(c.Name))
	}
	return names
}

// Write adds a row.
func (e *Encoder) Write(r *Row) error {
	if e.format != CSV {
		_, err := e.out.Write(append(e.layout.Encode(r, e.mask), '\n'))
		return err
	}
	e.cells = e.cells[:0]
	for _, f := range e.layout.Fields() {
		e.cells = append(e.cells, e.cell(r, f))
	}
	for _, v := range r.Extra {
		e.cells = append(e.cells, defuse(e.masked(v.Text)))
	}
	return e.csv.Write(e.cells)
}

// Flush hands everything to the writer beneath.
func (e *Encoder) Flush() error {
	if e.csv == nil {
		return nil
	}
	e.csv.Flush()
	return e.csv.Error()
}

func (e *Encoder) cell(r *Row, f Field) string {
	switch f {
	case CreatedAt:
		if r.Time.IsZero() {
			return ""
		}
		return r.Time.Format(time.RFC3339Nano)
	}
	return defuse(e.masked(r.Get(f)))
}

func (e *Encoder) masked(text string) string {
	if e.mask {
		return Mask(text)
	}
	return text
}

// defuse makes a cell that a spreadsheet would take for a formula plain text,
// by an apostrophe before it (OWASP, "CSV Injection"); numbers stay as they are.
// Characters that a terminal acts on become visible marks.
func defuse(cell string) string {
	cell = termsafe.Text(cell)
	first, _ := utf8.DecodeRuneInString(cell)
	if !strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) || cell == "" {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

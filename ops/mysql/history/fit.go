package history

import (
	"fmt"
	"slices"
	"strings"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// Fate is what became of a column since a transaction.
type Fate string

// The fates.
const (
	Same      Fate = "same"
	Renamed   Fate = "renamed"
	Redefined Fate = "redefined" // its type was declared again
	Dropped   Fate = "dropped"
	Added     Fate = "added" // it was not there yet
)

// Note tells of a column that is not as it was.
type Note struct {
	Column string `json:"column"` // its name now; of a dropped one its name then
	Fate   Fate   `json:"change"`
	Was    string `json:"was"` // its name or type then; "" if not known
	Now    string `json:"now"`
	ID     string `json:"id"` // the transaction of the statement that changed it last
	SQL    string `json:"sql"`
}

// logged is a column of the log and what became of it.
type logged struct {
	column binlog.Column
	was    *Declared
	now    int // its place in today's table; -1: dropped
	hidden bool
	note   Note
}

// Fit turns row images of a transaction into images of today's table.
type Fit struct {
	Table   string
	columns []logged
	today   *schema.Table
	Notes   []Note // of each column that is not as it was
	exact   bool   // no statement changed the table since
}

// ReplacedError reports that the table was dropped, renamed or created again since.
type ReplacedError struct {
	Table string
	ID    string
	SQL   string
}

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("the table %s was replaced since, by %s: %s", e.Table, e.ID, e.SQL)
}

// KeyError reports that the primary key is not the one of that time.
type KeyError struct {
	Table string
	ID    string // of the statement that changed it; "" if it is not in the log
	SQL   string
}

func (e *KeyError) Error() string {
	return fmt.Sprintf("the primary key of %s was changed since, by %s: %s", e.Table, e.ID, e.SQL)
}

// Fit compares a logged table, before statement n, with today's.
func (t *Timeline) Fit(n int, table *binlog.Table) (*Fit, error) {
	d, err := t.Named(n, table)
	if err != nil {
		return nil, err
	}
	if t.today == nil {
		return nil, &UnknownError{Table: t.Name}
	}
	f := &Fit{Table: t.Name, today: t.today, exact: !t.Since(n)}
	for i, c := range d.Columns {
		own := logged{column: table.Columns[i], was: c.Declared, hidden: c.Hidden}
		own.column.Name = c.Name
		own.note = Note{Column: c.Name, Fate: Same}
		f.columns = append(f.columns, own)
	}
	for i := n; i < len(t.changes); i++ {
		if err := f.pass(t.changes[i], t.statements[i], t.Name); err != nil {
			return nil, err
		}
	}
	return f, f.place()
}

// pass follows the columns through one statement.
func (f *Fit) pass(c change, s Statement, table string) error {
	if c.dropped || c.created || c.opaque && !c.maybe {
		return &ReplacedError{Table: table, ID: s.ID, SQL: s.SQL}
	}
	var names []string // before the statement: all of its steps speak of those
	for _, l := range f.columns {
		name := l.note.Column
		if l.note.Fate == Dropped {
			name = "" // another may have its name
		}
		names = append(names, name)
	}
	for _, st := range c.steps {
		switch st.verb {
		case opaque:
			return &UnknownError{Table: table, ID: s.ID, SQL: s.SQL}
		case rekey:
			return &KeyError{Table: table, ID: s.ID, SQL: s.SQL}
		case convert:
			for i := range f.columns {
				if k := f.columns[i].column.Kind; k == binlog.Text || k == binlog.Binary {
					f.columns[i].redefine(s)
				}
			}
			continue
		}
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, st.name) })
		if i < 0 {
			continue
		}
		own := &f.columns[i]
		switch st.verb {
		case drop:
			own.note = Note{Column: own.column.Name, Fate: Dropped, ID: s.ID, SQL: s.SQL}
		case rename:
			if own.note.Fate == Same {
				own.note = Note{Fate: Renamed, Was: own.column.Name, ID: s.ID, SQL: s.SQL}
			}
			own.note.Column = st.to.Name
		case modify:
			own.redefine(s)
			own.note.Column = st.to.Name
		}
	}
	return nil
}

func (l *logged) redefine(s Statement) {
	if l.note.Fate == Dropped {
		return
	}
	l.note.Fate = Redefined
	l.note.ID = s.ID
	l.note.SQL = s.SQL
	l.note.Was = l.column.Type
	if l.was != nil {
		l.note.Was = l.was.String()
	}
}

// place finds the columns in today's table, and notes what differs.
func (f *Fit) place() error {
	used := make([]bool, len(f.today.Columns))
	for i := range f.columns {
		own := &f.columns[i]
		own.now = -1
		if own.hidden {
			continue
		}
		if own.note.Fate != Dropped {
			own.now = slices.IndexFunc(f.today.Columns, func(c schema.Column) bool {
				return strings.EqualFold(c.Name, own.note.Column)
			})
			if own.now < 0 {
				return &UnknownError{Table: f.Table} // a statement that is not in the log dropped it
			}
			used[own.now] = true
			today := f.today.Columns[own.now]
			own.note.Now = today.Type
			if own.note.Fate == Renamed {
				own.note.Now = today.Name
			}
			if own.note.Fate != Redefined && !format.Fits(own.column.Type, today.DataType) {
				return &format.MismatchError{Table: f.Table,
					Why: fmt.Sprintf("%s is %s, the log has %s", today.Name, today.DataType, own.column.Type)}
			}
		}
		if own.note.Fate != Same {
			f.Notes = append(f.Notes, own.note)
		}
	}
	for i, c := range f.today.Columns {
		if !used[i] && !c.Period {
			f.Notes = append(f.Notes, Note{Column: c.Name, Fate: Added, Now: c.Type})
		}
	}
	return nil
}

// ColumnError reports a column whose values of that time today's table cannot hold exactly.
type ColumnError struct {
	Table string
	Note  Note
	Why   Why
	Value string // the value, if it is the reason
}

// Why is the reason of a ColumnError.
type Why string

// The reasons.
const (
	WasDropped     Why = "the column was dropped"
	WrongType      Why = "the types cannot be converted exactly"
	OutOfRange     Why = "today's type does not hold the value"
	SignUnknown    Why = "the log does not tell whether the type was unsigned"
	CharsetUnknown Why = "the character sets differ or are not known"
	MembersUnknown Why = "the log does not tell the members of that time"
	NoMember       Why = "today's type has no such member"
	NotNullable    Why = "today's column does not take NULL"
)

func (e *ColumnError) Error() string {
	text := fmt.Sprintf("%s.%s: %s", e.Table, e.Note.Column, string(e.Why))
	if e.Note.Fate == Redefined {
		text += fmt.Sprintf(" (%s then, %s now)", e.Note.Was, e.Note.Now)
	}
	if e.Note.ID != "" {
		text += fmt.Sprintf(", by %s: %s", e.Note.ID, e.Note.SQL)
	}
	return text
}

// Has reports whether a column of today's table was there then.
func (f *Fit) Has(column int) bool {
	return slices.ContainsFunc(f.columns, func(l logged) bool { return l.now == column })
}

// Image is a row image of the log as an image of today's table, in dst if it has room. A
// column that was not there is Absent in it. The texts of values are shared with the given
// image.
func (f *Fit) Image(dst, image []binlog.Value) ([]binlog.Value, error) {
	if image == nil {
		return nil, nil
	}
	out := slices.Grow(dst[:0], len(f.today.Columns))[:len(f.today.Columns)]
	for i := range out {
		out[i] = binlog.Value{Absent: true}
	}
	for i := range f.columns {
		own := &f.columns[i]
		if own.hidden {
			continue
		}
		if own.now < 0 {
			return nil, &ColumnError{Table: f.Table, Note: own.note, Why: WasDropped}
		}
		v, why := own.value(image[i], f.today.Columns[own.now])
		if why != "" {
			return nil, &ColumnError{Table: f.Table, Note: own.note, Why: why, Value: string(image[i].Text)}
		}
		out[own.now] = v
	}
	return out, nil
}

// value is a logged value as one of today's column.
func (l *logged) value(v binlog.Value, now schema.Column) (binlog.Value, Why) {
	switch {
	case v.Absent || now.Generated || now.Period:
		return format.Reread(v, l.column, now), ""
	case l.note.Fate != Redefined:
		return format.Reread(v, l.column, now), ""
	case v.Null && !now.Nullable:
		return v, NotNullable
	case v.Null:
		return format.Reread(v, l.column, now), ""
	}
	return l.converted(v, now)
}

// Columns is for each column of a logged table what its values mean: today's column where
// it is the same, else as far as the log tells the one of that time; nil if it does not.
func (t *Timeline) Columns(n int, table *binlog.Table, d *Definition) []*schema.Column {
	out := make([]*schema.Column, len(d.Columns))
	fit, err := t.Fit(n, table)
	for i, c := range d.Columns {
		if err == nil && fit.columns[i].now >= 0 && fit.columns[i].note.Fate != Redefined {
			own := t.today.Columns[fit.columns[i].now]
			own.Name = c.Name
			out[i] = &own
			continue
		}
		if w := c.Declared; w != nil {
			out[i] = &schema.Column{Name: c.Name, DataType: w.Word, Type: w.declaration(), Charset: w.Charset}
		}
	}
	return out
}

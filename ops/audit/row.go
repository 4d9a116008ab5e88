// Package audit answers who did what: the rows of an audit table, the language
// that filters them, pages by key, the life of a resource, counts, the change
// that a row recorded. It decides and computes; reading tables is an adapter's.
package audit

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
)

// Field is one thing that a row can say, whatever its column is called.
type Field int

// The fields of both shapes of the table. Their names are those of JSON and of
// the configuration's audit.columns.
const (
	ID Field = iota
	CreatedAt
	UserID
	UserName
	Action
	ResourceType
	ResourceID
	Changes
	OldValue
	NewValue
	IP
	UserAgent
	Path
	Method
	Request
	Response
	Key
	NumFields int = iota
)

var fieldNames = [NumFields]string{"id", "created_at", "user_id", "user_name", "action", "resource_type", "resource_id",
	"changes", "old_value", "new_value", "ip_address", "user_agent", "api_path", "http_method", "request_body",
	"response_data", "idempotency_key"}

// String is the field's name in JSON and in the configuration.
func (f Field) String() string { return fieldNames[f] }

// fieldNamed finds a field by its name.
func fieldNamed(name string) (Field, bool) {
	for i, n := range fieldNames {
		if n == name {
			return Field(i), true
		}
	}
	return 0, false
}

// JSON tells whether the field holds JSON in the known shapes.
func (f Field) JSON() bool {
	switch f {
	case Changes, OldValue, NewValue, Request, Response:
		return true
	}
	return false
}

// Stamp is a moment as the time column holds it: microseconds on the column's
// own clock (UTC for a TIMESTAMP, wall time for a DATETIME) since 1970. It is
// what rows are ordered by.
type Stamp int64

// NoStamp is the stamp of a row whose time is NULL: before every other.
const NoStamp Stamp = math.MinInt64

// MaxStamp is after every moment.
const MaxStamp Stamp = math.MaxInt64

// Value is what a column holds; Valid is false for NULL.
type Value struct {
	Text  string
	Valid bool
}

// Row is one row of the table.
type Row struct {
	ID     int64     // the key of a numbered table; 0 in others
	Key    string    // the key of others, as JoinKey makes it
	At     Stamp     // its place in the order
	Time   time.Time // the same as a moment; zero for NULL and zero dates
	Values [NumFields]Value
	Extra  []Value // columns that no field stands for, as Layout.Extra names them
}

// Get is a field's text, "" for NULL.
func (r *Row) Get(f Field) string { return r.Values[f].Text }

// Has tells whether the field is there and not NULL.
func (r *Row) Has(f Field) bool { return r.Values[f].Valid }

// Resource is what a row concerns, as type:id, or the type alone.
func (r *Row) Resource() string {
	if r.Has(ResourceID) {
		return r.Get(ResourceType) + ":" + r.Get(ResourceID)
	}
	return r.Get(ResourceType)
}

// User is how a person names who did it: the name, else the id, else "".
func (r *Row) User() string {
	if name := r.Get(UserName); name != "" {
		return name
	}
	return r.Get(UserID)
}

// Pos is the row's place in the order of a list.
func (r *Row) Pos() Pos { return Pos{At: r.At, ID: r.ID, Key: r.Key} }

// Pos is a place in the order of rows: by time, then by key.
type Pos struct {
	At  Stamp
	ID  int64  // of numbered tables
	Key string `json:",omitempty"` // of others
}

// Less tells whether p is older than q. Keys that are not numbers are compared
// byte by byte, which a server may see otherwise: it decides for its own pages.
func (p Pos) Less(q Pos) bool {
	switch {
	case p.At != q.At:
		return p.At < q.At
	case p.ID != q.ID:
		return p.ID < q.ID
	}
	return p.Key < q.Key
}

// Newest is after every row.
func Newest() Pos { return Pos{At: MaxStamp, ID: math.MaxInt64} }

// Encode writes the row as the contract's JSON object: the fields that the
// layout has, snake_case, NULL as null, JSON columns as JSON (text that is not
// JSON as a string), secrets masked when mask is set.
func (l *Layout) Encode(r *Row, mask bool) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":`)
	b.Write(l.encodeValue(ID, r.Values[ID], false))
	b.WriteString(`,"created_at":`)
	if r.Time.IsZero() {
		b.WriteString("null")
	} else {
		b.Write(quote(r.Time.Format(time.RFC3339Nano)))
	}
	for f := UserID; int(f) < NumFields; f++ {
		if l.Has(f) {
			b.WriteString(`,"` + f.String() + `":`)
			b.Write(l.encodeValue(f, r.Values[f], mask))
		}
	}
	for i, v := range r.Extra {
		b.WriteByte(',')
		b.Write(quote(l.Extra[i].Name))
		b.WriteByte(':')
		b.Write(encodeText(v, mask))
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (l *Layout) encodeValue(f Field, v Value, mask bool) []byte {
	switch {
	case !v.Valid:
		return []byte("null")
	case (f == UserID || f == ID) && l.Column(f).Integer:
		return []byte(v.Text)
	case f.JSON():
		text := v.Text
		if mask {
			text = Mask(text)
		}
		var out bytes.Buffer
		if json.Compact(&out, []byte(text)) == nil {
			return out.Bytes()
		}
		return quote(text)
	}
	return encodeText(v, mask)
}

func encodeText(v Value, mask bool) []byte {
	if !v.Valid {
		return []byte("null")
	}
	if mask {
		return quote(Mask(v.Text))
	}
	return quote(v.Text)
}

// quote is a JSON string without HTML escapes; bytes that are not UTF-8 become
// the replacement character.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return []byte(`""`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

package audit

import (
	"encoding/hex"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Keys are the columns that make two rows of the same time different, in the
// order that pages sort by. Unique tells whether they do so without the time
// too: not those of PRIMARY KEY (id, created_at), as partitioned tables have.
//
// Numbered tables have one integer that is unique, or that the server counts
// up: only these are read by runs of ids. The keys of all others are only
// ever compared by the server, in its own collation.

// Numbered tells whether the key is one integer, which Row.ID holds.
func (l *Layout) Numbered() bool { return l.numbered }

// setKeys chooses the key: the unique index with the id that has the fewest
// columns, the primary key before others.
func (l *Layout) setKeys(found []Column) error {
	id := *l.Columns[ID]
	best := l.keyIndex(found)
	switch {
	case best == nil && len(l.Indexes) == 0 && l.named[ID]:
		l.Keys, l.Trusted = []Column{id}, true // a server that tells of no indexes; the configuration vouches for it
		return l.checkKeys()
	case best == nil:
		return ops.E(ops.Config, lang.M("the column %s of %s cannot serve as the key: no unique index of NOT NULL "+
			"columns contains it", id.Name, l.Table)).
			WithHint(lang.M("name another column as audit.columns.id"))
	}
	l.keyed = *best
	l.Unique = true
	l.primary = best.Name == "PRIMARY"
	for _, name := range best.Columns {
		if strings.EqualFold(name, l.Columns[CreatedAt].Name) {
			l.Unique = false
			continue
		}
		l.Keys = append(l.Keys, *columnNamed(found, name))
	}
	if len(l.Keys) == 1 && l.Keys[0].Integer {
		_, leads := l.indexOn(ID)
		l.numbered = leads && (l.Unique || id.Counted)
	}
	return l.checkKeys()
}

func (l *Layout) keyIndex(found []Column) *Index {
	var best *Index
	for i := range l.Indexes {
		ix := &l.Indexes[i]
		if !ix.Unique || !ix.holds(l.Columns[ID].Name) || !neverNull(found, ix.Columns) {
			continue
		}
		if best == nil || len(ix.Columns) < len(best.Columns) ||
			len(ix.Columns) == len(best.Columns) && ix.Name == "PRIMARY" {
			best = ix
		}
	}
	return best
}

func (ix *Index) holds(column string) bool {
	return slices.ContainsFunc(ix.Columns, func(c string) bool { return strings.EqualFold(c, column) })
}

func columnNamed(found []Column, name string) *Column {
	for i := range found {
		if strings.EqualFold(found[i].Name, name) {
			return &found[i]
		}
	}
	return nil
}

// neverNull tells whether all columns are known and hold no NULL: a unique
// index lets several of those in. One integer alone has always been taken as
// the key, NULL or not.
func neverNull(found []Column, names []string) bool {
	for _, name := range names {
		if c := columnNamed(found, name); c == nil || c.Nullable && !(c.Integer && len(names) == 1) {
			return false
		}
	}
	return true
}

// checkKeys refuses columns that the server sorts otherwise than it compares.
func (l *Layout) checkKeys() error {
	for _, c := range l.Keys {
		switch c.Type {
		case "char", "varchar", "binary", "varbinary", "uuid":
		default:
			if !c.Integer {
				return ops.E(ops.Config,
					lang.M("the column %s of %s cannot serve as the key: its type is %s", c.Name, l.Table, c.Type)).
					WithHint(lang.M("name another column as audit.columns.id"))
			}
		}
	}
	return nil
}

// inOrder finds an index whose rows of one value of the fields before the time
// come by time and key, as pages do: it names the key, or the server puts the
// primary key behind every index.
func (l *Layout) inOrder(fields ...Field) bool {
	for _, ix := range l.Indexes {
		if !l.begins(ix, fields) {
			continue
		}
		rest := ix.Columns[len(fields):]
		if len(rest) == 0 && l.primary {
			return true
		}
		if len(rest) >= len(l.Keys) &&
			slices.EqualFunc(rest[:len(l.Keys)], l.Keys,
				func(name string, c Column) bool { return strings.EqualFold(name, c.Name) }) {
			return true
		}
	}
	return false
}

// KeyOf is the key of a row of a table that is not numbered.
func (l *Layout) KeyOf(r *Row) string {
	values := make([]string, len(l.Keys))
	for i, c := range l.Keys {
		values[i] = l.valueOf(r, c.Name)
	}
	return JoinKey(values)
}

func (l *Layout) valueOf(r *Row, column string) string {
	for f, c := range l.Columns {
		if c != nil && c.Name == column {
			return r.Values[f].Text
		}
	}
	for i, c := range l.Extra {
		if c.Name == column && i < len(r.Extra) {
			return r.Extra[i].Text
		}
	}
	return ""
}

// Hex is how bytes of a binary column are shown and asked for.
func Hex(raw string) string { return hex.EncodeToString([]byte(raw)) }

// Unhex reads hexadecimal digits, those of a UUID with its dashes too.
func Unhex(text string) (raw []byte, ok bool) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	return raw, err == nil
}

// keySeparator stands between the values of a key of several columns. A value
// that holds it, or a backslash, has a backslash before it.
const keySeparator = '\x1f'

var keyEscapes = strings.NewReplacer(`\`, `\\`, string(keySeparator), `\`+string(keySeparator))

// JoinKey makes Pos.Key of the values of Layout.Keys.
func JoinKey(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = keyEscapes.Replace(v)
	}
	return strings.Join(escaped, string(keySeparator))
}

// SplitKey gives the values of n columns back.
func SplitKey(key string, n int) []string {
	if n == 1 {
		return []string{key}
	}
	out := []string{""}
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '\\' && i+1 < len(key):
			i++
			out[len(out)-1] += key[i : i+1]
		case c == keySeparator:
			out = append(out, "")
		default:
			out[len(out)-1] += key[i : i+1]
		}
	}
	return out
}

// Name is how people name the row: by its id.
func (r *Row) Name() string {
	if r.Has(ID) {
		return r.Get(ID)
	}
	return itoa(r.ID)
}

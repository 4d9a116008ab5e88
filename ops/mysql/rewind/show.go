package rewind

import (
	"encoding/hex"
	"fmt"
	"strings"

	"opsdeck/ops/binlog"
)

// Named is an image by its columns' names, as text; nil for no row.
func (p *Plan) Named(name string, image []binlog.Value) map[string]any {
	if image == nil {
		return nil
	}
	t := p.tables[name]
	out := map[string]any{}
	for i, v := range image {
		if !v.Absent {
			out[t.Columns[i].Name] = t.shown(i, v)
		}
	}
	return out
}

// Key is the key of a row by its columns' names.
func (p *Plan) Key(r *Row) map[string]any {
	t := p.tables[r.Table]
	out := map[string]any{}
	for _, i := range t.key {
		out[t.Columns[i].Name] = t.shown(i, r.there()[i])
	}
	return out
}

// TypedKey is the key of a row as the flag --key of audit changes takes it; "" without a key.
func TypedKey(p *Plan, r *Row) string {
	t := p.tables[r.Table]
	var key []string
	for _, i := range t.key {
		v := t.shown(i, r.there()[i])
		if v == nil {
			return ""
		}
		key = append(key, fmt.Sprint(v))
	}
	if len(key) == 0 {
		return ""
	}
	return binlog.JoinKey(key)
}

// shown is a value for people: bytes that are no text in hexadecimal.
func (t *table) shown(i int, v binlog.Value) any {
	switch {
	case v.Null:
		return nil
	case v.Kind == binlog.Binary || v.Kind == binlog.Bits:
		return "0x" + hex.EncodeToString(v.Text)
	}
	return strings.ToValidUTF8(string(v.Text), "\uFFFD")
}

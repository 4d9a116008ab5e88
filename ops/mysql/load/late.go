package load

import (
	"bytes"
	"slices"
	"strings"

	"opsdeck/ops/mysql/sqlscan"
)

// sighting is what the first pass over a foreign dump found out about a table.
type sighting struct {
	create  []byte // the statement that creates it
	mode    sqlscan.Mode
	changed bool // by a statement that may need its keys
	merges  bool // rows of it need its unique keys
	bytes   int64
	last    int64 // last statement with rows
}

// note records what a statement creates and changes.
func (st *stream) note(v verdict) {
	p := v.parsed
	name := p.Own().Name
	t := st.known[name]
	switch {
	case p.Verb == "INSERT" || p.Verb == "REPLACE":
		if t != nil {
			t.bytes += int64(len(v.sql))
			t.merges = t.merges || v.merges
			t.last = st.statements
		}
		return
	case p.Verb == "CREATE" && !p.Temporary:
		st.makes[strings.ToLower(p.Kind)+" "+name] = true
		if p.Kind == "TABLE" && t == nil && !p.Cautious {
			st.known[name] = &sighting{create: bytes.Clone(v.sql), mode: p.Mode}
			return
		}
	}
	if switchesKeys(p) || body(p) {
		return
	}
	for _, r := range p.Refs {
		if t := st.known[r.Name]; t != nil {
			t.changed = true
		}
	}
}

// lateKeys returns the tables whose secondary keys are created after their rows.
func (st *stream) lateKeys(s *session) map[string]*table {
	late := map[string]*table{}
	if s.o.NoDefer {
		return late
	}
	creates := map[string]*sqlscan.Table{}
	for name, seen := range st.known {
		if t, err := sqlscan.ParseTable(seen.create, seen.mode); err == nil {
			creates[name] = t
		}
	}
	referenced := references(creates)
	for name, c := range creates {
		seen := st.known[name]
		if seen.changed || seen.bytes < deferFrom {
			continue
		}
		t := &table{step: step{object: name}, create: c, bytes: seen.bytes, lastRow: seen.last}
		if t.putOff(referenced, seen.merges); len(t.deferred) > 0 {
			late[name] = t
		}
	}
	return late
}

// references returns the targets of foreign keys: table, NUL, first column.
func references(creates map[string]*sqlscan.Table) map[string]bool {
	all := map[string]bool{}
	for _, t := range creates {
		for _, f := range t.ForeignKeys {
			if len(f.Referenced) > 0 {
				all[strings.ToLower(f.References.Name+"\x00"+f.Referenced[0])] = true
			}
		}
	}
	return all
}

// putOff decides which keys of the table are added after its rows. The unique ones stay
// where the rows need them.
func (t *table) putOff(referenced map[string]bool, merges bool) {
	t.deferred = t.create.Deferrable(func(k sqlscan.Key) bool {
		return merges && k.Kind == "UNIQUE" || referenced[strings.ToLower(t.object+"\x00"+k.Columns[0])]
	})
	if len(t.deferred) > 0 {
		t.without = slices.Clone(t.create.Without(t.deferred))
	}
}

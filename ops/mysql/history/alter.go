package history

import (
	"strings"

	"opsdeck/ops/mysql/sqlscan"
)

// verb is what a step does to the columns.
type verb uint8

const (
	add     verb = iota // a column
	drop                // a column
	modify              // a column gets a new definition, maybe a new name and place
	rename              // a column gets a new name alone
	convert             // every text column may get another character set
	rekey               // the primary key changes
	opaque              // not understood
)

// step is one part of an ALTER TABLE.
type step struct {
	verb  verb
	name  string // the column before the step; of an added one its name
	to    Column // add, modify, rename: the column after the step
	first bool
	after string // the column that it comes after; "" with first false: at the end, or where it was
	maybe bool   // IF EXISTS or IF NOT EXISTS: it may have done nothing
}

// alterer reads the parts of an ALTER TABLE.
type alterer struct {
	*sqlscan.Parsed
	steps []step
}

// readAlter reads the steps of an ALTER TABLE that change its columns or its primary key.
func readAlter(p *sqlscan.Parsed) []step {
	a := &alterer{Parsed: p}
	for i := p.Body; i < p.Len(); {
		end := a.PartEnd(i)
		a.part(i, end)
		i = end + 1
	}
	return a.steps
}

func (a *alterer) part(i, end int) {
	switch a.Upper(i) {
	case "ADD":
		a.add(i+1, end)
	case "DROP":
		a.drop(i + 1)
	case "MODIFY":
		i, maybe := a.cautious(a.optional(i+1, "COLUMN"))
		name, _ := a.Name(i)
		a.define(step{verb: modify, name: name, maybe: maybe}, i, end)
	case "CHANGE":
		i, maybe := a.cautious(a.optional(i+1, "COLUMN"))
		name, _ := a.Name(i)
		a.define(step{verb: modify, name: name, maybe: maybe}, i+1, end)
	case "RENAME":
		a.rename(i + 1)
	case "CONVERT":
		a.steps = append(a.steps, step{verb: convert})
	case "ALTER":
		// Defaults, visibility, checks and indexes leave the values alone.
	default:
		a.option(i)
	}
}

func (a *alterer) optional(i int, word string) int {
	if a.Is(i, word) {
		return i + 1
	}
	return i
}

// cautious skips IF EXISTS or IF NOT EXISTS.
func (a *alterer) cautious(i int) (at int, maybe bool) {
	switch {
	case a.Follows(i, "IF", "NOT", "EXISTS"):
		return i + 3, true
	case a.Follows(i, "IF", "EXISTS"):
		return i + 2, true
	}
	return i, false
}

func (a *alterer) add(i, end int) {
	column := a.Is(i, "COLUMN")
	i = a.optional(i, "COLUMN")
	i, maybe := a.cautious(i)
	if !column {
		switch a.Upper(i) {
		case "PRIMARY":
			a.steps = append(a.steps, step{verb: rekey})
			return
		case "CONSTRAINT":
			if a.Is(i+1, "PRIMARY") || a.Is(i+2, "PRIMARY") {
				a.steps = append(a.steps, step{verb: rekey})
			}
			return
		case "INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR", "FOREIGN", "CHECK", "PARTITION":
			return
		case "SYSTEM", "PERIOD":
			a.period(i)
			return
		}
	}
	if !a.Is(i, "(") {
		name, _ := a.Name(i)
		a.define(step{verb: add, name: name, maybe: maybe}, i, end)
		return
	}
	for i++; i < end; {
		last := a.PartEnd(i)
		if last >= end {
			last = end - 1 // the closing bracket
		}
		a.listed(i, last, maybe)
		i = last + 1
	}
}

// listed is one item of ADD (…), a column, a key or a period.
func (a *alterer) listed(i, end int, maybe bool) {
	switch a.Upper(i) {
	case "PRIMARY":
		a.steps = append(a.steps, step{verb: rekey})
	case "INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "CONSTRAINT":
	case "PERIOD", "VECTOR": // a column may have these names
		if a.Any(i+1, "FOR", "INDEX", "KEY", "(") {
			break
		}
		fallthrough
	default:
		name, _ := a.Name(i)
		a.define(step{verb: add, name: name, maybe: maybe}, i, end)
	}
}

// period is one that comes or goes. That of an application stands on columns of the table;
// system versioning has columns of its own.
func (a *alterer) period(i int) {
	if j, _ := a.cautious(i + 1); !a.Is(i, "PERIOD") || !a.Is(j, "FOR") || a.Is(j+1, "SYSTEM_TIME") {
		a.steps = append(a.steps, step{verb: opaque})
	}
}

// define completes a step by a column's name and definition, which begin at token i.
func (a *alterer) define(s step, i, end int) {
	name, ok := a.Name(i)
	if !ok || s.name == "" {
		a.steps = append(a.steps, step{verb: opaque})
		return
	}
	switch {
	case a.Is(end-1, "FIRST"):
		s.first = true
	case a.Is(end-2, "AFTER"):
		s.after, _ = a.Name(end - 1)
	}
	s.to = Column{Name: name, Declared: readDeclared(a.Text, i+1, end)}
	a.steps = append(a.steps, s)
	if a.isPrimary(i+1, end) {
		a.steps = append(a.steps, step{verb: rekey})
	}
}

// isPrimary reports whether a column's definition makes it the primary key.
func (a *alterer) isPrimary(i, end int) bool { return isPrimary(a.Text, i, end) }

func isPrimary(t *sqlscan.Text, i, end int) bool {
	for depth := 0; i < end; i++ {
		switch {
		case t.Is(i, "("):
			depth++
		case t.Is(i, ")"):
			depth--
		case depth > 0 || t.Kind(i) != sqlscan.Word:
		case t.Is(i, "PRIMARY"), t.Is(i, "KEY") && !t.Is(i-1, "UNIQUE"):
			return true
		}
	}
	return false
}

func (a *alterer) drop(i int) {
	if !a.Is(i, "COLUMN") {
		switch a.Upper(i) {
		case "PRIMARY":
			a.steps = append(a.steps, step{verb: rekey})
			return
		case "INDEX", "KEY", "FOREIGN", "CHECK", "CONSTRAINT", "PARTITION":
			return
		case "SYSTEM", "PERIOD":
			a.period(i)
			return
		}
	}
	i, maybe := a.cautious(a.optional(i, "COLUMN"))
	name, ok := a.Name(i)
	if !ok {
		a.steps = append(a.steps, step{verb: opaque})
		return
	}
	a.steps = append(a.steps, step{verb: drop, name: name, maybe: maybe})
}

func (a *alterer) rename(i int) {
	switch {
	case a.Any(i, "INDEX", "KEY"):
	case a.Is(i, "COLUMN"):
		i, maybe := a.cautious(i + 1)
		from, okFrom := a.Name(i)
		to, okTo := a.Name(i + 2)
		if !okFrom || !okTo {
			a.steps = append(a.steps, step{verb: opaque})
			return
		}
		a.steps = append(a.steps, step{verb: rename, name: from, to: Column{Name: to}, maybe: maybe})
	default:
		a.steps = append(a.steps, step{verb: opaque}) // the table itself
	}
}

// calm are the first words of parts that leave columns and values alone.
var calm = wordSet("algorithm auto_increment autoextend_size avg_row_length character charset checksum collate " +
	"comment compression connection data default delay_key_write disable discard enable encrypted encryption " +
	"encryption_key_id engine engine_attribute force import ietf_quotes index insert_method key_block_size lock " +
	"max_rows min_rows nowait order pack_keys page_checksum page_compressed page_compression_level password " +
	"row_format secondary_engine_attribute stats_auto_recalc stats_persistent stats_sample_pages storage " +
	"tablespace transactional union wait with without partition coalesce reorganize rebuild exchange truncate " +
	"analyze check optimize repair remove secondary_load secondary_unload")

// option is a part that sets an option of the table, or works on its partitions.
func (a *alterer) option(i int) {
	if calm[strings.ToLower(a.Upper(i))] {
		return
	}
	a.steps = append(a.steps, step{verb: opaque})
}

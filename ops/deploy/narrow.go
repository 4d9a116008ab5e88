package deploy

import (
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/pattern"
)

// narrower tells whether a column's values may not all fit its new kind, as Table.Columns
// has them. What is not known to be wide enough counts as narrower.
func narrower(was, now string) bool {
	a, b := columnType(was), columnType(now)
	switch {
	case a.text == b.text:
		return false
	case a.base == b.base && a.base != "enum" && a.base != "set" && a.unsigned == b.unsigned:
		return !isInt(a.base) && !b.holds(a)
	case isInt(a.base) && isInt(b.base):
		from, to := slices.Index(ints, a.base), slices.Index(ints, b.base)
		return to <= from || b.unsigned && !a.unsigned
	case a.base == "enum" && b.base == "enum" || a.base == "set" && b.base == "set":
		return !strings.HasPrefix(b.text, strings.TrimSuffix(a.text, ")"))
	case (a.base == "char" || a.base == "varchar") && b.base == "varchar":
		return !b.holds(a)
	}
	for _, family := range [][]string{texts, blobs, {"float", "double"}} {
		from, to := slices.Index(family, a.base), slices.Index(family, b.base)
		if from >= 0 && to >= 0 {
			return to < from
		}
	}
	return true
}

var (
	ints  = []string{"tinyint", "smallint", "mediumint", "int", "bigint"}
	texts = []string{"tinytext", "text", "mediumtext", "longtext"}
	blobs = []string{"tinyblob", "blob", "mediumblob", "longblob"}
)

func isInt(base string) bool { return slices.Contains(ints, base) }

// kind is a column's type in parts: "decimal(10,2) unsigned".
type kind struct {
	text, base string
	sizes      []int // in the brackets
	unsigned   bool
}

var typeParts = pattern.New(`^(\w+)(?:\(([\d,]+)\))?`)

func columnType(column string) (k kind) {
	text, _, _ := strings.Cut(strings.ToLower(column), " not null")
	text, _, _ = strings.Cut(text, " null")
	k.text = text
	k.unsigned = strings.Contains(text, " unsigned")
	parts := typeParts.FindStringSubmatch(text)
	if parts == nil {
		return k
	}
	k.base = parts[1]
	for _, size := range strings.Split(parts[2], ",") {
		if n, err := strconv.Atoi(size); err == nil {
			k.sizes = append(k.sizes, n)
		}
	}
	return k
}

// holds tells whether the sizes of a type hold all that another's of the same base do.
func (k kind) holds(a kind) bool {
	switch {
	case len(a.sizes) == 0 && len(k.sizes) == 1: // datetime, now datetime(6)
		return strings.HasSuffix(k.base, "time") || k.base == "timestamp"
	case len(a.sizes) == 1 && len(k.sizes) == 1:
		return k.sizes[0] >= a.sizes[0]
	case len(a.sizes) == 2 && len(k.sizes) == 2:
		return k.sizes[1] >= a.sizes[1] && k.sizes[0]-k.sizes[1] >= a.sizes[0]-a.sizes[1]
	}
	return false
}

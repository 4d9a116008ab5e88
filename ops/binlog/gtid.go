package binlog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// GTIDs is a set of transaction ids: MySQL's intervals by server and tag, or the newest id
// of each MariaDB domain.
type GTIDs struct {
	maria   bool
	sets    map[string][]interval // by uuid or uuid:tag
	domains map[uint32]mariaGTID
}

type interval struct{ from, to uint64 } // both inclusive

type mariaGTID struct {
	server uint32
	seq    uint64
}

// NewMySQLGTIDs is an empty set in MySQL's form.
func NewMySQLGTIDs() GTIDs { return GTIDs{sets: map[string][]interval{}} }

// NewMariaGTIDs is an empty set in MariaDB's form.
func NewMariaGTIDs() GTIDs { return GTIDs{maria: true, domains: map[uint32]mariaGTID{}} }

// Empty reports whether the set is empty.
func (g GTIDs) Empty() bool { return len(g.sets) == 0 && len(g.domains) == 0 }

// MariaDB reports whether the set is in MariaDB's form.
func (g GTIDs) MariaDB() bool { return g.maria }

// AddMySQL adds the ids from from to to, both inclusive; tag is "" for none.
func (g *GTIDs) AddMySQL(uuid, tag string, from, to uint64) {
	if from > to || from == 0 {
		return
	}
	key := strings.ToLower(uuid)
	if tag != "" {
		key += ":" + strings.ToLower(tag)
	}
	if g.sets == nil {
		g.sets = map[string][]interval{}
	}
	g.sets[key] = join(g.sets[key], interval{from, to})
}

// join inserts an interval into a sorted list and merges adjacent ones.
func join(list []interval, add interval) []interval {
	if n := len(list); n > 0 && add.from >= list[n-1].from { // the usual case: at the end
		if add.from <= list[n-1].to+1 {
			list[n-1].to = max(list[n-1].to, add.to)
			return list
		}
		return append(list, add)
	}
	list = append(list, add)
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	out := list[:1]
	for _, i := range list[1:] {
		if last := &out[len(out)-1]; i.from <= last.to+1 {
			last.to = max(last.to, i.to)
		} else {
			out = append(out, i)
		}
	}
	return out
}

// AddMaria makes an id the newest of its domain.
func (g *GTIDs) AddMaria(domain, server uint32, seq uint64) {
	g.maria = true
	if g.domains == nil {
		g.domains = map[uint32]mariaGTID{}
	}
	g.domains[domain] = mariaGTID{server, seq}
}

// Add adds one transaction id, in either form.
func (g *GTIDs) Add(id string) error {
	one, err := ParseGTIDs(id)
	if err != nil {
		return err
	}
	g.Union(one)
	return nil
}

// Union adds all of o; in MariaDB's form o's domains replace ours.
func (g *GTIDs) Union(o GTIDs) {
	for key, list := range o.sets {
		uuid, tag, _ := strings.Cut(key, ":")
		for _, i := range list {
			g.AddMySQL(uuid, tag, i.from, i.to)
		}
	}
	for d, m := range o.domains {
		g.AddMaria(d, m.server, m.seq)
	}
}

// Clone is a deep copy.
func (g GTIDs) Clone() GTIDs {
	c := GTIDs{maria: g.maria, sets: map[string][]interval{}, domains: maps.Clone(g.domains)}
	for key, list := range g.sets {
		c.sets[key] = slices.Clone(list)
	}
	return c
}

// Contains reports whether all of o is in g. In MariaDB's form a domain contains every id
// up to its newest.
func (g GTIDs) Contains(o GTIDs) bool {
	for key, list := range o.sets {
		for _, i := range list {
			if !slices.ContainsFunc(
				g.sets[key],
				func(own interval) bool { return own.from <= i.from && i.to <= own.to },
			) {
				return false
			}
		}
	}
	for d, m := range o.domains {
		if own, ok := g.domains[d]; !ok || own.seq < m.seq {
			return false
		}
	}
	return true
}

// Agrees reports whether one log can hold exactly o at the position where all of g was
// done. MySQL's ids name their server: o must be in g. MariaDB's are numbers that each
// server counts: the newest id of each domain of o must equal g's.
func (g GTIDs) Agrees(o GTIDs) bool {
	for d, m := range o.domains {
		if own, ok := g.domains[d]; !ok || own != m {
			return false
		}
	}
	return g.Contains(o)
}

// String is the set in the servers' notation, in a fixed order.
func (g GTIDs) String() string {
	if g.maria {
		return g.mariaString()
	}
	var out strings.Builder
	last := ""
	for _, key := range slices.Sorted(maps.Keys(g.sets)) {
		uuid, tag, tagged := strings.Cut(key, ":")
		switch {
		case uuid == last:
		case last != "":
			out.WriteString("," + uuid)
		default:
			out.WriteString(uuid)
		}
		last = uuid
		if tagged {
			out.WriteString(":" + tag)
		}
		for _, i := range g.sets[key] {
			fmt.Fprintf(&out, ":%d", i.from)
			if i.to > i.from {
				fmt.Fprintf(&out, "-%d", i.to)
			}
		}
	}
	return out.String()
}

func (g GTIDs) mariaString() string {
	var parts []string
	for _, d := range slices.Sorted(maps.Keys(g.domains)) {
		parts = append(parts, fmt.Sprintf("%d-%d-%d", d, g.domains[d].server, g.domains[d].seq))
	}
	return strings.Join(parts, ",")
}

// ParseGTIDs parses a set in either server's form. An empty text is the empty set.
func ParseGTIDs(text string) (GTIDs, error) {
	text = strings.Join(strings.Fields(text), "")
	if text == "" {
		return GTIDs{}, nil
	}
	if strings.Contains(text, ":") {
		return parseMySQL(text)
	}
	g := NewMariaGTIDs()
	for _, part := range strings.Split(text, ",") {
		var n [3]uint64
		fields := strings.Split(part, "-")
		if len(fields) != 3 {
			return g, fmt.Errorf("%q is not a GTID", part)
		}
		for i, f := range fields {
			var err error
			if n[i], err = strconv.ParseUint(f, 10, []int{32, 32, 64}[i]); err != nil {
				return g, fmt.Errorf("%q is not a GTID", part)
			}
		}
		g.AddMaria(uint32(n[0]), uint32(n[1]), n[2])
	}
	return g, nil
}

func parseMySQL(text string) (GTIDs, error) {
	g := NewMySQLGTIDs()
	for _, part := range strings.Split(text, ",") {
		fields := strings.Split(part, ":")
		if len(fields) < 2 || !isUUID(fields[0]) {
			return g, fmt.Errorf("%q is not a GTID set", part)
		}
		tag := ""
		for _, f := range fields[1:] {
			if isTag(f) {
				tag = f
				continue
			}
			from, to, err := parseInterval(f)
			if err != nil {
				return g, err
			}
			g.AddMySQL(fields[0], tag, from, to)
		}
	}
	return g, nil
}

func parseInterval(text string) (from, to uint64, err error) {
	a, b, ranged := strings.Cut(text, "-")
	from, err = strconv.ParseUint(a, 10, 63)
	to = from
	if err == nil && ranged {
		to, err = strconv.ParseUint(b, 10, 63)
	}
	if err != nil || from == 0 {
		return 0, 0, fmt.Errorf("%q is not an interval of GTIDs", text)
	}
	return from, to, nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

// isTag reports whether a text has only letters, digits and underscores, and does not
// start with a digit.
func isTag(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

package audit

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"opsdeck/internal/redact"
)

// Change is one place that a row's change touched. Old and New are compact
// JSON; Old is "" for what was added, New for what was removed.
type Change struct {
	Path     string // "status", "items[2].qty"; "" for the whole value
	Old, New string
}

// Diff is the change that a row recorded, by JSON path: of old and new value,
// else what its changes say in any of the usual forms, else the facts of the
// request. Secrets are masked. It is empty when nothing changed or nothing was
// recorded.
func Diff(r *Row) []Change {
	changes := rawDiff(r)
	if len(changes) == 0 && recordsNothing(r) {
		changes = facts(r)
	}
	for i, c := range changes {
		changes[i] = maskChange(c)
	}
	return changes
}

func rawDiff(r *Row) []Change {
	if r.Has(OldValue) || r.Has(NewValue) {
		return compare(nil, "", decode(r.Values[OldValue]), decode(r.Values[NewValue]))
	}
	if r.Has(Changes) {
		return readChanges(decode(r.Values[Changes]))
	}
	return nil
}

// recordsNothing tells whether a row leaves empty what its change belongs into, as
// the audit middleware of some services does.
func recordsNothing(r *Row) bool {
	for _, f := range []Field{OldValue, NewValue, Changes} {
		switch v := decode(r.Values[f]).(type) {
		case absent, nil:
		case map[string]any:
			if len(v) > 0 {
				return false
			}
		case string:
			if v != "" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// facts is what the request behind a row says: where it went, what was sent and
// what came back.
func facts(r *Row) []Change {
	var out []Change
	if path := strings.TrimSpace(r.Get(Method) + " " + r.Get(Path)); r.Has(Path) && path != "" {
		out = append(out, Change{Path: Path.String(), New: encode(path)})
	}
	for _, f := range []Field{Request, Response} {
		if r.Has(f) {
			for _, c := range compare(nil, "", absent{}, decode(r.Values[f])) {
				c.Path = strings.TrimSuffix(f.String()+"."+c.Path, ".")
				out = append(out, c)
			}
		}
	}
	return out
}

// touched tells whether a row's change touched a path or anything below it.
func touched(r *Row, path string) bool {
	for _, c := range rawDiff(r) {
		if c.Path == path || strings.HasPrefix(c.Path, path+".") || strings.HasPrefix(c.Path, path+"[") {
			return true
		}
	}
	return false
}

// absent stands for what is not there, which JSON's null is not.
type absent struct{}

// decode reads a column's JSON; text that is not JSON is a string.
func decode(v Value) any {
	if !v.Valid {
		return absent{}
	}
	d := json.NewDecoder(strings.NewReader(v.Text))
	d.UseNumber()
	var out any
	if d.Decode(&out) != nil {
		return v.Text
	}
	if _, err := d.Token(); err != io.EOF {
		return v.Text
	}
	return out
}

func compare(out []Change, path string, old, new any) []Change {
	om, oldMap := old.(map[string]any)
	nm, newMap := new.(map[string]any)
	ol, oldList := old.([]any)
	nl, newList := new.([]any)
	_, noOld := old.(absent)
	_, noNew := new.(absent)
	switch {
	case oldMap && newMap, oldMap && noNew && path == "", newMap && noOld && path == "":
		for _, k := range keysOf(om, nm) {
			out = compare(out, join(path, k), member(om, k), member(nm, k))
		}
		return out
	case oldList && newList:
		return compareLists(out, path, ol, nl)
	case equal(old, new):
		return out
	}
	return append(out, Change{Path: path, Old: encode(old), New: encode(new)})
}

// compareLists leaves out what both lists begin and end with, so that one
// element put in or taken out is one change.
func compareLists(out []Change, path string, old, new []any) []Change {
	head, tail := 0, 0
	for head < len(old) && head < len(new) && equal(old[head], new[head]) {
		head++
	}
	for tail < len(old)-head && tail < len(new)-head && equal(old[len(old)-1-tail], new[len(new)-1-tail]) {
		tail++
	}
	for i := head; i < max(len(old), len(new))-tail; i++ {
		var o, n any = absent{}, absent{}
		if i < len(old)-tail {
			o = old[i]
		}
		if i < len(new)-tail {
			n = new[i]
		}
		out = compare(out, path+"["+strconv.Itoa(i)+"]", o, n)
	}
	return out
}

func keysOf(maps ...map[string]any) []string {
	var keys []string
	seen := map[string]bool{}
	for _, m := range maps {
		for k := range m {
			if !seen[k] {
				seen[k] = true
				keys = append(keys, k)
			}
		}
	}
	sort.Strings(keys)
	return keys
}

func member(m map[string]any, k string) any {
	if v, ok := m[k]; ok {
		return v
	}
	return absent{}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func equal(a, b any) bool {
	x, xNumber := a.(json.Number)
	y, yNumber := b.(json.Number)
	if xNumber && yNumber {
		return sameNumber(string(x), string(y))
	}
	return encode(a) == encode(b)
}

// sameNumber takes 1, 1.0 and 1e0 for the same, up to the digits that a
// float64 holds exactly.
func sameNumber(x, y string) bool {
	if x == y {
		return true
	}
	if len(x) > 15 || len(y) > 15 {
		return false
	}
	a, errA := strconv.ParseFloat(x, 64)
	b, errB := strconv.ParseFloat(y, 64)
	return errA == nil && errB == nil && a == b
}

func encode(v any) string {
	if _, ok := v.(absent); ok {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// The names that the two sides of a change go by.
var sides = [][2]string{
	{"old", "new"},
	{"from", "to"},
	{"before", "after"},
	{"old_value", "new_value"},
	{"oldValue", "newValue"},
}

// pair takes {"old": …, "new": …} apart, under any of its names.
func pair(v any) (old, new any, ok bool) {
	m, isMap := v.(map[string]any)
	if !isMap {
		return nil, nil, false
	}
	for _, s := range sides {
		_, hasOld := m[s[0]]
		_, hasNew := m[s[1]]
		if hasOld || hasNew {
			return member(m, s[0]), member(m, s[1]), true
		}
	}
	return nil, nil, false
}

// readChanges understands {"status": {"old": …, "new": …}}, {"old": {…},
// "new": {…}}, [{"field": "status", "old": …, "new": …}] and {"status": …}.
func readChanges(v any) []Change {
	if old, new, ok := pair(v); ok {
		return compare(nil, "", old, new)
	}
	switch v := v.(type) {
	case absent:
		return nil
	case []any:
		return readChangeList(v)
	case map[string]any:
		var out []Change
		for _, k := range keysOf(v) {
			if old, new, ok := pair(v[k]); ok {
				out = compare(out, k, old, new)
			} else {
				out = append(out, Change{Path: k, New: encode(v[k])})
			}
		}
		return out
	}
	return []Change{{New: encode(v)}}
}

func readChangeList(list []any) []Change {
	var out []Change
	for i, e := range list {
		m, _ := e.(map[string]any)
		name := ""
		for _, key := range []string{"field", "path", "key", "name"} {
			if s, ok := m[key].(string); ok && name == "" {
				name = strings.ReplaceAll(strings.Trim(s, "/"), "/", ".")
			}
		}
		old, new, ok := pair(e)
		switch {
		case ok && name != "":
			out = compare(out, name, old, new)
		case name != "":
			out = append(out, Change{Path: name, New: encode(member(m, "value"))})
		default:
			out = append(out, Change{Path: "[" + strconv.Itoa(i) + "]", New: encode(e)})
		}
	}
	return out
}

var (
	endsPrivate  = regexp.MustCompile(`(?i)(authorization|cookie)$`)
	secretNumber = regexp.MustCompile(
		`(?i)("[\w-]*(?:password|passwd|pwd|secret|token|api_?key|access_?key|private_?key)"\s*:\s*)(-?\d[\d.eE+-]*)`,
	)
)

// Mask hides the secrets in a column's text; JSON stays JSON.
func Mask(text string) string {
	if !redact.May(redact.Small(text)) {
		return text
	}
	return secretNumber.ReplaceAllString(redact.Text(text), `${1}"`+redact.Mask+`"`)
}

func maskChange(c Change) Change {
	name := c.Path[strings.LastIndexByte(c.Path, '.')+1:]
	for _, side := range []*string{&c.Old, &c.New} {
		switch {
		case *side == "":
		case redact.SecretName(name), endsPrivate.MatchString(name):
			*side = `"` + redact.Mask + `"`
		default:
			*side = Mask(*side)
		}
	}
	return c
}

// Brief is a change in one line: "status: OLD → NEW, total: 10 → 20 +2", with
// at most n places named, those that were there before and after first; "" for
// no change.
func Brief(changes []Change, n int) string {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return a.rank() - b.rank() })
	var parts []string
	for _, c := range changes[:min(n, len(changes))] {
		parts = append(parts, c.brief())
	}
	s := strings.Join(parts, ", ")
	if more := len(changes) - n; more > 0 {
		s += " +" + strconv.Itoa(more)
	}
	return s
}

func (c Change) rank() int {
	switch {
	case strings.Contains(c.Old+c.New, redact.Mask):
		return 2 // that a secret changed says least
	case c.Old != "" && c.New != "":
		return 0
	}
	return 1
}

func (c Change) brief() string {
	name := c.Path
	if name != "" {
		name += ": "
	}
	switch {
	case c.Old == "":
		return name + Plain(c.New)
	case c.New == "":
		return name + Plain(c.Old) + " → ∅"
	}
	return name + Plain(c.Old) + " → " + Plain(c.New)
}

// Plain is a JSON value for reading: a string without its quotes.
func Plain(value string) string {
	var s string
	if strings.HasPrefix(value, `"`) && json.Unmarshal([]byte(value), &s) == nil {
		return s
	}
	return value
}

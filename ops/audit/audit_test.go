package audit

import (
	"encoding/json"
	"errors"
	"opsdeck/internal/when"
	"strings"
	"testing"
	"time"

	"opsdeck/ops"
)

// current is the layout of the field's current shape.
func current(t testing.TB) *Layout {
	t.Helper()
	var cols []Column
	for f := range NumFields {
		typ := "varchar"
		switch Field(f) {
		case ID, UserID:
			typ = "bigint"
		case CreatedAt:
			typ = "timestamp"
		case UserName, Changes:
			continue
		}
		cols = append(cols, Column{Name: Field(f).String(), Type: typ, Integer: typ == "bigint", Nullable: true})
	}
	l, err := Map(
		"db",
		"audit_logs",
		cols,
		[]Index{
			{Name: "PRIMARY", Columns: []string{"id"}, Unique: true},
			{Name: "u", Columns: []string{"user_id", "created_at"}},
			{Name: "r", Columns: []string{"resource_type", "resource_id"}},
		},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var noon = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

func TestQueryErrorsPointAtThePlace(t *testing.T) {
	s := Syntax{Layout: current(t), Now: noon, Zone: time.UTC}
	for _, c := range []struct{ query, at, says string }{
		{"action:x usr:1", "usr:1", "did you mean user:"},
		{"action:x 张三 wrong:1", "wrong:1", "is not a key"},
		{"user:abc", "user:abc", "needs a number"},
		{"since:2026-02-30", "since:2026-02-30", "28 days"},
		{"since:2026-13", "since:2026-13", "no month 13"},
		{"on:2026-01-01T25:00", "on:2026-01-01T25:00", "no such time of day"},
		{"since:soon x", "since:soon", "not a time"},
		{`text~"open`, `"open`, "not closed"},
		{"action:", "action:", "needs a value"},
		{"since:-1h since:-2h", "since:-2h", "given twice"},
		{"-since:-1h", "-since:-1h", "negated"},
		{"name:x", "name:x", "no column for user_name"},
		{"on:now", "on:now", "needs a day"},
		{"since:2026-01-02 until:2026-01-01", "since:2026-01-02 until:2026-01-01", "ends before"},
	} {
		_, err := s.Parse(c.query)
		var q *QueryError
		if !errors.As(err, &q) {
			t.Errorf("%q: got %v", c.query, err)
			continue
		}
		if got := c.query[q.Pos:q.End]; got != c.at || !strings.Contains(q.Error(), c.says) {
			t.Errorf("%q: points at %q and says %q", c.query, got, q.Error())
		}
		if ops.CodeOf(q.Explain(c.query)) != ops.Usage {
			t.Errorf("%q is no usage error", c.query)
		}
	}
}

func TestQueriesAreReadAsWritten(t *testing.T) {
	s := Syntax{Layout: current(t), Now: noon, Zone: time.UTC}
	f, err := s.Parse(`user:1,2 -action:login resource:ORDER:a:b ip:10.0.* text~"a \"b\" *" user:none 张三`)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Terms) != 7 || len(f.Terms[0].Any) != 2 || !f.Terms[1].Not || f.Terms[2].Any[0].Sub.Text() != "a:b" ||
		f.Terms[3].Any[0].Like() != "10.0.%" || f.Terms[4].Any[0].Text() != `a "b" *` || f.Terms[4].Any[0].Wild() ||
		!f.Terms[5].Any[0].Null || f.Terms[6].Op != Contains {
		t.Fatalf("%+v", f.Terms)
	}
	for _, text := range []string{"", " ", "none", "a b", `"`, `\`, "*", "x,y", "plain", "键:值"} {
		f, err := s.Parse("action:" + Quote(text))
		if text == "" {
			continue
		}
		if err != nil || len(f.Terms) != 1 || len(f.Terms[0].Any) != 1 || f.Terms[0].Any[0].Text() != text ||
			f.Terms[0].Any[0].Wild() ||
			f.Terms[0].Any[0].Null {
			t.Errorf("%q does not survive quoting: %+v %v", text, f, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range []string{"user:1", `text~"x`, "-a:b", "since:2026-02-30 on:2026", "a\\", `"\"`, "\xff:\xfe",
		"resource:*:*"} {
		f.Add(q)
	}
	s := Syntax{Layout: current(f), Now: noon, Zone: time.UTC}
	f.Fuzz(func(t *testing.T, query string) {
		_, err := s.Parse(query)
		var q *QueryError
		if errors.As(err, &q) && (q.Pos < 0 || q.End > len(query) || q.Pos > q.End) {
			t.Fatalf("%q: [%d, %d)", query, q.Pos, q.End)
		}
		for at := range len(query) + 1 {
			if spot := SpotAt(query, at); spot.Pos > spot.End || spot.End > len(query) {
				t.Fatalf("%q at %d: %+v", query, at, spot)
			}
		}
	})
}

func TestClocksThatWerePutForwardOrBack(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	if _, msg := when.Parse("2026-03-29T02:30", noon, berlin); !strings.Contains(msg.String(), "put forward") {
		t.Fatalf("a time that was skipped: %q", msg)
	}
	w, msg := when.Parse("2026-10-25T02:30", noon, berlin)
	if !msg.Empty() || w.Till.Sub(w.From) != time.Hour {
		t.Fatalf("a time shown twice: %v %v", w, msg)
	}
	w, _ = when.Parse("2026-10-25", noon, berlin)
	if w.Till.Sub(w.From) != 25*time.Hour {
		t.Fatalf("the long day has %v", w.Till.Sub(w.From))
	}
}

func TestACursorIsOfItsTableAndWhole(t *testing.T) {
	l := current(t)
	for _, p := range []Pos{{At: 0, ID: 1}, {At: NoStamp, ID: -5}, {At: MaxStamp, ID: 1 << 62}, {At: -1}} {
		text := l.Cursor(p)
		if got, err := l.ParseCursor(text); err != nil || got != p {
			t.Fatalf("%v came back as %v, %v", p, got, err)
		}
		for i := range text {
			for _, c := range []byte{'A', 'x', '_', '!'} {
				if text[i] == c {
					continue
				}
				bad := text[:i] + string(c) + text[i+1:]
				if got, err := l.ParseCursor(bad); err == nil {
					t.Fatalf("%q, changed at %d, is taken for %v", bad, i, got)
				}
			}
		}
		other := *l
		other.Table = "other"
		if _, err := other.ParseCursor(text); ops.CodeOf(err) != ops.Usage {
			t.Fatalf("another table took it: %v", err)
		}
	}
	for _, text := range []string{"", "x", "AQ", strings.Repeat("A", 200), "%%%"} {
		if _, err := l.ParseCursor(text); err == nil {
			t.Fatalf("%q is taken", text)
		}
	}
}

func TestStampsReadWhatTheServerPrints(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-01-29 12:00:00":        noon,
		"2026-01-29 12:00:00.5":      noon.Add(500 * time.Millisecond),
		"2026-01-29 12:00:00.123456": noon.Add(123456 * time.Microsecond),
		"1969-12-31 23:59:59.999999": time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		"0001-01-01 00:00:00":        time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"2024-02-29":                 time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"9999-12-31 23:59:59":        time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		got, err := ParseStamp(text)
		if err != nil || int64(got) != want.UnixMicro() {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	if s, err := ParseStamp("0000-00-00 00:00:00"); err != nil || s <= NoStamp || !s.Moment(time.UTC).IsZero() {
		t.Errorf("the zero date: %v %v", s, err)
	}
	for _, bad := range []string{"", "2026", "2026-01-29T", "x026-01-29 12:00:00", "2026-01-29 1x:00:00"} {
		if s, err := ParseStamp(bad); err == nil && bad != "2026-01-29T" {
			t.Errorf("%q is taken for %v", bad, s)
		}
	}
}

func row(values map[Field]string) *Row {
	var r Row
	for f, v := range values {
		r.Values[f] = Value{v, true}
	}
	return &r
}

func TestDiffByPath(t *testing.T) {
	for name, c := range map[string]struct {
		row  map[Field]string
		want string
	}{
		"old and new": {map[Field]string{OldValue: `{"a":1,"b":{"c":[1,2,3]}}`,
			NewValue: `{"a":2,"b":{"c":[1,9,2,3]}}`}, "a: 1 → 2, b.c[1]: 9"},
		"equal numbers": {map[Field]string{OldValue: `{"a":1}`, NewValue: `{"a":1.0}`}, ""},
		"great numbers": {map[Field]string{OldValue: `{"a":9007199254740993}`, NewValue: `{"a":9007199254740992}`},
			"a: 9007199254740993 → 9007199254740992"},
		"made":               {map[Field]string{NewValue: `{"name":"张三"}`}, "name: 张三"},
		"removed":            {map[Field]string{OldValue: `{"name":"x"}`}, "name: x → ∅"},
		"null is a value":    {map[Field]string{OldValue: `{"a":null}`, NewValue: `{}`}, "a: null → ∅"},
		"no JSON":            {map[Field]string{OldValue: `{broken`, NewValue: `{"a":1}`}, "{broken → {\"a\":1}"},
		"changes by field":   {map[Field]string{Changes: `{"status":{"old":"A","new":"B"}}`}, "status: A → B"},
		"changes from to":    {map[Field]string{Changes: `{"status":{"from":"A","to":"B"}}`}, "status: A → B"},
		"changes by side":    {map[Field]string{Changes: `{"before":{"x":1},"after":{"x":2}}`}, "x: 1 → 2"},
		"changes as a list":  {map[Field]string{Changes: `[{"field":"x","old":1,"new":2}]`}, "x: 1 → 2"},
		"changes as a patch": {map[Field]string{Changes: `[{"op":"replace","path":"/a/b","value":2}]`}, "a.b: 2"},
		"changes as values":  {map[Field]string{Changes: `{"x":2}`}, "x: 2"},
		"a secret": {map[Field]string{OldValue: `{"password":"hunter2","pin":{"token":7}}`,
			NewValue: `{"password":"x","pin":{"token":8}}`}, "password: •••••• → ••••••, pin.token: •••••• → ••••••"},
	} {
		if got := Brief(Diff(row(c.row)), 9); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if !touched(row(map[Field]string{OldValue: `{"a":{"b":1}}`, NewValue: `{"a":{"b":2}}`}), "a") {
		t.Error("what is below a path touches it")
	}
}

func TestRowsAreValidJSONWhateverTheyHold(t *testing.T) {
	l := current(t)
	for _, text := range []string{"", "\x00\x1b[31m", "\xff\xfe", `"`, `{"password": "s3cret"}`, `{"a":`, "张三 <b>&"} {
		r := row(map[Field]string{UserID: "7", Action: text, OldValue: text, Request: text})
		var out map[string]any
		if err := json.Unmarshal(l.Encode(r, true), &out); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if strings.Contains(string(l.Encode(r, true)), "s3cret") {
			t.Errorf("a secret in %s", l.Encode(r, true))
		}
	}
}

func TestGapsInALife(t *testing.T) {
	var rows []Row
	for _, h := range []int{0, 1, 2, 3, 400, 401, 402} {
		rows = append(rows, Row{Time: noon.Add(time.Duration(h) * time.Hour)})
	}
	s := Summarize(rows)
	if len(s.Gaps) != 1 || s.Gaps[0].Length != 397*time.Hour || s.Rows != 7 {
		t.Fatalf("%+v", s)
	}
}

func TestFilterAcceptsWhatItsTermsSay(t *testing.T) {
	s := Syntax{Layout: current(t), Now: noon, Zone: time.UTC}
	r := row(
		map[Field]string{
			UserID:       "7",
			Action:       "DELETE",
			ResourceType: "ORDER",
			ResourceID:   "4",
			IP:           "10.0.2.9",
			NewValue:     `{"x":"50%"}`,
		},
	)
	r.At, r.Time = StampOf(noon, time.UTC), noon
	for query, want := range map[string]bool{
		"action:delete": true, "action:del*": true, "action:d*t*": true, "action:*x": false, "-action:delete": false,
		"user:7,8": true, "user:none": false,
		"resource:ORDER:4": true, "resource:ORDER:5": false, "resource:order:*": true, "ip:10.0.*": true,
		"ip:10.0.*.8": false, "50%": true, "51%": false,
		"changed:x": true, "changed:y": false, "since:2026-01-29": true, "until:2026-01-28": false,
		"on:2026-01-29": true, "": true,
	} {
		f, err := s.Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if f.Accept(s.Layout, r) != want {
			t.Errorf("%q should be %v", query, want)
		}
	}
}

func TestTheQuickLookMissesNoSecret(t *testing.T) {
	for _, text := range []string{`{"password":"x1"}`, `{"PassWd" : "x1"}`, "pwd=x1", `{"clientSecret":"x1"}`,
		`{"access_token":"x1"}`, "mysql://u:x1@h/", "u:x1@tcp(h)", "u:x1@unix(h)",
		"Authorization: Bearer x1", "Cookie: a=x1", "IDENTIFIED BY 'x1'", `{"api_key":"x1"}`, `{"privateKey":"x1"}`,
		"eyJhbGciOiJI.eyJzdWIiOiIx.x1x1", `{"token":71}`} {
		if got := Mask(text); got == text || strings.Contains(got, "x1") {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	const text = `{"status":"已审核","n":12345,"note":"89d7e1229644d8accd9ab6815498bbdf61af6b95"}`
	for b.Loop() {
		Mask(text)
	}
}

func TestAnEstimateIsReadAsServersWriteIt(t *testing.T) {
	for _, c := range []struct {
		columns, line []string
		want          Estimate
	}{
		{[]string{"id", "key", "rows", "extra"}, []string{"1", "PRIMARY", "42", "Using where; Using filesort"},
			Estimate{42, "PRIMARY", true}},
		{[]string{"id", "estrows", "task", "access object", "operator info"},
			[]string{"└─IndexRangeScan_5", "1203.50", "cop[tikv]", "table:audit_logs, index:u(user_id, created_at)",
				"range:…"}, Estimate{1203, "u", false}},
	} {
		var e Estimate
		told := false
		for i, name := range c.columns {
			told = e.Take(name, c.line[i]) || told
		}
		if !told || e != c.want {
			t.Errorf("%v: %+v", c.line, e)
		}
	}
	if (&Estimate{}).Take("plan", "Project") {
		t.Error("a plan in words is no estimate")
	}
}

package probe

import (
	"context"
	"errors"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

func TestMissingTablesAreCritical(t *testing.T) {
	list := func(names ...string) func(context.Context) ([]string, error) {
		return func(context.Context) ([]string, error) { return names, nil }
	}
	theBackup := lang.Raw("the backup")
	for name, c := range map[string]struct {
		want, have []string
		state      ops.State
		detail     string
		by         lang.Msg
	}{
		"all there": {[]string{"a", "b"}, []string{"b", "a", "new"}, ops.StateOK, "all 2 tables of the backup " +
			"exist", theBackup},
		"one missing": {[]string{"a", "b"}, []string{"a"}, ops.StateCritical, "1 of 2 tables of shop is missing " +
			"(the backup has it: b)", theBackup},
		"all missing": {[]string{"a", "b"}, nil, ops.StateCritical, "the database shop has no tables (the backup " +
			"has 2)", theBackup},
		"many missing": {[]string{"a", "b", "c", "d", "e"}, []string{"a"}, ops.StateCritical, "4 of 5 tables of " +
			"shop are missing (the backup has them: b, c, d …)", theBackup},
		"nothing known": {nil, []string{"a"}, ops.StateOK, "1 table; no backup to compare them with", lang.Msg{}},
		"views alone":   {nil, nil, ops.StateOK, "0 tables; the backup has none", theBackup},
	} {
		t.Run(name, func(t *testing.T) {
			s := Schema{
				Database: "shop",
				Present:  list(c.have...),
				Expected: func(context.Context) ([]string, lang.Msg, error) {
					return c.want, c.by, nil
				},
			}
			r := s.Probe()(t.Context())
			if r.State != c.state || r.Detail.String() != c.detail || r.Down != (c.state == ops.StateCritical) {
				t.Errorf("%v %q down %v", r.State, r.Detail, r.Down)
			}
		})
	}
}

// TestAKeyTableThatIsNowhereIsToldBeforeTheRestore stops at it.
func TestAKeyTableThatIsNowhereIsToldBeforeTheRestore(t *testing.T) {
	list := func(names ...string) func(context.Context) ([]string, error) {
		return func(context.Context) ([]string, error) { return names, nil }
	}
	s := Schema{Database: "shop", Present: list("Orders"), Keys: []string{"orders", "gone", "nosuch"},
		Expected: func(context.Context) ([]string, lang.Msg, error) {
			return []string{"Orders", "gone"}, lang.M("the newest good backup"), nil
		}}
	r := look(t, s.Probe())
	if r.State != ops.StateCritical || !strings.Contains(r.Headline.String(), "missing") {
		t.Errorf("a table that the backup has: %s %s", r.State, r.Detail)
	}
	s.Present = list("Orders", "gone")
	r = look(t, s.Probe())
	if r.State != ops.StateWarning || r.Why.String() != "nosuch" || !strings.Contains(r.Next.String(), "key_tables") {
		t.Errorf("%s %s; next %s", r.State, r.Detail, r.Next)
	}
	s.Keys = s.Keys[:2]
	if r = look(t, s.Probe()); r.State != ops.StateOK {
		t.Errorf("in another case: %s %s", r.State, r.Detail)
	}
}

func TestTablesThatCannotBeListedAreUnknown(t *testing.T) {
	s := Schema{Database: "shop", Present: func(context.Context) ([]string, error) { return nil, errors.New("gone") },
		Expected: func(context.Context) ([]string, lang.Msg, error) { return []string{"a"}, lang.Raw("x"), nil }}
	if r := s.Probe()(t.Context()); r.State != ops.StateUnknown || r.Follows != health.KindMySQL {
		t.Errorf("%+v", r)
	}
}

// TestADatabaseThatIsNotThereIsNotCalledEmpty.
func TestADatabaseThatIsNotThereIsNotCalledEmpty(t *testing.T) {
	for _, c := range []struct {
		there bool
		err   error
		want  string
	}{
		{true, nil, "the database shop has no tables"},
		{false, nil, "there is no database shop, or this user cannot see it"},
		{false, errors.New("lost"), "the database shop has no tables"},
	} {
		s := Schema{
			Database: "shop",
			Expected: func(context.Context) ([]string, lang.Msg, error) {
				return []string{"orders"}, lang.M("the newest good backup"), nil
			},
			Present: func(context.Context) ([]string, error) { return nil, nil },
			Exists:  func(context.Context) (bool, error) { return c.there, c.err },
		}
		r := s.Probe()(t.Context())
		if r.State != ops.StateCritical || !r.Lost || !strings.HasPrefix(r.Detail.String(), c.want) ||
			r.Headline.String() != c.want {
			t.Errorf("%+v: %v %s", c, r.State, r.Detail)
		}
	}
}

package audit

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestARowOfTheServicesMiddlewareShowsItsRequest: old and new value are empty there,
// in each of the ways in which they can be.
func TestARowOfTheServicesMiddlewareShowsItsRequest(t *testing.T) {
	text := func(s string) Value { return Value{Text: s, Valid: true} }
	for _, empty := range []Value{{}, text("null"), text("{}"), text("")} {
		var r Row
		r.Values[OldValue], r.Values[NewValue] = empty, empty
		r.Values[Path], r.Values[Method] = text("/api/payments/1"), text("PATCH")
		r.Values[Request] = text(`{"amount": 120, "password": "hunter2"}`)
		r.Values[Response] = text(`{"id": 1, "status": "APPLIED"}`)
		said := Brief(Diff(&r), 10)
		for _, want := range []string{"api_path: PATCH /api/payments/1", "request_body.amount: 120",
			"response_data.status: APPLIED"} {
			if !strings.Contains(said, want) {
				t.Errorf("%+v: %q is not in %q", empty, want, said)
			}
		}
		if strings.Contains(said, "hunter2") {
			t.Errorf("the password is shown: %s", said)
		}
		r.Values[NewValue] = text(`{"status": "X"}`)
		if said := Brief(Diff(&r), 10); !empty.Valid && said != "status: X" {
			t.Errorf("a row that records its change: %s", said)
		}
	}
}

func TestAResourceAsPrintedIsAQuery(t *testing.T) {
	l := current(t)
	l.Aliases = Aliases{"AR_PAYMENT": {"payments", "ar"}}
	s := Syntax{Layout: l, Now: noon, Zone: time.UTC}
	row := func(kind, id string) *Row {
		var r Row
		r.Values[ResourceType], r.Values[ResourceID] = Value{kind, true}, Value{id, true}
		return &r
	}
	for query, hits := range map[string][]*Row{
		"ORDER:1001":      {row("ORDER", "1001"), row("Order", "1001")},
		"Order:a,b":       {row("Order", "a"), row("Order", "b")},
		"payments:1":      {row("payments", "1")},
		"ar:N/A":          {row("ar", "N/A")},
		"ORDER:1001 -x:1": nil,
	} {
		f, err := s.Parse(query)
		if hits == nil {
			if err == nil {
				t.Errorf("%q was accepted", query)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		for _, r := range hits {
			if !f.Accept(l, r) {
				t.Errorf("%q leaves %s out", query, r.Get(ResourceType))
			}
		}
		if f.Accept(l, row("ORDER", "1002")) {
			t.Errorf("%q lets another through", query)
		}
	}
	if got := l.Aliases.Of("Payments"); !slices.Equal(got, []string{"Payments", "AR_PAYMENT", "ar"}) {
		t.Errorf("names %v", got)
	}
}

package auditlog

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/audit"
)

const wallTable = `CREATE TABLE audit_logs (id INT PRIMARY KEY, action VARCHAR(9), created_at DATETIME)`

// momentsOf are the rows of a query with their moments in UTC.
func momentsOf(t *testing.T, s *Source, query string) (out []string) {
	t.Helper()
	f, err := audit.Syntax{Layout: s.Layout(), Now: start, Zone: time.UTC}.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Page(context.Background(), audit.PageRequest{Filter: f, Before: audit.Newest(), Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rows {
		out = append(out, r.Name()+"@"+r.Time.UTC().Format("02T15:04"))
	}
	return out
}

// A DATETIME is wall time: of the configured zone, else of the server's.
func TestAWallTimeIsReadInItsZone(t *testing.T) {
	flavours := []string{"mariadb"}
	if os.Getenv("OPSDECK_SOAK") != "" {
		flavours = append(flavours, "mysql")
	}
	for _, flavour := range flavours {
		t.Run(flavour, func(t *testing.T) {
			srv := testdb.Private(t, flavour, "--default-time-zone=+05:30")
			schema := srv.Schema(t)
			srv.Exec(t, schema, wallTable, "INSERT INTO audit_logs VALUES (1, 'A', '2026-01-10 12:00:00')")
			for zone, want := range map[string]string{"": "10T06:30", "Asia/Shanghai": "10T04:00", "-02:00": "10T14:00",
				"UTC": "10T12:00"} {
				s := open(t, srv, schema, func(o *Options) {
					if zone != "" {
						o.Zone, _ = clock.ParseZone(zone)
					}
				})
				if got := momentsOf(t, s, ""); fmt.Sprint(got) != "[1@"+want+"]" {
					t.Errorf("zone %q: %v, want %s", zone, got, want)
				}
				at, err := time.Parse("2006-01-02T15:04", "2026-01-"+want)
				if err != nil {
					t.Fatal(err)
				}
				query := fmt.Sprintf(
					"since:%s until:%s",
					at.Format(time.RFC3339),
					at.Add(time.Minute).Format(time.RFC3339),
				)
				if got := momentsOf(t, s, query); len(got) != 1 {
					t.Errorf("zone %q: %s finds %v", zone, query, got)
				}
			}
		})
	}
}

// Where the clocks are put back, a span loses no row of the hour that is twice.
func TestNoRowIsLostWhereTheClocksArePutBack(t *testing.T) {
	each(t, func(t *testing.T, srv *testdb.Server) {
		schema := srv.Schema(t)
		srv.Exec(
			t,
			schema,
			wallTable,
			"INSERT INTO audit_logs VALUES (1, 'A', '2026-10-25 01:30:00'), (2, 'A', '2026-10-25 02:10:00'), (3, "+
				"'A', '2026-10-25 02:50:00'), (4, 'A', '2026-10-25 02:15:00'), (5, 'A', '2026-10-25 03:05:00')",
		)
		s := open(t, srv, schema, func(o *Options) { o.Zone, _ = clock.ParseZone("Europe/Berlin") })
		// 00:30 UTC is 02:30 for the first time, 01:30 UTC for the second: 2:10 and
		// 2:15 can be either hour's.
		for query, want := range map[string]int{"since:2026-10-25T00:30:00Z": 4,
			"since:2026-10-25T00:30:00Z until:2026-10-25T01:30:00Z": 3, "until:2026-10-25T00:05:00Z": 1,
			"since:2026-10-25T02:00:00Z": 1} {
			if got := momentsOf(t, s, query); len(got) != want {
				t.Errorf("%s gives %v, want %d rows", query, got, want)
			}
		}
	})
}

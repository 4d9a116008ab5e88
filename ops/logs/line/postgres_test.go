package line

import (
	"strings"
	"testing"
	"time"
)

// postgresWrote is what PostgreSQL 15.20 wrote here, by log_line_prefix: an insert of a key that
// is there, and a warning of PL/pgSQL.
var postgresWrote = map[string]string{
	"%m [%p] ": `2026-11-30 14:12:55.852 UTC [30055] ERROR:  duplicate key value violates unique constraint "t_pkey"
2026-11-30 14:12:55.852 UTC [30055] DETAIL:  Key (id)=(1) already exists.
2026-11-30 14:12:55.852 UTC [30055] STATEMENT:  insert into t
	values(1,1);
2026-11-30 14:12:56.162 UTC [30055] WARNING:  low stock 3
2026-11-30 14:12:56.162 UTC [30055] DETAIL:  three left
2026-11-30 14:12:56.162 UTC [30055] HINT:  order more
2026-11-30 14:12:56.162 UTC [30055] CONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE
`,
	"%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ": "2026-11-30 14:12:58 UTC [30293]: [4-1] user=postgres,db=shop," +
		`app=psql,client=[local] ERROR:  duplicate key value violates unique constraint "t_pkey"
2026-11-30 14:12:58 UTC [30293]: [5-1] user=postgres,db=shop,app=psql,client=[local] DETAIL:  Key (id)=(1) already exists.
2026-11-30 14:12:58 UTC [30293]: [6-1] user=postgres,db=shop,app=psql,client=[local] STATEMENT:  insert into t values(1,1);
2026-11-30 14:12:58 UTC [30293]: [8-1] user=postgres,db=shop,app=psql,client=[local] WARNING:  low stock 3
2026-11-30 14:12:58 UTC [30293]: [9-1] user=postgres,db=shop,app=psql,client=[local] DETAIL:  three left
`,
	"%t:%r:%u@%d:[%p]:": `2026-11-30 14:13:00 UTC:[local]:postgres@shop:[30470]:ERROR:  duplicate key value
2026-11-30 14:13:00 UTC:[local]:postgres@shop:[30470]:DETAIL:  Key (id)=(1) already exists.
2026-11-30 14:13:00 UTC:[local]:postgres@shop:[30470]:WARNING:  low stock 3
`,
	"%m [%p] %q%u@%d ": `2026-11-30 14:13:03.998 UTC [30689] postgres@shop ERROR:  duplicate key value
2026-11-30 14:13:03.998 UTC [30689] postgres@shop STATEMENT:  insert into t values(1,1);
2026-11-30 14:13:04.326 UTC [30689] postgres@shop WARNING:  low stock 3
`,
	"%t [%p-%l] %q%u@%d ": `2026-11-30 14:13:07 UTC [31056-6] postgres@shop ERROR:  duplicate key value
2026-11-30 14:13:07 UTC [31056-7] postgres@shop DETAIL:  Key (id)=(1) already exists.
2026-11-30 14:13:07 UTC [31056-12] postgres@shop WARNING:  low stock 3
`,
	"%m %d %u %a [%p] ": `2026-11-30 14:13:09.815 UTC shop postgres psql [31408] ERROR:  duplicate key value
2026-11-30 14:13:09.815 UTC shop postgres psql [31408] DETAIL:  Key (id)=(1) already exists.
2026-11-30 14:13:10.127 UTC shop postgres psql [31408] WARNING:  low stock 3
`,
}

// postgresEvents are the events of a text: level, pid, user and the message, with the number of lines.
func postgresEvents(text string) (out []string) {
	p := NewParser(time.UTC, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	var flow Flow
	for l := range strings.Lines(text) {
		raw := []byte(strings.TrimSuffix(l, "\n"))
		e, kind := p.Parse(raw)
		if !flow.BeginsRead(p, &e, kind, raw, false) {
			out[len(out)-1] += "+"
			continue
		}
		head := e.Level.String()
		for _, f := range e.Fields {
			if f.Key == "pid" || f.Key == "user" || f.Key == "db" {
				head += " " + f.Value
			}
		}
		out = append(out, head+" "+e.Message+" ")
	}
	return out
}

// TestWhatPostgreSQLAddsToAMessageIsNoEvent: DETAIL, HINT, CONTEXT and STATEMENT belong to the
// message before, however the lines begin.
func TestWhatPostgreSQLAddsToAMessageIsNoEvent(t *testing.T) {
	pids := map[string]string{
		"%m [%p] ": "30055", "%t:%r:%u@%d:[%p]:": "30470", "%m [%p] %q%u@%d ": "30689", "%t [%p-%l] %q%u@%d ": "31056",
		"%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ": "30293", "%m %d %u %a [%p] ": "31408",
	}
	for prefix, text := range postgresWrote {
		who := pids[prefix]
		if strings.Contains(prefix, "@") || strings.Contains(prefix, "user=") {
			who += " postgres shop"
		}
		got := postgresEvents(text)
		if len(got) != 2 || !strings.HasPrefix(got[0], "ERROR "+who+" duplicate key value") ||
			!strings.HasPrefix(got[1], "WARN "+who+" low stock 3 ") ||
			strings.Count(got[0]+got[1], "+") != strings.Count(text, "\n")-2 {
			t.Errorf("%s: %q", prefix, got)
		}
	}
}

// TestALineOfAnotherSessionKeepsApart: what adds to another session's message is an event,
// and so is what no PostgreSQL wrote.
func TestALineOfAnotherSessionKeepsApart(t *testing.T) {
	got := postgresEvents(`2026-11-30 14:12:55.852 UTC [1] ERROR:  one
2026-11-30 14:12:55.852 UTC [2] LOG:  two
2026-11-30 14:12:55.852 UTC [1] DETAIL:  of one
2026-11-30 14:12:55.852 UTC [1] HINT:  of one too
2026-11-30 14:12:55.853 UTC [2] DETAIL:  of two
2026-11-30 14:12:55.853 UTC [3] FATAL:  three
2026-11-30 14:12:55.853 UTC [3] DETAIL:  of three
server stopped
2026-11-30 14:12:56 ERROR [Orders] DETAIL: not of PostgreSQL
2026-11-30 14:12:57 INFO CONTEXT: neither
`)
	want := "ERROR 1 one |INFO 2 two |UNKNOWN 1 DETAIL:  of one +|UNKNOWN 2 DETAIL:  of two |FATAL 3 three +|" +
		"UNKNOWN server stopped |ERROR DETAIL: not of PostgreSQL |INFO CONTEXT: neither "
	if is := strings.Join(got, "|"); is != want {
		t.Errorf("%s\nwant %s", is, want)
	}
}

package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/auditlog"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// The newer shape of the table: no index on created_at.
const auditTable = `CREATE TABLE audit_logs (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NULL,
	action VARCHAR(50), resource_type VARCHAR(50), resource_id VARCHAR(100), ip_address VARCHAR(50),
	created_at TIMESTAMP(6) NULL, KEY (user_id, created_at))`

// audited are the rules over an audit table of a private server.
type audited struct {
	t      *testing.T
	srv    *testdb.Server
	schema string
	mark   string
	now    time.Time
}

func newAudited(t *testing.T) *audited {
	srv := testdb.MariaDB(t)
	schema := srv.Schema(t)
	srv.Exec(t, schema, auditTable)
	return &audited{t: t, srv: srv, schema: schema, mark: filepath.Join(t.TempDir(), "mark"), now: time.Now()}
}

// did writes rows of a user, a second apart, the last of them ago before now.
func (a *audited) did(user, action string, rows int, ago time.Duration) {
	var values []string
	for i := range rows {
		at := a.now.Add(-ago - time.Duration(rows-1-i)*time.Second).UTC()
		values = append(values, fmt.Sprintf("(%s, '%s', 'ORDER', '7', '10.0.0.1', '%s')",
			user, action, at.Format("2006-01-02 15:04:05.000000")))
	}
	a.srv.Exec(a.t, a.schema, "SET time_zone='+00:00'; INSERT INTO audit_logs (user_id, action, resource_type, "+
		"resource_id, ip_address, created_at) VALUES "+strings.Join(values, ","))
}

// watch makes the checks as a watch that starts has them.
func (a *audited) watch(rules ...config.AlertRule) map[string]health.Check {
	s := config.Service{Name: "q", Alerts: config.Alerts{Rules: rules}}
	target := mysql.Target{
		Network: "tcp", Addr: fmt.Sprintf("%s:%d", a.srv.Host, a.srv.Port), User: a.srv.User, Password: a.srv.Password,
	}
	out := map[string]health.Check{}
	for _, c := range Further(Source{
		Service: s,
		Now:     func() time.Time { return a.now },
		Mark:    a.mark,
		OpenAudit: func(ctx context.Context) (AuditLog, error) {
			db, err := mysql.Open(ctx, target, a.schema)
			if err != nil {
				return nil, err
			}
			a.t.Cleanup(func() { db.Close() })
			return auditlog.Open(ctx, db, auditlog.Options{
				Target: target, Schema: a.schema, Table: "audit_logs", MaxRows: 1000, Timeout: 2 * time.Minute,
			})
		},
	}) {
		out[c.Name] = c
	}
	return out
}

func (a *audited) look(c health.Check) health.Result {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	return c.Probe(ctx)
}

var massDelete = config.AlertRule{Name: "mass-delete", Audit: "action:DELETE", Count: 20, Window: 5 * time.Minute}

func TestAnAuditRuleCountsTheRowsOfOneUser(t *testing.T) {
	a := newAudited(t)
	a.did("3", "UPDATE", 5000, 10*time.Minute) // more than may be read without leave
	rule := a.watch(massDelete)["mass-delete"]
	a.did("1", "DELETE", 19, 0)
	a.did("2", "DELETE", 19, 0)
	a.did("2", "UPDATE", 50, 0)
	if r := a.look(rule); r.State != ops.StateOK || r.Field("rows") != 19 {
		t.Fatalf("nobody deleted 20: %v %s", r.State, r.Detail)
	}
	a.did("2", "DELETE", 1, 0)
	r := a.look(rule)
	if r.State != ops.StateCritical || !strings.Contains(r.Detail.String(), "audit rows of 2: 20,") {
		t.Fatalf("2 deleted 20: %v %s", r.State, r.Detail)
	}
	if r = a.look(rule); r.State != ops.StateCritical {
		t.Fatalf("it is over before anybody could see it: %s", r.Detail)
	}
}

func TestAnAuditRuleFindsWhatHappenedWhileNobodyWatched(t *testing.T) {
	a := newAudited(t)
	a.did("1", "LOGIN", 1, 0)
	if r := a.look(a.watch(massDelete)["mass-delete"]); r.State != ops.StateOK {
		t.Fatal(r.Detail)
	}
	if _, err := os.Stat(a.mark); err != nil {
		t.Fatal(err)
	}
	a.now = a.now.Add(3 * time.Hour)
	a.did("4", "DELETE", 30, 2*time.Hour) // over for long
	a.did("1", "LOGIN", 1, 0)
	if r := a.look(a.watch(massDelete)["mass-delete"]); r.State != ops.StateCritical {
		t.Fatalf("lost: %v %s", r.State, r.Detail)
	}
	a.now = a.now.Add(time.Hour)
	a.did("1", "LOGIN", 1, 0)
	if r := a.look(a.watch(massDelete)["mass-delete"]); r.State != ops.StateOK {
		t.Fatalf("told twice: %v %s", r.State, r.Detail)
	}
}

func TestAnAuditRuleCountsOnlyItsHours(t *testing.T) {
	a := newAudited(t)
	here := a.now.Add(-time.Second).Local()
	span := func(from, to time.Duration) string {
		return here.Add(from).Format("15:04") + "-" + here.Add(to).Format("15:04")
	}
	at := config.AlertRule{Audit: "action:LOGIN", Severity: "warning"}
	now, later := at, at
	now.Name = "now"
	now.Hours = span(-time.Hour, time.Hour)
	later.Name = "later"
	later.Hours = span(2*time.Hour, 3*time.Hour)
	a.did("1", "LOGIN", 1, time.Second)
	rules := a.watch(now, later)
	if r := a.look(rules["now"]); r.State != ops.StateWarning {
		t.Errorf("in its hours: %v %s", r.State, r.Detail)
	}
	if r := a.look(rules["later"]); r.State != ops.StateOK {
		t.Errorf("not in its hours: %v %s", r.State, r.Detail)
	}
}

func TestAnAuditRuleThatCannotBeReadIsUnknown(t *testing.T) {
	a := newAudited(t)
	bad := config.AlertRule{Name: "bad", Audit: "akshun:DELETE"}
	if r := a.look(a.watch(bad)["bad"]); r.State != ops.StateUnknown || !strings.Contains(r.Detail.String(), "akshun") {
		t.Errorf("%v %s", r.State, r.Detail)
	}
	rule := a.watch(massDelete)["mass-delete"]
	a.srv.Exec(t, a.schema, "RENAME TABLE audit_logs TO gone")
	if r := a.look(rule); r.State != ops.StateUnknown {
		t.Errorf("no table: %v %s", r.State, r.Detail)
	}
	a.srv.Exec(t, a.schema, "RENAME TABLE gone TO audit_logs")
	a.did("2", "DELETE", 20, 0)
	if r := a.look(rule); r.State != ops.StateCritical {
		t.Errorf("it is there again: %v %s", r.State, r.Detail)
	}
}

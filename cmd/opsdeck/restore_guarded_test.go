package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// A second operator sees the first one's restore and cannot start another.
func TestASecondOperatorCannotStartAnother(t *testing.T) {
	s := newSite(t, testdb.MySQL(t))
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	hold, err := s.db.Open(t, s.live).Begin() // an open transaction: the restore has to ask
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback()
	if _, err := hold.Exec("UPDATE customers SET name = 'open' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	first := s.command("restore", "--confirm", s.live, "--detach")
	if out, err := first.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	waitStage(t, s, "ask-quiet")
	if o := s.run("restore", "--confirm", s.live); o.code != 75 ||
		!strings.Contains(o.err, "has been restoring "+s.live+" since ") {
		t.Fatalf("exit %d\n%s", o.code, o.err)
	}
	if o := s.run("restore", "resume"); o.code != 75 {
		t.Fatalf("resume beside a living worker: exit %d\n%s", o.code, o.err)
	}
	o := s.must("restore", "attach", "--json", "--kill-sessions")
	if last := o.lastLine(t); last.Result != "restored" || !strings.Contains(o.out, `"state":"asking"`) {
		t.Fatalf("last line %+v\n%s", last, o.out)
	}
}

type runsJSON struct {
	Restores []struct {
		ID, Stage, Result string
		Running           bool
		Answers           []string
	}
}

func waitStage(t *testing.T, s *realSite, stage string) runsJSON {
	t.Helper()
	var v runsJSON
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		v = runsJSON{}
		if err := json.Unmarshal([]byte(s.must("restore", "status", "--json").out), &v); err != nil {
			t.Fatal(err)
		}
		if len(v.Restores) > 0 && v.Restores[0].Stage == stage {
			return v
		}
	}
	t.Fatalf("never %s: %+v", stage, v)
	return v
}

// Verification's doubt, and a broken backup, stop before anything is exchanged;
// the service is up again.
func TestABackupThatChangedSinceThePlanIsRefused(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	s.must("backup", "create")
	s.db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	files, _ := filepath.Glob(filepath.Join(s.dir, "backups", "*.sql.gz"))
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(files[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := s.run("restore", "--from", filepath.Base(files[0]), "--confirm", s.live, "--json")
	if o.code == 0 || !strings.Contains(o.out+o.err, "hash") {
		t.Fatalf("exit %d\n%s\n%s", o.code, o.out, o.err)
	}
	sameDump(t, damaged, s.dump())
	if !s.running() || len(s.sides()) > 0 {
		t.Fatalf("running %v, schemas %v", s.running(), s.sides())
	}
}

// The notification is sent only when asked for, with the text of the report.
func TestNotificationIsSentOnlyWhenAskedFor(t *testing.T) {
	var got locked
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(&got, r.Body)
		io.WriteString(w, `{"errcode":0}`)
	}))
	defer hook.Close()
	s := newSite(t, testdb.MariaDB(t))
	s.write("url", hook.URL+"/robot/send?access_token=s3cr3t")
	conf, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(
		"config.yaml",
		strings.Replace(
			string(conf),
			"    logs: []\n",
			"    logs: []\n    notify: [{name: group, kind: dingtalk, url_file: "+filepath.Join(s.dir, "url")+"}]\n",
			1,
		),
	)
	s.must("backup", "create")
	s.must("restore", "--confirm", s.live)
	if got.String() != "" {
		t.Fatalf("sent unasked: %s", got.String())
	}
	s.must("restore", "--confirm", s.live, "--notify")
	if !strings.Contains(got.String(), "database "+s.live+": restored") {
		t.Fatalf("sent %q", got.String())
	}
	filepath.Walk(filepath.Join(s.dir, "state"), func(path string, info os.FileInfo, err error) error {
		if text, _ := os.ReadFile(path); bytes.Contains(text, []byte("s3cr3t")) {
			t.Errorf("%s holds the secret", path)
		}
		return nil
	})
}

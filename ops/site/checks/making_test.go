package checks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// TestStatusSaysWhatKeepsTheNextBackupFromBeingMade asks what `backup create` asks: the
// folder, the key; and how the last attempt ended.
func TestStatusSaysWhatKeepsTheNextBackupFromBeingMade(t *testing.T) {
	now := time.Now()
	b := scheduled(t.TempDir(), &now)
	dir := filepath.Join(t.TempDir(), "backups")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b.Service.Backup.Dir, b.Service.Database.Name = dir, "shop"
	at, err := b.Site()
	if err != nil {
		t.Fatal(err)
	}
	at.Service = &b.Service
	at.All = &config.Loaded{Config: &config.Config{}}
	at.Clock = clock.Real{}
	b.Site = func() (*site.Site, error) { return at, nil }
	look := func(what string, want ops.State, words string) {
		t.Helper()
		sh, err := backups.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		r := health.Result{}
		making{b.Source}.refused(&r, sh)
		making{b.Source}.lastAttempt(t.Context(), &r, sh)
		if r.State != want || !strings.Contains(r.Detail.String(), words) {
			t.Errorf("%s: %v %s", what, r.State, r.Detail)
		}
	}
	attempt := func(object, result string) {
		t.Helper()
		e := oplog.Entry{Action: "backup.create", Service: "q", Object: object, Result: result,
			Detail: map[string]string{"error": "the table bigt is corrupt"}}
		if err := at.Oplog(t.Context()).Record(e); err != nil {
			t.Fatal(err)
		}
	}
	look("nothing was tried", ops.StateOK, "")
	attempt("shop", oplog.Started)
	look("one is being made", ops.StateOK, "")
	attempt("shop", oplog.Failed)
	look("the last one failed", ops.StateWarning, "bigt is corrupt")
	attempt("crm", oplog.Done)
	look("another database's is made", ops.StateWarning, "bigt is corrupt")
	failed := at.Record(t.Context(), oplog.Entry{Action: "backup.create", Object: "shop"},
		func(context.Context, map[string]string) error {
			return ops.E(ops.Failed, lang.M("there is no backup %q in %s", "x", "/b"))
		})
	if failed == nil {
		t.Fatal("the attempt did not fail")
	}
	r := health.Result{}
	sh, err := backups.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	making{b.Source}.lastAttempt(t.Context(), &r, sh)
	for l, want := range map[*lang.Printer]string{lang.English(): `(there is no backup "x" in /b)`, lang.Chinese(): `（/b 中没有备份 "x"）`} {
		if text := l.Msg(r.Detail); !strings.Contains(text, want) {
			t.Errorf("in %s: %s", l.Code(), text)
		}
	}
	attempt("shop", oplog.Done)
	look("it is made", ops.StateOK, "")

	record := filepath.Join(at.StateDir, "operations.jsonl")
	if err := os.Rename(record, record+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(record, 0o700); err != nil { // nobody can read it
		t.Fatal(err)
	}
	look("the record cannot be read", ops.StateUnknown, "cannot tell whether the last attempt")
	if err := os.Remove(record); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(record+".kept", record); err != nil {
		t.Fatal(err)
	}

	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	look("everybody may write to the folder", ops.StateCritical, "every user can write to it")
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}

	right, other := identity(t), identity(t)
	b.Service.Backup.Recipients = []string{right.Recipient().String()}
	for _, c := range []struct {
		file  string
		key   *age.X25519Identity
		want  ops.State
		words string
	}{
		{"right", right, ops.StateOK, ""},
		{"other", other, ops.StateCritical, "backup.identity cannot decrypt"},
		{"gone", nil, ops.StateCritical, "gone cannot be read"},
	} {
		b.Service.Backup.Identity = filepath.Join(t.TempDir(), c.file)
		if c.key != nil {
			if err := os.WriteFile(b.Service.Backup.Identity, []byte(c.key.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		look(c.file, c.want, c.words)
	}
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

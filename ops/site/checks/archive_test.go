package checks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/site/backups"
)

func TestALogThatNobodyFollowsIsFoundWhereItIsToBeFollowed(t *testing.T) {
	now := time.Now()
	b := scheduled(t.TempDir(), &now)
	b.Service.Backup.Dir, b.Service.Database.Name = t.TempDir(), "q"
	at, err := b.Site()
	if err != nil {
		t.Fatal(err)
	}
	at.Service.Backup.Dir = b.Service.Backup.Dir
	sh, err := backups.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	look := func(what string, want ops.State) {
		t.Helper()
		r := health.Result{}
		if b.following(&r, sh, backups.Holdings{}, ""); r.State != want {
			t.Errorf("%s: %v %s", what, r.State, r.Detail)
		}
	}
	look("not configured", ops.StateOK)
	b.Service.Backup.Binlog = "follow"
	look("never", ops.StateWarning)
	path := binarchive.Folder{Dir: filepath.Join(b.Service.Backup.Dir, binarchive.FolderName)}.LockPath("")
	if !strings.HasPrefix(path, b.Service.Backup.Dir) {
		t.Fatal(path)
	}
	held, err := lock.Take(path, lock.Holder{What: "backup binlog follow"})
	if err != nil {
		t.Fatal(err)
	}
	look("followed", ops.StateOK)
	held.Release()
	look("fetched just now by a schedule", ops.StateOK)
	now = now.Add(fetchEvery + time.Minute)
	look("ended long ago", ops.StateWarning)
	now = time.Now()
	if err := os.WriteFile(path, []byte(`{"what":"backup binlog follow"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	look("killed", ops.StateWarning)
	r := health.Result{State: ops.StateCritical, Next: lang.M("Make a full backup now: opsdeck backup create.")}
	b.following(&r, sh, backups.Holdings{}, "")
	if got := r.Next.String(); got != "Make a full backup now: opsdeck backup create." {
		t.Errorf("what is worse comes first, not %q", got)
	}
}

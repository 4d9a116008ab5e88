package deploys

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/ops"
)

// TestCommitsThatWereMadeHereAreNotLeftOut: a fix that was committed on the server and never
// pushed is not taken out of service unasked. The code is a folder of a larger work tree,
// with a space in its name, and npm changed its lock file, which is nobody's work.
func TestCommitsThatWereMadeHereAreNotLeftOut(t *testing.T) {
	t.Parallel()
	s := newShop(t, nil)
	lock := filepath.Join("后端 app", npmLock)
	if err := os.Mkdir(filepath.Join(s.origin, "后端 app"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.commit("below", map[string]string{lock: "{}\n", "后端 app/app.js": nodeApp, ".gitignore": "node_modules\n"})
	here := func(line string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", line)
		cmd.Dir = s.app
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	here("git pull -q")
	s.conf.Dir = filepath.Join(s.app, "后端 app")
	write(t, filepath.Join(s.app, lock), "{\"by\": \"npm\"}\n", 0o644)
	s.commit("two", map[string]string{"package.json": pkg("2", "")})
	p, err := s.Plan(t.Context(), "update", "")
	if err != nil || len(p.Local) != 0 {
		t.Fatalf("npm's own change of its lock file: %v %+v", err, p)
	}
	if err := s.repo(p).pull(t.Context(), p); err != nil {
		t.Fatalf("over npm's lock file: %v", err)
	}
	s.commit("three", map[string]string{"package.json": pkg("3", "")})
	here("git -c user.name=t -c user.email=t@t.example commit -q --allow-empty -m '修复 hotfix'")
	var e *ops.Error
	if _, err := s.Plan(t.Context(), "update", ""); !errors.As(err, &e) ||
		!strings.Contains(e.What.String(), "修复 hotfix") ||
		!strings.Contains(e.Hint.String(), "cd '"+s.conf.Dir+"' && git push") {
		t.Errorf("a commit that was never pushed: %v", err)
	}
	if p, err = s.Plan(t.Context(), "update", "main"); err != nil || len(p.Local) != 1 {
		t.Fatalf("the revision was named: %v %+v", err, p)
	}
	said := ""
	details, err := s.Details(p)
	for _, d := range details {
		said += d.Mind.String()
	}
	if err != nil || !strings.Contains(said, "will not have these commits") {
		t.Errorf("%v %q", err, said)
	}
	here("git -c user.name=t -c user.email=t@t.example pull -q --rebase && git push -q origin HEAD:hotfix")
	if p, err = s.Plan(t.Context(), "update", ""); err != nil || len(p.Local) != 0 {
		t.Errorf("once it was pushed: %v %+v", err, p)
	}
}

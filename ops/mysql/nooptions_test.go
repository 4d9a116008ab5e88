package mysql

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

// TestAMissingOptionsFileIsNoServerThatIsDown: without the file that says where the server is
// and who logs in, nothing is known of it.
func TestAMissingOptionsFileIsNoServerThatIsDown(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.cnf")
	if _, err := Resolve(config.Database{Name: "shop", OptionsFile: gone}); ops.CodeOf(err) != ops.Config ||
		!strings.Contains(err.Error(), gone) {
		t.Errorf("a file that is named: %v", err)
	}
	target, err := Resolve(config.Database{Name: "shop", OptionsFile: gone, Host: "127.0.0.1", Port: 1})
	if err != nil || target.Guessed || target.NoOptions != gone {
		t.Errorf("the configuration itself says where the server is: %+v, %v", target, err)
	}
	if r := lookOnce(t, Probe{Target: target}); !r.Down {
		t.Errorf("a known place where nothing listens: %+v", r)
	}
	t.Setenv("HOME", t.TempDir())
	if target, err = Resolve(config.Database{Name: "shop", OptionsFile: "~/.my.cnf"}); err != nil || !target.Guessed {
		t.Fatalf("the default file: %+v, %v", target, err)
	}
	target.Addr = "127.0.0.1:1"
	r := lookOnce(t, Probe{Target: target})
	if r.State != ops.StateUnknown || r.Down || !strings.Contains(r.Detail.String(), "~/.my.cnf does not exist") ||
		!strings.Contains(r.Next.String(), "Create ~/.my.cnf") {
		t.Errorf("%+v", r)
	}
	_, err = Open(t.Context(), target, "")
	var e *ops.Error
	if !errors.As(Explain(err, target), &e) || e.Code != ops.Config || !strings.Contains(e.What.String(), "~/.my.cnf") {
		t.Errorf("%v", e)
	}
	if what := LoginRefused.what(target, nil).String(); !strings.Contains(what, "no password was sent") {
		t.Error(what)
	}
}

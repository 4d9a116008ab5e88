package ping

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/ops"
)

// service is a server with the URLs of healthchecks.io.
type service struct {
	heard  []string // "POST /uuid/start body"
	rids   []string
	status []int // of the next answers; 200 after them
}

func (l *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.heard = append(l.heard, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body)))
	l.rids = append(l.rids, r.URL.Query().Get("rid"))
	if len(l.status) > 0 {
		w.WriteHeader(l.status[0])
		l.status = l.status[1:]
	}
}

func open(t *testing.T, url string) *Check {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ping")
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	return c
}

func TestARunIsTold(t *testing.T) {
	l := &service{}
	srv := httptest.NewServer(l)
	defer srv.Close()
	c := open(t, srv.URL+"/u-u-i-d/")
	for exit := range 2 {
		r, err := c.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.End(context.Background(), exit*75, "行\npassword=s3cr3t"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Alive(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /u-u-i-d/start", "POST /u-u-i-d 行\npassword=••••••", "POST /u-u-i-d/start",
		"POST /u-u-i-d/75 行\npassword=••••••", "POST /u-u-i-d"}
	if !slices.Equal(l.heard, want) {
		t.Fatalf("heard %q", l.heard)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(l.rids[0]) ||
		l.rids[0] != l.rids[1] || l.rids[1] == l.rids[2] || l.rids[4] != "" {
		t.Fatalf("run IDs %q", l.rids)
	}
}

func TestAPingIsTriedAgain(t *testing.T) {
	l := &service{status: []int{503}}
	srv := httptest.NewServer(l)
	defer srv.Close()
	c := open(t, srv.URL)
	if err := c.Alive(context.Background()); err != nil || len(l.heard) != 2 {
		t.Fatalf("%v, heard %q", err, l.heard)
	}
	l.status = []int{404}
	if err := c.Alive(context.Background()); err == nil || len(l.heard) != 3 {
		t.Fatalf("what is refused: %v, heard %q", err, l.heard)
	}
}

func TestAFailedPingShowsNoURL(t *testing.T) {
	followed := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	c := open(t, srv.URL+"/s3cr3t")
	if err := c.Alive(context.Background()); err == nil || followed || strings.Contains(err.Error(), "s3cr3t") {
		t.Fatalf("%v, followed %t", err, followed)
	}
	srv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := c.Alive(ctx); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Fatalf("%v", err)
	}
	var none *Check
	if r, err := none.Begin(context.Background()); err != nil || r.End(context.Background(), 1, "") != nil {
		t.Fatal("no check is told something")
	}
}

func TestALongTextIsItsEnd(t *testing.T) {
	if got := tail(strings.Repeat("恢", 5000) + "end"); len(got) > maxBody || !strings.HasSuffix(got, "恢end") ||
		!strings.HasPrefix(got, "恢") {
		t.Fatalf("%d bytes", len(got))
	}
}

func TestAPingFileIsASecret(t *testing.T) {
	dir := t.TempDir()
	for text, mode := range map[string]os.FileMode{
		"https://hc.example/x": 0o644, "http://hc.example/x": 0o600, "": 0o600, "ftp://127.0.0.1/x": 0o600,
	} {
		file := filepath.Join(dir, "ping")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(file); ops.CodeOf(err) != ops.Config {
			t.Errorf("%q with mode %o: %v", text, mode, err)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); ops.CodeOf(err) != ops.Config {
		t.Errorf("no file: %v", err)
	}
	if c, err := Open(""); c != nil || err != nil {
		t.Errorf("none configured: %v %v", c, err)
	}
}

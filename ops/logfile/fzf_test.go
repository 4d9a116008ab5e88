package logfile

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
)

// TestCountsAgreeWithFzfAndGrep runs the tools themselves, if installed, on a file with
// the typical mix.
func TestCountsAgreeWithFzfAndGrep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	fieldMix(t, path, 20_000)
	count := func(name string, args ...string) (int64, bool) {
		if _, err := exec.LookPath(name); err != nil {
			return 0, false
		}
		cmd := exec.Command("sh", "-c", `exec "$0" "$@" < `+path, name)
		cmd.Args = append(cmd.Args, args...)
		out, _ := cmd.Output()
		return int64(strings.Count(string(out), "\n")), true
	}
	ours := func(q *query.Query) int64 {
		n, err := (&index.Scan{Query: q}).Count(context.Background(), Group([]string{path}))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, words := range []string{"ordfail", "connection timeout", "Order", "order 549", "'took !143", "^[Nest ms$",
		"客户", "信额 9", "orderid | pool", "!order", "5)", "at:13", "EROR"} {
		if want, ok := count("fzf", "--literal", "--filter", words); ok && ours(parsed(words)) != want {
			t.Errorf("%q: %d, fzf has %d", words, ours(parsed(words)), want)
		}
	}
	for _, text := range []string{"Connection timeout", "客户", "orderId\": 5", ")...", "no such text"} {
		q := &query.Query{Groups: [][]query.Term{{query.ExactTerm(text)}}}
		if want, ok := count("grep", "-F", text); ok && ours(q) != want {
			t.Errorf("%q: %d, grep has %d", text, ours(q), want)
		}
	}
	for _, re := range []string{`took [0-9]+ms$`, `customer 5[0-9]*7`, `^\{.*"ERROR"`} {
		term, err := query.RegexpTerm(re)
		if err != nil {
			t.Fatal(err)
		}
		q := &query.Query{Groups: [][]query.Term{{term}}}
		if want, ok := count("grep", "-E", re); ok && ours(q) != want {
			t.Errorf("%q: %d, grep has %d", re, ours(q), want)
		}
	}
}

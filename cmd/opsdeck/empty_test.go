package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// A flag that is given an empty value, as a script's variable that nothing set, is refused:
// without it the command would do something else.
func TestAnEmptyValueIsRefused(t *testing.T) {
	config := configFile(t, "services:\n  - name: q\n    database: {name: q, host: 127.0.0.1, port: 1}\n"+
		"    backup: {dir: "+t.TempDir()+"}\nstate_dir: "+t.TempDir()+"\n")
	for _, c := range []struct{ line, flag string }{
		{"restore --until= --plan", "--until"},
		{"restore --before= --plan", "--before"},
		{"restore --from= --plan", "--from"},
		{"restore --to= --plan", "--to"},
		{"restore --tables= --plan", "--tables"},
		{"restore --accept-missing= --plan", "--accept-missing"},
		{"restore --confirm= --plan", "--confirm"},
		{"restore rewind --txn= --plan", "--txn"},
		{"restore rescue --table=", "--table"},
		{"backup create --tables=", "--tables"},
		{"backup prune --confirm=", "--confirm"},
		{"logs --since= error", "--since"},
	} {
		line := append([]string{"--config", config, "--lang", "en"}, strings.Fields(c.line)...)
		for _, form := range [][]string{line, spaced(line)} {
			var out, errs bytes.Buffer
			code := run(context.Background(), form, stdio{in: strings.NewReader(""), out: &out, err: &errs})
			if code != 64 || !strings.Contains(errs.String(), c.flag+" needs a value") {
				t.Errorf("%q: exit %d\n%s%s", form, code, out.String(), errs.String())
			}
		}
	}
}

// spaced writes --flag= as two words.
func spaced(line []string) (out []string) {
	for _, word := range line {
		if flag, ok := strings.CutSuffix(word, "="); ok {
			out = append(out, flag, "")
			continue
		}
		out = append(out, word)
	}
	return out
}

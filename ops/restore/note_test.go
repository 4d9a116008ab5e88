package restore_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

var (
	sentence = regexp.MustCompile(`lang\.M\(("(?:[^"\\]|\\.)*")`)
	verb     = regexp.MustCompile(`%[-+# 0]*(?:\[\d+\])?\d*(?:\.\d+)?([a-zA-Z%])`)
)

// sentences are the keys of all sentences that a note may contain.
func sentences(t *testing.T) (keys []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, root := range []string{"../../ops", "../../cmd/opsdeck", "../../internal"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range sentence.FindAllSubmatch(text, -1) {
				key, bad := strconv.Unquote(string(m[1]))
				if bad == nil && !seen[key] {
					seen[key] = true
					keys = append(keys, key)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// sample is a value for each verb of a sentence.
func sample(key string) (args []any) {
	for _, m := range verb.FindAllStringSubmatch(key, -1) {
		switch m[1] {
		case "%":
		case "d", "x", "X", "c":
			args = append(args, 180412)
		case "e", "f", "g":
			args = append(args, 1.5)
		default:
			args = append(args, "sales")
		}
	}
	return args
}

// TestEverySentenceSurvivesAsANote makes a note of each sentence, as plans and journals
// do, writes and reads it, and prints it in both languages.
func TestEverySentenceSurvivesAsANote(t *testing.T) {
	keys := sentences(t)
	if len(keys) < 500 {
		t.Fatalf("only %d sentences were found", len(keys))
	}
	for _, key := range keys {
		note := restore.N(lang.Msg{Key: key, Args: sample(key)})
		text, err := json.Marshal(restore.Note{Msg: lang.M("%s", note.Msg)})
		var back restore.Note
		if err == nil {
			err = json.Unmarshal(text, &back)
		}
		if err != nil {
			t.Errorf("%q: %v", key, err)
			continue
		}
		for _, p := range []*lang.Printer{lang.English(), lang.Chinese()} {
			if said := p.Msg(back.Msg); strings.Contains(said, "%!") {
				t.Errorf("%q in %s: %s", key, p.Code(), said)
			}
		}
	}
}

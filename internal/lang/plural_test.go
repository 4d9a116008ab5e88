package lang

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryMessageOfTheCatalogueIsWhole writes every sentence in both languages
// with the numbers 0, 1 and 2 and with words: no verb without its argument, and
// no plural after a 1.
func TestEveryMessageOfTheCatalogueIsWhole(t *testing.T) {
	for key := range zh() {
		for _, n := range []int{0, 1, 2} {
			for _, word := range []string{"shop", strconv.Itoa(n)} {
				m := M(key, argumentsOf(key, n, word)...)
				numbersForText(t, key, n)
				if len(m.Args) == 0 {
					continue // its text is no format
				}
				for _, p := range []*Printer{English(), Chinese()} {
					text := p.Msg(m)
					if strings.Contains(text, "%!") || strings.Contains(text, "${") {
						t.Errorf("%s: %q with %v: %s", p.Code(), key, m.Args, text)
					}
				}
				if text := English().Msg(m); pluralAfterOne(text, word) {
					t.Errorf("%q: %s", key, text)
				}
			}
		}
	}
}

// numbersForText writes a sentence with numbers where it has %s: callers count with
// both, and the sentence says the same.
func numbersForText(t *testing.T, key string, n int) {
	t.Helper()
	args := argumentsOf(key, n, strconv.Itoa(n))
	want := English().Msg(M(key, args...))
	for i := range args {
		if _, text := args[i].(string); text {
			args[i] = n
		}
	}
	if got := English().Msg(M(key, args...)); len(args) > 0 && got != want {
		t.Errorf("%q with numbers: %q, want %q", key, got, want)
	}
}

// argumentsOf makes arguments for a key's verbs: n for numbers, word for text.
func argumentsOf(key string, n int, word string) []any {
	var args []any
	for _, v := range anyVerb.FindAllString(key, -1) {
		switch {
		case v == "%%":
		case strings.HasSuffix(v, "d"), strings.HasSuffix(v, "c"):
			args = append(args, n)
		case strings.HasSuffix(v, "f"):
			args = append(args, float64(n))
		case strings.HasSuffix(v, "t"):
			args = append(args, n == 1)
		default:
			args = append(args, word)
		}
	}
	return args
}

var (
	pluralThing = regexp.MustCompile(`(?:^|[^\w.])1 (?:(?:more|newer|older|later|log|rotated|changed|bad|good) )*(?:` +
		alternatives(nouns) + `)\b`)
	pluralVerb = regexp.MustCompile(`(?:^|[^\w.])1 [a-z]+ (?:` + alternatives(verbs) + `)\b`)
	// a verb after a clause: "1 table of shop that had rows are empty", "there are 1 such backup"
	pluralLater = regexp.MustCompile(`there are 1\b|(?:^|[^\w.])1 [a-z]+ (?:of|in|at) [\w ]*\b(?:are|were|have)\b`)
	wordInS     = regexp.MustCompile(`(?:^|[^\w.])1 ([a-z]+s)\b`)
)

// pluralAfterOne looks at the words that follow a 1. Where text arguments are
// words, only numbers are 1, and any word in s is suspected.
func pluralAfterOne(text, word string) bool {
	if pluralThing.MatchString(text) {
		return !strings.Contains(text, "table 1 ") && !strings.Contains(text, "database 1 ")
	}
	if word != "shop" {
		return false
	}
	found := wordInS.FindStringSubmatch(text)
	suspect := found != nil && !slices.Contains([]string{"ms", "is", "was", "has", "pass"}, found[1])
	return suspect || pluralVerb.MatchString(text) || pluralLater.MatchString(text)
}

func TestCountsReadAsEnglish(t *testing.T) {
	for _, c := range []struct {
		m    Msg
		want string
	}{
		{M("%d operations, hash chain intact", 1), "1 operation, hash chain intact"},
		{M("%d operations, hash chain intact", 0), "0 operations, hash chain intact"},
		{M("%d operations, hash chain intact", int64(21)), "21 operations, hash chain intact"},
		{M("%s rows", "1"), "1 row"},
		{M("%s rows", "1,001"), "1,001 rows"},
		{M("%s rows", "11"), "11 rows"},
		{M("%d of %d backups are bad", 1, 8), "1 of 8 backups is bad"},
		{M("%d of %d backups are bad", 2, 8), "2 of 8 backups are bad"},
		{M("%d of %d tables of %s are missing", 1, 1, "shop"), "1 of 1 table of shop is missing"},
		{M("%s rows of %s tables loaded in %s", "1", "2", "1"), "1 row of 2 tables loaded in 1"},
		{M("%d rotated files of %s are kept", 1, "a.log"), "1 rotated file of a.log is kept"},
		{M("%d tables have no primary key: they are read in one piece", 1),
			"1 table has no primary key: it is read in one piece"},
		{M("valid for %d more days", 1), "valid for 1 more day"},
		{M("%d tables of %s that had rows in a good backup are empty", 1, "shop"),
			"1 table of shop that had rows in a good backup is empty"},
		{M("%d backups in the folder are bad", 1), "1 backup in the folder is bad"},
		{M("%d of %d files of the archive are bad", 1, 3), "1 of 3 files of the archive is bad"},
	} {
		if got := English().Msg(c.m); got != c.want {
			t.Errorf("%q with %v: got %q, want %q", c.m.Key, c.m.Args, got, c.want)
		}
	}
}

// TestANumberInTextKeepsItsForm: a name may consist of digits.
func TestANumberInTextKeepsItsForm(t *testing.T) {
	if got := English().Msg(M("%s|%q|%5s", "007", "1", "12")); got != `007|"1"|   12` {
		t.Errorf("got %s", got)
	}
}

// TestSingularsAreOfTheCatalogue: an exception for a key that is gone is dead.
func TestSingularsAreOfTheCatalogue(t *testing.T) {
	for key := range singulars {
		if _, ok := zh()[key]; !ok {
			t.Errorf("no message %q", key)
		}
	}
}

// TestANameIsNeverCapitalised, however deep in the sentence it is nested.
func TestANameIsNeverCapitalised(t *testing.T) {
	clause := M("%s cannot be written", "shop")
	for range 3 {
		for _, p := range []*Printer{English(), Chinese()} {
			if got := p.Msg(Sentence(clause)); strings.Contains(got, "Shop") || !strings.Contains(got, "shop") {
				t.Errorf("%s: %s", p.Code(), got)
			}
		}
		clause = M("%s; %s", clause, M("no rows"))
	}
	missing := M("%d of %d tables of %s are missing", 1, 8, "shop")
	for _, p := range []*Printer{English(), Chinese()} {
		if got := p.Msg(Sentence(M("%s; %s", missing, missing))); strings.Contains(got, "Shop") {
			t.Errorf("%s: %s", p.Code(), got)
		}
	}
	if got := English().Msg(Sentence(M("%s; %s", M("no rows"), "x"))); !strings.HasPrefix(got, "No rows") {
		t.Errorf("got %s", got)
	}
}

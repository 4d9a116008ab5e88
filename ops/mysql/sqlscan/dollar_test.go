package sqlscan

import (
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

// TestDollarQuotesAreOneText: MySQL's routines and libraries in JavaScript hold any sign; a
// $ anywhere else begins a name.
func TestDollarQuotesAreOneText(t *testing.T) {
	for text, want := range map[string]string{
		"create library l language javascript as $$ // it's; /* $$; a":                              "2 $$ // it's; /* $$",
		"create library l comment 'x' language javascript as $é_1$ `$$ /* $x$ $é_1$;":               "1 $é_1$ `$$ /* $x$ $é_1$",
		"create function f(a int) returns int language javascript using (l as m) as $$ ';' $$; b;c": "3 $$ ';' $$",
		"create procedure f() /*;*/ language javascript /* as */ as/*!*/ $t$ ; $t$; b":              "2 $t$ ; $t$",
		"create procedure f() language sql select 1 as $a$; select b as $$; c":                      "3 $a$",
		"create procedure f(a int) as $$ int; begin null; end":                                      "3 $$",
		"select 1 as $a; b$$; $$":                       "3 $a",
		"delimiter $$\nselect a; b$$\ndelimiter ;\nc":   "2 ;",
		"create view language as select 1 as $$; a; $$": "3 $$",
	} {
		got, err := split(text, same, Limits{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		slow, err := split(text, iotest.OneByteReader, Limits{})
		if err != nil || strings.Join(slow, "\x01") != strings.Join(got, "\x01") {
			t.Errorf("%s: byte by byte %q, whole %q: %v", text, slow, got, err)
		}
		text, err := Tokenize([]byte(got[0]), Mode{})
		if err != nil {
			t.Errorf("%s: %v", got[0], err)
			continue
		}
		n, piece, _ := strings.Cut(want, " ")
		found := false
		for i := range text.Tokens {
			found = found || string(text.Bytes(i)) == piece
		}
		if fmt.Sprint(len(got)) != n || !found {
			t.Errorf("%q: no token %q", got, piece)
		}
	}
	for _, open := range []string{"create library l language javascript as $$ a $; b",
		"create library l language javascript as $a$ $$", "create library l language javascript as $a"} {
		if got, err := split(open, same, Limits{}); err == nil {
			t.Errorf("%s: %q", open, got)
		}
	}
}

// TestLibrariesAreNamedWhereARoutineUsesThem: those names have to follow their database.
func TestLibrariesAreNamedWhereARoutineUsesThem(t *testing.T) {
	for sql, want := range map[string]string{
		"create definer=`a`@`b` function `f`(a int) returns int deterministic language javascript " +
			"using (`js`.`l1` as `m`, l2, x.`l3`) as $$ js.f() $$": "CREATE FUNCTION .f js.l1 x.l3",
		"create library if not exists `js`.`l` comment 'x' language javascript as $$ a.b(1) $$": "CREATE LIBRARY js.l",
		"drop library if exists l":                                               "DROP LIBRARY .l",
		"alter library js.l comment 'a.b'":                                       "ALTER LIBRARY js.l",
		"alter function f using (js.l as a)":                                     "ALTER FUNCTION .f js.l",
		"create procedure p() select a.x from a join b using (x)":                "CREATE PROCEDURE .p",
		"create procedure p() language javascript using (a.l) as ' using (b.c)'": "CREATE PROCEDURE .p a.l",
	} {
		p, err := Parse([]byte(sql), Mode{})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		got := p.Verb + " " + p.Kind
		for _, r := range p.Refs {
			got += " " + r.Schema + "." + r.Name
		}
		if got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	p, err := Parse([]byte("create library l language javascript as $x$ it's other $$ $x$"), Mode{})
	if err != nil {
		t.Fatal(err)
	}
	if _, said := p.Mentions("other"); !said {
		t.Error("a name inside a library's text is not found")
	}
	if v, _ := p.Value(p.Len() - 1); v != " it's other $$ " {
		t.Errorf("%q", v)
	}
}

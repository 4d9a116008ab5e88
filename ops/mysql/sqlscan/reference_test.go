package sqlscan

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"opsdeck/internal/testenv"
)

// reference splits a text the plain way: one byte after another, over the whole
// text, with no look at speed or memory. It knows nothing of the tokenizer.
func reference(text string) (list []string, broken bool) {
	delim, i, start, end := ";", 0, -1, 0
	code, seen := false, false // seen: there is more than marks of comments that are code
	take := func() {
		if start >= 0 && seen {
			list = append(list, text[start:end])
		}
		start, seen = -1, false
	}
	for i < len(text) {
		rest := text[i:]
		switch {
		case !code && strings.HasPrefix(rest, delim):
			take()
			i += len(delim)
			continue
		case strings.ContainsRune(" \t\n\v\f\r\x00", rune(rest[0])):
			i++
			continue
		case rest[0] == '#' || strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' ' || rest[2] == 0x7f):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				i += n
			} else {
				i = len(text)
			}
			continue
		case !code && opensCode(rest):
			code = true
			if start < 0 {
				start = i
			}
			i += strings.IndexByte(rest, '!') + 1
			for d := 0; d < 6 && i < len(text) && text[i] >= '0' && text[i] <= '9'; d++ {
				i++
			}
			end = i
			continue
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return list, true
			}
			i += n + 4
			continue
		case code && strings.HasPrefix(rest, "*/"):
			code = false
			i += 2
			end = i
			continue
		case !seen && !code && isDelimiter(rest, delim):
			line := rest[len("DELIMITER"):]
			if n := strings.IndexByte(line, '\n'); n >= 0 {
				line = line[:n]
			}
			f := bytes.Fields([]byte(line))
			if len(f) == 0 || bytes.ContainsAny(f[0], "\\'\"`") || len(f[0]) > 16 {
				return list, true
			}
			delim, start = string(f[0]), -1
			i += len("DELIMITER") + len(line)
			continue
		}
		if start < 0 {
			start = i
		}
		seen = true
		if q := rest[0]; q == '\'' || q == '"' || q == '`' {
			n := 1
			for ; ; n++ {
				if n >= len(rest) {
					return list, true
				}
				if rest[n] == '\\' && q != '`' {
					n++
				} else if rest[n] == q {
					if n+1 < len(rest) && rest[n+1] == q {
						n++
					} else {
						break
					}
				}
			}
			i += n + 1
		} else {
			i++
		}
		end = i
	}
	if code {
		return list, true
	}
	take()
	return list, false
}

func opensCode(rest string) bool {
	t := strings.TrimPrefix(rest, "/*")
	if t == rest {
		return false
	}
	t = strings.TrimPrefix(t, "M")
	if !strings.HasPrefix(t, "!") {
		return false
	}
	t = t[1:]
	for d := 0; d < 6 && t != "" && t[0] >= '0' && t[0] <= '9'; d++ {
		t = t[1:]
	}
	return !strings.HasPrefix(t, `\-`)
}

func isDelimiter(rest, delim string) bool {
	const w = "DELIMITER"
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	t := rest[len(w):]
	return t == "" || !wordByte[t[0]] || wordByte[delim[0]] && strings.HasPrefix(t, delim)
}

func split(text string, r func(io.Reader) io.Reader, limits Limits) (list []string, err error) {
	sp := NewSplitter(r(strings.NewReader(text)), limits)
	for {
		st, err := sp.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, string(st.SQL))
	}
}

func same(r io.Reader) io.Reader { return r }

func compare(t *testing.T, text string) {
	t.Helper()
	want, broken := reference(text)
	for name, r := range map[string]func(io.Reader) io.Reader{"whole": same, "byte by byte": iotest.OneByteReader, "data with EOF": iotest.DataErrReader} {
		got, err := split(text, r, Limits{})
		if (err != nil) != broken {
			t.Fatalf("%s of %q: error %v, the reference says %v", name, text, err, broken)
		}
		if strings.Join(got, "\x01") != strings.Join(want, "\x01") && !broken {
			t.Fatalf("%s of %q:\n got %q\nwant %q", name, text, got, want)
		}
	}
}

var texts = []string{
	"", ";", ";;;", "a", "a;b", "a ; b ;", "-- x\na; # y\nb /* ; */ c;", "'a;b';\"c;d\";`e;f`", "'a''b;' ; 'a\\'b;' ; `a``;`",
	"/*!40101 SET x=1 */;\nb", "/*!50003 CREATE TRIGGER a; b */;c", "/* */ /*M!999999\\- enable the sandbox mode */ " +
		"\nSELECT 1;",
	"DELIMITER ;;\nCREATE x; y;;\nDELIMITER ;\nz;", "delimiter $$\nBEGIN a;b END$$\ndelimiter ;\nc", "DELIMITER //\na//b//", "DELIMITER\n;",
	"DELIMITER R \nDELIMITER", "DELIMITER R\naRbR\nDELIMITERR;\nxR", "delimiter e\nDELIMITERx e DELIMITER ;\na;b",
	"DELIMITER a;;\nxa;; ya;z a;;DELIMITER ;\na;;",
	"a--b;c -- d;e\nf;", "a--", "--", "-- ", "/", "/*", "/*!", "/*!5", "'", "`a", "\"\\", "a/b*c;", "@`x;y`;@'z;';@@a.b;", "1e5;1.5;.5;0x1F;1a;a.1b",
	"INSERT INTO t VALUES (1,'a;b'),(2,NULL);", "/*!40000 ALTER TABLE `a` DISABLE KEYS */;", "a\x00;b", "客户;名称 ；;",
	"DELIMITER abc\nxabcy abc DELIMITER ;\n", "#;\n;a",
	"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW " +
		"BEGIN SET @a=';;'; END */;;\nDELIMITER ;",
}

func TestSplittingIsThatOfThePlainReference(t *testing.T) {
	for _, text := range texts {
		compare(t, text)
	}
}

func TestRandomTextsAreSplitAsByTheReference(t *testing.T) {
	pieces := append(
		strings.Split(
			"; ; ; ' \" ` \\ -- # /* */ /*! /*!50000 /*M! */ a b 1 .5 1e 0x @ @@ ( ) , INSERT VALUES DELIMITER $$ "+
				"// ;; 客 .",
			" ",
		),
		" ",
		"\n",
		"\t",
		"'x'",
		"`y`",
		"DELIMITER ;\n",
		"DELIMITER $$\n",
		"-- c\n",
		"'it''s'",
	)
	n := 400
	if os.Getenv("OPSDECK_SOAK") != "" {
		n = 3000000
	}
	seed := testenv.Seed(t)
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		var b strings.Builder
		for range r.IntN(30) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		compare(t, b.String())
	}
}

func FuzzSplitter(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		compare(t, text)
	})
}

package schema

import "testing"

func TestNormalTakesOutTheCounterAndImpliedCharsets(t *testing.T) {
	for in, want := range map[string]string{
		"(`a` set('x') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, `b` text CHARACTER SET gbk COLLATE gbk_bin)": "(`a` set('x') COLLATE utf8mb4_bin, `b` text COLLATE gbk_bin)",
		"(`a` text CHARACTER SET utf8mb3, `b` text CHARACTER SET latin1 COLLATE utf8mb4_bin)":                  "(`a` text CHARACTER SET utf8mb3, `b` text CHARACTER SET latin1 COLLATE utf8mb4_bin)",
		"(`a` int COMMENT ' CHARACTER SET gbk COLLATE gbk_bin') AUTO_INCREMENT=5":                              "(`a` int COMMENT ' CHARACTER SET gbk COLLATE gbk_bin')",
		"CREATE TABLE `t` (\n `a` int\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4":              "CREATE TABLE `t` (\n `a` int\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
		"CREATE TABLE `t` (`a` int COMMENT ') AUTO_INCREMENT=5 ''x') COMMENT=' AUTO_INCREMENT=6 '":             "CREATE TABLE `t` (`a` int COMMENT ') AUTO_INCREMENT=5 ''x') COMMENT=' AUTO_INCREMENT=6 '",
		"CREATE TABLE ` AUTO_INCREMENT=1` (`a` int) ENGINE=InnoDB AUTO_INCREMENT=3":                            "CREATE TABLE ` AUTO_INCREMENT=1` (`a` int) ENGINE=InnoDB",
		"CREATE TABLE `t` (`a` varchar(9) DEFAULT 'it\\'s') AUTO_INCREMENT=9":                                  "CREATE TABLE `t` (`a` varchar(9) DEFAULT 'it\\'s')",
	} {
		if got := normal(in); got != want {
			t.Errorf("Normal(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

// TestHashesOfFormerManifestsAreKnown: they were made of definitions with all charsets.
func TestHashesOfFormerManifestsAreKnown(t *testing.T) {
	made := "CREATE TABLE `t` (`a` text CHARACTER SET gbk COLLATE gbk_bin) AUTO_INCREMENT=5"
	if !HashIs(made, sum(WithoutCounter(made))) || !HashIs(made, Hash(made)) || HashIs(made, sum(made)) {
		t.Error("a hash is not known, or one of another definition is")
	}
}

func TestEmptyMemberIsFoundAmongTheMembersOfAnEnum(t *testing.T) {
	for declared, want := range map[string]bool{
		"enum('a','b')": false, "enum('','b')": true, "enum('a','')": true, "enum('a''','b')": false,
		"enum('''','b')": false, "enum(''',','b')": false, "enum(','',','x')": false, "enum('''a','')": true,
	} {
		if got := emptyMember(declared); got != want {
			t.Errorf("emptyMember(%s) = %v", declared, got)
		}
	}
}

func TestValuesAreWrittenSoThatTheyComeBack(t *testing.T) {
	for _, c := range []struct {
		column     Column
		text, want string
	}{
		{Column{Form: FormText}, "it's\n\"C:\\\"\x00\x1a 客户", `'it\'s\n"C:\\"\0\Z 客户'`},
		{Column{Form: FormNumber}, "00042", "00042"},
		{Column{Form: FormFloat}, "-0", "-0e0"},
		{Column{Form: FormFloat}, "0.10000000149011612", "0.10000000149011612e0"},
		{Column{Form: FormFloat}, "2.2250738585072014e-308", "2.2250738585072014e-308"},
		{Column{Form: FormFloat}, "1.5", "1.5"},
		{Column{Form: FormBinary}, "\x00\xff", "0x00FF"},
		{Column{Form: FormBinary}, "", "''"},
		{Column{Form: FormRaw, Charset: "gbk"}, "abc", "'abc'"},
		{Column{Form: FormRaw, Charset: "gbk"}, "\xbf\x5c", "_gbk 0xBF5C"},
		{Column{Form: FormWide, Charset: "utf16"}, "\x00a", "_utf16 0x0061"},
		{Column{Form: FormWide, Charset: "utf16"}, "", "''"},
	} {
		if got := string(c.column.AppendValue(nil, []byte(c.text))); got != c.want {
			t.Errorf("form %d of %q: got %s, want %s", c.column.Form, c.text, got, c.want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("it's a \\ \x00 long enough text\n客户")
	f.Fuzz(func(t *testing.T, text string) {
		plain := []byte{'\''}
		for i := range len(text) {
			if e := escapes[text[i]]; e != 0 {
				plain = append(plain, '\\', e)
			} else {
				plain = append(plain, text[i])
			}
		}
		plain = append(plain, '\'')
		if got := AppendString(nil, text); string(got) != string(plain) {
			t.Errorf("%q: got %q, want %q", text, got, plain)
		}
		if got := AppendString(nil, []byte(text)); string(got) != string(plain) {
			t.Errorf("%q as bytes: got %q, want %q", text, got, plain)
		}
	})
}

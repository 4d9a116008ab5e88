package swap

import (
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/schema"
)

// TestCodeOfEveryClientsCharsetIsMadeAgain: views, triggers, routines and events made by
// clients in latin1, gbk and others (characters whose second byte is a quote or a backslash
// too) keep their text and their client's charset.
func TestCodeOfEveryClientsCharsetIsMadeAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from, to := s.Schema(t), s.Schema(t)
		s.Exec(t, from, "CREATE TABLE t (id INT PRIMARY KEY)")
		s.Exec(t, to, "CREATE TABLE t (id INT PRIMARY KEY)")
		for charset, text := range map[string]string{
			"latin1": "h\xe9llo \x80?", "gbk": "\xd6\xd0\x81\x60\xd5\x5c", "utf8mb3": "é中?", "utf8mb4": "中😀",
			"cp1251": "\xcf\xf0", "sjis": "\x83\x5c\x95\x5c",
		} {
			inView := text
			switch charset { // MySQL cannot show a view with a character whose second byte is a backslash
			case "gbk":
				inView = "\xd6\xd0"
			case "sjis":
				inView = "\x8a\xbf"
			}
			s.Exec(t, from, "SET NAMES "+charset,
				"CREATE VIEW v_"+charset+" AS SELECT '"+inView+"' AS c",
				"CREATE PROCEDURE p_"+charset+"() SELECT '"+text+"'",
				"CREATE FUNCTION f_"+charset+"() RETURNS VARCHAR(20) CHARACTER SET utf8mb4 DETERMINISTIC RETURN '"+text+"'",
				"CREATE TRIGGER g_"+charset+" BEFORE INSERT ON t FOR EACH ROW SET @x = '"+text+"'",
				"CREATE EVENT e_"+charset+" ON SCHEDULE EVERY 1 DAY DISABLE DO SET @y = '"+text+"'")
		}
		c, err := s.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		o := &objects{}
		next, err := o.look(t.Context(), c, from)
		if err != nil {
			t.Fatal(err)
		}
		if len(next.Objects) != 30 {
			t.Fatalf("%d objects, want 30", len(next.Objects))
		}
		for i, o := range next.Objects {
			next.Objects[i] = o.moved(from, to, false)
		}
		all := func(_ object) bool { return true }
		if _, err = o.replaceObjects(t.Context(), c, to, true, contents{}, next, nil, all); err != nil {
			t.Fatal(err)
		}
		made, err := o.look(t.Context(), c, to)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range made.Objects {
			was := next.Objects[i]
			if m.Name != was.Name || m.Create != was.Create || m.Charset != was.Charset ||
				m.Collation != was.Collation {
				t.Errorf("made %+v\n  of %+v", m, was)
			}
		}
		for charset, want := range map[string]string{"latin1": "héllo €?", "gbk": "中乣誠", "cp1251": "Пр", "sjis": "ソ表"} {
			got, err := schema.One(t.Context(), c, "SELECT "+schema.Name(to, "f_"+charset)+"()")
			if err != nil || got != want {
				t.Errorf("the function of a %s client gives %q, %v, want %q", charset, got, err, want)
			}
		}
	})
}

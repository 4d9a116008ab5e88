package sqlscan

import (
	"fmt"
	"strings"
	"testing"
)

func TestValuesAreReadAsTheyAreWritten(t *testing.T) {
	for sql, want := range map[string]string{
		`(1,-2.5e3,NULL),( 'it''s\n' , "x" )`:           "D1 D-2.5e3 N|Qit's\n Qx",
		`(0x00ff27,x'0A',b'101',0b1) ;`:                 "B\x00\xff' B\n B\x05 B\x01",
		`(_binary 'a\0b',_gbk 0xC4E3,N'x')`:             "Qa\x00b B(gbk)\xc4\xe3 Qx",
		`(DEFAULT,NOW(),CONCAT('a',(1+2)),1+1)`:         "O O O O",
		`/* c */ (1,'),(') , -- x` + "\n" + `(2,'')`:    "D1 Q),(|D2 Q",
		`(+5,- 3,/*!50100 'a' */,'a' COLLATE utf8_bin)`: "D5 D-3 Qa O",
	} {
		var rows []string
		err := Values([]byte(sql), 0, Mode{}, func(row []Value) error {
			var out []string
			for _, v := range row {
				text := "ONQDB"[v.Kind : v.Kind+1]
				if v.Kind == Bytes && v.Charset != "" {
					text += "(" + v.Charset + ")"
				}
				if v.Kind > Null {
					text += string(v.Text)
				}
				out = append(out, text)
			}
			rows = append(rows, strings.Join(out, " "))
			return nil
		})
		if got := strings.Join(rows, "|"); err != nil || got != want {
			t.Errorf("%s\n got %q %v\nwant %q", sql, got, err, want)
		}
	}
	for _, sql := range []string{"SELECT 1", "(1", "(1) ON DUPLICATE KEY UPDATE a = 1", "('a"} {
		if err := Values([]byte(sql), 0, Mode{}, func([]Value) error { return nil }); err == nil {
			t.Errorf("%s is taken for rows: %s", sql, fmt.Sprint(err))
		}
	}
}

package binlog

import "testing"

func TestAStatementsFirstWordIsItsKind(t *testing.T) {
	for sql, want := range map[string]Verb{
		"DELETE FROM orders":                          Delete,
		"/* nightly */ -- old ones\n delete o FROM o": Delete,
		"update t set a = 'delete'":                   Update,
		"REPLACE INTO t VALUES (1)":                   Insert,
		"LOAD DATA INFILE 'x' INTO TABLE t":           Insert,
		"deleted":                                     "",
		"":                                            "",
	} {
		if got := verbOf(sql); got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
		f := Filter{Schema: "shop", Kind: Delete}
		txn := &Transaction{Other: []Statement{{Schema: "shop", SQL: sql}}}
		if got := f.Takes(txn); got != (want == Delete) {
			t.Errorf("kind:delete takes %q: %v", sql, got)
		}
	}
}

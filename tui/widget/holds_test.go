package widget

import "testing"

// TestHoldsNeedsEveryWordInOnePiece holds that letters scattered over a text are no match.
func TestHoldsNeedsEveryWordInOnePiece(t *testing.T) {
	const text = "Qianzhang_sales_20261129.sql.gz good 完好"
	for typed, held := range map[string]bool{
		"":             true,
		"  ":           true,
		"20261129":     true,
		"GOOD sales":   true,
		"sales good":   true,
		"完好":           true,
		"bad":          false,
		"good bad":     false,
		"qsgz":         false,
		"sales_sql":    false,
		"20261128":     false,
		"q i a n":      true,
		"goodsales":    false,
		"sales  20261": true,
	} {
		if Holds(text, typed) != held {
			t.Errorf("Holds(%q) = %v", typed, !held)
		}
	}
}

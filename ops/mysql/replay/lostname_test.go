package replay

import (
	"strings"
	"testing"
)

// TestNoTwoTablesAreExportedToOneFile: the second would overwrite the first one's rows.
func TestNoTwoTablesAreExportedToOneFile(t *testing.T) {
	seen := map[string]string{}
	var names LostNames
	for _, table := range []string{"a_b", "a/b", "a%2Fb", "a%b", "a%25b", "..", ".", "%2E", ".x", "%2Ex", "_",
		"Orders", "orders", "ORDERS", "orders%~2", "Ärger", "ärger", strings.Repeat("/", 64), strings.Repeat("表", 64)} {
		name := names.Of(table)
		folded := strings.ToLower(name)
		if other, taken := seen[folded]; taken {
			t.Errorf("%q and %q both are %q", table, other, name)
		}
		seen[folded] = table
		if strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") || len(name) > 255 {
			t.Errorf("%q is %q", table, name)
		}
	}
}

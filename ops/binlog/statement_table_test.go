package binlog

import "testing"

// TestAStatementOfAnotherDatabaseIsNotOfTheTable: one that ran without a current database
// names its own.
func TestAStatementOfAnotherDatabaseIsNotOfTheTable(t *testing.T) {
	f := Filter{Table: "shop.orders"}
	for _, c := range []struct {
		schema, sql string
		takes       bool
	}{
		{"shop", "ALTER TABLE orders ADD n INT", true},
		{"", "ALTER TABLE shop.orders ADD n INT", true},
		{"other", "RENAME TABLE `shop`.`orders` TO other.o", true},
		{"", "RENAME TABLE `other`.`orders` TO `other__old`.`orders`", false},
		{"other", "ALTER TABLE orders ADD n INT", false},
		{"shop", "ALTER TABLE orders_2 ADD n INT", false},
	} {
		if got := f.Takes(&Transaction{DDL: []Statement{{Schema: c.schema, SQL: c.sql}}}); got != c.takes {
			t.Errorf("in %q, %s: %v", c.schema, c.sql, got)
		}
	}
}

package binlog

import "testing"

// TestADropBeforeATableWasMadeAgainIsNotItsEnd goes by the tables that are missing now.
func TestADropBeforeATableWasMadeAgainIsNotItsEnd(t *testing.T) {
	ddl := func(sql string) *Transaction { return &Transaction{DDL: []Statement{{Schema: "shop", SQL: sql}}} }
	for sql, want := range map[string]struct{ removes, makes bool }{
		"DROP TABLE `orders`":                                {true, false},
		"DROP TABLE IF EXISTS scratch, `orders`":             {true, false},
		"DROP TABLE scratch":                                 {false, false},
		"DROP TABLE orders_old":                              {false, false},
		"DROP DATABASE shop":                                 {true, false},
		"DROP DATABASE shop_test":                            {false, false},
		"DROP VIEW orders":                                   {false, false},
		"CREATE TABLE orders (id INT)":                       {false, true},
		"CREATE TABLE IF NOT EXISTS `shop`.`orders`(id INT)": {false, true},
		"CREATE OR REPLACE TABLE orders (id INT)":            {false, true},
		"CREATE TABLE lines (o INT REFERENCES orders (id))":  {false, false},
		"RENAME TABLE orders_new TO orders":                  {false, true},
		"CREATE INDEX orders ON lines (o)":                   {false, false},
	} {
		if got := ddl(sql).Removes("shop", []string{"customers", "orders"}); got != want.removes {
			t.Errorf("%s removes: %v", sql, got)
		}
		if got := ddl(sql).Makes("orders"); got != want.makes {
			t.Errorf("%s makes: %v", sql, got)
		}
	}
}

package main

import "testing"

// TestATableIsReadAsItIsTyped: what a person copies from a statement, a log or a list names
// the same table everywhere.
func TestATableIsReadAsItIsTyped(t *testing.T) {
	for _, c := range []struct{ typed, in, name string }{
		{"orders", "", "orders"},
		{"Orders", "", "Orders"},
		{"`orders`", "", "orders"},
		{"shop.orders", "shop", "orders"},
		{"SHOP.Orders", "SHOP", "Orders"},
		{"`shop`.`orders`", "shop", "orders"},
		{"`shop`.orders", "shop", "orders"},
		{"shop.`or``ders`", "shop", "or`ders"},
		{"订单", "", "订单"},
		{"`订单`", "", "订单"},
		{"shop.`订单`", "shop", "订单"},
		{"v1.2", "", "v1.2"},
		{"`v1.2`", "", "v1.2"},
		{"`other`.`orders`", "other", "orders"},
	} {
		if in, name, ok := splitTable(c.typed, "shop"); !ok || in != c.in || name != c.name {
			t.Errorf("%s: %q in %q, %v", c.typed, name, in, ok)
		}
	}
	for _, typed := range []string{"", "`", "``", "`orders", "`shop`.", "`shop`orders", "shop.", "shop.`orders",
		"``.``"} {
		if in, name, ok := splitTable(typed, "shop"); ok {
			t.Errorf("%s: %q in %q", typed, name, in)
		}
	}
}

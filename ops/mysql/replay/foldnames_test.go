package replay

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// A server whose lower_case_table_names is 1 compares names without case, and logs them as
// they were written: what is written to SHOP.Orders belongs to shop.orders.
func TestNamesAreComparedAsTheServerDoes(t *testing.T) {
	s := testdb.Private(t, "mariadb", "--lower-case-table-names=1")
	w := newWorld(t, s, "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))",
		"INSERT INTO orders (v) VALUES ('a'), ('b')", "CREATE TABLE kept (id INT PRIMARY KEY)")
	other := s.Schema(t)
	s.Exec(t, other, "CREATE TABLE x (i INT)")
	big := strings.ToUpper(w.live)
	w.work(t, "SET SESSION binlog_format=MIXED",
		"UPDATE "+big+".Orders SET v = 'Z' WHERE id = 1",
		"USE "+other,
		"INSERT INTO X VALUES (1)",
		"SET SESSION binlog_format=ROW",
		"INSERT INTO "+big+".ORDERS (v) VALUES ('n1')",
		"ALTER TABLE "+big+".Orders ADD COLUMN Zz INT DEFAULT 3",
		"CREATE TABLE "+big+".Extra LIKE "+big+".Orders",
		"INSERT INTO "+big+".extra (v) VALUES ('e1'), ('e2')",
		"USE "+big,
		"RENAME TABLE Extra TO More, "+other+".X TO "+other+".Y",
		"INSERT INTO MORE (v) VALUES ('m')",
		"CREATE VIEW Vw AS SELECT Zz FROM "+big+".MORE",
		"DROP TABLE KEPT",
		"CREATE TABLE Kept (id INT PRIMARY KEY, note TEXT)",
		"INSERT INTO kept VALUES (9, 'nine')",
	)
	f, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
	w.same(t)
	w.counted(t, state)
	if f.Rows["more"] != 3 || f.Rows["kept"] != 1 {
		t.Errorf("the forecast counts %v", f.Rows)
	}
	named, err := schema.One(t.Context(), s.Open(t, w.shadow), "SELECT COLUMN_NAME FROM information_schema.COLUMNS "+
		"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'orders' AND ORDINAL_POSITION = 3")
	if err != nil || named != "Zz" {
		t.Errorf("the column is named %q (%v)", named, err)
	}
}

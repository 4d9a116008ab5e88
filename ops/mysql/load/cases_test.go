package load

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/ulikunitz/xz"

	"opsdeck/internal/testdb"
)

// What the programs of others write, byte for byte as they write it.
const heidi = "\ufeff-- --------------------------------------------------------\r\n-- HeidiSQL Version:            " +
	" 12.5.0.6677\r\n\r\n" +
	"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\r\n/*!40101 SET NAMES utf8 */;\r\n/*!40103 " +
	"SET @OLD_TIME_ZONE=@@TIME_ZONE */;\r\n" +
	"/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\r\n\r\nDROP DATABASE IF EXISTS " +
	"`shop`;\r\nCREATE DATABASE IF NOT EXISTS `shop`;\r\nUSE `shop`;\r\n" +
	"CREATE TABLE IF NOT EXISTS `c` (`id` int NOT NULL, `v` varchar(50), PRIMARY KEY (`id`));\r\nDELETE FROM `c`;\r\n" +
	"INSERT INTO `c` (`id`, `v`) VALUES\r\n\t(1, '张三\\'s; -- x'),\r\n\t(2, 'b');\r\n" +
	"DELIMITER //\r\nCREATE TRIGGER `tr` BEFORE INSERT ON `c` FOR EACH ROW BEGIN\r\n  SET NEW.v = " +
	"TRIM(NEW.v);\r\nEND//\r\nDELIMITER ;\r\n"

const heidiEnd = "/*!40103 SET TIME_ZONE=IFNULL(@OLD_TIME_ZONE, 'system') */;\r\n/*!40101 SET " +
	"SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;\r\n"

const ansi = "SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ANSI';\nCREATE TABLE \"c\" (\n  \"id\" " +
	"int NOT NULL,\n  \"v\" varchar(50) DEFAULT NULL,\n  PRIMARY KEY (\"id\")\n);\n" +
	"INSERT INTO \"c\" VALUES (1,'a\"b'),(2,'c');\n/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;\n/*!50003 " +
	"SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;\n/*!50003 DROP PROCEDURE IF EXISTS \"p1\" " +
	"*/;\nDELIMITER ;;\n" +
	"/*!50003 CREATE*/ /*!50017 DEFINER=CURRENT_USER*/ /*!50003 TRIGGER tr BEFORE INSERT ON c FOR EACH ROW SET " +
	"NEW.v = TRIM(NEW.v) */;;\nDELIMITER ;\n" +
	"/*!50003 SET sql_mode              = @saved_sql_mode */ ;\nSET SQL_MODE=@OLD_SQL_MODE;\n"

func TestDumpsOfOtherProgramsAreTaken(t *testing.T) {
	s := testdb.MariaDB(t)
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(heidi + heidiEnd))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"heidi.sql": heidi + heidiEnd, "heidi.sql.xz": packed.String(), "ansi.sql": ansi} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		schema := s.Schema(t)
		r, err := Run(context.Background(), target(s), src, Options{Schema: schema, From: "shop", SkipOthers: true})
		src.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var triggers int
		if err := s.Open(t, "").QueryRow("SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?", schema).Scan(&triggers); err != nil ||
			r.Rows != 2 ||
			triggers != 1 {
			t.Errorf("%s: %d rows, %d triggers, %v", name, r.Rows, triggers, err)
		}
	}
	path := filepath.Join(t.TempDir(), "cut.sql")
	os.WriteFile(path, []byte(heidi), 0o600)
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := Run(context.Background(), target(s), src,
		Options{Schema: "never_cut_heidi", From: "shop", SkipOthers: true}); err == nil {
		t.Error("a dump without its last lines is taken for whole")
	}
}

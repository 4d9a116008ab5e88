package load

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

const navicat = `/*
 Navicat Premium Data Transfer

 Source Server         : 本地; DROP
 Source Server Type    : MySQL
 Source Schema         : shop

 Target Server Type    : MySQL
 File Encoding         : 65001

 Date: 29/01/2026 12:00:00
*/

SET NAMES utf8mb4;
SET FOREIGN_KEY_CHECKS = 0;

-- ----------------------------
-- Table structure for t
-- ----------------------------
DROP TABLE IF EXISTS ` + "`t`" + `;
CREATE TABLE ` + "`t`" + `  (
  ` + "`id`" + ` int NOT NULL AUTO_INCREMENT,
  ` + "`name`" + ` varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL DEFAULT NULL COMMENT '姓名; DROP',
  ` + "`day`" + ` date NULL DEFAULT NULL,
  PRIMARY KEY (` + "`id`" + `) USING BTREE
) ENGINE = InnoDB AUTO_INCREMENT = 8 CHARACTER SET = utf8mb4 COLLATE = utf8mb4_general_ci ROW_FORMAT = Dynamic;

-- ----------------------------
-- Records of t
-- ----------------------------
BEGIN;
INSERT INTO ` + "`t`" + ` VALUES (1, '张三\'s; -- x', '2026-01-29');
INSERT INTO ` + "`t`" + ` VALUES (7, 'o\'b\\', NULL);
COMMIT;

-- ----------------------------
-- View structure for v
-- ----------------------------
DROP VIEW IF EXISTS ` + "`v`" + `;
CREATE ALGORITHM = UNDEFINED SQL SECURITY DEFINER VIEW ` + "`v`" + ` AS select ` + "`t`.`id` AS `id` from `t`" + `;

-- ----------------------------
-- Procedure structure for p
-- ----------------------------
DROP PROCEDURE IF EXISTS ` + "`p`" + `;
delimiter ;;
CREATE PROCEDURE ` + "`p`" + `()
BEGIN
  SELECT 1; -- ;;x
  SELECT COUNT(*) FROM t;
END
;;
delimiter ;

-- ----------------------------
-- Triggers structure for table t
-- ----------------------------
DROP TRIGGER IF EXISTS ` + "`t_bi`" + `;
delimiter ;;
CREATE TRIGGER ` + "`t_bi`" + ` BEFORE INSERT ON ` + "`t`" + ` FOR EACH ROW BEGIN
  SET NEW.name = UPPER(NEW.name);
END
;;
delimiter ;

SET FOREIGN_KEY_CHECKS = 1;
`

// headless is a dump whose first lines somebody cut off, but for the one that keeps the mode.
const headless = "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n" +
	"CREATE TABLE `t` (`id` int NOT NULL AUTO_INCREMENT, `name` varchar(50) DEFAULT NULL, `day` date DEFAULT NULL, " +
	"PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n" +
	"INSERT INTO `t` VALUES (0,'张三''s; -- x','2026-01-29'),(7,'o''b\\\\','0000-00-00');\n" +
	"/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n"

// TestDumpsOfOddShapesHaveTheirValues: a data transfer of Navicat, and a dump without
// its header, load with every value; without their last line they are cut off.
func TestDumpsOfOddShapesHaveTheirValues(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, c := range []struct{ name, text, want string }{
			{"navicat", navicat, `1:张三's; -- x:2026-01-29|7:o'b\:`},
			{"headless", headless, `0:张三's; -- x:2026-01-29|7:o'b\:0000-00-00`},
		} {
			in := s.Schema(t)
			mustRun(t, s, source(t, []byte(c.text)), Options{Schema: in, From: "shop", Definer: DefinerCurrent})
			var got string
			if err := s.Open(t, in).QueryRow("SELECT GROUP_CONCAT(id, ':', name, ':', COALESCE(day, '') ORDER BY id " +
				"SEPARATOR '|') FROM t").Scan(&got); err != nil || got != c.want {
				t.Errorf("%s: %q, %v", c.name, got, err)
			}
			if strings.Contains(c.text, "TRIGGER") {
				s.Exec(t, in, "INSERT INTO t (name) VALUES ('new')", "CALL p()", "SELECT * FROM v")
				if err := s.Open(t, in).QueryRow("SELECT CONCAT(id, name) FROM t ORDER BY id DESC LIMIT 1").Scan(&got); err != nil ||
					got != "8NEW" {
					t.Errorf("%s: trigger and counter: %q, %v", c.name, got, err)
				}
			}
			lines := strings.SplitAfter(c.text, "\n")
			_, err := Run(t.Context(), target(s), source(t, []byte(strings.Join(lines[:len(lines)-2], ""))),
				Options{Schema: in + "_cut", From: "shop", Definer: DefinerCurrent})
			if err == nil || !strings.Contains(err.Error(), "the dump is truncated") {
				t.Errorf("%s without its last line: %v", c.name, err)
			}
		}
	})
}

// TestADumpOfAReplicaForAReplicaIsLoaded: what --dump-replica writes besides the data
// is left out, and the server's own replication is not touched.
func TestADumpOfAReplicaForAReplicaIsLoaded(t *testing.T) {
	for flavour, option := range map[string]string{"mysql": "--dump-replica", "mariadb": "--dump-slave"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			source0 := testdb.Private(t, flavour)
			r := source0.Replica(t)
			in := source0.Schema(t)
			source0.Exec(t, in, "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))", "INSERT INTO t VALUES (1, '张三'), (2, NULL)")
			r.Await(t, "SELECT COUNT(*) FROM `"+in+"`.t", "2")
			text := r.Dump(t, option, "--apply-"+option[len("--dump-"):]+"-statements", "--databases", in)
			if !strings.Contains(string(text), "CHANGE ") {
				t.Fatalf("the tool writes no place in the log:\n%.600s", text)
			}
			for _, s := range []*testdb.Server{r, source0} {
				to := in + "_copy"
				report := mustRun(t, s, source(t, text), Options{Schema: to, From: in})
				var got string
				if err := s.Open(t, to).QueryRow("SELECT GROUP_CONCAT(id, COALESCE(name, '-') ORDER BY id) FROM t").Scan(&got); err != nil ||
					got != "1张三,2-" || report.Rows != 2 {
					t.Errorf("%q, %+v, %v", got, report, err)
				}
				s.Exec(t, "", "DROP DATABASE `"+to+"`")
			}
			source0.Exec(t, in, "INSERT INTO t VALUES (3, 'x')")
			r.Await(t, "SELECT COUNT(*) FROM `"+in+"`.t", "3")
		})
	}
}

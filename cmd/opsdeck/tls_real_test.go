package main

import (
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestTheVerbsWorkAsAnAccountThatDemandsACertificate goes through one verb of each kind
// over TLS, and without the certificate.
func TestTheVerbsWorkAsAnAccountThatDemandsACertificate(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			db, c := testdb.PrivateTLS(t, flavour)
			s := newSite(t, db)
			db.Exec(
				t,
				s.live,
				"CREATE TABLE audit_logs (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT, action VARCHAR(20), "+
					"resource_type VARCHAR(20), "+
					"resource_id VARCHAR(20), created_at DATETIME)",
				"INSERT INTO audit_logs VALUES (1, 7, 'UPDATE', 'ORDER', '1', NOW())",
			)
			db.Exec(
				t,
				"",
				"CREATE USER pair IDENTIFIED BY 'pw' REQUIRE X509",
				"GRANT ALL ON *.* TO pair WITH GRANT OPTION",
			)
			s.amend("host: 127.0.0.1", "host: localhost")
			login := fmt.Sprintf(
				"[client]\nuser=pair\npassword=pw\nssl-ca=%s\nssl-mode=VERIFY_IDENTITY\n",
				c.Path("ca.pem"),
			)
			s.useOptions(login + fmt.Sprintf("ssl-cert=%s\nssl-key=%s\n", c.Path("me.pem"), c.Path("me.key")))
			copied := s.live + "__copy"
			verbs := [][]string{
				{"status", "--only", "mysql"},
				{"backup", "create"},
				{"backup", "create", "--engine", "mysqldump"},
				{"restore", "--to", copied, "--confirm", copied},
				{"audit", "list"},
			}
			for _, verb := range verbs {
				if o := s.run(verb...); o.code != 0 && (verb[0] != "status" || o.code != 1) {
					t.Errorf("%v: exit %d\n%s\n%s", verb, o.code, o.out, o.err)
				}
			}
			db.Exec(t, "", "DROP DATABASE `"+copied+"`")
			s.write("other.cnf", login)
			for _, verb := range verbs {
				if o := s.run(verb...); o.code == 0 || !strings.Contains(o.out+o.err, "REQUIRE X509") {
					t.Errorf("%v without the certificate: exit %d\n%s\n%s", verb, o.code, o.out, o.err)
				}
			}
		})
	}
}

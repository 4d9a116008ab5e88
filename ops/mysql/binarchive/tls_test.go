package binarchive

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"opsdeck/internal/testdb"
)

// The stream uses TLS if the server requires it, and is refused if the server's
// certificate is not valid.
func TestTheStreamGoesOverTLS(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb", "mariadb11"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			args := private[flavour]
			if flavour != "mysql" {
				args = private["mariadb"]
			}
			s, certs := testdb.PrivateTLS(t, flavour, append([]string{"--log-bin=binlog"}, args...)...)
			db := s.Schema(t)
			workload(t, s, db, 0, 20)
			s.Exec(t, "", "CREATE USER copy@'%' IDENTIFIED BY 'sö secret' REQUIRE SSL",
				"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO copy@'%'")
			o := optionsFor(t, s)
			o.Target.User, o.Target.Password = "copy", "sö secret"
			fetch(t, o) // TLS if offered, without verification
			sameAsServer(t, s, o)
			for file, good := range map[string]bool{"ca.pem": true, "other.pem": false} {
				o := optionsFor(t, s)
				o.Target.User, o.Target.Password = "copy", "sö secret"
				o.Target.TLS = trusting(t, certs.Path(file))
				_, err := Run(t.Context(), o)
				if good && err != nil || !good && err == nil {
					t.Errorf("%s: %v", file, err)
				}
				if good {
					sameAsServer(t, s, o)
				}
			}
			o = optionsFor(t, s)
			o.Target.User, o.Target.Password, o.Target.NoTLS = "copy", "sö secret", true
			if _, err := Run(t.Context(), o); err == nil {
				t.Error("without TLS it is let in")
			}
		})
	}
}

func trusting(t *testing.T, ca string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

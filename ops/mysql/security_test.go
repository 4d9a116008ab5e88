package mysql

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops"
)

// ca is a certificate of an authority, made for this test.
func ca(t *testing.T, dir string) {
	t.Helper()
	cert, key := selfSigned(t)
	for name, text := range map[string][]byte{"ca.pem": cert, "me.pem": cert, "me.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func resolveWith(t *testing.T, lines string) (Target, error) {
	t.Helper()
	dir := t.TempDir()
	ca(t, dir)
	path := filepath.Join(dir, "my.cnf")
	text := "[client]\nuser=u\nhost=db.example\n" + strings.ReplaceAll(lines, "DIR", dir) + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Resolve(config.Database{OptionsFile: path})
}

// TestAConnectionIsNeverLessSafeThanTheFileSays goes through the options of both
// flavours' clients.
func TestAConnectionIsNeverLessSafeThanTheFileSays(t *testing.T) {
	const none, open, chain, name = "no TLS", "unverified", "chain", "name"
	for lines, want := range map[string]string{
		"":                           "offered",
		"ssl-mode=disabled":          none,
		"skip-ssl":                   none,
		"ssl=0":                      none,
		"disable_ssl":                none,
		"ssl":                        open,
		"enable-ssl":                 open,
		"ssl-mode=Required":          open,
		"ssl-ca=DIR/ca.pem":          chain,
		"ssl_capath=DIR":             chain,
		"loose-ssl-mode=VERIFY_CA":   chain,
		"ssl-verify-server-cert":     name,
		"ssl_verify_server_cert = 1": name,
		"ssl-verify=ON":              name,
		"ssl-mode=VERIFY_IDENTITY":   name,
		"ssl-ca=DIR/ca.pem\nssl-verify-server-cert":                  name,
		"ssl-ca=DIR/ca.pem\nskip-ssl-verify-server-cert":             open,
		"ssl-cert=DIR/me.pem\nssl-key=DIR/me.key":                    open,
		"ssl-ca=DIR/ca.pem\nssl-cert=DIR/me.pem\nssl-key=DIR/me.key": chain,
		"tls-version=TLSv1.3":                                        open,
		"[client-server]\nssl-ca=DIR/ca.pem":                         chain,
		"[client-mariadb]\nssl-verify-server-cert":                   name,
		"[mysqld]\nssl-verify-server-cert":                           "offered",
	} {
		target, err := resolveWith(t, lines)
		if err != nil {
			t.Errorf("%q: %v", lines, err)
			continue
		}
		if got := safety(target); got != want {
			t.Errorf("%q gives %s, want %s", lines, got, want)
		}
		if strings.Contains(lines, "ssl-key") && len(target.TLS.Certificates) != 1 {
			t.Errorf("%q: the client certificate is not used", lines)
		}
		if strings.Contains(lines, "TLSv1.3") && target.TLS.MinVersion != tls.VersionTLS13 {
			t.Errorf("%q: any version is taken", lines)
		}
	}
}

func safety(t Target) string {
	switch {
	case t.NoTLS:
		return "no TLS"
	case t.TLS == nil:
		return "offered"
	case !t.TLS.InsecureSkipVerify:
		return "name"
	case t.TLS.VerifyConnection != nil:
		return "chain"
	}
	return "unverified"
}

func TestSecurityThatCannotBeHadIsAnError(t *testing.T) {
	for lines, near := range map[string]string{
		"ssl-mode=VERIFYCA":                     "VERIFY_CA",
		"ssl-mode":                              "VERIFY_CA",
		"ssl-mdoe=VERIFY_CA":                    "ssl-mode",
		"sll-mode=VERIFY_CA":                    "ssl-mode",
		"ssl-verfy-server-cert":                 "ssl-verify-server-cert",
		"ssl-verify-server-cert=maybe":          "",
		"ssl-crl=DIR/ca.pem":                    "",
		"ssl-cipher=AES128-SHA":                 "",
		"tls-version=TLSv9":                     "TLSv1.3",
		"ssl-fips-mode=STRICT":                  "",
		"server-public-key-path=DIR/me.pem":     "",
		"[client-mariadb]\nssl-verfy=1":         "",
		"skip-ssl\nssl-verify-server-cert":      "",
		"ssl-cert=DIR/me.pem\nssl-key=DIR/none": "",
		"ssl-ca=DIR/none":                       "",
	} {
		_, err := resolveWith(t, lines)
		var e *ops.Error
		if !errors.As(err, &e) || e.Code != ops.Config {
			t.Errorf("%q: %v", lines, err)
			continue
		}
		if near != "" && (!strings.Contains(e.Error(), "my.cnf:4:") || !strings.Contains(e.Hint.String(), near)) {
			t.Errorf("%q: %v → %v", lines, e, e.Hint)
		}
	}
}

// selfSigned makes a certificate and its key.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(
			&pem.Block{Type: "CERTIFICATE", Bytes: der},
		), pem.EncodeToMemory(
			&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8},
		)
}

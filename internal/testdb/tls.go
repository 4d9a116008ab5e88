package testdb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are PEM files in a folder of the test: two authorities (ca.pem and
// other.pem), the server's pair for the name "localhost" alone (server.pem, server.key),
// and pairs for clients: of the first authority (me), of the other (stranger), and one
// that has expired (old).
type Certificates struct{ Dir string }

// Path is a file's path.
func (c Certificates) Path(name string) string { return filepath.Join(c.Dir, name) }

// PrivateTLS is Private with a server that has certificates of the test.
func PrivateTLS(t testing.TB, flavour string, args ...string) (*Server, Certificates) {
	t.Helper()
	c := newCertificates(t)
	tls := []string{
		"--ssl-ca=" + c.Path("ca.pem"),
		"--ssl-cert=" + c.Path("server.pem"),
		"--ssl-key=" + c.Path("server.key"),
	}
	return Private(t, flavour, append(tls, args...)...), c
}

// newCertificates makes all of them.
func newCertificates(t testing.TB) Certificates {
	t.Helper()
	c := Certificates{Dir: t.TempDir()}
	now := time.Now()
	ca := c.make(t, "ca", nil, now.Add(time.Hour))
	other := c.make(t, "other", nil, now.Add(time.Hour))
	c.make(t, "server", ca, now.Add(time.Hour), "localhost")
	c.make(t, "me", ca, now.Add(time.Hour))
	c.make(t, "old", ca, now.Add(-time.Hour))
	c.make(t, "stranger", other, now.Add(time.Hour))
	return c
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// make writes NAME.pem and NAME.key. Without a signer it is an authority.
func (c Certificates) make(t testing.TB, name string, signer *pair, until time.Time, names ...string) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	made := &pair{
		&x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "opsdeck test " + name}, DNSNames: names,
			NotBefore: time.Now().
				Add(-24 * time.Hour),
			NotAfter: until, BasicConstraintsValid: true, IsCA: signer == nil},
		key,
	}
	if signer == nil {
		made.cert.KeyUsage = x509.KeyUsageCertSign
		signer = made
	}
	der, err := x509.CreateCertificate(rand.Reader, made.cert, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, name+".pem", "CERTIFICATE", der)
	c.write(t, name+".key", "PRIVATE KEY", private)
	return made
}

func (c Certificates) write(t testing.TB, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(c.Path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

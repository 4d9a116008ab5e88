package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// quietService is a configuration whose database does not answer.
const quietService = "services:\n  - name: x\n    health: {url: \"\"}\n    database: {name: a, host: 127.0.0.1, port: 1, user: u}\n"

const token = "0123456789abcdef0123456789abcdef"

// certified writes a certificate of that serial number and its key.
func certified(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "opsdeck"},
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	secretFile(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})))
	secretFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return cert, key
}

func secretFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// servedWith runs `opsdeck serve` with flags until the test ends.
func servedWith(t *testing.T, config string, args ...string) (base string, said *locked) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	said = &locked{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx, append([]string{"--config", config, "--lang", "en", "serve"}, args...),
			stdio{out: io.Discard, err: said})
	}()
	end := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(end)
	for {
		text := said.String()
		if at := strings.Index(text, "http"); at >= 0 && strings.Contains(text, "/health/ready\n") {
			base, _, _ = strings.Cut(text[at:], "/health/ready")
			return base, said
		}
		select {
		case <-done:
			t.Fatalf("it ended: %s", said.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// askedAs gets a path with a client that trusts any certificate.
func askedAs(t *testing.T, address string, head ...string) (code int, body string, serial int64) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}}
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.TLS != nil {
		serial = resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	return resp.StatusCode, string(text), serial
}

func TestOtherMachinesNeedTLSAndAToken(t *testing.T) {
	dir := t.TempDir()
	cert, key := certified(t, dir, 1)
	secret := secretFile(t, filepath.Join(dir, "token"), token)
	for _, c := range []struct {
		args string
		want string // in the refusal
	}{
		{"", "add --tls-cert FILE --tls-key FILE --token-file FILE; or listen on 127.0.0.1"},
		{"--token-file " + secret, "add --tls-cert FILE --tls-key FILE; or"},
		{"--tls-cert " + cert + " --tls-key " + key, "add --token-file FILE; or"},
		{"--tls-cert " + cert, "give both --tls-cert and --tls-key"},
	} {
		for _, at := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
			var out bytes.Buffer
			args := append([]string{"--config", configFile(t, quietService), "--lang", "en", "serve", "--listen", at},
				strings.Fields(c.args)...)
			if code := run(t.Context(), args, stdio{out: io.Discard, err: &out}); code != 64 ||
				!strings.Contains(out.String(), c.want) {
				t.Errorf("serve --listen %s %s: exit code %d: %s", at, c.args, code, out.String())
			}
		}
	}
}

func TestInsecureIsServedAndSaid(t *testing.T) {
	_, said := servedWith(t, configFile(t, quietService), "--listen", "0.0.0.0:0", "--insecure")
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(said.String(), "can read the metrics of x"); {
		if time.Now().After(deadline) {
			t.Fatal(said.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestTheTokenOpensEveryPath(t *testing.T) {
	secret := secretFile(t, filepath.Join(t.TempDir(), "token"), token+"\n")
	base, _ := servedWith(t, configFile(t, quietService), "--listen", "127.0.0.1:0", "--token-file", secret)
	for _, path := range []string{"/health", "/metrics", "/api-docs", "/openapi.json", "/health/version", "/none"} {
		for _, sent := range []string{"", "Bearer", "Bearer ", "Bearer x", "Bearer " + token + "x",
			"Bearer " + token[1:], token, "Basic !"} {
			if code, body, _ := askedAs(t, base+path, "Authorization", sent); code != 401 ||
				strings.Contains(body, token) {
				t.Errorf("%s with %q: %d %s", path, sent, code, body)
			}
		}
	}
	if code, _, _ := askedAs(t, base+"/health", "Authorization", "bearer "+token); code != 200 {
		t.Errorf("the token is answered with %d", code)
	}
	r, _ := http.NewRequest(http.MethodGet, base+"/api-docs", nil)
	r.SetBasicAuth("anyone", token)
	if code, _, _ := askedAs(t, base+"/api-docs", "Authorization", r.Header.Get("Authorization")); code != 200 {
		t.Errorf("a browser with the token is answered with %d", code)
	}
}

func TestATokenThatIsNoneIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":        "is too short (minimum length 16)",
		"\n":      "is too short (minimum length 16)",
		"letmein": "is too short (minimum length 16)",
	} {
		secret := secretFile(t, filepath.Join(t.TempDir(), "token"), text)
		var out bytes.Buffer
		code := run(t.Context(), []string{"--config", configFile(t, quietService), "--lang", "en", "serve", "--listen",
			"127.0.0.1:0",
			"--token-file", secret}, stdio{out: io.Discard, err: &out})
		if code != 78 || !strings.Contains(out.String(), want) ||
			!strings.Contains(out.String(), "openssl rand -hex 32") {
			t.Errorf("%q: exit code %d: %s", text, code, out.String())
		}
	}
	secret := secretFile(t, filepath.Join(t.TempDir(), "token"), token)
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := run(t.Context(), []string{"--config", configFile(t, quietService), "--lang", "en", "serve", "--listen",
		"127.0.0.1:0",
		"--token-file", secret}, stdio{out: io.Discard, err: &out})
	if code != 78 || !strings.Contains(out.String(), "chmod 600 "+secret) || strings.Contains(out.String(), token) {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

func TestANewCertificateAndTokenAreTaken(t *testing.T) {
	dir := t.TempDir()
	cert, key := certified(t, dir, 1)
	secret := secretFile(t, filepath.Join(dir, "token"), token)
	base, said := servedWith(t, configFile(t, quietService), "--listen", "127.0.0.1:0",
		"--tls-cert", cert, "--tls-key", key, "--token-file", secret)
	if code, body, serial := askedAs(t, base+"/health", "Authorization", "Bearer "+token); code != 200 || serial != 1 {
		t.Fatalf("%d %s, certificate %d", code, body, serial)
	}
	secretFile(t, cert, "cut short") // as while it is copied
	awaitSaid(t, said, "cannot be used; keeping the previous one")
	if code, body, serial := askedAs(t, base+"/health", "Authorization", "Bearer "+token); code != 200 || serial != 1 {
		t.Fatalf("%d %s, certificate %d", code, body, serial)
	}
	certified(t, dir, 2)
	secretFile(t, secret, strings.ToUpper(token))
	awaitSaid(t, said, cert+" has changed and was read again")
	awaitSaid(t, said, secret+" has changed and was read again")
	if code, _, serial := askedAs(t, base+"/health", "Authorization", "Bearer "+token); code != 401 || serial != 2 {
		t.Fatalf("the former token is answered with %d, certificate %d", code, serial)
	}
	if code, _, _ := askedAs(t, base+"/health", "Authorization", "Bearer "+strings.ToUpper(token)); code != 200 {
		t.Fatalf("the new token is answered with %d", code)
	}
}

func awaitSaid(t *testing.T, said *locked, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(said.String(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("it never said %q:\n%s", text, said.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestPlainHTTPOnTheTLSPortIsAnsweredAtOnce(t *testing.T) {
	cert, key := certified(t, t.TempDir(), 1)
	base, _ := servedWith(t, configFile(t, quietService), "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key",
		key)
	for range 50 { // a reset would now and then take the answer away
		code, body, _ := askedAs(t, "http"+strings.TrimPrefix(base, "https")+"/health")
		if code != 400 || !strings.Contains(body, "speaks TLS, not plain HTTP: use https://") {
			t.Fatalf("%d %s", code, body)
		}
	}
}

// Several services are ready when all are, and each can be asked for.
func TestSeveralServicesAreServedTogether(t *testing.T) {
	config := configFile(t, strings.Join([]string{
		"services:",
		"  - {name: shop, health: {url: \"\"}, database: {name: a, host: 127.0.0.1, port: 1, user: u}}",
		"  - {name: crm, health: {url: \"\"}, database: {name: b, host: 127.0.0.1, port: 1, user: u}}",
		"  - {name: files, health: {url: \"\"}}",
		"serve: {listen: \"127.0.0.1:0\"}",
	}, "\n"))
	base, _ := servedWith(t, config)
	code, body := get(t, base+"/health/ready")
	if code != 503 || !strings.Contains(body,
		`"checks":{"crm/database":false,"database":false,"shop/database":false}`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get(t, base+"/health/ready?service=crm"); code != 503 ||
		!strings.Contains(body, `"checks":{"database":false}`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get(t, base+"/health/ready?service=<b>"); code != 404 || strings.Contains(body, "<b>") {
		t.Errorf("%d %s", code, body)
	}
	if _, body := get(t, base+"/metrics"); !strings.Contains(body, `service="shop"`) ||
		!strings.Contains(body, `service="crm"`) {
		t.Errorf("the metrics are of one service:\n%s", body)
	}
}

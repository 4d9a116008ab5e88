package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/optfile"
	"opsdeck/internal/regular"
	"opsdeck/internal/spelling"
	"opsdeck/ops"
)

// security is what an options file says about encryption, as the clients of MySQL
// and of MariaDB read it. What it asks for and cannot be had is an error: a
// connection is never less safe than the file says.
//
// MySQL Reference Manual, "Command Options for Encrypted Connections"; MariaDB,
// "Securing Connections for Client and Server".
type security struct {
	mode    string // one of sslModes; "" is not said
	files   map[string]string
	lowest  uint16 // TLS versions; 0 is the library's
	highest uint16
	// tlsVersions is the list as it was written.
	tlsVersions string
	verify      *bool // ssl-verify-server-cert, where it is said
	ssl         *bool // ssl, where it is said
}

var sslModes = []string{"DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"}

// securityNames are the clients' options about encryption.
var securityNames = []string{
	"server-public-key-path",
	"ssl",
	"ssl-ca",
	"ssl-capath",
	"ssl-cert",
	"ssl-cipher",
	"ssl-crl",
	"ssl-crlpath",
	"ssl-fips-mode",
	"ssl-fp",
	"ssl-fplist",
	"ssl-key",
	"ssl-mode",
	"ssl-passphrase",
	"ssl-session-data",
	"ssl-session-data-continue-on-failed-reuse",
	"ssl-verify-server-cert",
	"tls-ciphersuites",
	"tls-fp",
	"tls-fplist",
	"tls-sni-servername",
	"tls-version",
}

func readSecurity(list []optfile.Setting) (security, error) {
	x := security{files: map[string]string{}}
	for _, s := range list {
		name, on := s.Name, true
		for _, prefix := range []string{"skip-", "disable-", "enable-"} {
			if rest, ok := strings.CutPrefix(name, prefix); ok &&
				(strings.HasPrefix(rest, "ssl") || strings.HasPrefix(rest, "tls")) {
				name, on = rest, prefix == "enable-"
			}
		}
		full, ok := securityName(name)
		switch {
		case full == "" && !ok:
			continue
		case !ok && s.Loose:
			continue
		case !ok:
			return x, unread(s, lang.M("available: %s", full))
		}
		if err := x.set(full, on, s); err != nil {
			return x, err
		}
	}
	return x, nil
}

// securityName finds the option that a name means: itself, or the one that it
// begins. Without one, near is what may have been meant, or "" for a name that is
// not about encryption.
func securityName(name string) (near string, ok bool) {
	if slices.Contains(securityNames, name) {
		return name, true
	}
	var begins []string
	for _, n := range securityNames {
		if strings.HasPrefix(n, name) && len(name) > 4 {
			begins = append(begins, n)
		}
	}
	if len(begins) == 1 {
		return begins[0], true
	}
	least := 3
	if strings.HasPrefix(name, "ssl") || strings.HasPrefix(name, "tls") {
		near = strings.Join(securityNames, ", ")
		least = 4
	}
	for _, n := range securityNames {
		if d := spelling.Distance(name, n); len(n) > 4 && d < least {
			near, least = n, d
		}
	}
	return near, false
}

func unread(s optfile.Setting, hint lang.Msg) error {
	said := s.Name
	if !s.Bare {
		said += "=" + s.Value
	}
	return ops.E(ops.Config,
		lang.M("%s:%d: opsdeck does not support %q and will not connect with less security", s.Path, s.Line, said)).
		WithHint(hint)
}

// set takes in one option.
func (x *security) set(name string, on bool, s optfile.Setting) error {
	value := strings.ToUpper(s.Value)
	switch name {
	case "ssl", "ssl-verify-server-cert":
		if !s.Bare {
			switch value {
			case "1", "ON", "TRUE", "YES":
			case "0", "OFF", "FALSE", "NO":
				on = !on
			default:
				return unread(s, lang.M("must be 0 or 1"))
			}
		}
		if name == "ssl" {
			x.ssl = &on
		} else {
			x.verify = &on
		}
	case "ssl-mode":
		if !on || !slices.Contains(sslModes, value) {
			return unread(s, lang.M("must be one of %s", strings.Join(sslModes, ", ")))
		}
		x.mode = value
	case "ssl-ca", "ssl-capath", "ssl-cert", "ssl-key":
		x.files[name] = s.Value
	case "tls-version":
		return x.versions(s)
	case "ssl-fips-mode":
		if value != "OFF" && value != "0" {
			return unread(s, lang.M("remove it"))
		}
	default:
		if s.Value != "" || s.Bare {
			return unread(s, lang.M("remove it, or move it to a group that opsdeck does not read"))
		}
	}
	return nil
}

// versions reads tls-version: a list. A gap in it can't be kept.
func (x *security) versions(s optfile.Setting) error {
	known := map[string]uint16{
		"TLSV1":   tls.VersionTLS10,
		"TLSV1.0": tls.VersionTLS10,
		"TLSV1.1": tls.VersionTLS11,
		"TLSV1.2": tls.VersionTLS12,
		"TLSV1.3": tls.VersionTLS13,
	}
	x.tlsVersions = s.Value
	for v := range strings.SplitSeq(s.Value, ",") {
		n, ok := known[strings.ToUpper(strings.TrimSpace(v))]
		if !ok {
			return unread(s, lang.M("must be one of %s", "TLSv1.2, TLSv1.3"))
		}
		if x.lowest == 0 || n < x.lowest {
			x.lowest = n
		}
		x.highest = max(x.highest, n)
	}
	return nil
}

// wanted is the mode that the options come to.
func (x *security) wanted() (string, error) {
	off := x.ssl != nil && !*x.ssl
	verify := x.verify != nil && *x.verify
	switch {
	case off && (verify || x.mode != "" && x.mode != "DISABLED"),
		x.mode == "DISABLED" && (verify || x.ssl != nil && *x.ssl):
		return "", ops.E(ops.Config, lang.M("the options file both requires and disables encryption"))
	case off:
		return "DISABLED", nil
	case verify:
		return "VERIFY_IDENTITY", nil
	case x.mode == "" && (x.files["ssl-ca"] != "" || x.files["ssl-capath"] != "") && x.verify == nil:
		return "VERIFY_CA", nil
	case x.mode == "" && (x.ssl != nil || len(x.files) > 0):
		return "REQUIRED", nil
	case x.mode == "PREFERRED" && len(x.files) > 0:
		return "REQUIRED", nil // a certificate is of no use without
	}
	return x.mode, nil
}

// overSocket is the mode on a socket of this machine: encrypted where that is asked
// for, as an account may demand. There is no host name to check, and without a CA
// nothing that this machine does not know already.
func (x *security) overSocket(mode string) string {
	if !strings.HasPrefix(mode, "VERIFY_") {
		return mode
	}
	if x.files["ssl-ca"] == "" && x.files["ssl-capath"] == "" {
		return "REQUIRED"
	}
	return "VERIFY_CA"
}

// homed is config.Home of a path that is given.
func homed(path string) string {
	if path == "" {
		return ""
	}
	return config.Home(path)
}

// apply gives a target the encryption that is asked for. host is the server's name.
func (x *security) apply(t *Target, host string) error {
	mode, err := x.wanted()
	if err != nil {
		return err
	}
	if t.Network == "unix" {
		mode = x.overSocket(mode)
	}
	t.Client = ClientTLS{
		Mode:     mode,
		Versions: x.tlsVersions,
		CA:       homed(x.files["ssl-ca"]),
		CAPath:   homed(x.files["ssl-capath"]),
		Cert:     homed(x.files["ssl-cert"]),
		Key:      homed(x.files["ssl-key"]),
	}
	switch mode {
	case "DISABLED":
		t.NoTLS = true
		return nil
	case "", "PREFERRED":
		if x.lowest == 0 || t.Network == "unix" {
			return nil
		}
	}
	cfg := &tls.Config{ServerName: host, MinVersion: x.lowest, MaxVersion: x.highest}
	if err := x.authorities(cfg); err != nil {
		return err
	}
	if cert, key := x.files["ssl-cert"], x.files["ssl-key"]; cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(config.Home(first(cert, key)), config.Home(first(key, cert)))
		if err != nil {
			return ops.Wrap(
				err,
				ops.Config,
				lang.M("the client certificate %s and its key %s cannot be used", first(cert, key), first(key, cert)),
			).WithHint(lang.M("correct ssl-cert and ssl-key in the options file: a certificate and its private key, " +
				"in PEM form"))
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case "VERIFY_CA":
		verifyChainOnly(cfg)
	case "VERIFY_IDENTITY":
	default:
		cfg.InsecureSkipVerify = true
	}
	t.TLS = cfg
	return nil
}

// authorities reads the certificates that the server's must come from; without any,
// those of the machine.
func (x *security) authorities(cfg *tls.Config) error {
	var files []string
	if ca := x.files["ssl-ca"]; ca != "" {
		files = append(files, config.Home(ca))
	}
	if dir := x.files["ssl-capath"]; dir != "" {
		found, err := filepath.Glob(filepath.Join(config.Home(dir), "*"))
		if err == nil && len(found) == 0 {
			err = errors.New("no file in it")
		}
		if err != nil {
			return ops.Wrap(err, ops.Config, lang.M("the CA file %s cannot be read", dir)).WithHint(caHint())
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil
	}
	cfg.RootCAs = x509.NewCertPool()
	any := false
	for _, f := range files {
		pem, err := regular.ReadFile(filepath.Clean(f))
		if err != nil {
			return ops.Wrap(err, ops.Config, lang.M("the CA file %s cannot be read", f)).WithHint(caHint())
		}
		any = cfg.RootCAs.AppendCertsFromPEM(pem) || any
	}
	if !any {
		return ops.E(ops.Config, lang.M("the CA file %s contains no certificate", files[0])).WithHint(caHint())
	}
	return nil
}

// caHint is what to do about a CA file that cannot be used.
func caHint() lang.Msg {
	return lang.M("correct ssl-ca in the options file: a readable file with the CA's certificate in PEM form (on the " +
		"server: SHOW VARIABLES LIKE 'ssl_ca')")
}

// verifyChainOnly checks the certificate's chain but not its name, as VERIFY_CA does.
func verifyChainOnly(cfg *tls.Config) {
	cfg.InsecureSkipVerify = true
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		inter := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			inter.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: cfg.RootCAs, Intermediates: inter})
		return err
	}
}

package serving

import (
	"errors"
	"net"
	"strings"
	"syscall"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return ops.E(ops.Busy, lang.M("something already listens on %s", addr)).
			WithHint(lang.M("find it with: ss -ltnp; or choose another with --listen"))
	case errors.Is(err, syscall.EACCES):
		return ops.E(ops.Failed, lang.M("this user has no permission to listen on %s", addr)).
			WithHint(lang.M("choose a port above 1023 with --listen"))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ops.E(ops.Usage, lang.M("%s is not an address of this machine", addr)).
			WithHint(lang.M("list them with: ip address; 0.0.0.0 is all of them"))
	}
	return ops.Wrap(err, ops.Usage, lang.M("%s is not an address to listen on", addr)).
		WithHint(lang.M("write it as 127.0.0.1:3080"))
}

// Listen listens where the options say, unless that would open it to others
// unprotected.
func Listen(opt config.Serve) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", opt.Listen)
	if err != nil {
		return nil, listenError(opt.Listen, err)
	}
	if err := Exposed(at, opt); err != nil {
		return nil, err
	}
	network := "tcp"
	if at.IP.To4() != nil {
		network = "tcp4"
	}
	l, err := net.ListenTCP(network, at)
	if err != nil {
		return nil, listenError(opt.Listen, err)
	}
	return l, nil
}

// OnLoopback tells whether only this machine reaches an address.
func OnLoopback(a net.Addr) bool {
	at, ok := a.(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

// Exposed refuses an address that other machines reach without TLS and a token.
func Exposed(at *net.TCPAddr, opt config.Serve) error {
	if (opt.TLSCert == "") != (opt.TLSKey == "") {
		return ops.E(ops.Usage, lang.M("a certificate needs its key")).
			WithHint(lang.M("give both --tls-cert and --tls-key"))
	}
	var lacks []string
	if opt.TLSCert == "" {
		lacks = append(lacks, "--tls-cert FILE --tls-key FILE")
	}
	if opt.TokenFile == "" {
		lacks = append(lacks, "--token-file FILE")
	}
	if len(lacks) == 0 || opt.Insecure || OnLoopback(at) {
		return nil
	}
	return ops.E(ops.Usage, lang.M("refused: other machines can reach %s, which needs TLS and a token", opt.Listen)).
		WithHint(lang.M("add %s; or listen on 127.0.0.1; or add --insecure to serve it unprotected",
			strings.Join(lacks, " ")))
}

// Flags are what a command line says of the listener; "" says nothing.
type Flags struct {
	Listen, TLSCert, TLSKey, TokenFile string
	Insecure                           bool
}

// Over is the configuration with what the flags say in its place.
func (f Flags) Over(s config.Serve) config.Serve {
	for _, o := range []struct {
		flag string
		into *string
	}{{f.Listen, &s.Listen}, {f.TLSCert, &s.TLSCert}, {f.TLSKey, &s.TLSKey}, {f.TokenFile, &s.TokenFile}} {
		if o.flag != "" {
			*o.into = o.flag
		}
	}
	for _, path := range []*string{&s.TLSCert, &s.TLSKey, &s.TokenFile} {
		*path = config.Home(*path)
	}
	s.Insecure = s.Insecure || f.Insecure
	return s
}

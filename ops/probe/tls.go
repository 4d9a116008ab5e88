package probe

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// IsTLS tells whether an address is https.
func IsTLS(base string) bool { return strings.HasPrefix(strings.ToLower(base), "https://") }

// Certificate looks how many days the certificate of an https address is still
// good for; fewer than warn is a warning, fewer than a third of it critical.
// The chain is not judged here: the other requests fail on a bad one.
func Certificate(base string, warn int, now func() time.Time) health.Probe {
	return func(ctx context.Context) health.Result {
		headline := lang.M("cannot check the TLS certificate")
		u, err := url.Parse(base)
		if err != nil {
			return health.CannotTell(headline, lang.Raw(err.Error()))
		}
		port := u.Port()
		if port == "" {
			port = "443"
		}
		d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true}}
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
		if err != nil {
			r := health.CannotTell(headline, why(err))
			r.Down, r.Follows = true, health.KindHTTP
			return r
		}
		defer conn.Close()
		cert := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		left := cert.NotAfter.Sub(now())
		days := int(left.Hours() / 24)
		var r health.Result
		r.Add("names", namesOn(cert), lang.Raw(strings.Join(namesOn(cert), ", ")))
		r.Add("issuer", cert.Issuer.String(), lang.Msg{})
		r.Add("not_before", cert.NotBefore, lang.Raw(cert.NotBefore.Format(time.DateOnly)))
		r.Add("not_after", cert.NotAfter, lang.Raw(cert.NotAfter.Format(time.DateOnly)))
		r.Add("days_left", days, lang.Msg{})
		r.Detail = lang.M("valid for %d more days", days)
		switch {
		case left <= 0:
			r.Find(ops.StateCritical, lang.M("the TLS certificate has expired"), lang.M("on %s",
				cert.NotAfter.Format(time.DateOnly)))
		case days*3 < warn:
			r.Find(ops.StateCritical, lang.M("the TLS certificate expires in %d days", days), lang.Msg{})
		case days < warn:
			r.Find(ops.StateWarning, lang.M("the TLS certificate expires in %d days", days), lang.Msg{})
		}
		return r
	}
}

// Clock compares this machine's clock with the Date header of base/health. The
// header has whole seconds, so that differences under a second do not count.
func Clock(base string, limit time.Duration, now func() time.Time) health.Probe {
	client := newClient()
	address := Join(base, "/health")
	return func(ctx context.Context) health.Result {
		headline := lang.M("the clock cannot be compared")
		before := now()
		a, err := get(ctx, client, address)
		if err != nil {
			r := health.CannotTell(headline, why(err))
			r.Down, r.Follows = true, health.KindHTTP
			return r
		}
		date, err := http.ParseTime(a.header.Get("Date"))
		if err != nil {
			return health.CannotTell(headline, lang.M("the response has no Date header"))
		}
		skew := skewOf(before, before.Add(a.took), date)
		var r health.Result
		r.Add("skew_ms", skew.Milliseconds(), lang.Raw(human.Duration(skew)))
		r.Detail = lang.M("agrees with the service's host")
		if skew.Abs() > limit {
			r.Find(ops.StateWarning, lang.M("the clocks differ by %s", human.Duration(skew.Abs())), lang.M("limit %s",
				human.Duration(limit)))
		}
		return r
	}
}

// skewOf is how far date, cut to the second, is from all that our clock showed
// from the question to the answer; zero within.
func skewOf(asked, answered, date time.Time) time.Duration {
	if d := date.Sub(answered); d > 0 {
		return d
	}
	return min(0, date.Sub(asked)+time.Second)
}

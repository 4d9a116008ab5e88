package deploy

import (
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Answer is what came of a request. Code is 0 where none came, for the reason Why.
type Answer struct {
	URL  string
	Code int
	Why  lang.Msg
}

func (a Answer) good() bool { return a.Code >= 200 && a.Code < 300 }

// Web are the answers of the service.
type Web struct {
	NoDocs bool         // the configuration says that there are no API documents
	Docs   Fact[Answer] // the API documents
	Smoke  Fact[[]Answer]
	HTTPS  Fact[HTTPS]
}

// HTTPS is what serves TLS before the service.
type HTTPS struct {
	At  string   // "https://shop.example", "port 443 (nginx)"; "" where there is none
	Bad lang.Msg // what is wrong with it
}

// JudgeWeb makes the findings about HTTP.
func JudgeWeb(w Web) []Finding {
	out := []Finding{judgeHTTPS(w.HTTPS)}
	if !w.NoDocs {
		out = append(out, judgeDocs(w.Docs))
	}
	return append(out, judgeSmoke(w.Smoke))
}

func judgeHTTPS(f Fact[HTTPS]) Finding {
	why := lang.M("without TLS, passwords and tokens travel in clear text")
	switch {
	case !f.Seen:
		return unknown("https", f.Why, why)
	case f.Value.At == "":
		return Finding{Name: "https", State: ops.StateWarning, Detail: lang.M("nothing on this machine serves HTTPS"),
			Why: why, Fix: "sudo apt-get install nginx certbot python3-certbot-nginx && sudo certbot --nginx"}
	case !f.Value.Bad.Empty():
		return Finding{
			Name:   "https",
			State:  ops.StateWarning,
			Detail: lang.M("%s: %s", f.Value.At, f.Value.Bad),
			Why:    why,
			Fix:    "sudo certbot renew",
		}
	}
	return ok("https", lang.M("%s serves TLS", f.Value.At))
}

func judgeDocs(f Fact[Answer]) Finding {
	why := lang.M("if the API documents open, the whole application was loaded")
	switch {
	case !f.Seen:
		return unknown("api-docs", f.Why, why)
	case f.Value.Code == 0:
		return unknown("api-docs", f.Value.Why, why)
	case !f.Value.good():
		return Finding{Name: "api-docs", State: ops.StateWarning, Detail: lang.M("%s answers HTTP %d", f.Value.URL,
			f.Value.Code), Why: why, Fix: "curl -i " + human.Shell(f.Value.URL)}
	}
	return ok("api-docs", lang.M("%s answers HTTP %d", f.Value.URL, f.Value.Code))
}

func judgeSmoke(f Fact[[]Answer]) Finding {
	why := lang.M("these requests are the service's core functions")
	if !f.Seen {
		return unknown("smoke", f.Why, why)
	}
	if len(f.Value) == 0 {
		return unknown("smoke", lang.M("deploy.smoke names no request"), why)
	}
	var good []string
	for _, a := range f.Value {
		if good = append(good, a.URL); a.good() {
			continue
		}
		detail := lang.M("%s answers HTTP %d", a.URL, a.Code)
		if a.Code == 0 {
			detail = lang.M("%s does not respond: %s", a.URL, a.Why)
		}
		return Finding{Name: "smoke", State: ops.StateCritical, Detail: detail, Why: why,
			Fix: "curl -i " + human.Shell(a.URL)}
	}
	return ok("smoke", lang.M("responded: %s", strings.Join(good, ", ")))
}

// Boot is whether PM2 and the service come back after a reboot.
type Boot struct {
	Starts bool // PM2 is started at boot
	Saved  bool // its list of processes holds the service
	Rotate bool // pm2-logrotate is installed, or logrotate knows the logs
}

// JudgeBoot makes the findings about PM2.
func JudgeBoot(f Fact[Boot], name string) []Finding {
	why := lang.M("after a reboot the service would stay down")
	full := lang.M("log files without rotation fill the disk")
	if !f.Seen {
		return []Finding{unknown("pm2-boot", f.Why, why), unknown("pm2-logrotate", f.Why, full)}
	}
	boot := ok("pm2-boot", lang.M("PM2 starts %s at boot", name))
	switch {
	case !f.Value.Starts:
		boot = Finding{
			Name:   "pm2-boot",
			State:  ops.StateWarning,
			Detail: lang.M("PM2 is not started at boot"),
			Why:    why,
			Fix:    "pm2 startup && pm2 save",
		}
	case !f.Value.Saved:
		boot = Finding{Name: "pm2-boot", State: ops.StateWarning,
			Detail: lang.M("PM2 is started at boot, but %s is not in its saved list", name), Why: why, Fix: "pm2 save"}
	}
	rotate := ok("pm2-logrotate", lang.M("the logs are rotated"))
	if !f.Value.Rotate {
		rotate = Finding{
			Name:   "pm2-logrotate",
			State:  ops.StateWarning,
			Detail: lang.M("pm2-logrotate is not installed"),
			Why:    full,
			Fix: "pm2 install pm2-logrotate && pm2 set pm2-logrotate:max_size 50M && pm2 set " +
				"pm2-logrotate:retain 30 && pm2 set pm2-logrotate:compress true",
		}
	}
	return []Finding{boot, rotate}
}

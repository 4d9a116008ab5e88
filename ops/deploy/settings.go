package deploy

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops"
)

// Running is the service's process: what it was started with.
type Running struct {
	PID   int
	Since time.Time
	Env   map[string]string
}

// Settings are the facts about the environment file of a service.
type Settings struct {
	Path     string
	Env      Fact[Env]
	Absent   bool // there is no file
	Modified time.Time
	Example  Fact[Env] // of the code, .env.example
	Running  Fact[Running]
	Expected map[string]string // by key: what the configuration of opsdeck uses, as DB_DATABASE
}

// JudgeSettings makes the findings of the environment file. It names keys, never
// values.
func JudgeSettings(s Settings) []Finding {
	why := lang.M("the service reads its passwords, ports and database from it")
	switch {
	case s.Absent:
		return []Finding{{Name: "env", State: ops.StateCritical, Detail: lang.M("%s does not exist", s.Path), Why: why,
			Fix: "cp " + human.Shell(s.Path+".example") + " " + human.Shell(s.Path) + " && chmod 600 " +
				human.Shell(s.Path)}}
	case !s.Env.Seen:
		return []Finding{unknown("env", s.Env.Why, why)}
	}
	return []Finding{judgeLines(s), judgeExample(s), judgeExpected(s), judgeRunning(s)}
}

// judgeLines looks at the file alone.
func judgeLines(s Settings) Finding {
	e := s.Env.Value
	f := Finding{Name: "env", Fix: "$EDITOR " + human.Shell(s.Path)}
	twice := map[string]int{}
	for _, v := range e.Vars {
		twice[v.Key]++
	}
	maps.DeleteFunc(twice, func(_ string, n int) bool { return n < 2 })
	switch {
	case len(e.Odd) > 0:
		f.State, f.Detail = ops.StateWarning, lang.M("%s: line %d is not a variable", s.Path, e.Odd[0])
		f.Why = lang.M("the service silently ignores such a line")
	case len(twice) > 0:
		f.State, f.Detail = ops.StateWarning, lang.M(
			"%s sets %s more than once",
			s.Path,
			list(slices.Sorted(maps.Keys(twice))),
		)
		f.Why = lang.M("only the last value counts")
	default:
		return ok("env", lang.M("%s: %d variables", s.Path, len(e.Keys())))
	}
	return f
}

// list joins keys for a sentence; more than six are cut.
func list(keys []string) string {
	if len(keys) > 6 {
		return strings.Join(keys[:6], ", ") + fmt.Sprintf(" … (%d)", len(keys))
	}
	return strings.Join(keys, ", ")
}

// judgeExample compares with what the code's own example lists.
func judgeExample(s Settings) Finding {
	why := lang.M("a missing variable falls back to a default, or stops the service")
	if !s.Example.Seen {
		return unknown("env-example", s.Example.Why, why)
	}
	var missing, empty, extra []string
	for _, key := range s.Example.Value.Keys() {
		value, is := s.Env.Value.Get(key)
		example, _ := s.Example.Value.Get(key)
		switch {
		case !is:
			missing = append(missing, key)
		case value == "" && example != "":
			empty = append(empty, key)
		}
	}
	for _, key := range s.Env.Value.Keys() {
		if _, is := s.Example.Value.Get(key); !is {
			extra = append(extra, key)
		}
	}
	f := Finding{Name: "env-example", State: ops.StateWarning, Why: why, Fix: "$EDITOR " + human.Shell(s.Path)}
	switch {
	case len(missing) > 0 && len(empty) > 0:
		f.Detail = lang.M("missing: %s; empty: %s", list(missing), list(empty))
	case len(missing) > 0:
		f.Detail = lang.M("missing: %s", list(missing))
	case len(empty) > 0:
		f.Detail = lang.M("empty: %s", list(empty))
	case len(extra) > 0:
		return ok("env-example", lang.M("every variable of the example is set; not in the example: %s", list(extra)))
	default:
		return ok("env-example", lang.M("every variable of the example is set"))
	}
	if len(extra) > 0 {
		f.Detail = lang.M("%s; not in the example: %s", f.Detail, list(extra))
	}
	return f
}

// judgeExpected compares with what opsdeck itself is configured to watch.
func judgeExpected(s Settings) Finding {
	var differ []string
	for _, key := range slices.Sorted(maps.Keys(s.Expected)) {
		if value, is := s.Env.Value.Get(key); is && !sameSetting(value, s.Expected[key]) {
			differ = append(differ, key)
		}
	}
	if len(differ) == 0 {
		return ok("env-opsdeck", lang.M("the service uses the port and the database that opsdeck is configured for"))
	}
	return Finding{Name: "env-opsdeck", State: ops.StateWarning,
		Detail: lang.M("the service and opsdeck are configured differently: %s", list(differ)),
		Why:    lang.M("opsdeck would watch and back up something that the service does not use"),
		Fix:    "opsdeck config show"}
}

// sameSetting tells whether two values mean the same; a host has several names.
func sameSetting(a, b string) bool {
	local := []string{"localhost", "127.0.0.1", "::1"}
	return a == b || slices.Contains(local, a) && slices.Contains(local, b)
}

// judgeRunning compares with the process that runs: dotenv never replaces a variable
// that a process was started with, and reads its file at the start alone.
func judgeRunning(s Settings) Finding {
	if !s.Running.Seen {
		return unknown("env-running", s.Running.Why, lang.M("a process keeps the values that it was started with"))
	}
	why := lang.M("the running process does not have the values in %s", s.Path)
	r := s.Running.Value
	var differ []string
	for _, key := range s.Env.Value.Keys() {
		value, _ := s.Env.Value.Get(key)
		if other, is := r.Env[key]; is && other != value {
			differ = append(differ, key)
		}
	}
	f := Finding{Name: "env-running", State: ops.StateWarning, Why: why}
	switch {
	case len(differ) > 0:
		f.Detail = lang.M("pid %d was started with other values of: %s", r.PID, list(differ))
		f.Fix = "tr '\\0' '\\n' </proc/" + strconv.Itoa(r.PID) + "/environ | cut -d= -f1"
	case s.Modified.After(r.Since):
		f.Detail = lang.M("%s was changed after pid %d had started", s.Path, r.PID)
		f.Fix = "opsdeck status"
	default:
		return ok("env-running", lang.M("pid %d was started after the last change of %s", r.PID, s.Path))
	}
	return f
}

// Secret is a value that must not be a default; it is never shown.
type Secret struct {
	Place string // "/srv/app/.env: DB_PASSWORD"
	Value string
}

// secretKey tells by its name whether a variable holds a secret.
func secretKey(key string) bool {
	key = strings.ToUpper(key)
	for _, word := range []string{"PASS", "PWD", "SECRET", "TOKEN", "KEY"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// SecretsOf are the secrets of an environment file. A default that stands under
// another name is one too.
func SecretsOf(path string, e Env) []Secret {
	var out []Secret
	for _, v := range e.Vars {
		if secretKey(v.Key) || len(v.Value) > 8 && ops.DefaultSecret(v.Value) {
			out = append(out, Secret{Place: path + ": " + v.Key, Value: v.Value})
		}
	}
	return out
}

// Hidden are the texts of an environment file that nobody may see: its secrets, and the
// passwords within its URLs.
func Hidden(e Env) (out []string) {
	for _, s := range SecretsOf("", e) {
		out = append(out, s.Value)
	}
	for _, v := range e.Vars {
		out = append(out, redact.OfURL(v.Value)...)
	}
	return out
}

// JudgeSecrets makes the finding of default secrets. unread are places that could
// not be looked at.
func JudgeSecrets(secrets []Secret, unread []string) Finding {
	why := lang.M("anybody who has the installation guide knows them")
	var bad []string
	for _, s := range secrets {
		if ops.DefaultSecret(s.Value) {
			bad = append(bad, s.Place)
		}
	}
	switch {
	case len(bad) > 0:
		return Finding{Name: "default-secrets", State: ops.StateCritical, Detail: lang.M("default secrets in use: %s",
			strings.Join(bad, ", ")), Why: why, Fix: "openssl rand -base64 36"}
	case len(unread) > 0:
		return unknown("default-secrets", lang.M("not readable: %s", strings.Join(unread, ", ")), why)
	case len(secrets) == 0:
		return unknown("default-secrets", lang.M("no secret was found"), why)
	}
	return ok("default-secrets", lang.M("no default passwords among the secrets found: %d", len(secrets)))
}

// File is a file that holds secrets.
type File struct {
	Path string
	Mode Fact[fs.FileMode]
}

// JudgeFiles makes a finding of each file's mode.
func JudgeFiles(files []File) []Finding {
	var out []Finding
	for _, f := range files {
		name := "mode-" + strings.TrimPrefix(f.Path[strings.LastIndexByte(f.Path, '/')+1:], ".")
		why := lang.M("%s holds passwords", f.Path)
		switch {
		case !f.Mode.Seen:
			out = append(out, unknown(name, f.Mode.Why, why))
		case f.Mode.Value.Perm()&0o077 != 0:
			out = append(out, Finding{Name: name, State: ops.StateCritical,
				Detail: lang.M(
					"other users can read %s: its mode is %s",
					f.Path,
					fmt.Sprintf("%04o", f.Mode.Value.Perm()),
				), Why: why,
				Fix: "chmod 600 " + human.Shell(f.Path), Repair: &Repair{Path: f.Path, Mode: 0o600}})
		default:
			out = append(out, ok(name, lang.M("%s has mode %s", f.Path, fmt.Sprintf("%04o", f.Mode.Value.Perm()))))
		}
	}
	return out
}

package service

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// pm2Options are the options of `pm2 start` that a copy of an instance keeps, by their names
// in `pm2 jlist`, which has those alone that were given.
var pm2Options = []struct{ key, flag string }{
	{"max_restarts", "--max-restarts"},
	{"max_memory_restart", "--max-memory-restart"}, // bytes
	{"kill_timeout", "--kill-timeout"},             // ms from SIGINT to SIGKILL
	{"listen_timeout", "--listen-timeout"},
	{"restart_delay", "--restart-delay"},
	{"exp_backoff_restart_delay", "--exp-backoff-restart-delay"},
	{"log_date_format", "--log-date-format"},
	{"wait_ready", "--wait-ready"},
	{"autorestart", "--no-autorestart"},
}

// optionsOf are the options of an instance as a copy of it is started with. Its log files
// are among them where they are not PM2's own.
func (p *pm2) optionsOf(i pm2Instance) string {
	line := ""
	for _, o := range pm2Options {
		raw := i.Env.raw[o.key]
		switch text := strings.Trim(string(raw), `"`); {
		case text == "" || text == "null":
		case o.key == "wait_ready" || o.key == "autorestart":
			if text == map[string]string{"wait_ready": "true", "autorestart": "false"}[o.key] {
				line += " " + o.flag
			}
		default:
			line += " " + o.flag + " " + quote(text)
		}
	}
	for _, log := range []struct{ flag, path string }{{"--output", i.Env.Out}, {"--error", i.Env.Err}} {
		if log.path != "" && filepath.Dir(log.path) != filepath.Join(p.home, "logs") {
			line += " " + log.flag + " " + quote(log.path)
		}
	}
	return line
}

// pm2Env is pm2_env of an instance, with what of it has no field.
type pm2Env struct {
	pm2Fields
	raw map[string]json.RawMessage
}

// UnmarshalJSON reads both.
func (e *pm2Env) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &e.raw); err != nil {
		return err
	}
	return json.Unmarshal(text, &e.pm2Fields)
}

// pm2Fields are the part of pm2_env that a twin is made of.
type pm2Fields struct {
	Status      string                     `json:"status"`
	Script      string                     `json:"pm_exec_path"`
	Folder      string                     `json:"pm_cwd"`
	Interpreter string                     `json:"exec_interpreter"`
	Mode        string                     `json:"exec_mode"`
	Restarts    int                        `json:"restart_time"`
	Out         string                     `json:"pm_out_log_path"`
	Err         string                     `json:"pm_err_log_path"`
	Args        json.RawMessage            `json:"args"`      // a list, or one text
	NodeArgs    json.RawMessage            `json:"node_args"` // the same
	Env         map[string]json.RawMessage `json:"env"`
}

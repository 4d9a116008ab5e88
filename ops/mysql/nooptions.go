package mysql

import (
	"errors"
	"io/fs"
	"os"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// defaultOptions is the options file of a configuration that names none: it need not exist.
const defaultOptions = "~/.my.cnf"

// MissingOptions is the error of an options file that the configuration names and that is
// not there; nil for the default one, without which a server may be reached by chance.
func MissingOptions(path string) error {
	full := config.Home(path)
	if path == "" || full == config.Home(defaultOptions) {
		return nil
	}
	if _, err := os.Stat(full); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return ops.E(ops.Config, lang.M("the options file %s does not exist", path)).
		WithHint(lang.M("correct database.options_file in the configuration, or create the file (mode 600) with " +
			"host, port, user and password under [client]"))
}

// blind tells that a fault says nothing about the server: the file that says where it is, or
// who logs in, does not exist.
func (t Target) blind(f Fault) bool {
	switch f {
	case LoginRefused:
		return t.NoOptions != ""
	case Stopped, NoWay, NoAnswer, HungUp, NotMySQL, NotPermitted:
		return t.NoOptions != "" && t.Guessed
	}
	return false
}

// blindReason is why opsdeck cannot connect then.
func (t Target) blindReason(f Fault, err error) lang.Msg {
	if f == LoginRefused {
		return lang.M("the options file %s does not exist: no password was sent", t.NoOptions)
	}
	return lang.M("the options file %s does not exist; tried %s: %s", t.NoOptions, t.String(), Reason(err))
}

func (t Target) blindHint() lang.Msg {
	return lang.M("create %s (mode 600) with host, port, user and password under [client], or name another file in "+
		"database.options_file", t.NoOptions)
}

package config

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// Home replaces a leading ~ by the user's home folder.
func Home(path string) string {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path
	}
	home := homeFolder()
	if home == "" {
		return path
	}
	return filepath.Join(home, path[1:])
}

// homeFolder is $HOME, else what the machine's accounts say: a unit of systemd
// has no $HOME.
func homeFolder() string {
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	if me, err := user.Current(); err == nil {
		return me.HomeDir
	}
	return ""
}

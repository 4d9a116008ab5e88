package config

import (
	"fmt"
	"os"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
)

// ReadSecret reads a file that holds one secret. A file that group or others
// can read is refused. A trailing line break does not count.
func ReadSecret(path string) (string, error) {
	path = Home(path)
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", &InsecureError{Path: path}
	}
	if info.Size() > 64<<10 {
		return "", fmt.Errorf("%s is too large for a secret", path)
	}
	text, err := regular.ReadFile(path)
	return strings.TrimRight(string(text), "\r\n"), err
}

// InsecureError says that a file that holds a secret can be read by others.
type InsecureError struct{ Path string }

func (e *InsecureError) Error() string {
	return lang.M("%s holds a secret and other users can read it; run: chmod 600 %s", e.Path, e.Path).String()
}

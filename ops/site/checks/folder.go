package checks

import (
	"os"
)

// IsFolder tells whether a folder is there.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

package config

import "path/filepath"

// System is where a folder or file of the system is: below $OPSDECK_ROOT when
// that is set, as for an image being built or for a test, else where it is named.
func System(path string, getenv func(string) string) string {
	if root := getenv("OPSDECK_ROOT"); root != "" {
		return filepath.Join(root, path)
	}
	return path
}

package testdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// WithEncryptedLog starts a server of the test's own that encrypts its binary log.
func WithEncryptedLog(t testing.TB, flavour string) *Server {
	t.Helper()
	if flavour == "mysql" {
		return mysqlWithKeyring(t)
	}
	dir := filepath.Join(cacheDir(), "mariadb-engines")
	if _, err := os.Stat(filepath.Join(dir, "file_key_management.so")); err != nil {
		absent(t, fmt.Errorf("MariaDB's key management is not there (.ci/install-real brings it): %w", err))
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("1;"+strings.Repeat("0f1e2d3c", 8)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Private(t, "mariadb", "--plugin-dir="+dir, "--plugin-load-add=file_key_management",
		"--file-key-management-filename="+keys, "--encrypt-binlog=ON")
}

// mysqlWithKeyring starts a MySQL with a keyring. The server reads which one from a file
// beside its program, and the keyring's settings from one beside its library: so this one has
// an installation of its own, of links to the other.
func mysqlWithKeyring(t testing.TB) *Server {
	t.Helper()
	from := filepath.Join(cacheDir(), "mysql9")
	to := t.TempDir()
	own := map[string]string{
		"root/usr/sbin/mysqld.my": `{"components": "file://component_keyring_file"}`,
		"root/usr/lib/mysql/plugin/component_keyring_file.cnf": fmt.Sprintf(`{"path": %q, "read_only": false}`,
			filepath.Join(to, "keyring")),
	}
	err := errors.Join(linkAll(from, to, "root", "usr"), linkAll(from, to, "root/usr", "sbin", "lib"),
		linkAll(from, to, "root/usr/sbin"), linkAll(from, to, "root/usr/lib", "mysql"),
		linkAll(from, to, "root/usr/lib/mysql", "plugin"), linkAll(from, to, "root/usr/lib/mysql/plugin"))
	for name, text := range own {
		err = errors.Join(err, os.WriteFile(filepath.Join(to, name), []byte(text), 0o400))
	}
	// The wrapper finds the installation by its own place, so that of the server is no link.
	wrapper, missing := os.ReadFile(filepath.Join(from, "bin", "mysqld"))
	err = errors.Join(err, missing, linkAll(from, to, "bin", "mysqld"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "bin", "mysqld"), wrapper, 0o700)
	}
	if err != nil {
		absent(t, err)
	}
	f := *mysqlFlavour
	f.bin = func() string { return filepath.Join(to, "bin") }
	s, err := newServer(&f, []string{"--binlog-encryption=ON"})
	if err == nil {
		t.Cleanup(s.remove)
		err = s.start()
	}
	if err != nil {
		absent(t, err)
	}
	return s
}

// linkAll makes the folder of a name below to, with links to all that the one below from
// holds but some names.
func linkAll(from, to, name string, but ...string) error {
	entries, err := os.ReadDir(filepath.Join(from, name))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(to, name), 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if slices.Contains(but, e.Name()) {
			continue
		}
		if err := os.Symlink(filepath.Join(from, name, e.Name()), filepath.Join(to, name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

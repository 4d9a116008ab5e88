package opstest

import (
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/ops/backup"
)

// WriteManifest writes the manifest of dir/m.File.
func WriteManifest(dir string, m *backup.Manifest) error {
	text, err := backup.EncodeManifest(m)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(dir, m.File+backup.ManifestSuffix), 0o600, text)
}

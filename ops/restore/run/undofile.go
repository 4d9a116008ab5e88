package run

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
)

// Can reports whether an answer or a request is possible now. An undo that needs its
// emergency backup is possible only with that file.
func (r *Run) Can(k restore.Kind) bool {
	return r.State.Can(k) && (k != restore.KindUndo || r.NoUndo.Empty())
}

// Answers are the answers and requests that are possible now, the proposed one first.
func (r *Run) Answers() (out []restore.Kind) {
	for _, k := range r.State.Answers() {
		if r.Can(k) {
			out = append(out, k)
		}
	}
	return out
}

// noUndo is why the undo of a restore in place is not possible: its emergency backup is gone
// or is not the recorded one. The undo itself reads the whole file before it stops anything.
func noUndo(s restore.Snapshot) lang.Msg {
	path := s.Data.Emergency
	if s.Mode != restore.InPlace || path == "" || !s.Can(restore.KindUndo) {
		return lang.Msg{}
	}
	name := filepath.Base(path)
	info, err := os.Stat(path)
	if err != nil {
		return lang.M("its emergency backup %s cannot be opened: undo is not possible", name)
	}
	m, err := backups.manifest(path)
	switch {
	case err != nil:
		return lang.M("the manifest of its emergency backup %s cannot be read: undo is not possible", name)
	case info.Size() != m.size:
		return lang.M("its emergency backup %s has another length than recorded: undo is not possible", name)
	case info.Size() <= hashedAtOnce && backups.hash(path, info) != m.sha256:
		return lang.M("its emergency backup %s has another hash than recorded: undo is not possible", name)
	}
	return lang.Msg{}
}

// hashedAtOnce is the size in bytes up to which a file is hashed whenever its run is read.
const hashedAtOnce = 16 << 20

// known remembers what files hold, by their times: runs are read often.
type known struct {
	mu        sync.Mutex
	manifests map[string]recorded
	hashes    map[string]hashed
}

type recorded struct {
	at     time.Time // the manifest's
	size   int64
	sha256 string
}

type hashed struct {
	at     time.Time // the file's
	sha256 string
}

var backups = known{manifests: map[string]recorded{}, hashes: map[string]hashed{}}

// manifest is what the manifest of a backup records.
func (k *known) manifest(path string) (recorded, error) {
	info, err := os.Stat(path + backup.ManifestSuffix)
	if err != nil {
		return recorded{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, ok := k.manifests[path]; ok && was.at.Equal(info.ModTime()) {
		return was, nil
	}
	m, err := backup.ReadManifest(path)
	if err != nil {
		return recorded{}, err
	}
	k.manifests[path] = recorded{info.ModTime(), m.SizeBytes, m.SHA256}
	return k.manifests[path], nil
}

// hash is the SHA-256 of a file; "" where it cannot be read.
func (k *known) hash(path string, info os.FileInfo) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, ok := k.hashes[path]; ok && was.at.Equal(info.ModTime()) {
		return was.sha256
	}
	text, err := regular.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	k.hashes[path] = hashed{info.ModTime(), hex.EncodeToString(sum[:])}
	return k.hashes[path].sha256
}

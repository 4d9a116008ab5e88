package restores

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops/backup"
)

// lookedInto is what a dump without a manifest holds, and of which file that was
// read: to know it all of the dump has to be read.
type lookedInto struct {
	Format   int                  `json:"format_version"`
	Path     string               `json:"path"`
	Device   uint64               `json:"device"`
	Inode    uint64               `json:"inode"`
	Size     int64                `json:"size_bytes"`
	Modified int64                `json:"modified_ns"`
	Changed  int64                `json:"changed_ns"` // ctime
	Contents *backup.DumpContents `json:"contents"`
}

// lookFormat is the version of what is kept; another one is read again.
const lookFormat = 3

// fileOf tells a file's present contents from any others it could have.
func fileOf(path string) (id lookedInto, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return id, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, false
	}
	return lookedInto{
		Format: lookFormat, Path: path, Device: uint64(st.Dev), Inode: st.Ino, Size: info.Size(),
		Modified: info.ModTime().UnixNano(), Changed: st.Ctim.Nano(),
	}, true
}

// looked is what a dump holds, as it was read before where the file is still the
// same one.
func (d Finder) looked(ctx context.Context, path string) (*backup.DumpContents, error) {
	id, known := fileOf(path)
	sum := sha256.Sum256([]byte(path))
	cache := filepath.Join(d.StateDir, "looked-into", hex.EncodeToString(sum[:8])+".json")
	if c := lastLook(cache, id); known && c != nil {
		return c, nil
	}
	if d.Tell != nil {
		d.Tell(
			lang.M("reading all of %s (%s) to find its tables …", filepath.Base(path), human.Bytes(id.Size)),
		)
	}
	contents, err := d.loader().Inspect(ctx, path)
	if after, _ := fileOf(path); err != nil || !known || after != id || d.Writable() != nil {
		return contents, err
	}
	id.Contents = contents
	text, err := json.Marshal(id)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(cache), 0o700)
	}
	if err == nil {
		err = atomicfile.WriteBytes(cache, 0o600, text)
	}
	if err != nil { // the next look reads it again
		os.Remove(cache)
	}
	return contents, nil
}

// lastLook is what was found in the same file before; nil when there is nothing.
func lastLook(cache string, id lookedInto) *backup.DumpContents {
	text, err := regular.ReadFile(cache)
	var was lookedInto
	if err != nil || json.Unmarshal(text, &was) != nil || was.Contents == nil {
		return nil
	}
	contents := was.Contents
	was.Contents = nil
	if was != id {
		return nil
	}
	return contents
}

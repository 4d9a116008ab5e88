package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"path/filepath"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Wanted is a backup at a copy, as it has to come here.
type Wanted struct {
	Name     string
	Size     int64
	SHA256   string // empty: the other side is asked
	Manifest bool   // it has one
}

// Fetch brings a backup from a copy to path, and its manifest beside it. The
// name appears only when length and hash are those that were wanted. A file that
// is there already, whole, is not fetched again.
func Fetch(ctx context.Context, s Store, w Wanted, path string, report func(done int64)) error {
	if w.SHA256 == "" {
		sum, err := s.Hash(ctx, w.Name)
		if err != nil {
			return err
		}
		w.SHA256 = sum
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if !whole(path, w) {
		if err := fetchFile(ctx, s, w, path, report); err != nil {
			return err
		}
	}
	if !w.Manifest {
		return nil
	}
	return atomicfile.Write(path+backup.ManifestSuffix, 0o600, func(to io.Writer) error {
		return s.Get(ctx, w.Name+backup.ManifestSuffix, to)
	})
}

// whole tells whether the file is here with the wanted contents.
func whole(path string, w Wanted) bool {
	f, err := regular.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return err == nil && n == w.Size && hex.EncodeToString(sum.Sum(nil)) == w.SHA256
}

func fetchFile(ctx context.Context, s Store, w Wanted, path string, report func(done int64)) error {
	out, err := atomicfile.Create(path, 0o600)
	if err != nil {
		return err
	}
	defer out.Abort()
	in := &incoming{to: out, hash: sha256.New(), report: report}
	if err := s.Get(ctx, w.Name, in); err != nil {
		return err
	}
	if in.n != w.Size || hex.EncodeToString(in.hash.Sum(nil)) != w.SHA256 {
		return ops.E(ops.Failed, lang.M("%s arrived from the copy with a wrong hash", w.Name)).
			WithHint(lang.M("choose another backup, or fetch it again"))
	}
	return out.Commit()
}

// incoming writes, hashes and counts what comes.
type incoming struct {
	to     io.Writer
	hash   hash.Hash
	n      int64
	report func(int64)
}

func (f *incoming) Write(p []byte) (int, error) {
	n, err := f.to.Write(p)
	f.hash.Write(p[:n])
	f.n += int64(n)
	if f.report != nil {
		f.report(f.n)
	}
	return n, err
}

package binarchive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/lock"
	"opsdeck/ops/binlog"
)

// recover completes files that were complete when a crash happened, and makes room for those
// that cannot be used: what the server still has of them is fetched again.
func (f *follower) recover() error {
	if err := f.orphans(); err != nil {
		return err
	}
	indexes, err := filepath.Glob(filepath.Join(f.dir, "*"+indexSuffix))
	if err != nil {
		return err
	}
	done := map[string]bool{}
	if _, err := manifest(filepath.Join(f.dir, manifestName),
		func(s *binlog.Segment) { done[s.Name] = true }); err != nil {
		return err
	}
	for _, path := range indexes {
		base := strings.TrimSuffix(path, indexSuffix)
		part, final := exists(base+partSuffix), exists(base)
		switch {
		case !part && !final:
			err = f.unlessFetched(func() error {
				if exists(base+partSuffix) || exists(base) { // it was fetched meanwhile
					return nil
				}
				return errors.Join(remove(path), remove(base+sumSuffix))
			})
		case part:
			err = f.recoverPart(base)
		case !done[filepath.Base(base)]:
			err = f.recoverLine(base)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// recoverPart completes a part that was closed, and cuts one that is damaged.
func (f *follower) recoverPart(base string) error {
	s, why, err := f.Folder.look(base+partSuffix, nil)
	if err != nil {
		return err
	}
	if !why.Empty() {
		if err := mend(base); err != nil {
			return err
		}
		f.Tell(Note{Mended: &Fault{Server: f.server.ID, Name: filepath.Base(base) + partSuffix, Why: why}})
		return nil
	}
	if s == nil || s.Open && s.Frames == 0 { // nothing of it was synced
		return errors.Join(remove(base+partSuffix), remove(base+indexSuffix))
	}
	if s.Open {
		return nil
	}
	return f.finishAt(base)
}

// recoverLine writes the manifest's line of a complete file again, from its index.
func (f *follower) recoverLine(base string) error {
	s, why, err := f.Folder.look(base, nil)
	if err != nil || !why.Empty() || s == nil {
		return err
	}
	return f.finishAt(base)
}

func (f *follower) finishAt(base string) error {
	s, frames, err := readIndex(base + indexSuffix)
	if err == nil {
		_, err = finish(f.dir, s, frames)
	}
	return err
}

// unlessFetched cleans up unless a fetch from a copy runs: what it has written in part may look
// like the leftovers of a crash.
func (f *follower) unlessFetched(clean func() error) error {
	held, err := lock.Take(f.Folder.fetchLock(), f.Who)
	if err != nil {
		return nil
	}
	defer held.Release()
	return clean()
}

// orphans removes parts that a crash left without an index: nothing of them was synced. One that
// lost its index is set aside.
func (f *follower) orphans() error {
	parts, err := filepath.Glob(filepath.Join(f.dir, "*"+partSuffix))
	if err != nil {
		return err
	}
	for _, part := range parts {
		base := strings.TrimSuffix(part, partSuffix)
		if exists(base + indexSuffix) {
			continue
		}
		err := f.unlessFetched(func() error {
			info, err := os.Stat(part)
			if err == nil && info.Size() > 0 && !exists(base+indexSuffix) {
				return os.Rename(part, part+damagedSuffix)
			}
			if err == nil && info.Size() > 0 {
				return nil
			}
			return remove(part)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

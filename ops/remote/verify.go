package remote

import (
	"context"
	"slices"

	"opsdeck/ops/backup"
)

// Verified is what a look at one backup of a copy found.
type Verified struct {
	Set    *backup.Set
	SHA256 string // as it was read there
	Good   bool   // and it is what its manifest, or the backup here, says
	Known  bool   // something says what it must be
	Other  bool   // its manifest is not that of the backup here of that name: another machine's
}

// Verify lets the copy read the bytes of a backup back and holds their hash against
// what they must be: the manifest's, or for a file without one what it was when it was
// sent. The manifest must be that of the backup here of that name, where there is one, or
// of what was sent. The result is remembered.
func (c *Copier) Verify(ctx context.Context, s *backup.Set) (Verified, error) {
	v := Verified{Set: s}
	hash, err := c.Store.Hash(ctx, s.Name)
	if err != nil {
		return v, err
	}
	want := c.Here[s.Name]
	if want == "" {
		want = c.Copies[c.Name][s.Name].Expected()
	}
	if want == "" {
		want = s.Summary.SHA256
	}
	v.Other = s.Summary.SHA256 != "" && s.Summary.SHA256 != want
	v.SHA256, v.Known = hash, want != ""
	v.Good = v.Known && !v.Other && hash == want && (s.Summary.SizeBytes == 0 || s.Size == s.Summary.SizeBytes)
	if !v.Known {
		return v, nil
	}
	return v, c.remember(s, hash, want, v.Good)
}

// Problem is what is wrong with a backup that is known not to be good.
func (v Verified) Problem() backup.Problem {
	if v.Other {
		return backup.Problem{Code: backup.NotOurs}
	}
	return backup.Problem{Code: backup.HashDiffers}
}

// Oldest lists backups of a copy, those first whose bytes were read back there longest
// ago or never, up to so many bytes, but at least one.
func (c *Copier) Oldest(sets []*backup.Set, limit int64) (some []*backup.Set) {
	sets = slices.Clone(sets)
	slices.SortStableFunc(sets, func(a, b *backup.Set) int {
		return c.Copies[c.Name][a.Name].At.Compare(c.Copies[c.Name][b.Name].At)
	})
	for _, s := range sets {
		if s.Summary.SHA256 == "" {
			continue
		}
		if limit -= s.Size; limit < 0 && len(some) > 0 {
			break
		}
		some = append(some, s)
	}
	return some
}

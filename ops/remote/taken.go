package remote

import (
	"context"
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// takenError is a Store's answer to PutNew when a file of that name exists.
type takenError struct{ Name string }

func (e *takenError) Error() string { return e.Name + " exists already" }

// otherError says that a copy has another backup of that name: one that this machine did
// not make. It is never written over.
type otherError struct{ what *ops.Error }

func (e *otherError) Error() string { return e.what.Error() }

// Unwrap gives the sentence for people.
func (e *otherError) Unwrap() error { return e.what }

// ours is nil when the file of that name at the copy is this backup, whole or damaged,
// so that it may be written over. The manifest there decides, read now; without one the
// bytes do: they must be those of the backup, or what was read back after a transfer or a
// verification of it.
func (c *Copier) ours(ctx context.Context, s *backup.Set, size, manifest int64) error {
	f, err := c.look(ctx, s.Name, size, manifest)
	if err != nil {
		return err
	}
	if c.seen == nil {
		c.seen = map[string]backup.FileAtCopy{}
	}
	c.seen[s.Name] = f
	if f.Summary != nil {
		if f.Summary.SHA256 == s.SHA256 {
			return nil
		}
		return c.refuse(s, f.Summary.SHA256)
	}
	if s.Foreign && manifest == 0 && c.Copies.Of(c.Name, s.Name, s.SHA256, size) {
		return nil
	}
	hash, err := c.Store.Hash(ctx, s.Name)
	if err != nil {
		return err
	}
	r := c.Copies[c.Name][s.Name]
	if hash == s.SHA256 || hash == r.SHA256 && r.Want == s.SHA256 {
		return nil
	}
	return c.refuse(s, hash)
}

// refuse is the error for a backup whose name another one has at the copy, with the hash
// of that one. It is remembered: the copy does not have this backup.
func (c *Copier) refuse(s *backup.Set, hash string) error {
	other := &otherError{ops.E(ops.Failed,
		lang.M("another machine's backup of that name is at the copy; it was not overwritten"))}
	r := c.Copies[c.Name][s.Name]
	if c.DryRun || !r.Good && r.SHA256 == hash && r.Want == s.SHA256 {
		return other
	}
	if err := c.remember(s, hash, s.SHA256, false); err != nil {
		return errors.Join(other, err)
	}
	return other
}

// Others lists the failures of backups whose name another machine's backup has at the copy.
func (r Result) Others() (names []string) {
	for _, f := range r.Failed {
		if other := (*otherError)(nil); errors.As(f.Err, &other) {
			names = append(names, f.Name)
		}
	}
	return names
}

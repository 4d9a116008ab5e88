// Package remote keeps copies of backups elsewhere: on another machine by rsync
// over ssh, or in S3-compatible storage. A copy is complete when its manifest is
// there, which is sent last, and good when its bytes were read back and have the
// hash that the manifest says. Sending never removes anything.
package remote

import (
	"context"
	"io"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Object is a file at a copy.
type Object struct {
	Name string
	Size int64
}

// Store is a place where copies are. Names are base names.
type Store interface {
	// List names what is there.
	List(ctx context.Context) ([]Object, error)
	// Put sends a local file. It goes on where an earlier try stopped, and the
	// name appears only when all of it is there.
	Put(ctx context.Context, name, path string, report func(done int64)) error
	// PutNew is Put for a name that must not exist: a file of that name is left as it is
	// and gives a *TakenError.
	PutNew(ctx context.Context, name, path string, report func(done int64)) error
	// PutStream sends what r gives, of unknown length, with no file here. The name
	// appears only when r has ended well; else nothing is left there. It returns
	// what was sent. A file of that name is left as it is and gives a *TakenError.
	PutStream(ctx context.Context, name string, r io.Reader) (size int64, sha256 string, err error)
	// Get writes what is there to w.
	Get(ctx context.Context, name string, w io.Writer) error
	// Hash reads the bytes back where they are and returns their SHA-256, hex.
	Hash(ctx context.Context, name string) (string, error)
	// Remove lets a file go. A file that may not go yet gives a *LockedError.
	Remove(ctx context.Context, name string) error
	// Close ends the connection.
	Close() error
}

// lockedError says that a copy is protected from being removed.
type lockedError struct{ Name, Until string }

func (e *lockedError) Error() string { return e.Name + " is locked until " + e.Until }

// Open makes the store of a configured copy. Nothing is sent yet.
func Open(c config.Copy) (Store, error) {
	switch c.Kind {
	case "rsync":
		return newRsync(c)
	case "s3":
		return newS3(c)
	}
	return nil, ops.E(ops.Config, lang.M("the copy %s has an unknown kind: %q", c.Name, c.Kind)).
		WithHint(lang.M("kinds are rsync and s3"))
}

// plainName refuses what is not a base name: the other side's listing is text
// from outside.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00\n\r")
}

func isManifest(name string) bool { return strings.HasSuffix(name, backup.ManifestSuffix) }

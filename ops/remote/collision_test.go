package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// TestTwoStreamsOfOneNameDoNotReplaceEachOther: two machines stream a backup of one name,
// begun in the same second. One of them is there at the end, whole and under its own
// manifest, and the other machine knows that it has none.
func TestTwoStreamsOfOneNameDoNotReplaceEachOther(t *testing.T) {
	for name, open := range map[string]func(*testing.T) Store{
		"rsync":   func(t *testing.T) Store { return rsyncStore(t, testdb.SSHD(t)) },
		"gateway": func(t *testing.T) Store { return gatewayStore(t, false) },
		"s3":      func(t *testing.T) Store { return fakeS3(t) }, // without conditional writes
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := open(t)
			_, ours := streamed(100_000)
			theirs, other := streamed(200_000)
			between := func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error) {
				m, err := ours(ctx, name, w)
				if m2, err := copier(t, s).Stream(ctx, numbered, other); err != nil || m2.File != name {
					t.Errorf("the other machine: %+v %v", m2, err)
				}
				return m, err
			}
			m, err := copier(t, s).Stream(ctx, numbered, between)
			var taken *otherError
			if name == "s3" { // the last one wins there, and the first must not call itself good
				if h, herr := s.Hash(ctx, numbered(1)); err == nil && (herr != nil || h != m.SHA256) {
					t.Errorf("good, and there is %s %v", h, herr)
				}
				return
			}
			if !errors.As(err, &taken) || ops.CodeOf(err) != ops.Busy ||
				!strings.Contains(err.Error(), "another machine's backup of that name") {
				t.Errorf("%+v %v", m, err)
			}
			sum := sha256.Sum256(theirs)
			if h, err := s.Hash(ctx, numbered(1)); err != nil || h != hex.EncodeToString(sum[:]) {
				t.Errorf("the other machine's backup is %s, %v", h, err)
			}
			if names := listed(t, s); len(names) != 2 {
				t.Errorf("there: %v", names)
			}
			if m, err := copier(t, s).Stream(ctx, numbered, ours); err != nil || m.File != numbered(2) {
				t.Errorf("again: %+v %v", m, err)
			}
		})
	}
}

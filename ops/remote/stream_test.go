package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// streamed is a dump of so many bytes, as an engine would write it.
func streamed(size int) ([]byte, Maker) {
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(content)
	return content, func(_ context.Context, name string, w io.Writer) (*backup.Manifest, error) {
		for piece := range slices.Chunk(content, 700_001) {
			if _, err := w.Write(piece); err != nil {
				return nil, fmt.Errorf("write %s: %w", name, err)
			}
		}
		sum := sha256.Sum256(content)
		return &backup.Manifest{
			FormatVersion: 1,
			Engine:        "mysqldump",
			Kind:          backup.KindScheduled,
			File:          name,
			Databases:     []string{db},
			StartedAt:     now,
			SnapshotAt:    now,
			FinishedAt:    now,
			Consistent:    true,
			Compression:   "gzip",
			SizeBytes:     int64(size),
			SHA256:        hex.EncodeToString(sum[:]),
		}, nil
	}
}

func numbered(serial int) string {
	return backup.Spec{Databases: []string{db}, At: now, Ext: ".sql.gz"}.Name(serial)
}

func TestABackupIsStreamedWithNoFileHere(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		c := copier(t, s)
		content, dump := streamed(11 << 20)
		for serial := 1; serial <= 2; serial++ { // two of one second
			m, err := c.Stream(context.Background(), numbered, dump)
			if err != nil || m.File != numbered(serial) {
				t.Fatalf("%+v %v", m, err)
			}
		}
		if names := listed(t, s); len(names) != 4 {
			t.Errorf("there: %v", names)
		}
		var got bytes.Buffer
		if err := s.Get(context.Background(), numbered(1), &got); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%d bytes came back, %v", got.Len(), err)
		}
		inv, err := c.Inventory(
			context.Background(),
			backup.Scan{Databases: []string{db}, Zone: now.Location(), Now: now},
		)
		if err != nil || len(inv.Sets) != 2 || inv.Sets[0].State != backup.Good {
			t.Errorf("%+v %v", inv, err)
		}
	})
}

// TestWhatFailsOnTheWayLeavesNothing: not under its name, and for S3 no parts.
func TestWhatFailsOnTheWayLeavesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		boom := ops.E(ops.Busy, lang.Raw("the server is gone"))
		_, dump := streamed(11 << 20)
		broken := func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error) {
			dump(ctx, name, w)
			return nil, boom
		}
		if _, err := copier(t, s).Stream(context.Background(), numbered, broken); !errors.Is(err, boom) {
			t.Errorf("a dump that fails at its end: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		stopped := func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error) {
			m, err := dump(ctx, name, w)
			cancel()
			return m, errors.Join(err, ctx.Err())
		}
		if _, err := copier(t, s).Stream(ctx, numbered, stopped); !errors.Is(err, context.Canceled) {
			t.Errorf("ctrl-c: %v", err)
		}
		leavesNothing(t, s)
	})
}

func leavesNothing(t *testing.T, s Store) {
	t.Helper()
	if names := listed(t, s); names != nil {
		t.Errorf("left there: %v", names)
	}
	switch s := s.(type) {
	case *s3:
		if id, _, _ := s.unfinished(context.Background(), numbered(1)); id != "" {
			t.Error("parts are left")
		}
	case *rsync:
		if out, err := s.atHost(context.Background(), "ls -A "+quote(s.folder)); err != nil || len(out) > 0 {
			t.Errorf("left there: %s %v", out, err)
		}
	}
}

// changing answers with a different hash than what came has.
type changing struct{ Store }

func (changing) Hash(context.Context, string) (string, error) { return strings.Repeat("0", 64), nil }

func TestAStreamThatReadsBackOtherwiseIsTakenAway(t *testing.T) {
	for name, s := range map[string]Store{"s3": fakeS3(t), "rsync": rsyncStore(t, testdb.SSHD(t))} {
		_, dump := streamed(100_000)
		_, err := copier(t, changing{s}).Stream(context.Background(), numbered, dump)
		if err == nil || !strings.Contains(err.Error(), "a different hash") {
			t.Errorf("%s: %v", name, err)
		}
		leavesNothing(t, s)
	}
}

// TestALineThatBreaksIsNoEnd: the other side sees the stream end when the line
// breaks; nothing may get the name then.
func TestALineThatBreaksIsNoEnd(t *testing.T) {
	sshd := testdb.SSHD(t)
	s := rsyncStore(t, sshd)
	_, dump := streamed(11 << 20)
	cut := func(ctx context.Context, name string, w io.Writer) (*backup.Manifest, error) {
		io.CopyN(w, rand.NewChaCha8([32]byte{}), 3<<20)
		s.master.Process.Kill()
		return dump(ctx, name, w)
	}
	if _, err := copier(t, s).Stream(context.Background(), numbered, cut); ops.CodeOf(err) != ops.Busy {
		t.Errorf("%v", err)
	}
	if names := listed(t, rsyncStore(t, sshd)); names != nil {
		t.Errorf("left there: %v", names)
	}
}

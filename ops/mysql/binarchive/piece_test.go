package binarchive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// far is a copy in memory.
type far struct {
	pieces []binlog.Piece
	data   map[string][]byte
}

func (f *far) Frames(_ context.Context, p binlog.Piece, to io.Writer) error {
	_, err := to.Write(f.data[p.Name])
	return err
}

func (f *far) Describe(_ context.Context, p binlog.Piece) (binlog.Piece, error) {
	for _, o := range f.pieces {
		if o.Description() == p.Description() {
			return o, nil
		}
	}
	return p, io.ErrUnexpectedEOF
}

// send copies what the copy lacks, in pieces of a few frames, and returns their number.
func (f *far) send(t *testing.T, o Options) (n int) {
	t.Helper()
	for _, s := range segments(t, o) {
		from, closed := s.FromPos, false
		for _, c := range binlog.Chains(f.pieces) {
			if c.Segment.File == s.File && c.Segment.Identity == s.Identity {
				from, closed = c.End()
			}
		}
		cuts, err := o.Folder.Cuts("shop", s, from, closed, 9000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cuts {
			f.keep(t, c)
			n++
		}
	}
	return n
}

func (f *far) keep(t *testing.T, c Cut) {
	t.Helper()
	f.pieces = append(f.pieces, c.Piece)
	if c.Name == "" {
		return
	}
	in, err := c.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	data, err := io.ReadAll(in)
	if err != nil || int64(len(data)) != c.SizeBytes {
		t.Fatalf("%d bytes, not %d, %v", len(data), c.SizeBytes, err)
	}
	f.data[c.Name] = data
}

// adopted is an archive that is built from the copy alone.
func (f *far) adopted(t *testing.T, o Options) Options {
	t.Helper()
	o.Folder = Folder{Dir: filepath.Join(t.TempDir(), "elsewhere")}
	for _, c := range binlog.Chains(f.pieces) {
		if did, err := o.Folder.Adopt(t.Context(), c, f, lock.Holder{}); err != nil || did != Fetched {
			t.Fatal(did, err)
		}
		if did, err := o.Folder.Adopt(t.Context(), c, f, lock.Holder{}); err != nil || did != Here {
			t.Fatalf("a second time: %v, %v", did, err)
		}
	}
	return o
}

// TestAnArchiveComesBackFromItsPieces: the copy of a growing log equals the log, byte for
// byte, and a follower continues the archive that was restored from it.
func TestAnArchiveComesBackFromItsPieces(t *testing.T) {
	testdbEach(t, func(t *testing.T, s *testdb.Server) {
		o := optionsFor(t, s)
		db := s.Schema(t)
		copied := &far{data: map[string][]byte{}}
		workload(t, s, db, 0, 40)
		fetch(t, o)
		copied.send(t, o)
		workload(t, s, db, 40, 60)
		s.Exec(t, "", "FLUSH BINARY LOGS")
		workload(t, s, db, 60, 70)
		fetch(t, o)
		if copied.send(t, o) == 0 || copied.send(t, o) != 0 {
			t.Fatal("pieces are sent twice, or not at all")
		}
		back := copied.adopted(t, o)
		beginsAsServer(t, s, back)
		if spans, gaps := binlog.Spans(segments(t, back)); len(spans) != 1 || len(gaps) != 0 {
			t.Fatalf("%d spans, %+v", len(spans), gaps)
		}
		workload(t, s, db, 70, 80)
		fetch(t, back)
		beginsAsServer(t, s, back)
		noFileIsThereWithoutItsIndex(t, o, copied)
		damagedIsNotAdopted(t, o, copied)
		damagedIsNotSent(t, o)
	})
}

// beginsAsServer compares the archive with the server's files, to which MariaDB may append
// a checkpoint at any time.
func beginsAsServer(t *testing.T, s *testdb.Server, o Options) {
	t.Helper()
	for _, seg := range segments(t, o) {
		got, want := unpacked(t, o, seg), onDisk(t, s, seg.File)
		if !bytes.HasPrefix(want, got) || len(got) < 5000 {
			t.Fatalf("%s: %d bytes in the archive are not those of the server", seg.File, len(got))
		}
		if c := o.Folder.Verify(t.Context(), seg, o.Keys, nil); c.Err != nil || c.Events == 0 {
			t.Fatalf("%s: %+v", seg.File, c)
		}
	}
}

// noFileIsThereWithoutItsIndex ends an adoption where the index is written: who looks then sees
// no file that cannot be used, and a follower that begins then leaves the fetch alone.
func noFileIsThereWithoutItsIndex(t *testing.T, o Options, f *far) {
	t.Helper()
	o.Folder = Folder{Dir: t.TempDir()}
	c := binlog.Chains(f.pieces)[0]
	index := filepath.Join(o.Folder.server(c.Segment.Server), c.Segment.Name+indexSuffix)
	if err := os.MkdirAll(filepath.Join(index, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Folder.Adopt(t.Context(), c, f, lock.Holder{}); err == nil {
		t.Fatal("the index is written over a folder")
	}
	if s, err := o.Folder.Survey(c.Segment.Server); err != nil || len(s.Faults) != 0 || len(s.Segments) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := os.RemoveAll(index); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	back := &follower{Options: o, dir: filepath.Dir(index)}
	for _, fetching := range []bool{true, false} {
		var held *lock.Lock
		if fetching {
			var err error
			if held, err = lock.Take(o.Folder.fetchLock(), lock.Holder{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := back.recover(); err != nil || exists(index) != fetching {
			t.Fatalf("a fetch runs: %v; the index is there: %v, %v", fetching, exists(index), err)
		}
		if held != nil {
			held.Release()
		}
	}
}

func damagedIsNotAdopted(t *testing.T, o Options, f *far) {
	t.Helper()
	for _, data := range f.data {
		data[len(data)/2] ^= 1
	}
	o.Folder = Folder{Dir: t.TempDir()}
	c := binlog.Chains(f.pieces)[0]
	if _, err := o.Folder.Adopt(t.Context(), c, f, lock.Holder{}); !errors.Is(err, ErrDamaged) {
		t.Fatalf("damaged pieces: %v", err)
	}
	if found, _ := filepath.Glob(filepath.Join(o.Folder.Dir, "*", "*")); len(found) != 0 {
		t.Fatalf("left there: %v", found)
	}
}

func damagedIsNotSent(t *testing.T, o Options) {
	t.Helper()
	s := segments(t, o)[0]
	path := filepath.Join(o.Folder.Dir, s.Server, s.Name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Folder.Cuts("shop", s, s.FromPos, false, 1<<20); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a damaged file: %v", err)
	}
	if _, err := o.Folder.Cuts("shop", s, s.FromPos+1, false, 1<<20); !errors.Is(err, ErrOtherFrames) {
		t.Fatalf("a position within a frame: %v", err)
	}
}

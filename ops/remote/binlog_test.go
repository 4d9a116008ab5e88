package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/binlog"
)

// logsAt are the binary logs of a service in a store.
func logsAt(t *testing.T, s Store) *Logs {
	return &Logs{Name: "far", Target: "there", Owner: "shop", Store: s, State: t.TempDir(),
		Now: func() time.Time { return now }}
}

// logCut is a piece of a log file whose frames are the text.
func logCut(file string, from uint64, text string, closed bool) Cut {
	sum := sha256.Sum256([]byte(text))
	s := &binlog.Segment{Server: "s", File: file, Identity: "1", FromPos: 4}
	f := binlog.Frame{Length: int64(len(text)), From: from, To: from + uint64(len(text)), ToTime: now,
		SHA256: hex.EncodeToString(sum[:])}
	p := binlog.NewPiece("shop", s, []binlog.Frame{f}, f.SHA256)
	p.Closed, p.Next = closed, "binlog.000002"
	return Cut{Piece: p, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func lookAt(t *testing.T, l *Logs) (binlog.AtCopy, int) {
	t.Helper()
	at, lost, err := l.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at, lost
}

func TestTheBinaryLogIsKeptInPiecesThatAreReadBack(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		l := logsAt(t, s)
		at, _ := lookAt(t, l)
		var out LogsSent
		cuts := []Cut{logCut("binlog.000001", 4, "four and", false), logCut("binlog.000001", 12, "more", true)}
		if err := l.Send(t.Context(), &at, cuts, &out); err != nil || out.Pieces != 2 || out.Bytes != 12 {
			t.Fatalf("%+v, %v", out, err)
		}
		fresh := logsAt(t, s) // a machine that remembers nothing
		at, lost := lookAt(t, fresh)
		chains := binlog.Chains(at.Pieces)
		if lost != 0 || len(chains) != 1 || chains[0].Segment.ToPos != 16 || chains[0].Segment.Open {
			t.Fatalf("%d lost, %+v", lost, at)
		}
		var back bytes.Buffer
		for _, p := range chains[0].Pieces {
			whole, err := fresh.Describe(t.Context(), p)
			if err != nil || len(whole.Frames) != 1 {
				t.Fatalf("%+v, %v", whole, err)
			}
			if err := fresh.Frames(t.Context(), whole, &back); err != nil {
				t.Fatal(err)
			}
		}
		if back.String() != "four andmore" {
			t.Fatalf("%q came back", back.String())
		}
		rots(t, l, cuts[1])
	})
}

// rots damages a piece at the copy: it is found, it does not count, and it is sent again.
func rots(t *testing.T, l *Logs, c Cut) {
	ctx := t.Context()
	if err := l.Store.Remove(ctx, c.Name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Store.PutStream(ctx, c.Name, strings.NewReader("mOre")); err != nil {
		t.Fatal(err)
	}
	at, _ := lookAt(t, l)
	v, err := l.Verify(ctx, &at, 0)
	if err != nil || v.Good != 1 || len(v.Bad) != 1 || v.Bad[0].Name != c.Name {
		t.Fatalf("%+v, %v", v, err)
	}
	at, _ = lookAt(t, l)
	if spans, _ := at.Spans(); len(spans) != 1 || spans[0].ToPos != 12 {
		t.Fatalf("a bad piece counts: %+v", spans)
	}
	var out LogsSent
	if err := l.Send(ctx, &at, []Cut{c}, &out); err != nil || out.Pieces != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	at, _ = lookAt(t, l)
	if v, err := l.Verify(ctx, &at, 0); err != nil || v.Good != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	dropped(t, l)
}

// dropped removes what somebody else may have removed: only the latter is a loss.
func dropped(t *testing.T, l *Logs) {
	ctx := t.Context()
	at, _ := lookAt(t, l)
	if err := l.Store.Remove(ctx, at.Pieces[0].Name); err != nil {
		t.Fatal(err)
	}
	at, lost := lookAt(t, l)
	if lost != 1 || len(at.Pieces) != 1 {
		t.Fatalf("%d lost, %d left", lost, len(at.Pieces))
	}
	if _, err := l.Drop(ctx, &at, at.Pieces[:1:1]); err != nil || len(at.Pieces) != 0 {
		t.Fatalf("%d left, %v", len(at.Pieces), err)
	}
	if _, lost := lookAt(t, l); lost != 0 {
		t.Fatalf("%d lost, though we removed it", lost)
	}
}

// broken is a store whose streams break off.
type broken struct {
	Store
	name string
}

func (b broken) PutStream(ctx context.Context, name string, r io.Reader) (int64, string, error) {
	if strings.HasSuffix(name, b.name) {
		return 0, "", io.ErrUnexpectedEOF
	}
	return b.Store.PutStream(ctx, name, r)
}

func TestAPieceWithoutItsDescriptionIsTakenUpAgain(t *testing.T) {
	store := fakeS3(t)
	l := logsAt(t, broken{store, binlog.PieceSuffix})
	at, _ := lookAt(t, l)
	c := logCut("binlog.000001", 4, "once", false)
	var out LogsSent
	if err := l.Send(t.Context(), &at, []Cut{c}, &out); err == nil || out.Pieces != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	l.Store = store
	if at, _ = lookAt(t, l); len(at.Pieces) != 0 {
		t.Fatal("a piece without a description counts")
	}
	c.Open = func() (io.ReadCloser, error) { t.Fatal("it is sent twice"); return nil, nil }
	if err := l.Send(t.Context(), &at, []Cut{c}, &out); err != nil || out.Pieces != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
}

func TestWhatNoBackupThereNeedsIsRetired(t *testing.T) {
	l := &Logs{Owner: "shop"}
	old, young := logCut("binlog.000001", 4, "a", true).Piece, logCut("binlog.000002", 4, "b", false).Piece
	old.ToTime = now.Add(-48 * time.Hour)
	other := old
	other.Owner = "another"
	at := binlog.AtCopy{Pieces: []binlog.Piece{young, other, old}}
	if gone := l.Retired(at, now, nil); len(gone) != 1 || gone[0].Owner != "shop" ||
		gone[0].Segment.File != "binlog.000001" {
		t.Fatalf("%+v", gone)
	}
	if gone := l.Retired(at, time.Time{}, nil); len(gone) != 0 {
		t.Fatalf("without a backup %d go", len(gone))
	}
	if gone := l.Retired(at, now, &binlog.Position{File: "binlog.000001"}); len(gone) != 0 {
		t.Fatalf("the file that the backup is in: %d go", len(gone))
	}
}

package binlog

import (
	"strings"
	"testing"
	"time"
)

// pieceOf is a piece of binlog.000001 with one frame.
func pieceOf(file string, from, to uint64, closed bool) Piece {
	s := &Segment{Server: "s", File: file, Identity: "1", FromPos: 4}
	p := NewPiece("shop", s, []Frame{{Length: 3, From: from, To: to, ToTime: time.Unix(int64(to), 0)}},
		strings.Repeat("ab", 32))
	p.Closed = closed
	return p
}

func TestPiecesOfTwoArchivesJoinToTheLongestLog(t *testing.T) {
	one := "binlog.000001"
	tests := map[string]struct {
		pieces []Piece
		end    uint64
		closed bool
		none   bool
	}{
		"in any order": {pieces: []Piece{pieceOf(one, 20, 30, true), pieceOf(one, 4, 20, false)}, end: 30,
			closed: true},
		"a hole":       {pieces: []Piece{pieceOf(one, 4, 20, false), pieceOf(one, 25, 30, true)}, end: 20},
		"no beginning": {pieces: []Piece{pieceOf(one, 20, 30, true)}, none: true},
		"other frames": {pieces: []Piece{pieceOf(one, 4, 20, false), pieceOf(one, 4, 18, false),
			pieceOf(one, 18, 40, false)}, end: 40},
		"the same twice":     {pieces: []Piece{pieceOf(one, 4, 20, false), pieceOf(one, 4, 20, false)}, end: 20},
		"only the end of it": {pieces: []Piece{pieceOf(one, 4, 20, false), endOf(one, 20)}, end: 20, closed: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			chains := Chains(test.pieces)
			if test.none {
				if len(chains) != 0 {
					t.Fatalf("%d files", len(chains))
				}
				return
			}
			if len(chains) != 1 {
				t.Fatalf("%d files", len(chains))
			}
			end, closed := chains[0].End()
			if end != test.end || closed != test.closed || chains[0].Segment.Open == test.closed {
				t.Fatalf("ends at %d, closed %v, %+v", end, closed, chains[0].Segment)
			}
		})
	}
}

func endOf(file string, at uint64) Piece {
	s := &Segment{Server: "s", File: file, Identity: "1", FromPos: 4, ToPos: at}
	p := NewPiece("shop", s, nil, "")
	p.Closed, p.Next = true, "binlog.000002"
	return p
}

func TestABadPieceEndsWhatACopyHolds(t *testing.T) {
	pieces := []Piece{pieceOf("binlog.000001", 4, 20, false), pieceOf("binlog.000001", 20, 30, true)}
	pieces[1].Bad = true
	at := AtCopy{Pieces: pieces}
	spans, _ := at.Spans()
	if len(spans) != 1 || spans[0].ToPos != 20 {
		t.Fatalf("%+v", spans)
	}
}

func TestADescriptionIsReadBackAndAForgedOneRefused(t *testing.T) {
	good := pieceOf("binlog.000001", 4, 20, true)
	tests := map[string]struct {
		change func(*Piece)
		wrong  bool
	}{
		"good":          {change: func(*Piece) {}},
		"a path":        {change: func(p *Piece) { p.Segment.Server = "../../etc" }, wrong: true},
		"a hidden file": {change: func(p *Piece) { p.Segment.File = ".ssh" }, wrong: true},
		"a hole":        {change: func(p *Piece) { p.Frames[0].From = 7 }, wrong: true},
		"too short":     {change: func(p *Piece) { p.ToPos = 90 }, wrong: true},
		"newer":         {change: func(p *Piece) { p.FormatVersion = ManifestVersion + 1 }, wrong: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := good
			p.Frames = append([]Frame{}, good.Frames...)
			test.change(&p)
			text, err := WritePiece(&p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ReadPiece(text)
			if (err != nil) != test.wrong || err == nil && got.Description() != good.Description() {
				t.Fatalf("%v, %+v", err, got)
			}
			if _, err := ReadPiece(text[:len(text)/2]); err == nil {
				t.Fatal("half a description passes")
			}
		})
	}
}

package store

import (
	"bytes"
	"math/rand/v2"
	"opsdeck/ops/logs"
	"reflect"
	"strings"
	"testing"
	"time"

	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// keptBytes is an index in memory.
type keptBytes struct{ *bytes.Reader }

func (keptBytes) Close() error { return nil }

// keptOf writes the index of a text down.
func keptOf(t testing.TB, text string) (blk *logindex.Block, kept []byte) {
	t.Helper()
	b := logindex.NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
	blk, err := b.Build(inMemory(text), 0, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	k := logindex.Keeper{Text: inMemory(text), Table: b.Table, Blocks: []*logindex.Block{blk},
		Stop: func() bool { return false }}
	if err := k.Write(&w, logindex.Manner{}); err != nil {
		t.Fatal(err)
	}
	return blk, w.Bytes()
}

func TestAKeptBlockIsTheBlock(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(4, 4)), 2000)
	blk, kept := keptOf(t, text)
	k := logindex.OpenKept(keptBytes{bytes.NewReader(kept)}, true, int64(len(text)))
	if k == nil || len(k.Blocks) != 1 {
		t.Fatal("the index does not open")
	}
	// A table of its own, as after a new start: shapes have other numbers.
	b := logindex.NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
	got, ok := k.Blocks[0].Load(b, inMemory(text))
	if !ok {
		t.Fatal("the block does not load")
	}
	again, err := b.Build(inMemory(text), 0, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Shapes, again.Shapes) || !reflect.DeepEqual(got.Starts, blk.Starts) ||
		!reflect.DeepEqual(got.Times, blk.Times) ||
		!reflect.DeepEqual(got.Heads, blk.Heads) || got.Sum != blk.Sum || got.Back != blk.Back ||
		got.Partial != blk.Partial {
		t.Error("the block is another")
	}
	lines := int64(0) // one of each shape is kept too
	for i := range k.Shapes {
		lines += int64(len(k.Shapes[i].Line)) + 4
	}
	if per := float64(int64(len(kept))-lines) / float64(blk.Lines()); per > 2*perLine {
		t.Errorf("%.1f bytes a line", per)
	}
}

// FuzzKept: whatever stands in an index, reading it neither ends the program nor
// gives lines beyond the text.
func FuzzKept(f *testing.F) {
	text := randomLog(rand.New(rand.NewPCG(4, 4)), 40)
	_, kept := keptOf(f, text)
	f.Add(kept, true)
	f.Add(kept[:len(kept)/2], true)
	f.Fuzz(func(t *testing.T, data []byte, same bool) {
		k := &logindex.Kept{File: keptBytes{bytes.NewReader(data)}, Same: same}
		if !k.ReadFooter(data) ||
			!k.Fits(int64(len(data)), int64(len(text))) { // past the checksum, which would stop nearly all
			k = logindex.OpenKept(keptBytes{bytes.NewReader(data)}, same, int64(len(text)))
		}
		if k == nil {
			return
		}
		b := logindex.NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
		for i := range k.Blocks {
			at := &k.Blocks[i]
			blk, ok := at.Decode(b, data[min(at.At, int64(len(data))):])
			if !ok {
				continue
			}
			for line := range blk.Lines() {
				if off, end := blk.LineAt(line); off < at.Off || off >= at.End || end < off ||
					blk.EventEnd(line) > blk.Lines() {
					t.Fatalf("line %d is at %d to %d", line, off, end)
				}
			}
		}
	})
}

// TestAKeptIndexKnowsRecords: levels that only further lines say are in it.
func TestAKeptIndexKnowsRecords(t *testing.T) {
	text := strings.Repeat("{\n  level: 'error',\n  message: 'x',\n  timestamp: '2026-01-29T12:00:00.000Z'\n}\n"+
		"{\n  level: 'info',\n  message: 'y',\n  timestamp: '2026-01-29T12:00:01.000Z'\n}\n", 20)
	_, kept := keptOf(t, text)
	k := logindex.OpenKept(keptBytes{bytes.NewReader(kept)}, true, int64(len(text)))
	b := logindex.NewBuilder(line.NewShapes(), line.NewParser(time.UTC, testNow), false)
	got, ok := k.Blocks[0].Load(b, inMemory(text))
	if !ok {
		t.Fatal("the block does not load")
	}
	for i, want := range []logs.Level{logs.LevelError, logs.LevelInfo} {
		if s := b.Shape(got.Shapes.At(5 * i)); s.Level != want || !s.Record {
			t.Errorf("record %d is %v", i, s.Level)
		}
	}
}

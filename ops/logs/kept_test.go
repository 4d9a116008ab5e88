package logs

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// keptBytes is an index in memory.
type keptBytes struct{ *bytes.Reader }

func (keptBytes) Close() error { return nil }

// keptOf writes the index of a text down.
func keptOf(t testing.TB, text string) (blk *Block, kept []byte) {
	t.Helper()
	b := newBuilder(NewShapes(), NewParser(time.UTC, testNow), false)
	blk, err := b.build(inMemory(text), 0, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	k := keeper{text: inMemory(text), table: b.table, blocks: []*Block{blk}, stop: func() bool { return false }}
	if err := k.write(&w, manner{}); err != nil {
		t.Fatal(err)
	}
	return blk, w.Bytes()
}

func TestAKeptBlockIsTheBlock(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(4, 4)), 2000)
	blk, kept := keptOf(t, text)
	k := openKept(keptBytes{bytes.NewReader(kept)}, true, int64(len(text)))
	if k == nil || len(k.blocks) != 1 {
		t.Fatal("the index does not open")
	}
	// A table of its own, as after a new start: shapes have other numbers.
	b := newBuilder(NewShapes(), NewParser(time.UTC, testNow), false)
	got, ok := k.blocks[0].load(b, inMemory(text))
	if !ok {
		t.Fatal("the block does not load")
	}
	again, err := b.build(inMemory(text), 0, int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.shapes, again.shapes) || !reflect.DeepEqual(got.starts, blk.starts) || !reflect.DeepEqual(got.times, blk.times) ||
		!reflect.DeepEqual(got.heads, blk.heads) || got.sum != blk.sum || got.back != blk.back ||
		got.partial != blk.partial {
		t.Error("the block is another")
	}
	lines := int64(0) // one of each shape is kept too
	for i := range k.shapes {
		lines += int64(len(k.shapes[i].line)) + 4
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
		k := &Kept{file: keptBytes{bytes.NewReader(data)}, same: same}
		if !k.readFooter(data) ||
			!k.fits(int64(len(data)), int64(len(text))) { // past the checksum, which would stop nearly all
			k = openKept(keptBytes{bytes.NewReader(data)}, same, int64(len(text)))
		}
		if k == nil {
			return
		}
		b := newBuilder(NewShapes(), NewParser(time.UTC, testNow), false)
		for i := range k.blocks {
			at := &k.blocks[i]
			blk, ok := at.decode(b, data[min(at.at, int64(len(data))):])
			if !ok {
				continue
			}
			for line := range blk.Lines() {
				if off, end := blk.lineAt(line); off < at.off || off >= at.end || end < off ||
					blk.eventEnd(line) > blk.Lines() {
					t.Fatalf("line %d is at %d to %d", line, off, end)
				}
			}
		}
	})
}

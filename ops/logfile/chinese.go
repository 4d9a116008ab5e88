package logfile

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"opsdeck/internal/lang"
	"opsdeck/ops"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Logs in GBK or GB18030. Two programs can write one log, and its first lines are often
// ASCII, so the encoding is a property of a line: a line that is valid UTF-8 stays as it is.

// chineseLines converts the lines in GB18030 of a text to UTF-8 and writes all others
// unchanged.
type chineseLines struct {
	w     io.Writer
	known bool     // the text has lines in GB18030, so those with few characters are too
	pairs int      // characters seen so far in lines with few
	mode  lineMode // of the line that was begun
	rest  []byte   // of it, not written yet
}

// lineMode is how the rest of a line is written.
type lineMode uint8

const (
	modeOpen    lineMode = iota // its encoding is not known yet
	modePlain                   // unchanged
	modeChinese                 // converted
)

// maxHeldLine is the length at which a line without an end is converted in pieces.
const maxHeldLine = 1 << 20

func (c *chineseLines) Write(p []byte) (int, error) {
	n := len(p)
	if len(c.rest) > 0 || c.mode != modeOpen {
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			c.rest = append(c.rest, p...)
			if len(c.rest) > maxHeldLine {
				return n, c.half()
			}
			return n, nil
		}
		if err := c.endLine(append(c.rest, p[:end]...)); err != nil {
			return 0, err
		}
		p = p[end:]
	}
	end := bytes.LastIndexByte(p, '\n') + 1
	if err := c.lines(p[:end]); err != nil {
		return 0, err
	}
	c.rest = append(c.rest[:0], p[end:]...)
	return n, nil
}

// lines writes whole lines.
func (c *chineseLines) lines(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if utf8.Valid(p) {
		_, err := c.w.Write(p)
		return err
	}
	out := make([]byte, 0, len(p)+len(p)/2)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		line := p[:end]
		if text, ok := c.convert(line); ok {
			line = text
		}
		out = append(out, line...)
		p = p[end:]
	}
	_, err := c.w.Write(out)
	return err
}

// endLine writes the rest of a line of which something may have been written already.
func (c *chineseLines) endLine(line []byte) error {
	mode := c.mode
	c.mode = modeOpen
	c.rest = c.rest[:0]
	switch mode {
	case modePlain:
		_, err := c.w.Write(line)
		return err
	case modeChinese:
		return c.put(line)
	}
	return c.lines(line)
}

// put writes GB18030 as UTF-8.
func (c *chineseLines) put(p []byte) error {
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(p)
	if err == nil {
		_, err = c.w.Write(text)
	}
	return err
}

// half writes what there is of a line without its end, up to its last whole character, as
// far as its encoding is known.
func (c *chineseLines) half() error {
	held := c.rest
	if c.mode == modeOpen {
		c.mode = c.halfMode(held)
	}
	whole := len(held)
	switch c.mode {
	case modeOpen:
		whole = asciiLen(held)
	case modeChinese:
		whole -= cutCharacter(held)
	}
	c.rest = bytes.Clone(held[whole:])
	if c.mode == modeChinese {
		return c.put(held[:whole])
	}
	_, err := c.w.Write(held[:whole])
	return err
}

// halfMode is how a line is written of which this is the beginning.
func (c *chineseLines) halfMode(line []byte) lineMode {
	tail := line[asciiLen(line):]
	for cut := range min(utf8.UTFMax, len(tail)+1) { // a character that is not complete
		whole := tail[:len(tail)-cut]
		switch {
		case cut > 0 && utf8.FullRune(tail[len(whole):]) || !utf8.Valid(whole):
		case len(whole) == 0:
			return modeOpen
		default:
			return modePlain
		}
	}
	if _, ok := c.convert(line[:len(line)-cutCharacter(line)]); ok {
		return modeChinese
	}
	if len(line) > maxHeldLine {
		return modePlain
	}
	return modeOpen
}

// asciiLen is the length of the ASCII at the beginning of a text.
func asciiLen(p []byte) int {
	if i := bytes.IndexFunc(p, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
		return i
	}
	return len(p)
}

// cutCharacter is how many bytes at the end of a text in GB18030 begin a character that
// is not complete.
func cutCharacter(p []byte) int {
	for i := 0; i < len(p); {
		n := chineseLen(p[i:])
		if i+n > len(p) {
			return len(p) - i
		}
		i += n
	}
	return 0
}

// chineseLen is the length in GB18030 of the character that begins a text.
func chineseLen(p []byte) int {
	switch {
	case p[0] < 0x81:
		return 1
	case len(p) > 1 && p[1] >= '0' && p[1] <= '9':
		return 4
	}
	return 2
}

// Close writes what is held.
func (c *chineseLines) Close() error {
	if len(c.rest) == 0 {
		return nil
	}
	return c.endLine(c.rest)
}

// convert converts a line that is in GB18030; a line that is not is not ok.
func (c *chineseLines) convert(line []byte) (text []byte, ok bool) {
	if utf8.Valid(line) || !c.known && !c.learn(line) {
		return nil, false
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(line)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, false
	}
	c.known = true
	return text, true
}

// learn tells whether a line shows that the text is in GB18030, perhaps with the lines
// before it.
func (c *chineseLines) learn(line []byte) bool {
	pairs, bad := chinesePairs(line)
	if bad == 0 {
		c.pairs += pairs
	}
	return bad == 0 && enoughPairs(c.pairs, 0) || enoughPairs(pairs, bad)
}

// InChinese is the longest run of Chinese characters of a text in GB18030; nil without one.
// A line in GB18030 that has the text holds these bytes.
func InChinese(text string) []byte {
	longest := ""
	for run := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	if longest == "" {
		return nil
	}
	out, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(longest))
	if err != nil {
		return nil
	}
	return out
}

// looksGBK recognizes text in GBK or GB18030: it is not UTF-8, and nearly all non-ASCII
// bytes form pairs for common characters.
func looksGBK(head []byte) bool {
	if i := bytes.LastIndexByte(head, '\n'); i > 0 {
		head = head[:i]
	}
	return !utf8.Valid(head) && enoughPairs(chinesePairs(head))
}

func enoughPairs(pairs, bad int) bool { return pairs >= 4 && bad*10 <= pairs }

// chinesePairs counts the pairs of bytes that are common characters in GBK, and the other
// bytes that are not ASCII. Characters of four bytes tell nothing.
func chinesePairs(head []byte) (pairs, bad int) {
	for i := 0; i < len(head); i++ {
		c := head[i]
		if c < 0x80 {
			continue
		}
		switch rest := head[i+1:]; {
		case len(rest) > 2 && c > 0x80 && fourth(rest[0]) && rest[1] > 0x80 && fourth(rest[2]):
			i += 2
		case len(rest) > 0 && (c >= 0xb0 && c <= 0xf7 && rest[0] >= 0xa1 && rest[0] != 0xff ||
			c >= 0xa1 && c <= 0xa3 && rest[0] >= 0xa1):
			pairs++
		default:
			bad++
		}
		i++
	}
	return pairs, bad
}

// fourth tells whether a byte is the second or the fourth of a character of four bytes.
func fourth(c byte) bool { return c >= '0' && c <= '9' }

// Places of a long text that are looked at for its encoding.
const (
	samples     = 16
	sampleBytes = 16 << 10
)

// sampledChinese tells whether a text from from to size has lines in GB18030 in one of the
// places looked at: all of it if it is short.
func sampledChinese(f io.ReaderAt, from, size int64) bool {
	var c chineseLines
	buf := make([]byte, sampleBytes)
	for i := range int64(samples) {
		at := from + i*sampleBytes
		if size-from > samples*sampleBytes {
			at = from + i*(size-from-sampleBytes)/(samples-1)
		}
		n, _ := f.ReadAt(buf, at)
		piece := buf[:n]
		if at > from { // the first line may be cut
			piece = piece[bytes.IndexByte(piece, '\n')+1:]
		}
		if end := bytes.LastIndexByte(piece, '\n'); at+int64(n) < size && end >= 0 {
			piece = piece[:end]
		}
		if c.firstChinese(piece) >= 0 {
			return true
		}
	}
	return false
}

// chineseWithin tells whether a text from from to size has lines in GB18030.
func chineseWithin(ctx context.Context, r io.ReaderAt, from, size int64) bool {
	var c chineseLines
	buf := make([]byte, 256<<10)
	for off := from; off < size && ctx.Err() == nil; {
		n, _ := r.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		piece := buf[:n]
		if end := bytes.LastIndexByte(piece, '\n') + 1; end > 0 {
			piece = piece[:end]
		}
		if n == 0 || c.firstChinese(piece) >= 0 {
			return n > 0
		}
		off += int64(len(piece))
	}
	return false
}

// seenFile is a file as it was when a store began to read it.
type seenFile struct {
	path string
	info fs.FileInfo
}

// tellChinese looks through files that are shown unchanged, because none of the places looked at
// has lines in GB18030, and says which have some elsewhere.
func tellChinese(ctx context.Context, files []seenFile, failed func(string, error)) {
	for _, f := range files {
		file, open, _, err := opened(f.path)
		if err != nil {
			continue
		}
		now, err := file.Stat()
		size := f.info.Size() // what came since is looked at as it comes
		hole := holeEnd(file, size)
		if err == nil && open == nil && os.SameFile(now, f.info) && now.Size() >= size &&
			!new(File).converted(ctx, file, hole, size) && chineseWithin(ctx, file, hole, size) {
			failed("GBK "+f.path, ops.E(ops.Failed, lang.M(
				"%s has some lines in GBK, which a search here does not find; `opsdeck logs WORD` does", f.path)))
		}
		file.Close()
	}
}

// firstChinese is where the first line begins that is known to be in GB18030, or -1.
func (c *chineseLines) firstChinese(p []byte) int {
	for at := 0; at < len(p) && !utf8.Valid(p[at:]); {
		line, _, _ := bytes.Cut(p[at:], []byte{'\n'})
		if _, ok := c.convert(line); ok {
			return at
		}
		at += len(line) + 1
	}
	return -1
}

package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// blockSize is how many bytes of a file are read at a time; blocks is how many blocks
// may wait for the two hashes: 8 MiB of memory in all.
const (
	blockSize = 1 << 20
	blocks    = 8
)

// Verify reads a whole backup and compares it with its manifest: length, hash of the
// file, hash of every member, and the trailer at its end. A file of another tool is
// decompressed instead: it checks that the compression is intact, that the dump has its
// end, and which database is inside. Problems of the backup are in the Check; the error
// means that it could not be read: a cancelled context, or a file that changed
// meanwhile. report may be nil. For an encrypted file only its own length and hash are
// verified, and the Check says so; see VerifySealed.
func Verify(ctx context.Context, path string, now func() time.Time, report func(ops.Progress)) (Check, error) {
	return VerifySealed(ctx, path, nil, now, report)
}

// VerifySealed is Verify with a function that decrypts backups: their members and
// trailer are verified too.
func VerifySealed(ctx context.Context, path string, unseal Unseal, now func() time.Time,
	report func(ops.Progress)) (Check, error) {
	before, manifest, err := Identify(path)
	if err != nil {
		return unreadable(now(), err), nil
	}
	f, err := regular.Open(path)
	if err != nil {
		return unreadable(now(), err), nil
	}
	defer f.Close()
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_SEQUENTIAL)
	v := verification{ctx: ctx, f: f, unseal: unseal, size: before.Size, start: time.Now(), report: report}
	var check Check
	m, err := ReadManifest(path)
	switch {
	case errors.Is(err, ErrNoManifest):
		check, err = v.foreign()
	case err != nil:
		check = Check{Problems: []Problem{problem(BadManifest, err.Error())}}
		err = nil
	default:
		check, err = v.ours(m)
	}
	if err != nil {
		return Check{}, err
	}
	after, manifestAfter, err := Identify(path)
	if err != nil || after != before || manifestAfter != manifest {
		return Check{}, ops.E(ops.Busy, lang.M("%s changed while it was read", path)).
			WithHint(lang.M("wait until nothing writes to it, then verify it again"))
	}
	check.At = now()
	return check, nil
}

func unreadable(at time.Time, err error) Check {
	return Check{At: at, Problems: []Problem{problem(Unreadable, reason(err))}}
}

type verification struct {
	ctx        context.Context
	f          *os.File
	unseal     Unseal // nil when there is no key
	size       int64
	done       int64
	start      time.Time
	reportedAt time.Time
	report     func(ops.Progress)
}

// tell reports progress at most ten times a second, and at the end.
func (v *verification) tell() {
	now := time.Now()
	if v.report == nil || v.done < v.size && now.Sub(v.reportedAt) < 100*time.Millisecond {
		return
	}
	v.reportedAt = now
	v.report(ops.Progress{Phase: "verify", Done: v.done, Total: v.size, Unit: "bytes", Elapsed: now.Sub(v.start)})
}

// ours verifies a file against its manifest. The hashes of the file and of its members
// are computed in parallel.
func (v *verification) ours(m *Manifest) (Check, error) {
	switch {
	case v.size == 0:
		return Check{Problems: []Problem{problem(Empty)}}, nil
	case v.size < m.SizeBytes:
		return Check{Problems: []Problem{problem(Truncated, bytesOf(v.size), bytesOf(m.SizeBytes))}}, nil
	case v.size > m.SizeBytes:
		return Check{Problems: []Problem{problem(Grown, bytesOf(v.size), bytesOf(m.SizeBytes))}}, nil
	}
	whole := sha256.New()
	members := &memberHash{left: m.Members, hash: sha256.New()}
	sealed, err := v.feedMembers(m, whole, members)
	if err != nil {
		if v.ctx.Err() != nil {
			return Check{}, v.ctx.Err()
		}
		return Check{Problems: []Problem{problem(Unreadable, reason(err))}}, nil
	}
	check := Check{SHA256: hex.EncodeToString(whole.Sum(nil)), Sealed: errors.Is(sealed, errSealed)}
	if members.bad != nil {
		check.Problems = append(check.Problems, problem(BadMember, memberName(*members.bad)))
	}
	if check.SHA256 != m.SHA256 {
		check.Problems = append(check.Problems, problem(HashDiffers))
	}
	switch {
	case len(check.Problems) == 0 && errors.Is(sealed, ErrNotOpened):
		check.Problems = []Problem{problem(NotOpened)}
	case len(check.Problems) > 0 || check.Sealed:
	case sealed != nil:
		check.Problems = []Problem{problem(Damaged, reason(sealed))}
	case len(members.left) > 0:
		check.Problems = []Problem{problem(BadMember, memberName(members.left[0]))}
	default:
		check.Problems = v.trailer(m, members.last)
	}
	return check, nil
}

// feedMembers reads the file for both hashes. sealed is why the contents of an encrypted
// file could not be read, or not completely.
func (v *verification) feedMembers(m *Manifest, whole io.Writer, members *memberHash) (sealed, err error) {
	switch {
	case !m.Encrypted:
		return nil, v.feed(whole, members)
	case v.unseal == nil:
		return errSealed, v.feed(whole, io.Discard)
	}
	inside := newSealedMembers(v.unseal, members)
	err = v.feed(whole, inside)
	return inside.end(), err
}

// memberName is "rows 3 of orders (bytes 100 to 200)".
func memberName(x Member) string {
	return fmt.Sprintf("%s %s (bytes %d to %d)", x.Kind, x.Object, x.Offset, x.Offset+x.Length)
}

// piece is a part of the file that both hashes still need.
type piece struct {
	bytes []byte
	users sync.WaitGroup
}

// feed reads the file once and passes every piece to both writers, each on its own
// goroutine.
func (v *verification) feed(a, b io.Writer) error {
	free := make(chan *piece, blocks)
	work := [2]chan *piece{make(chan *piece, blocks), make(chan *piece, blocks)}
	for range min(blocks, v.size/blockSize+1) {
		free <- &piece{bytes: make([]byte, min(blockSize, v.size+1))}
	}
	var hashing sync.WaitGroup
	for i, w := range []io.Writer{a, b} {
		hashing.Go(func() {
			for x := range work[i] {
				w.Write(x.bytes)
				x.users.Done()
			}
		})
	}
	used := make(chan *piece, blocks)
	hashing.Go(func() {
		for x := range used {
			x.users.Wait()
			free <- x
		}
	})
	err := v.read(free, func(x *piece) {
		x.users.Add(2)
		work[0] <- x
		work[1] <- x
		used <- x
	})
	close(work[0])
	close(work[1])
	close(used)
	hashing.Wait()
	return err
}

func (v *verification) read(free chan *piece, give func(*piece)) error {
	for {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		x := <-free
		n, err := io.ReadFull(v.f, x.bytes[:cap(x.bytes)])
		if n > 0 {
			x.bytes = x.bytes[:n]
			v.done += int64(n)
			give(x)
			v.tell()
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// memberHash takes the bytes of a file and compares each member's hash.
type memberHash struct {
	left []Member
	hash hash.Hash
	have int64 // bytes of left[0] so far
	bad  *Member
	last []byte // the last member, which holds the trailer
}

func (w *memberHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && len(w.left) > 0 {
		m := w.left[0]
		part := p[:min(int64(len(p)), m.Length-w.have)]
		w.hash.Write(part)
		if len(w.left) == 1 {
			w.last = append(w.last, part...)
		}
		w.have += int64(len(part))
		p = p[len(part):]
		if w.have == m.Length {
			w.end(m)
		}
	}
	return n, nil
}

func (w *memberHash) end(m Member) {
	var sum [sha256.Size]byte
	if hex.EncodeToString(w.hash.Sum(sum[:0])) != m.SHA256 && w.bad == nil {
		w.bad = &m
	}
	w.hash.Reset()
	w.left, w.have = w.left[1:], 0
}

// trailer checks the last member for the line that ends a dump. A file that another
// engine made in one piece has no such member; create read its trailer.
func (v *verification) trailer(m *Manifest, last []byte) []Problem {
	var end io.Reader = bytes.NewReader(last)
	if len(m.Members) == 0 {
		if m.Compression != "" && m.Compression != "none" {
			return nil
		}
		from := max(0, m.SizeBytes-tailWindow)
		end = io.NewSectionReader(v.f, from, m.SizeBytes-from)
	}
	text, err := expand(end)
	if err != nil {
		return []Problem{problem(Damaged, reason(err))}
	}
	if !completed(text) {
		return []Problem{problem(NoTrailer)}
	}
	return nil
}

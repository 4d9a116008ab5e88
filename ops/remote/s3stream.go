package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// patience is how long tidying up after a stream that failed may take.
const patience = time.Minute

// PutStream sends what r gives in parts: a dump without any local file. It holds
// two parts in memory, one that fills while the other one is sent. What fails
// leaves no file there, and no parts either; a name that was taken meanwhile fails.
func (s *s3) PutStream(ctx context.Context, name string, r io.Reader) (size int64, sha256Hex string, err error) {
	id, err := s.core.NewMultipartUpload(ctx, s.bucket, s.key(name), minio.PutObjectOptions{})
	if err != nil {
		return 0, "", s.explain(err)
	}
	u := &upload{s3: s, name: name, id: id, sum: counted{hash: sha256.New()}}
	if err = u.run(ctx, r); err != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		s.core.AbortMultipartUpload(late, s.bucket, s.key(name), id)
		if isTaken(err) {
			return 0, "", &takenError{name}
		}
		return 0, "", s.explain(err)
	}
	return u.sum.n, hex.EncodeToString(u.sum.hash.Sum(nil)), nil
}

// upload is a stream on its way.
type upload struct {
	*s3
	name, id string
	sum      counted
	parts    []minio.CompletePart
}

// run sends the parts, one after the other, while the next one fills.
func (u *upload) run(ctx context.Context, r io.Reader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan []byte, 2)
	full := make(chan []byte)
	done := make(chan struct{})
	for range cap(free) {
		free <- nil
	}
	go func() {
		defer close(done)
		for piece := range full {
			if err := u.part(ctx, piece); err != nil {
				cancel(err)
				return
			}
			free <- piece
		}
	}()
	err := u.fill(ctx, r, free, full)
	close(full)
	<-done
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	return u.complete(ctx)
}

// complete makes one file of the parts, if the name is still free.
func (u *upload) complete(ctx context.Context) error {
	_, err := u.core.CompleteMultipartUpload(ctx, u.bucket, u.key(u.name), u.id, u.parts, onlyNew())
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotImplemented {
		_, err = u.core.CompleteMultipartUpload(ctx, u.bucket, u.key(u.name), u.id, u.parts, minio.PutObjectOptions{})
	}
	return err
}

// fill cuts the stream into pieces of a part's length. An empty stream is one
// empty part: an upload has at least one.
func (u *upload) fill(ctx context.Context, r io.Reader, free <-chan []byte, full chan<- []byte) error {
	for n := 1; ; n++ {
		var piece []byte
		select {
		case piece = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if piece == nil {
			piece = make([]byte, u.s3.part)
		}
		have, err := io.ReadFull(r, piece[:cap(piece)])
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		if have == 0 && n > 1 {
			return nil
		}
		if n > maxParts {
			return ops.E(ops.Failed, lang.M("the backup is larger than %d parts of the copy %s", maxParts, u.s3.name)).
				WithHint(lang.M("make it locally, then copy it: opsdeck backup sync"))
		}
		select {
		case full <- piece[:have]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if end {
			return nil
		}
	}
}

func (u *upload) part(ctx context.Context, piece []byte) error {
	u.sum.Write(piece)
	part, err := u.putPart(ctx, u.name, u.id, len(u.parts)+1,
		io.NewSectionReader(bytes.NewReader(piece), 0, int64(len(piece))), minio.ObjectPart{})
	if err != nil {
		return err
	}
	u.parts = append(u.parts, minio.CompletePart{PartNumber: len(u.parts) + 1, ETag: part.ETag})
	return nil
}

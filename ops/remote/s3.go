package remote

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// partSize is the length of a part: S3's smallest is 5 MiB, and 10,000 parts of
// this one hold 640 GiB. Larger files get larger parts.
const (
	partSize = 64 << 20
	maxParts = 10_000
)

// s3 is a bucket, or a folder in one, of S3-compatible storage. Aliyun OSS
// speaks the same.
type s3 struct {
	name   string
	core   minio.Core
	bucket string
	prefix string
	part   int64
}

// keys is the credentials file.
type keys struct {
	Access string `yaml:"access_key"`
	Secret string `yaml:"secret_key"`
	Token  string `yaml:"session_token"`
}

func newS3(c config.Copy) (*s3, error) {
	text, err := config.ReadSecret(c.CredentialsFile)
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the credentials of the copy %s cannot be read", c.Name)).
			WithHint(lang.M("credentials_file names a file of mode 0600 with the lines access_key: … and " +
				"secret_key: …"))
	}
	var k keys
	if err := yaml.UnmarshalWithOptions([]byte(text), &k, yaml.Strict()); err != nil || k.Access == "" ||
		k.Secret == "" {
		return nil, ops.E(
			ops.Config,
			lang.M("the credentials file of the copy %s does not hold access_key and secret_key", c.Name),
		).WithHint(lang.M("it has the lines access_key: … and secret_key: …"))
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(c.Target, "/"), "/")
	if bucket == "" || c.Endpoint == "" {
		return nil, ops.E(ops.Config, lang.M("the copy %s needs an endpoint and a target of the form bucket/folder",
			c.Name))
	}
	if strings.HasPrefix(c.Endpoint, "http://") && !c.Insecure {
		return nil, ops.E(ops.Config,
			lang.M("the endpoint of the copy %s is plain http, which is not allowed", c.Name)).
			WithHint(lang.M("write it without http://; if there is no TLS, add insecure: true"))
	}
	core, err := minio.NewCore(c.Endpoint, clientOptions(c, k))
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the endpoint of the copy %s is not usable", c.Name))
	}
	return &s3{name: c.Name, core: *core, bucket: bucket, prefix: prefix, part: partSize}, nil
}

// clientOptions are what all storages take. Checksums beyond MD5 and the
// signature's own SHA-256, and bodies signed in chunks, are left out: Aliyun OSS
// refuses them. The bucket is part of the host's name at Amazon, Google and
// Aliyun, of the path elsewhere, unless the configuration says how.
func clientOptions(c config.Copy, k keys) *minio.Options {
	o := &minio.Options{
		Creds:      credentials.NewStaticV4(k.Access, k.Secret, k.Token),
		Secure:     !c.Insecure,
		Region:     c.Region,
		MaxRetries: 4,
	}
	switch c.Addressing {
	case "host":
		o.BucketLookup = minio.BucketLookupDNS
	case "path":
		o.BucketLookup = minio.BucketLookupPath
	}
	return o
}

func (s *s3) key(name string) string { return path.Join(s.prefix, name) }

// explain makes a sentence of what the storage answered.
func (s *s3) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	r := minio.ToErrorResponse(err)
	switch {
	case r.StatusCode == http.StatusInsufficientStorage || r.Code == "XMinioStorageFull" || r.Code == "QuotaExceeded":
		return ops.Wrap(err, ops.Failed, lang.M("the disk at the copy %s is full", s.name)).
			WithHint(lang.M("free some space there, then send again: opsdeck backup sync"))
	case r.StatusCode == http.StatusForbidden:
		return ops.Wrap(err, ops.Config, lang.M("the copy %s rejected these credentials", s.name))
	case r.Code == "NoSuchBucket":
		return ops.Wrap(err, ops.Config, lang.M("the copy %s has no bucket %s", s.name, s.bucket)).
			WithHint(lang.M("create the bucket first; opsdeck does not create buckets"))
	case r.StatusCode == 0 || r.StatusCode >= 500:
		return ops.Wrap(err, ops.Busy, lang.M("the copy %s cannot be reached", s.name))
	}
	return ops.Wrap(err, ops.Failed, lang.M("the copy %s refused the request", s.name))
}

// List names what is in the folder.
func (s *s3) List(ctx context.Context) ([]Object, error) {
	prefix := s.prefix
	if prefix != "" {
		prefix += "/"
	}
	var list []Object
	for o := range s.core.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if o.Err != nil {
			return nil, s.explain(o.Err)
		}
		if name := strings.TrimPrefix(o.Key, prefix); plainName(name) {
			list = append(list, Object{Name: name, Size: o.Size})
		}
	}
	return list, ctx.Err()
}

// Put sends a file, a larger one in parts; parts that an earlier try brought
// are not sent again.
func (s *s3) Put(ctx context.Context, name, file string, report func(int64)) error {
	return s.explain(s.put(ctx, name, file, report, minio.PutObjectOptions{}))
}

// PutNew sends a file with the condition that the name is free, If-None-Match: *. A storage
// that does not know conditional writes gets it without.
func (s *s3) PutNew(ctx context.Context, name, file string, report func(int64)) error {
	err := s.put(ctx, name, file, report, onlyNew())
	switch {
	case isTaken(err):
		return &takenError{name}
	case minio.ToErrorResponse(err).StatusCode == http.StatusNotImplemented:
		return s.Put(ctx, name, file, report)
	}
	return s.explain(err)
}

// onlyNew is the condition that no file of the name exists.
func onlyNew() (o minio.PutObjectOptions) {
	o.SetMatchETagExcept("*")
	return o
}

// isTaken tells whether a storage refused to replace a file.
func isTaken(err error) bool {
	code := minio.ToErrorResponse(err).StatusCode
	return code == http.StatusPreconditionFailed || code == http.StatusConflict
}

func (s *s3) put(ctx context.Context, name, file string, report func(int64), o minio.PutObjectOptions) error {
	f, err := regular.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > s.part {
		return s.putParts(ctx, name, f, info.Size(), report, o)
	}
	err = s.putWhole(ctx, name, io.NewSectionReader(f, 0, info.Size()), o)
	if err == nil && report != nil {
		report(info.Size())
	}
	return err
}

// putWhole sends a small file in one request.
func (s *s3) putWhole(ctx context.Context, name string, r *io.SectionReader, o minio.PutObjectOptions) error {
	md5Sum, shaSum, err := sums(r)
	if err != nil {
		return err
	}
	o.DisableContentSha256 = true
	_, err = s.core.PutObject(ctx, s.bucket, s.key(name), r, r.Size(), base64.StdEncoding.EncodeToString(md5Sum),
		hex.EncodeToString(shaSum), o)
	return err
}

// sums are the MD5 and the SHA-256 of a piece, which is at its beginning again.
func sums(piece *io.SectionReader) (md5Sum, shaSum []byte, err error) {
	m := md5.New()
	s := sha256.New()
	if _, err := io.Copy(io.MultiWriter(m, s), piece); err != nil {
		return nil, nil, err
	}
	_, err = piece.Seek(0, io.SeekStart)
	return m.Sum(nil), s.Sum(nil), err
}

func (s *s3) putParts(ctx context.Context, name string, f io.ReaderAt, size int64, report func(int64),
	o minio.PutObjectOptions) error {
	length := max(s.part, (size+maxParts-1)/maxParts)
	id, there, err := s.unfinished(ctx, name)
	if err != nil {
		return err
	}
	if id == "" {
		if id, err = s.core.NewMultipartUpload(ctx, s.bucket, s.key(name), minio.PutObjectOptions{}); err != nil {
			return err
		}
	}
	var parts []minio.CompletePart
	for n, at := 1, int64(0); at < size; n, at = n+1, at+length {
		piece := io.NewSectionReader(f, at, min(length, size-at))
		part, err := s.putPart(ctx, name, id, n, piece, there[n])
		if err != nil {
			return err
		}
		parts = append(parts, minio.CompletePart{PartNumber: n, ETag: part.ETag})
		if report != nil {
			report(min(at+length, size))
		}
	}
	_, err = s.core.CompleteMultipartUpload(ctx, s.bucket, s.key(name), id, parts, o)
	return err
}

// unfinished finds the newest upload of a name that was begun and not ended.
func (s *s3) unfinished(ctx context.Context, name string) (id string, parts map[int]minio.ObjectPart, err error) {
	var newest time.Time
	for u := range s.core.Client.ListIncompleteUploads(ctx, s.bucket, s.key(name), false) {
		if u.Err != nil {
			return "", nil, nil // not every storage lists them: begin anew
		}
		if u.Key == s.key(name) && !u.Initiated.Before(newest) {
			id, newest = u.UploadID, u.Initiated
		}
	}
	parts = map[int]minio.ObjectPart{}
	for marker := 0; id != ""; {
		r, err := s.core.ListObjectParts(ctx, s.bucket, s.key(name), id, marker, 1000)
		if err != nil {
			return "", nil, nil
		}
		for _, p := range r.ObjectParts {
			parts[p.PartNumber] = p
		}
		if !r.IsTruncated || r.NextPartNumberMarker <= marker {
			break
		}
		marker = r.NextPartNumberMarker
	}
	return id, parts, nil
}

// putPart sends a part unless it is there already: its ETag is its MD5.
func (s *s3) putPart(ctx context.Context, name, id string, n int, piece *io.SectionReader,
	there minio.ObjectPart) (minio.ObjectPart, error) {
	md5Sum, shaSum, err := sums(piece)
	if err != nil {
		return there, err
	}
	if there.Size == piece.Size() && strings.Trim(there.ETag, `"`) == hex.EncodeToString(md5Sum) {
		return there, nil
	}
	return s.core.PutObjectPart(
		ctx,
		s.bucket,
		s.key(name),
		id,
		n,
		piece,
		piece.Size(),
		minio.PutObjectPartOptions{
			Md5Base64:            base64.StdEncoding.EncodeToString(md5Sum),
			Sha256Hex:            hex.EncodeToString(shaSum),
			DisableContentSha256: true,
		},
	)
}

// Close ends nothing: each request stands for itself.
func (s *s3) Close() error { return nil }

// Get reads a file.
func (s *s3) Get(ctx context.Context, name string, w io.Writer) error {
	o, err := s.core.Client.GetObject(ctx, s.bucket, s.key(name), minio.GetObjectOptions{})
	if err != nil {
		return s.explain(err)
	}
	defer o.Close()
	if _, err := io.Copy(w, o); err != nil {
		return s.explain(fmt.Errorf("read %s: %w", name, err))
	}
	return nil
}

// Hash reads a file back.
func (s *s3) Hash(ctx context.Context, name string) (string, error) {
	sum := sha256.New()
	if err := s.Get(ctx, name, sum); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Remove lets a file go, unless object lock protects it. In a bucket with
// versions it is the newest version that goes; a protected one is never hidden
// behind a mark of deletion.
func (s *s3) Remove(ctx context.Context, name string) error {
	key := s.key(name)
	info, err := s.core.Client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return nil
		}
		return s.explain(err)
	}
	if until, locked := s.locked(ctx, key, info); locked {
		return &lockedError{Name: name, Until: until}
	}
	err = s.core.Client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{VersionID: info.VersionID})
	if immutable(err) {
		return &lockedError{Name: name, Until: "the bucket's retention ends"}
	}
	return s.explain(err)
}

// legalHold is how a lock without an end is told.
const legalHold = "its legal hold ends"

// locked tells until when a file may not go. The answer about the file says so
// at most storages; to others it has to be put as a question of its own, which
// those without locks refuse.
func (s *s3) locked(ctx context.Context, key string, info minio.ObjectInfo) (until string, locked bool) {
	if info.Metadata.Get("X-Amz-Object-Lock-Legal-Hold") == "ON" {
		return legalHold, true
	}
	if end, err := time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date")); err == nil &&
		end.After(time.Now()) {
		return end.UTC().Format(time.RFC3339), true
	}
	if _, end, err := s.core.Client.GetObjectRetention(ctx, s.bucket, key, info.VersionID); err == nil && end != nil &&
		end.After(time.Now()) {
		return end.UTC().Format(time.RFC3339), true
	}
	hold, err := s.core.Client.GetObjectLegalHold(ctx, s.bucket, key,
		minio.GetObjectLegalHoldOptions{VersionID: info.VersionID})
	return legalHold, err == nil && hold != nil && *hold == minio.LegalHoldEnabled
}

// immutable tells whether a storage refused to remove what its retention
// protects: Aliyun's FileImmutable, and what others say of an object's lock.
func immutable(err error) bool {
	if err == nil {
		return false
	}
	r := minio.ToErrorResponse(err)
	return r.Code == "FileImmutable" || r.Code == "ObjectLocked" ||
		r.StatusCode == http.StatusForbidden && strings.Contains(strings.ToLower(r.Message), "object lock")
}

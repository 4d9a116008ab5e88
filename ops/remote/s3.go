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
	"os"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
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
			WithHint(lang.M("credentials_file names a file of mode 0600 with the lines access_key: … and secret_key: …"))
	}
	var k keys
	if err := yaml.UnmarshalWithOptions([]byte(text), &k, yaml.Strict()); err != nil || k.Access == "" || k.Secret == "" {
		return nil, ops.E(ops.Config, lang.M("the credentials file of the copy %s does not hold access_key and secret_key", c.Name))
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(c.Target, "/"), "/")
	if bucket == "" || c.Endpoint == "" {
		return nil, ops.E(ops.Config, lang.M("the copy %s needs an endpoint and a target of the form bucket/folder", c.Name))
	}
	core, err := minio.NewCore(c.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(k.Access, k.Secret, k.Token), Secure: !c.Insecure, Region: c.Region, MaxRetries: 4})
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the endpoint of the copy %s is not usable", c.Name))
	}
	return &s3{name: c.Name, core: *core, bucket: bucket, prefix: prefix, part: partSize}, nil
}

func (s *s3) key(name string) string { return path.Join(s.prefix, name) }

// explain makes a sentence of what the storage answered.
func (s *s3) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	r := minio.ToErrorResponse(err)
	switch {
	case r.StatusCode == http.StatusForbidden:
		return ops.Wrap(err, ops.Config, lang.M("the copy %s refuses these credentials", s.name))
	case r.Code == "NoSuchBucket":
		return ops.Wrap(err, ops.Config, lang.M("the copy %s has no bucket %s", s.name, s.bucket)).WithHint(lang.M("make the bucket first; opsdeck makes none"))
	case r.StatusCode == 0 || r.StatusCode >= 500:
		return ops.Wrap(err, ops.Busy, lang.M("the copy %s cannot be reached", s.name))
	}
	return ops.Wrap(err, ops.Failed, lang.M("the copy %s refuses", s.name))
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
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() <= s.part {
		_, err := s.core.Client.PutObject(ctx, s.bucket, s.key(name), f, info.Size(), minio.PutObjectOptions{DisableMultipart: true, SendContentMd5: true})
		if err == nil && report != nil {
			report(info.Size())
		}
		return s.explain(err)
	}
	return s.explain(s.putParts(ctx, name, f, info.Size(), report))
}

func (s *s3) putParts(ctx context.Context, name string, f io.ReaderAt, size int64, report func(int64)) error {
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
	_, err = s.core.CompleteMultipartUpload(ctx, s.bucket, s.key(name), id, parts, minio.PutObjectOptions{})
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
func (s *s3) putPart(ctx context.Context, name, id string, n int, piece *io.SectionReader, there minio.ObjectPart) (minio.ObjectPart, error) {
	sum, sha := md5.New(), sha256.New()
	if _, err := io.Copy(io.MultiWriter(sum, sha), piece); err != nil {
		return there, err
	}
	if there.Size == piece.Size() && strings.Trim(there.ETag, `"`) == hex.EncodeToString(sum.Sum(nil)) {
		return there, nil
	}
	if _, err := piece.Seek(0, io.SeekStart); err != nil {
		return there, err
	}
	return s.core.PutObjectPart(ctx, s.bucket, s.key(name), id, n, piece, piece.Size(),
		minio.PutObjectPartOptions{Md5Base64: base64.StdEncoding.EncodeToString(sum.Sum(nil)), Sha256Hex: hex.EncodeToString(sha.Sum(nil)), DisableContentSha256: true})
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
	_, until, err := s.core.Client.GetObjectRetention(ctx, s.bucket, key, info.VersionID)
	if err == nil && until != nil && until.After(time.Now()) {
		return &LockedError{Name: name, Until: until.UTC().Format(time.RFC3339)}
	}
	hold, err := s.core.Client.GetObjectLegalHold(ctx, s.bucket, key, minio.GetObjectLegalHoldOptions{VersionID: info.VersionID})
	if err == nil && hold != nil && *hold == minio.LegalHoldEnabled {
		return &LockedError{Name: name, Until: "its legal hold ends"}
	}
	return s.explain(s.core.Client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{VersionID: info.VersionID}))
}

package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"

	"opsdeck/internal/config"
)

// oss stands for Aliyun OSS: it demands what OSS is documented, and by many
// reports known, to demand of clients that speak S3 to it. What OSS itself does
// has not been seen by these tests.
type oss struct {
	t      *testing.T
	inner  http.Handler
	domain string // "oss-cn-hangzhou.aliyuncs.com"
	worm   bool   // a retention policy of the bucket holds everything
}

func (o *oss) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	bucket, ok := strings.CutSuffix(host, "."+o.domain)
	switch sha := r.Header.Get("X-Amz-Content-Sha256"); {
	case !ok:
		refuse(w, http.StatusForbidden, "SecondLevelDomainForbidden", "Please use virtual hosted style to access.")
	case strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked"),
		strings.HasPrefix(sha, "STREAMING-"),
		r.ContentLength < 0:
		refuse(
			w,
			http.StatusBadRequest,
			"InvalidArgument",
			"aws-chunked encoding is not supported with the specified x-amz-content-sha256 value.",
		)
	case unknownHeader(r.Header) != "":
		refuse(w, http.StatusNotImplemented, "NotImplemented", "OSS knows no header "+unknownHeader(r.Header))
	case r.URL.Query().Has("retention"), r.URL.Query().Has("legal-hold"):
		refuse(w, http.StatusNotImplemented, "NotImplemented", "OSS knows no such parameter.")
	case o.worm && r.Method == http.MethodDelete && !r.URL.Query().Has("uploadId"):
		refuse(w, http.StatusConflict, "FileImmutable", "The object you specified is immutable.")
	default:
		r.URL.Path = "/" + bucket + r.URL.Path
		o.inner.ServeHTTP(w, r)
	}
}

func unknownHeader(h http.Header) string {
	for name := range h {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || strings.HasPrefix(name, "X-Amz-Sdk-Checksum") ||
			name == "X-Amz-Trailer" {
			return name
		}
	}
	return ""
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(
		w,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>",
		code,
		message,
	)
}

// ossStore is a bucket at the stand-in, by the configuration of the README: by
// TLS, or in plain as between the cloud's own machines.
func ossStore(t *testing.T, plain, worm bool) *s3 {
	t.Helper()
	memory := s3mem.New()
	if err := memory.CreateBucket("backups"); err != nil {
		t.Fatal(err)
	}
	o := &oss{t: t, inner: gofakes3.New(memory).Server(), domain: "oss-cn-hangzhou.aliyuncs.com", worm: worm}
	server, start := httptest.NewUnstartedServer(o), (*httptest.Server).StartTLS
	if plain {
		start = (*httptest.Server).Start
	}
	start(server)
	t.Cleanup(server.Close)
	c := config.Copy{
		Name:     "oss",
		Kind:     "s3",
		Target:   "backups/mysql",
		Endpoint: o.domain,
		Region:   "oss-cn-hangzhou",
		Insecure: plain,
	}
	options := clientOptions(c, keys{Access: "a", Secret: "bbbbbbbb"})
	options.Transport = &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	core, err := minio.NewCore(c.Endpoint, options)
	if err != nil {
		t.Fatal(err)
	}
	return &s3{name: c.Name, core: *core, bucket: "backups", prefix: "mysql", part: 5 << 20}
}

func TestAliyunIsSpokenToAsItDemands(t *testing.T) {
	for name, plain := range map[string]bool{"TLS": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			s := ossStore(t, plain, false)
			inv, _ := local(t, 3, 6<<20) // more than a part
			c := copier(t, s)
			send(t, c, inv)
			if names := listed(t, s); len(names) != 6 {
				t.Errorf("there: %v", names)
			}
			content, dump := streamed(11 << 20)
			m, err := c.Stream(context.Background(), numbered, dump)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := s.Get(context.Background(), m.File, &got); err != nil || !bytes.Equal(got.Bytes(), content) {
				t.Errorf("%d bytes came back, %v", got.Len(), err)
			}
			if err := s.Remove(context.Background(), inv.Sets[2].Name); err != nil {
				t.Error(err)
			}
			if names := listed(t, s); len(names) != 7 {
				t.Errorf("there: %v", names)
			}
		})
	}
}

func TestARetentionPolicyOfTheBucketIsALock(t *testing.T) {
	s := ossStore(t, false, true)
	inv, _ := local(t, 1, 100)
	send(t, copier(t, s), inv)
	var locked *lockedError
	if err := s.Remove(context.Background(), inv.Sets[0].Name); !errors.As(err, &locked) {
		t.Errorf("%v", err)
	}
}

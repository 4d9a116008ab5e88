package remote

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"opsdeck/internal/testdb"
)

var buckets atomic.Int64

// gatewayStore is a bucket of a real S3 server that .ci/install-real builds.
func gatewayStore(t *testing.T, locking bool) *s3 {
	t.Helper()
	server := testdb.S3(t)
	s := openS3(t, server.Addr, "access_key: "+server.Access+"\nsecret_key: "+server.Secret+"\n")
	s.bucket = fmt.Sprintf("bucket%d", buckets.Add(1))
	if err := s.core.Client.MakeBucket(context.Background(), s.bucket,
		minio.MakeBucketOptions{ObjectLocking: locking}); err != nil {
		t.Fatal(err)
	}
	return s
}

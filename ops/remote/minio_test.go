package remote

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"opsdeck/internal/testdb"
)

var minioAt struct {
	sync.Mutex
	addr string
	n    int
}

// minioStore is a bucket in a real MinIO: the program that OPSDECK_MINIO names,
// or the one on the PATH. `go install github.com/minio/minio@latest` builds one;
// that takes minutes, so the tests do not.
func minioStore(t *testing.T, locking bool) *s3 {
	t.Helper()
	minioAt.Lock()
	defer minioAt.Unlock()
	if minioAt.addr == "" {
		minioAt.addr = startMinIO(t)
	}
	minioAt.n++
	s := openS3(t, minioAt.addr, "access_key: opsdeck\nsecret_key: opsdeck-secret\n")
	s.bucket = "bucket" + time.Now().Format("150405") + string(rune('a'+minioAt.n%26))
	if err := s.core.Client.MakeBucket(context.Background(), s.bucket,
		minio.MakeBucketOptions{ObjectLocking: locking}); err != nil {
		t.Fatal(err)
	}
	return s
}

func startMinIO(t *testing.T) string {
	program := os.Getenv("OPSDECK_MINIO")
	if program == "" {
		var err error
		if program, err = exec.LookPath("minio"); err != nil {
			t.Skip("no MinIO: OPSDECK_MINIO names none and none is on the PATH")
		}
	}
	port, err := testdb.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	dir, err := os.MkdirTemp("", "minio")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "server", "--quiet", "--address", addr, dir)
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER=opsdeck", "MINIO_ROOT_PASSWORD=opsdeck-secret", "MINIO_BROWSER=off")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	atEnd = append(atEnd, func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	for range 300 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("MinIO does not come up")
	return ""
}

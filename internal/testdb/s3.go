package testdb

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// S3Server is a real S3 server over a folder, with the one account that may do
// everything. It has no buckets.
type S3Server struct {
	Addr   string // host:port, plain HTTP
	Access string
	Secret string

	dir  string
	proc *process
}

var s3 struct {
	sync.Mutex
	server *S3Server
	err    error
}

// S3 is the S3 server that the test process shares: Versity's gateway.
func S3(t testing.TB) *S3Server {
	t.Helper()
	s3.Lock()
	defer s3.Unlock()
	if s3.server == nil && s3.err == nil {
		s3.server, s3.err = startS3()
	}
	if s3.err != nil {
		absent(t, s3.err)
	}
	return s3.server
}

func startS3() (*S3Server, error) {
	gateway, err := program(filepath.Join(cacheDir(), "s3"), "versitygw")
	if err != nil {
		return nil, err
	}
	s := &S3Server{Access: "opsdeck", Secret: "opsdeck-secret"}
	if s.dir, err = newFolder("s3"); err != nil {
		return nil, err
	}
	for _, d := range []string{"files", "versions", "attributes"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	// Attributes in files of their own: not every folder for tests has extended ones.
	s.proc, err = launch(
		s.dir,
		[]string{"ROOT_ACCESS_KEY=" + s.Access, "ROOT_SECRET_KEY=" + s.Secret},
		gateway,
		"--port",
		s.Addr,
		"--health",
		"/health",
		"--quiet",
		"posix",
		"--sidecar",
		filepath.Join(s.dir, "attributes"),
		"--versioning-dir",
		filepath.Join(s.dir, "versions"),
		filepath.Join(s.dir, "files"),
	)
	if err != nil {
		return nil, err
	}
	return s, s.proc.ready(s.ping)
}

func (s *S3Server) ping(ctx context.Context) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/health", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"

	"opsdeck/internal/config"
	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/opstest"
)

// atEnd stops what the tests of the package share.
var atEnd []func()

func TestMain(m *testing.M) { testdb.Main(ending{m}) }

type ending struct{ m *testing.M }

func (e ending) Run() int {
	defer func() {
		for _, f := range atEnd {
			f()
		}
	}()
	return e.m.Run()
}

const db = "qianzhang_sales"

var now = time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)

// eachStore runs a test against every kind of store: a real sshd with a real
// rsync, an S3 in this process, a real S3 server, and MinIO where one can be had.
func eachStore(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("rsync", func(t *testing.T) { test(t, rsyncStore(t, testdb.SSHD(t))) })
	t.Run("s3", func(t *testing.T) { test(t, fakeS3(t)) })
	t.Run("gateway", func(t *testing.T) { test(t, gatewayStore(t, false)) })
	t.Run("minio", func(t *testing.T) { test(t, minioStore(t, false)) })
}

func rsyncStore(t *testing.T, s *testdb.SSHServer) *rsync {
	t.Helper()
	store, err := Open(
		config.Copy{
			Name:         "far",
			Kind:         "rsync",
			Target:       s.User + "@" + s.Host + ":" + s.Dir + "/it's backups",
			Port:         s.Port,
			IdentityFile: s.IdentityFile,
			SSHOptions:   []string{"UserKnownHostsFile=" + s.KnownHosts},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*rsync)
}

func secretFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func fakeS3(t *testing.T) *s3 {
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(server.Close)
	s := openS3(t, strings.TrimPrefix(server.URL, "http://"), "access_key: a\nsecret_key: bbbbbbbb\n")
	if err := s.core.Client.MakeBucket(context.Background(), s.bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func openS3(t *testing.T, endpoint, keys string) *s3 {
	t.Helper()
	store, err := Open(
		config.Copy{
			Name:            "cloud",
			Kind:            "s3",
			Target:          "backups/mysql/one",
			Endpoint:        endpoint,
			Insecure:        true,
			Region:          "us-east-1",
			CredentialsFile: secretFile(t, keys),
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	s := store.(*s3)
	s.part = 5 << 20
	return s
}

// local makes a folder with verified backups of the last n nights, each of so
// many bytes.
func local(t *testing.T, n, size int) (*backup.Inventory, backup.Scan) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "backups")
	os.Mkdir(dir, 0o700)
	index, _ := backup.OpenIndex("", dir)
	for i := range n {
		at := time.Date(2026, 11, 18-i, 2, 0, 0, 0, time.UTC)
		content := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(i)}).Read(content)
		sum := sha256.Sum256(content)
		name := backup.Spec{Databases: []string{db}, At: at, Ext: ".sql.gz"}.Name(1)
		m := &backup.Manifest{
			FormatVersion: 1,
			Engine:        "mysqldump",
			Kind:          backup.KindScheduled,
			File:          name,
			Databases:     []string{db},
			StartedAt:     at,
			SnapshotAt:    at,
			FinishedAt:    at,
			Consistent:    true,
			Compression:   "gzip",
			SizeBytes:     int64(size),
			SHA256:        hex.EncodeToString(sum[:]),
		}
		os.WriteFile(filepath.Join(dir, name), content, 0o600)
		if err := opstest.WriteManifest(dir, m); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.LinkTiers(dir, name, m, at); err != nil {
			t.Fatal(err)
		}
		file, manifest, _ := backup.Identify(filepath.Join(dir, name))
		index.Record(file, manifest, backup.Check{At: now, SHA256: m.SHA256})
	}
	sc := backup.Scan{Dir: dir, Databases: []string{db}, Zone: time.UTC, Now: now, Index: index}
	inv, err := sc.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return inv, sc
}

func copier(t *testing.T, s Store) *Copier {
	return &Copier{
		Name:   "far",
		Store:  s,
		State:  t.TempDir(),
		Copies: backup.Copies{},
		Now:    func() time.Time { return now },
	}
}

func listed(t *testing.T, s Store) (names []string) {
	t.Helper()
	list, err := s.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return names
}

func send(t *testing.T, c *Copier, inv *backup.Inventory) Result {
	t.Helper()
	r, err := c.Send(context.Background(), inv)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failed {
		t.Fatalf("%s: %v", f.Name, f.Err)
	}
	return r
}

func TestACopyIsWholeReadBackAndNeverLosesAnything(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		inv, sc := local(t, 5, 100_000) // among them Sunday the 15th, of two names
		c := copier(t, s)
		if r := send(t, c, inv); len(r.Sent) != 5 || r.Present != 0 || r.Bytes != 500_000 {
			t.Errorf("first: %+v", r)
		}
		names := listed(t, s)
		if len(names) != 10 {
			t.Errorf("there: %v", names)
		}
		if r := send(t, c, inv); len(r.Sent) != 0 || r.Present != 5 {
			t.Errorf("again: %+v", r)
		}
		remembered, err := backup.ReadCopies(c.State, map[string]string{c.Name: c.Target})
		if err != nil {
			t.Fatal(err)
		}
		inv.Attach(remembered)
		for _, x := range inv.Sets {
			if len(x.Copies) != 1 || x.Copies[0].State != backup.Good {
				t.Errorf("%s: %+v", x.Name, x.Copies)
			}
		}
		os.Remove(inv.Sets[0].Path)
		os.Remove(inv.Sets[0].Path + backup.ManifestSuffix)
		less, _ := sc.Read(context.Background())
		send(t, c, less)
		if after := listed(t, s); !slices.Equal(after, names) {
			t.Errorf("a loss here was carried there: %v", after)
		}
		var got bytes.Buffer
		want, _ := os.ReadFile(inv.Sets[1].Path)
		if err := s.Get(context.Background(), inv.Sets[1].Name, &got); err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("what comes back differs: %v", err)
		}
	})
}

func TestWhatIsThereButNotRememberedIsReadBackNotSent(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		inv, _ := local(t, 2, 1000)
		send(t, copier(t, s), inv)
		if r := send(t, copier(t, s), inv); len(r.Proved) != 2 || len(r.Sent) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestADamagedCopyIsSentAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		inv, _ := local(t, 1, 1000)
		send(t, copier(t, s), inv)
		bad := filepath.Join(t.TempDir(), "bad")
		os.WriteFile(bad, bytes.Repeat([]byte("x"), 1000), 0o600)
		if err := s.Put(context.Background(), inv.Sets[0].Name, bad, nil); err != nil {
			t.Fatal(err)
		}
		if r := send(t, copier(t, s), inv); len(r.Sent) != 1 {
			t.Errorf("%+v", r)
		}
		if h, err := s.Hash(context.Background(), inv.Sets[0].Name); err != nil || h != inv.Sets[0].SHA256 {
			t.Errorf("%s %v", h, err)
		}
	})
}

// flipping is a line that changes a byte of what is sent.
type flipping struct {
	Store
	t *testing.T
}

func (f flipping) Put(ctx context.Context, name, path string, report func(int64)) error {
	b, _ := os.ReadFile(path)
	if !isManifest(name) {
		b[len(b)/2] ^= 1
	}
	other := filepath.Join(f.t.TempDir(), "flipped")
	os.WriteFile(other, b, 0o600)
	return f.Store.Put(ctx, name, other, report)
}

func (f flipping) PutNew(ctx context.Context, name, path string, report func(int64)) error {
	return f.Put(ctx, name, path, report)
}

func TestAByteFlippedOnTheWayIsFoundAndNoManifestFollows(t *testing.T) {
	s := fakeS3(t)
	inv, _ := local(t, 1, 1000)
	c := copier(t, flipping{s, t})
	r, err := c.Send(context.Background(), inv)
	if err != nil || len(r.Failed) != 1 || len(r.Sent) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if names := listed(t, s); len(names) != 1 {
		t.Errorf("there: %v", names)
	}
	remembered, _ := backup.ReadCopies(c.State, map[string]string{c.Name: c.Target})
	inv.Attach(remembered)
	if st := inv.Sets[0].Copies; len(st) != 0 && st[0].State == backup.Good {
		t.Errorf("it is called %v", st)
	}
}

// stopping cancels the context once the first report of progress comes.
func TestAnUploadThatWasStoppedGoesOn(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *s3{"s3": fakeS3,
		"gateway": func(t *testing.T) *s3 { return gatewayStore(t, false) },
		"minio":   func(t *testing.T) *s3 { return minioStore(t, false) }} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			path := filepath.Join(t.TempDir(), "big")
			content := make([]byte, 13<<20)
			rand.NewChaCha8([32]byte{}).Read(content)
			os.WriteFile(path, content, 0o600)
			ctx, cancel := context.WithCancel(context.Background())
			if err := s.Put(ctx, "big", path, func(int64) { cancel() }); err == nil {
				t.Fatal("not stopped")
			}
			if names := listed(t, s); names != nil {
				t.Fatalf("half a file is there: %v", names)
			}
			_, parts, err := s.unfinished(context.Background(), "big")
			if err != nil || len(parts) != 1 {
				t.Fatalf("parts %v, %v", parts, err)
			}
			before := parts[1].LastModified
			if err := s.Put(context.Background(), "big", path, nil); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(content)
			if h, err := s.Hash(context.Background(), "big"); err != nil || h != hex.EncodeToString(sum[:]) {
				t.Errorf("%s %v", h, err)
			}
			if id, _, _ := s.unfinished(context.Background(), "big"); id != "" {
				t.Error("the first upload was not the one that was ended: begun ", before)
			}
		})
	}
}

func TestRetentionAtTheCopyIsItsOwnStep(t *testing.T) {
	eachStore(t, func(t *testing.T, s Store) {
		inv, sc := local(t, 6, 500)
		c := copier(t, s)
		send(t, c, inv)
		at, err := c.Inventory(context.Background(), sc)
		if err != nil {
			t.Fatal(err)
		}
		plan := backup.PlanRetention(at, backup.Policy{Keep: backup.Keep{Daily: 3}, Late: 26 * time.Hour})
		out, err := c.Prune(context.Background(), plan)
		if err != nil || len(out.Removed) != 3 {
			t.Fatalf("%+v, %v", out, err)
		}
		if names := listed(t, s); len(names) != 6 {
			t.Errorf("there: %v", names)
		}
		again, _ := c.Inventory(context.Background(), sc)
		if p := backup.PlanRetention(again, backup.Policy{Keep: backup.Keep{Daily: 3}, Late: 26 * time.Hour}); len(
			p.Removes(),
		) != 0 {
			t.Error("run twice it removes more")
		}
	})
}

func TestNothingGoesAtTheCopyWhenItsNewestIsBad(t *testing.T) {
	s := fakeS3(t)
	inv, sc := local(t, 6, 500)
	c := copier(t, s)
	send(t, c, inv)
	at, _ := c.Inventory(context.Background(), sc)
	plan := backup.PlanRetention(at, backup.Policy{Keep: backup.Keep{Daily: 2}, Late: 26 * time.Hour})
	bad := filepath.Join(t.TempDir(), "bad")
	os.WriteFile(bad, make([]byte, 500), 0o600)
	s.Put(context.Background(), plan.Guard.Name, bad, nil)
	if out, err := c.Prune(context.Background(), plan); err == nil || len(out.Removed) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestACopyThatCannotBeReachedSaysSo(t *testing.T) {
	sshd := testdb.SSHD(t)
	r := rsyncStore(t, sshd)
	sshd.Kill()
	cloud := openS3(t, "127.0.0.1:1", "access_key: a\nsecret_key: bbbbbbbb\n")
	for name, s := range map[string]Store{"rsync": r, "s3": cloud} {
		inv, _ := local(t, 1, 100)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		_, err := copier(t, s).Send(ctx, inv)
		cancel()
		if ops.CodeOf(err) != ops.Busy {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// slow takes its time for what it is given.
type slow struct{ got bytes.Buffer }

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.got.Write(p)
}

func TestWhatASlowDiskTakesAfterTheLastByteCameIsWaitedFor(t *testing.T) {
	former := lingering
	lingering = 100 * time.Millisecond
	defer func() { lingering = former }()
	s := rsyncStore(t, testdb.SSHD(t))
	if _, err := s.List(t.Context()); err != nil { // makes the folder
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a")
	os.WriteFile(path, []byte("a backup"), 0o600)
	if err := s.Put(t.Context(), "a", path, nil); err != nil {
		t.Fatal(err)
	}
	var disk slow
	if err := s.Get(t.Context(), "a", &disk); err != nil || disk.got.String() != "a backup" {
		t.Errorf("%q, %v", disk.got.String(), err)
	}
}

// What a command left behind may hold its output open for ever.
func TestAPipeHeldBehindTheCommandIsNotWaitedFor(t *testing.T) {
	former := lingering
	lingering = 100 * time.Millisecond
	defer func() { lingering = former }()
	var got bytes.Buffer
	cmd := exec.Command("sh", "-c", "echo here; sleep 3600 & echo $!")
	err, taken := runInto(cmd, &got)
	said := strings.Fields(got.String())
	if len(said) != 2 || !errors.Is(err, exec.ErrWaitDelay) || taken != nil {
		t.Fatalf("%q, %v, %v", got.String(), err, taken)
	}
	if pid, err := strconv.Atoi(said[1]); err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("who held it: %q", said[1])
	}
}

func TestACopyConfiguredWronglySaysSo(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	os.WriteFile(open, []byte("access_key: a\nsecret_key: b\n"), 0o644)
	for name, c := range map[string]config.Copy{
		"no kind":                {Name: "x", Kind: "ftp"},
		"no host":                {Kind: "rsync", Target: "/folder"},
		"a relative folder":      {Kind: "rsync", Target: "host:folder"},
		"an option for a host":   {Kind: "rsync", Target: "-oProxyCommand=x:/folder"},
		"no credentials":         {Kind: "s3", Target: "b", Endpoint: "e", CredentialsFile: "/none"},
		"credentials for all":    {Kind: "s3", Target: "b", Endpoint: "e", CredentialsFile: open},
		"credentials of rubbish": {Kind: "s3", Target: "b", Endpoint: "e", CredentialsFile: secretFile(t, "hello")},
		"no bucket": {Kind: "s3", Endpoint: "e",
			CredentialsFile: secretFile(t, "access_key: a\nsecret_key: b\n")},
	} {
		if _, err := Open(c); ops.CodeOf(err) != ops.Config {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestObjectLockIsRespected(t *testing.T) {
	t.Run("gateway", func(t *testing.T) { respectsLocks(t, gatewayStore(t, true)) })
	t.Run("minio", func(t *testing.T) { respectsLocks(t, minioStore(t, true)) })
}

func respectsLocks(t *testing.T, s *s3) {
	inv, sc := local(t, 3, 500)
	c := copier(t, s)
	send(t, c, inv)
	mode, until := minio.Governance, time.Now().Add(time.Hour)
	oldest := inv.Sets[len(inv.Sets)-1].Name
	if err := s.core.Client.PutObjectRetention(context.Background(), s.bucket, s.key(oldest),
		minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until}); err != nil {
		t.Fatal(err)
	}
	at, _ := c.Inventory(context.Background(), sc)
	out, err := c.Prune(
		context.Background(),
		backup.PlanRetention(at, backup.Policy{Keep: backup.Keep{Daily: 1}, Late: 26 * time.Hour}),
	)
	if err != nil || len(out.Locked) != 1 || len(out.Removed) != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	if names := listed(t, s); len(names) != 4 {
		t.Errorf("there: %v", names)
	}
	var locked *lockedError
	if err := s.Remove(context.Background(), oldest); !errors.As(err, &locked) {
		t.Errorf("%v", err)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"opsdeck/internal/testdb"
)

// amend changes a part of the configuration.
func (s *realSite) amend(old, new string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "config.yaml"))
	if err != nil || !strings.Contains(string(text), old) {
		s.t.Fatalf("%q is not in the configuration (%v)", old, err)
	}
	s.write("config.yaml", strings.Replace(string(text), old, new, 1))
}

// backups are the files in the backup folder, without manifests and without the
// further names that a Sunday's and a first of the month's backup have.
func (s *realSite) backups() (names []string) {
	found, _ := filepath.Glob(filepath.Join(s.dir, "backups", "*"))
	for _, path := range found {
		if base := filepath.Base(path); strings.HasPrefix(base, "weekly_") || strings.HasPrefix(base, "monthly_") {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !strings.HasSuffix(path, ".json") {
			names = append(names, filepath.Base(path))
		}
	}
	return names
}

// loseBackups empties the backup folder: what is left is the copy.
func (s *realSite) loseBackups() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "backups")); err != nil {
		s.t.Fatal(err)
	}
}

func (s *realSite) copyOverSSH() (folder string) {
	far := testdb.SSHD(s.t)
	s.amend(
		"keep: {daily: 7}",
		fmt.Sprintf(
			"keep: {daily: 7}, copies: [{name: far, kind: rsync, target: \"%s@%s:%s/b\", port: %d, identity_file: "+
				"%s, ssh_options: [\"UserKnownHostsFile=%s\"]}]",
			far.User,
			far.Host,
			far.Dir,
			far.Port,
			far.IdentityFile,
			far.KnownHosts,
		),
	)
	return filepath.Join(far.Dir, "b")
}

func (s *realSite) copyInS3() {
	store := s3mem.New()
	if err := store.CreateBucket("backups"); err != nil {
		s.t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(store).Server())
	s.t.Cleanup(server.Close)
	s.write("keys", "access_key: a\nsecret_key: bbbbbbbb\n")
	s.amend(
		"keep: {daily: 7}",
		fmt.Sprintf(
			"keep: {daily: 7}, copies: [{name: far, kind: s3, target: backups/shop, endpoint: %q, insecure: true, "+
				"region: us-east-1, credentials_file: %s}]",
			strings.TrimPrefix(server.URL, "http://"),
			filepath.Join(s.dir, "keys"),
		),
	)
}

// The backups of this machine are lost; a copy elsewhere brings them back.
func TestRestoreFromACopy(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		if db.Flavour == "mysql" {
			s.copyOverSSH()
		} else {
			s.copyInS3()
		}
		good := s.dump()
		s.must("backup", "create")
		name := s.backups()[0]
		s.must("backup", "sync")
		s.loseBackups()
		db.Exec(t, s.live, shopDamage...)
		if o := s.run("restore", "--plan"); o.code == 0 || !strings.Contains(o.err, s.opsdeck("restore --from far:")) {
			t.Fatalf("exit %d, no word of the copy: %s", o.code, o.err)
		}
		plan := s.must("restore", "--from", "far:", "--plan").out
		for _, want := range []string{"Fetch " + name + " from the copy far", "will be lost"} {
			if !strings.Contains(plan, want) {
				t.Errorf("the plan lacks %q:\n%s", want, plan)
			}
		}
		o := s.must("restore", "--from", "far:"+name, "--confirm", s.live, "--json")
		if last := o.lastLine(t); last.Result != "restored" || !strings.Contains(o.out, "fetched from the copy far") {
			t.Fatalf("last line %+v\n%s", last, o.out)
		}
		sameDump(t, good, s.dump())
		if _, err := os.Stat(filepath.Join(s.dir, "backups", "fetched")); err == nil {
			t.Error("what was fetched is still there")
		}
		if o := s.run("restore", "--from", "far:nothing.sql.gz", "--plan"); o.code != 64 ||
			!strings.Contains(o.err, "at the copy far") {
			t.Fatalf("exit %d: %s", o.code, o.err)
		}
	})
}

// A copy that went bad is found out before anything is touched.
func TestACopyThatWentBadTouchesNothing(t *testing.T) {
	s := newSite(t, testdb.MariaDB(t))
	folder := s.copyOverSSH()
	s.must("backup", "create")
	path := filepath.Join(folder, s.backups()[0])
	s.must("backup", "sync")
	s.db.Exec(t, s.live, shopDamage...)
	damaged := s.dump()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := s.run("restore", "--from", "far:"+filepath.Base(path), "--confirm", s.live, "--json")
	if last := o.lastLine(t); o.code != 1 || last.Result != "aborted" || !strings.Contains(o.out, "wrong hash") {
		t.Fatalf("exit %d, %+v\n%s", o.code, last, o.out)
	}
	for _, state := range []string{`"stage":"stopping"`, `"stage":"saving"`} {
		if strings.Contains(o.out, state) {
			t.Errorf("it came to %s:\n%s", state, o.out)
		}
	}
	sameDump(t, damaged, s.dump())
	if left, _ := filepath.Glob(filepath.Join(s.dir, "backups", "fetched", "*", "*")); len(left) > 0 || !s.running() {
		t.Fatalf("left %v, running %v", left, s.running())
	}
}

// Encrypted backups are restored with the identity file, and so is the encrypted
// emergency backup; an identity that does not fit is told in step 1.
func TestRestoreOfEncryptedBackups(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		mine, other := identity(t), identity(t)
		s.write("mine.txt", mine.String()+"\n")
		s.write("other.txt", other.String()+"\n")
		s.amend("keep: {daily: 7}", "keep: {daily: 7}, recipients: ["+mine.Recipient().String()+"]")
		good := s.dump()
		s.must("backup", "create")
		if names := s.backups(); len(names) != 1 || !strings.HasSuffix(names[0], ".sql.gz.age") {
			t.Fatalf("backups %v", names)
		}
		db.Exec(t, s.live, shopDamage...)
		damaged := s.dump()
		s.refuses("backup.identity is not set", "restore", "--confirm", s.live)
		s.amend("keep: {daily: 7}", "keep: {daily: 7}, identity: "+filepath.Join(s.dir, "other.txt"))
		s.refuses("cannot be decrypted", "restore", "--confirm", s.live)
		sameDump(t, damaged, s.dump())
		s.amend("other.txt", "mine.txt")
		for _, mode := range []string{"swap", "in-place"} {
			o := s.must("restore", "--mode", mode, "--confirm", s.live, "--json")
			if last := o.lastLine(t); last.Result != "restored" {
				t.Fatalf("%s: %+v\n%s", mode, last, o.out)
			}
			sameDump(t, good, s.dump())
			s.must("restore", "undo", "--confirm", s.live)
			sameDump(t, damaged, s.dump())
		}
		for _, name := range s.backups() {
			if !strings.HasSuffix(name, ".age") {
				t.Errorf("%s is not encrypted", name)
			}
		}
	})
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// refuses runs a command that must fail with a sentence, and touch nothing.
func (s *realSite) refuses(why string, args ...string) outcome {
	s.t.Helper()
	o := s.run(args...)
	if o.code == 0 || !strings.Contains(o.err, why) {
		s.t.Fatalf("%v: exit %d, want %q\n%s\n%s", args, o.code, why, o.out, o.err)
	}
	if !s.running() || len(s.sides()) > 0 {
		s.t.Fatalf("%v: running %v, schemas %v", args, s.running(), s.sides())
	}
	return o
}

// A manifest of an older opsdeck, which knew neither members nor checksums nor
// the hashes of definitions, is restored: by streaming, its rows counted.
func TestRestoreWithAnOlderManifest(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		good := s.dump()
		s.must("backup", "create")
		path := filepath.Join(s.dir, "backups", s.backups()[0]+".manifest.json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		for _, later := range []string{"members", "objects", "position", "consistency", "warnings", "kind", "seal"} {
			delete(m, later)
		}
		for _, table := range m["tables"].([]any) {
			delete(table.(map[string]any), "checksum")
			delete(table.(map[string]any), "definition_hash")
			delete(table.(map[string]any), "data_bytes")
		}
		if text, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		db.Exec(t, s.live, shopDamage...)
		o := s.must("restore", "--confirm", s.live, "--json")
		if last := o.lastLine(t); last.Result != "restored" {
			t.Fatalf("%+v\n%s", last, o.out)
		}
		sameDump(t, good, s.dump())
	})
}

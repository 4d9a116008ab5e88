package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"opsdeck/internal/testdb"
)

// TestVerifyOfAnEncryptedBackupSaysHowFarItWent: without the identity the whole
// file's hash, with it each member.
func TestVerifyOfAnEncryptedBackupSaysHowFarItWent(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (1)")
	sh := newNightly(t, s, db, "")
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	sh.run(0, nil, "backup", "create", "--recipient", key.Recipient().String())
	sealed := func(want bool) {
		t.Helper()
		var doc backupVerifyJSON
		sh.run(0, &doc, "backup", "verify", "--all", "--json")
		if len(doc.Verified) != 1 || doc.Verified[0].State != "good" || doc.Verified[0].Sealed != want {
			t.Errorf("%+v", doc.Verified)
		}
	}
	sealed(true)
	if text := sh.run(0, nil, "backup", "verify", "--all"); !strings.Contains(text, "not its members") {
		t.Error(text)
	}
	name := filepath.Join(filepath.Dir(sh.config), "identity")
	if err := os.WriteFile(name, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(sh.config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(config), "    backup:\n", "    backup:\n      identity: "+name+"\n", 1)
	if err := os.WriteFile(sh.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed(false)
	sh.run(0, nil, "backup", "drill")
	sh.anotherKey(name, key)
}

// anotherKey puts a key in the identity's place that opens nothing of this: everything
// that relies on it says so, until the right one is back.
func (s nightly) anotherKey(name string, key *age.X25519Identity) {
	s.t.Helper()
	other, err := age.GenerateX25519Identity()
	if err != nil {
		s.t.Fatal(err)
	}
	s.edit("    backup:\n", "    backup:\n      recipients: ["+key.Recipient().String()+"]\n")
	s.run(0, nil, "config", "check")
	if err := os.WriteFile(name, []byte(other.String()+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		args []string
	}{{78, []string{"config", "check"}}, {78, []string{"backup", "create"}},
		{78, []string{"backup", "schedule", "run", "daily"}}, {2, []string{"doctor"}},
		{1, []string{"backup", "verify"}}} {
		if text := s.run(c.code, nil, c.args...); !strings.Contains(text, "backup.identity") {
			s.t.Errorf("%v: %s", c.args, text)
		}
	}
	var list backupListJSON
	s.run(0, &list, "backup", "list", "--json")
	if list.NewestGood != nil || list.Backups[0].State != "unverified" || list.KeyProblem == "" {
		s.t.Errorf("what no key opens is %s (%s)", list.Backups[0].State, list.KeyProblem)
	}
	if err := os.Remove(name); err != nil {
		s.t.Fatal(err)
	}
	for code, args := range map[int][]string{0: {"backup", "list"}, 78: {"config", "check"}} {
		if text := s.run(code, nil, args...); !strings.Contains(text, name+" cannot be read") {
			s.t.Errorf("%v without the key file: %s", args, text)
		}
	}
	if err := os.WriteFile(name, []byte(other.String()+"\n"+key.String()+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.run(0, nil, "config", "check")
	if text := s.run(0, nil, "backup", "list"); strings.Contains(text, "no backup can be made") {
		s.t.Errorf("with the right key: %s", text)
	}
	s.run(0, nil, "backup", "verify")
	s.run(0, nil, "backup", "create")
}

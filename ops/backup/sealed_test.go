package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"filippo.io/age"
)

// sealedFile encrypts a backup as the engine does, with a manifest that spoil changes.
func sealedFile(t *testing.T, spoil func(*Manifest)) (path string, key *age.X25519Identity) {
	t.Helper()
	dir, at := folderOf(t), testNow.Add(-time.Hour)
	path, m := nativeFile(t, dir, nameAt(at), 4, at)
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	w.Write(plain)
	w.Close()
	os.WriteFile(path, sealed.Bytes(), 0o600)
	m.Encrypted, m.SizeBytes, m.SHA256 = true, int64(sealed.Len()), hashOf(sealed.Bytes())
	if spoil != nil {
		spoil(m)
	}
	if err := writeManifest(dir, m); err != nil {
		t.Fatal(err)
	}
	return path, key
}

func opener(key age.Identity) Unseal {
	return func(r io.Reader) (io.Reader, error) {
		plain, err := age.Decrypt(r, key)
		if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
			return nil, errSealed
		}
		return plain, err
	}
}

func verifySealed(t *testing.T, path string, unseal Unseal) Check {
	t.Helper()
	c, err := VerifySealed(context.Background(), path, unseal, func() time.Time { return testNow }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnEncryptedBackupIsProvedInsideWithItsKey(t *testing.T) {
	path, key := sealedFile(t, nil)
	other, _ := age.GenerateX25519Identity()
	for name, want := range map[string]struct {
		unseal Unseal
		sealed bool
	}{"its key": {opener(key), false}, "another key": {opener(other), true}, "no key": {nil, true}} {
		if c := verifySealed(t, path, want.unseal); !c.OK() || c.Sealed != want.sealed {
			t.Errorf("%s: %+v", name, c)
		}
	}
	good, _ := os.ReadFile(path)
	for i := 0; i < len(good); i += 7 {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		os.WriteFile(path, bad, 0o600)
		if verifySealed(t, path, opener(key)).OK() || verifySealed(t, path, nil).OK() {
			t.Fatalf("byte %d flipped passes", i)
		}
	}
}

// TestWhatWasWrongBeforeItWasSealedIsFoundWithTheKeyAlone: the file's own hash
// cannot know.
func TestWhatWasWrongBeforeItWasSealedIsFoundWithTheKeyAlone(t *testing.T) {
	for name, spoil := range map[string]func(*Manifest){
		"a member's hash": func(m *Manifest) { m.Members[2].SHA256 = hashOf([]byte("x")) },
		"a length":        func(m *Manifest) { m.Members[2].Length--; m.Members[3].Offset--; m.Members[3].Length++ },
	} {
		path, key := sealedFile(t, spoil)
		if c := verifySealed(t, path, opener(key)); c.OK() {
			t.Errorf("%s passes: %+v", name, c)
		}
		if c := verifySealed(t, path, nil); !c.OK() || !c.Sealed {
			t.Errorf("%s without the key: %+v", name, c)
		}
	}
}

func TestHowFarTheProofWentIsRemembered(t *testing.T) {
	path, key := sealedFile(t, nil)
	state := t.TempDir()
	for _, unseal := range []Unseal{nil, opener(key)} {
		x, _ := OpenIndex(state, "/b")
		file, manifest, _ := Identify(path)
		if err := x.Record(file, manifest, verifySealed(t, path, unseal)); err != nil {
			t.Fatal(err)
		}
		again, _ := OpenIndex(state, "/b")
		if c, ok := again.find(keyOf(file, manifest)); !ok || c.Sealed != (unseal == nil) {
			t.Errorf("%+v %v", c, ok)
		}
	}
}

func keyOf(file, manifest FileID) key { return key{file, manifest} }

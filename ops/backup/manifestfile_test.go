package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// testManifest describes content as a backup of one table with a row for each
// byte.
func testManifest(name string, content []byte, at time.Time) *Manifest {
	n := int64(len(content))
	m := &Manifest{FormatVersion: 1, Tool: "opsdeck test", Engine: "native", Kind: KindScheduled, File: name,
		Server: Server{Flavour: "mysql", Version: "9.1.0"}, Databases: []string{"qianzhang_sales"},
		StartedAt: at, SnapshotAt: at, FinishedAt: at.Add(time.Minute), Consistent: true, Consistency: "ftwrl",
		Compression: "gzip", SizeBytes: n, RawBytes: n * 4, SHA256: hashOf(content),
		Tables: []Table{{Database: "qianzhang_sales", Name: "orders", Engine: "InnoDB", Rows: n, Transactional: true}}}
	return m
}

// withMembers splits content into a header, rows and a trailer.
func withMembers(m *Manifest, content []byte) *Manifest {
	third := int64(len(content) / 3)
	add := func(kind string, from, to, rows int64) {
		m.Members = append(
			m.Members,
			Member{Kind: kind, Database: "qianzhang_sales", Object: "orders", Offset: from, Length: to - from,
				RawLength: (to - from) * 4, Rows: rows, SHA256: hashOf(content[from:to])},
		)
	}
	add(MemberHeader, 0, third, 0)
	add(MemberRows, third, 2*third, m.Tables[0].Rows)
	add(MemberTrailer, 2*third, int64(len(content)), 0)
	return m
}

func TestManifestSurvivesTheRoundTrip(t *testing.T) {
	dir := t.TempDir()
	content := []byte(strings.Repeat("abc", 10))
	m := withMembers(
		testManifest("a_20260129_020000.sql.gz", content, time.Date(2026, 1, 29, 2, 0, 0, 0, time.UTC)),
		content,
	)
	m.Warnings = []string{`table "x" holds a seal: "\n  \"seal\": \""`}
	if err := writeManifest(dir, m); err != nil {
		t.Fatal(err)
	}
	got, err := ReadManifest(filepath.Join(dir, m.File))
	if err != nil {
		t.Fatal(err)
	}
	if got.SHA256 != m.SHA256 || len(got.Members) != 3 || got.Warnings[0] != m.Warnings[0] {
		t.Errorf("%+v", got)
	}
	if _, err := ReadManifest(filepath.Join(dir, "absent")); !errors.Is(err, ErrNoManifest) {
		t.Error(err)
	}
}

func TestEveryByteFlipOfAManifestIsFound(t *testing.T) {
	content := []byte(strings.Repeat("abc", 10))
	text, err := EncodeManifest(withMembers(testManifest("a_20260129_020000.sql.gz", content, time.Now()), content))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeManifest(text); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, flip := range []byte{1, 0x20, 0x80} {
			bad := append([]byte(nil), text...)
			bad[i] ^= flip
			if _, err := DecodeManifest(bad); err == nil {
				t.Fatalf("byte %d flipped by %#x passes: …%s…", i, flip, bad[max(0, i-20):min(len(bad), i+20)])
			}
		}
		if _, err := DecodeManifest(text[:i]); err == nil {
			t.Fatalf("cut at %d passes", i)
		}
	}
}

func TestAManifestThatLiesIsRefused(t *testing.T) {
	content := []byte(strings.Repeat("abc", 10))
	for name, lie := range map[string]func(*Manifest){
		"future version":      func(m *Manifest) { m.FormatVersion = 2 },
		"no version":          func(m *Manifest) { m.FormatVersion = 0 },
		"path in the file":    func(m *Manifest) { m.File = "../../etc/passwd" },
		"absolute path":       func(m *Manifest) { m.File = "/etc/passwd" },
		"dots":                func(m *Manifest) { m.File = ".." },
		"no file":             func(m *Manifest) { m.File = "" },
		"negative size":       func(m *Manifest) { m.SizeBytes = -1 },
		"bigger than members": func(m *Manifest) { m.SizeBytes++ },
		"negative rows":       func(m *Manifest) { m.Tables[0].Rows = -1 },
		"no hash":             func(m *Manifest) { m.SHA256 = "" },
		"a hash of no hex":    func(m *Manifest) { m.SHA256 = strings.Repeat("g", 64) },
		"no database":         func(m *Manifest) { m.Databases = nil },
		"table elsewhere":     func(m *Manifest) { m.Tables[0].Database = "mysql" },
		"a table twice":       func(m *Manifest) { m.Tables = append(m.Tables, m.Tables[0]) },
		"member elsewhere":    func(m *Manifest) { m.Members[1].Database = "mysql" },
		"a gap":               func(m *Manifest) { m.Members[1].Offset++ },
		"negative member":     func(m *Manifest) { m.Members[1].Length = -5 },
		"rows do not add up":  func(m *Manifest) { m.Members[1].Rows-- },
		"rows of no table":    func(m *Manifest) { m.Members[1].Object = "ghosts" },
		"raw does not add up": func(m *Manifest) { m.RawBytes++ },
		"no trailer":          func(m *Manifest) { m.Members[2].Kind = MemberRows },
		"overflow":            func(m *Manifest) { m.Members[0].Length = 1<<63 - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			m := withMembers(testManifest("a_20260129_020000.sql.gz", content, time.Now()), content)
			lie(m)
			text, err := EncodeManifest(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := DecodeManifest(text); err == nil {
				t.Error("believed")
			}
		})
	}
}

func FuzzDecodeManifest(f *testing.F) {
	content := []byte(strings.Repeat("abc", 10))
	text, _ := EncodeManifest(
		withMembers(testManifest("a_20260129_020000.sql.gz", content, time.Unix(1769652000, 0)), content),
	)
	f.Add(text)
	f.Add([]byte(`{"format_version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := DecodeManifest(text)
		if (m == nil) == (err == nil) {
			t.Fatal("both or neither")
		}
		if err == nil && !baseName(m.File) {
			t.Fatalf("file %q", m.File)
		}
	})
}

// writeManifest writes the manifest of dir/m.File.
func writeManifest(dir string, m *Manifest) error {
	text, err := EncodeManifest(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, m.File+ManifestSuffix), text, 0o600)
}

package backup

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"opsdeck/ops"
)

// nativeFile builds a file of members as the engine writes it.
func nativeFile(t testing.TB, dir, name string, rows int, at time.Time) (path string, m *Manifest) {
	t.Helper()
	var file bytes.Buffer
	m = testManifest(name, nil, at)
	m.RawBytes = 0
	add := func(kind, object, text string, n int64) {
		from := file.Len()
		z := gzip.NewWriter(&file)
		z.Write([]byte(text))
		z.Close()
		m.Members = append(
			m.Members,
			Member{
				Kind:      kind,
				Object:    object,
				Database:  db,
				Offset:    int64(from),
				Length:    int64(file.Len() - from),
				RawLength: int64(len(text)),
				Rows:      n,
				SHA256:    hashOf(file.Bytes()[from:]),
			},
		)
		m.RawBytes += int64(len(text))
	}
	add(MemberHeader, "", "-- opsdeck dump\nSET NAMES utf8mb4;\n", 0)
	add(MemberTable, "orders", "CREATE TABLE `orders` (id INT);\n", 0)
	for i := range rows {
		add(MemberRows, "orders", fmt.Sprintf("INSERT INTO `orders` VALUES (%d);\n", i), 1)
	}
	add(MemberTrailer, "", "SET FOREIGN_KEY_CHECKS=1;\n-- Dump completed\n", 0)
	m.Tables[0].Rows = int64(rows)
	m.SizeBytes, m.SHA256 = int64(file.Len()), hashOf(file.Bytes())
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeManifest(dir, m); err != nil {
		t.Fatal(err)
	}
	return path, m
}

func verify(t testing.TB, path string) Check {
	t.Helper()
	c, err := Verify(context.Background(), path, func() time.Time { return testNow }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestVerifyProvesAGoodBackup(t *testing.T) {
	dir := folderOf(t)
	path, m := nativeFile(t, dir, nameAt(testNow.Add(-time.Hour)), 5, testNow.Add(-time.Hour))
	c := verify(t, path)
	if !c.OK() || c.SHA256 != m.SHA256 || !c.At.Equal(testNow) {
		t.Errorf("%+v", c)
	}
}

func TestVerifyFindsEveryByteFlipAndEveryTruncation(t *testing.T) {
	dir := folderOf(t)
	path, _ := nativeFile(t, dir, nameAt(testNow.Add(-time.Hour)), 3, testNow.Add(-time.Hour))
	good, _ := os.ReadFile(path)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		os.WriteFile(path, bad, 0o600)
		if c := verify(t, path); c.OK() {
			t.Fatalf("byte %d flipped passes", i)
		}
		os.WriteFile(path, good[:i], 0o600)
		if c := verify(t, path); c.OK() {
			t.Fatalf("cut at %d passes", i)
		}
	}
}

func TestVerifyNamesTheDamagedMember(t *testing.T) {
	dir := folderOf(t)
	path, m := nativeFile(t, dir, nameAt(testNow.Add(-time.Hour)), 5, testNow.Add(-time.Hour))
	b, _ := os.ReadFile(path)
	b[m.Members[3].Offset+5] ^= 1
	os.WriteFile(path, b, 0o600)
	c := verify(t, path)
	if len(c.Problems) != 2 || c.Problems[0].Code != BadMember ||
		!strings.Contains(c.Problems[0].Args[0], "rows orders") ||
		c.Problems[1].Code != HashDiffers {
		t.Errorf("%+v", c.Problems)
	}
}

func TestVerifyWantsTheTrailer(t *testing.T) {
	dir := folderOf(t)
	path, m := nativeFile(t, dir, nameAt(testNow.Add(-time.Hour)), 1, testNow.Add(-time.Hour))
	b, _ := os.ReadFile(path)
	last := &m.Members[len(m.Members)-1]
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte("SET FOREIGN_KEY_CHECKS=1;\n"))
	w.Close()
	b = append(b[:last.Offset], z.Bytes()...)
	last.Length, last.SHA256 = int64(z.Len()), hashOf(z.Bytes())
	m.SizeBytes, m.SHA256 = int64(len(b)), hashOf(b)
	os.WriteFile(path, b, 0o600)
	writeManifest(dir, m)
	if c := verify(t, path); len(c.Problems) != 1 || c.Problems[0].Code != NoTrailer {
		t.Errorf("%+v", c.Problems)
	}
}

func zip(parts ...string) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		z := gzip.NewWriter(&b)
		z.Write([]byte(p))
		z.Close()
	}
	return b.Bytes()
}

func TestVerifyOfForeignFilesFindsWhatCanBeFound(t *testing.T) {
	dir := folderOf(t)
	head := "-- MySQL dump 10.13\n-- Host: localhost    Database: qianzhang_sales\nUSE `qianzhang_sales`;\n" +
		strings.Repeat(
			"INSERT INTO x VALUES (1);\n",
			5000,
		)
	tail := "\n-- Dump completed on 2026-01-29  2:00:05\n"
	zst := func() []byte { e, _ := zstd.NewWriter(nil); return e.EncodeAll([]byte(head+tail), nil) }()
	whole := zip(head + tail)
	for _, c := range []struct {
		what string
		file []byte
		code string
	}{
		{"whole", whole, ""},
		{"of two members", zip(head, tail), ""},
		{"plain", []byte(head + tail), ""},
		{"zstd", zst, ""},
		{"completed without a date", zip(head + "-- Dump completed\n"), ""},
		{"cut between two members", zip(head), NoTrailer},
		{"cut in the middle", whole[:len(whole)/2], CutShort},
		{"cut in the checksum", whole[:len(whole)-3], CutShort},
		{"zstd cut", zst[:len(zst)/2], CutShort},
		{"flipped", func() []byte { b := bytes.Clone(whole); b[len(b)/2] ^= 4; return b }(), Damaged},
		{"rubbish behind it", append(bytes.Clone(whole), "rubbish rubbish"...), Damaged},
		{"gzip of nothing", zip(""), Empty},
		{"no bytes", nil, Empty},
		{"the words in a row, not at the end", zip(head + "-- Dump completed\nINSERT INTO x VALUES (1);\n"), NoTrailer},
	} {
		t.Run(c.what, func(t *testing.T) {
			path := filepath.Join(dir, nameAt(testNow.Add(-time.Hour)))
			os.WriteFile(path, c.file, 0o600)
			got := verify(t, path)
			if c.code == "" {
				if !got.OK() || got.Inside != db {
					t.Errorf("%+v", got)
				}
				return
			}
			if len(got.Problems) == 0 || got.Problems[0].Code != c.code {
				t.Errorf("%+v", got.Problems)
			}
		})
	}
}

func TestTheWrongDatabaseInsideIsBad(t *testing.T) {
	dir := folderOf(t)
	name := nameAt(testNow.Add(-time.Hour))
	path := filepath.Join(dir, name)
	os.WriteFile(
		path,
		zip("CREATE DATABASE `test`;\nUSE `test`;\n"+strings.Repeat("-- x\n", 50)+"-- Dump completed\n"),
		0o600,
	)
	x := index(t, "", dir)
	c := verify(t, path)
	f, m, _ := Identify(path)
	x.Record(f, m, c)
	s := scan(t, dir, x).Find(name)
	if s.State != Bad || !hasCode(s, WrongDB) {
		t.Errorf("%s %+v", s.State, s.Problems)
	}
}

func TestAForeignFileIsGoodOnlyWhenItWasLoaded(t *testing.T) {
	dir := folderOf(t)
	name := nameAt(testNow.Add(-time.Hour))
	path := filepath.Join(dir, name)
	os.WriteFile(path, zip("USE `"+db+"`;\n"+strings.Repeat("-- x\n", 50)+"-- Dump completed\n"), 0o600)
	x := index(t, "", dir)
	for _, deep := range []bool{false, true} {
		c := verify(t, path)
		c.Deep = deep
		f, m, _ := Identify(path)
		x.Record(f, m, c)
		s := scan(t, dir, x).Find(name)
		if want := map[bool]State{false: Unverified, true: Good}[deep]; s.State != want {
			t.Errorf("deep %v: %s %+v", deep, s.State, s.Problems)
		}
	}
}

func TestVerifyStopsWhenTold(t *testing.T) {
	dir := folderOf(t)
	path, _ := nativeFile(t, dir, nameAt(testNow.Add(-time.Hour)), 3, testNow.Add(-time.Hour))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Verify(ctx, path, time.Now, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	os.Remove(path + ManifestSuffix)
	if _, err := Verify(ctx, path, time.Now, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAFileThatChangesWhileReadIsNotJudged(t *testing.T) {
	dir := folderOf(t)
	path, _ := nativeFile(t, dir, nameAt(testNow.Add(-time.Hour)), 3, testNow.Add(-time.Hour))
	once := false
	_, err := Verify(context.Background(), path, time.Now, func(ops.Progress) {
		if !once {
			once = true
			waitCTime(t, path)
			os.Chmod(path, 0o640)
		}
	})
	if ops.CodeOf(err) != ops.Busy {
		t.Errorf("%v", err)
	}
}

func TestVerifyOfAnAbsentOrLockedFile(t *testing.T) {
	if c := verify(t, filepath.Join(t.TempDir(), "absent.sql.gz")); len(c.Problems) != 1 ||
		c.Problems[0].Code != Unreadable {
		t.Errorf("%+v", c)
	}
}

// BenchmarkVerify is the rate at which a file of members is proved.
func BenchmarkVerify(b *testing.B) {
	dir := folderOf(b)
	const size, n = 512 << 20, 64
	content := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(content)
	name := nameAt(testNow.Add(-time.Hour))
	m := testManifest(name, content, testNow.Add(-time.Hour))
	m.RawBytes, m.Tables[0].Rows = 0, 0
	for i := range n {
		kind := MemberRows
		if i == 0 {
			kind = MemberHeader
		}
		m.Members = append(
			m.Members,
			Member{
				Kind:     kind,
				Object:   "orders",
				Database: db,
				Offset:   int64(i * size / n),
				Length:   size / n,
				SHA256:   hashOf(content[i*size/n : (i+1)*size/n]),
			},
		)
	}
	trailer := zip("-- Dump completed\n")
	m.Members = append(
		m.Members,
		Member{Kind: MemberTrailer, Offset: size, Length: int64(len(trailer)), SHA256: hashOf(trailer)},
	)
	content = append(content, trailer...)
	m.SizeBytes, m.SHA256 = int64(len(content)), hashOf(content)
	path := filepath.Join(dir, name)
	os.WriteFile(path, content, 0o600)
	if err := writeManifest(dir, m); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		if c := verify(b, path); !c.OK() {
			b.Fatal(c.Problems)
		}
	}
}

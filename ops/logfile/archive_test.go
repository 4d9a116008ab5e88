package logfile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/store"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// packed is a member of an archive in a test.
type packed struct {
	name, text string
}

var packedAt = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

func tarOf(t *testing.T, members []packed) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	w.WriteHeader(&tar.Header{Name: "./logs/", Typeflag: tar.TypeDir, Mode: 0o700})
	for _, m := range members {
		h := &tar.Header{Name: "./logs/" + m.name, Mode: 0o600, Size: int64(len(m.text)), ModTime: packedAt}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, m.text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipOf(t *testing.T, members []packed) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.CreateHeader(&zip.FileHeader{Name: "logs/"})
	for _, m := range members {
		to, err := w.CreateHeader(&zip.FileHeader{Name: "logs/" + m.name, Method: zip.Deflate, Modified: packedAt})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(to, m.text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// toldBy is what is read of each part of the sources, with what could not be read.
func toldBy(t *testing.T, sources []logs.Source) (parts []string, texts map[string]string, failed map[string]string) {
	t.Helper()
	texts, failed = map[string]string{}, map[string]string{}
	for _, src := range sources {
		for _, p := range src.Parts {
			name := filepath.Base(src.Name) + " < " + filepath.Base(p.Name())
			parts = append(parts, name)
			text, err := p.Open(t.Context())
			if err != nil {
				failed[name] = err.Error()
			}
			if text != nil {
				texts[name] = wholeText(t, text)
				text.Close()
			}
		}
	}
	return parts, texts, failed
}

// TestEachLogOfAnArchiveIsALog: with its generations, compressed or not, in GBK, of a
// container; what is no text is named, and does not hide the others.
func TestEachLogOfAnArchiveIsALog(t *testing.T) {
	line := func(n string) string { return "2026-01-29T12:00:0" + n + "Z INFO line " + n + "\n" }
	gbk := "2026-01-29T12:00:04Z ERROR 订单处理失败：库存不足\n"
	members := []packed{
		{"app.log", line("3")},
		{"app.log.1", line("2")},
		{"app.log.2.gz", string(gzipped(t, line("1")))},
		{"error.log", string(coded(t, simplifiedchinese.GB18030, gbk))},
		{"core", "\x7fELF" + strings.Repeat("\x01\x02", 100)},
		{"docker-json.log", `{"log":"ready\n","stream":"stdout","time":"2026-01-29T12:00:05.000000000Z"}` + "\n"},
		{"empty.log", ""},
	}
	want := []string{
		"app.log < app.log.2.gz", "app.log < app.log.1", "app.log < app.log", "core < core",
		"docker-json.log < docker-json.log", "empty.log < empty.log", "error.log < error.log",
	}
	dir := t.TempDir()
	tarred := tarOf(t, members)
	for name, data := range map[string]string{
		"logs.tar": tarred, "logs.tar.gz": string(gzipped(t, tarred)), "logs.zip": zipOf(t, members), "download": tarred,
	} {
		path := write(t, name, []byte(data))
		sources, err := Config{Archives: true}.Resolve(t.Context(), []string{path})
		if err != nil {
			t.Fatal(err)
		}
		parts, texts, failed := toldBy(t, sources)
		if !slices.Equal(parts, want) {
			t.Errorf("%s: %q", name, parts)
		}
		if texts["error.log < error.log"] != gbk || texts["app.log < app.log.2.gz"] != line("1") ||
			texts["app.log < app.log"] != line("3") || !strings.HasSuffix(texts["docker-json.log < docker-json.log"], "ready\n") {
			t.Errorf("%s: %q", name, texts)
		}
		if len(failed) != 1 || !strings.Contains(failed["core < core"], "was not read") {
			t.Errorf("%s: %q", name, failed)
		}
		if text, _ := sources[0].Parts[0].Open(t.Context()); !logs.WrittenAt(text).Equal(packedAt) {
			t.Errorf("%s: written at %v", name, logs.WrittenAt(text))
		}
		if at := sources[0].Name; at != path+"/logs/app.log" {
			t.Errorf("%s: called %s", name, at)
		}
		pipe := &stream{name: "-", r: strings.NewReader(data)}
		text, err := pipe.Open(t.Context())
		if got := wholeText(t, text); err == nil || !strings.Contains(err.Error(), "-/") ||
			!strings.HasPrefix(got, line("3")+line("2")+line("1")+gbk) || !strings.HasSuffix(got, "ready\n") {
			t.Errorf("%s on a pipe: %q, %v", name, got, err)
		}
	}
	one := filepath.Join(dir, "one.tar.gz")
	if err := os.WriteFile(one, gzipped(t, tarOf(t, members[:1])), 0o600); err != nil {
		t.Fatal(err)
	}
	sources, err := Config{Archives: true}.Resolve(t.Context(), []string{one})
	if err != nil || len(sources) != 1 || sources[0].Name != strings.TrimSuffix(one, ".gz") {
		t.Errorf("an archive of one file: %+v, %v", sources, err)
	}
	if Grows(t.Context(), sources[0]) {
		t.Error("an archive of one file is followed")
	}
	for _, name := range []string{"one.zip", "odd"} {
		tabReads(t, Config{}, write(t, name, []byte(zipOf(t, members[:1]))))
	}
}

// tabReads waits until the tab has the one line of a file.
func tabReads(t *testing.T, conf Config, path string) {
	t.Helper()
	conf.Archives, conf.Sources = true, []string{path}
	sources, err := conf.Resolve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	held := store.NewStore(time.UTC, time.Now)
	defer held.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		conf.Feed(ctx, held, sources, held.Fail)
		close(done)
	}()
	until(t, "the line of "+path, func() bool { return held.Stats().Lines == 1 })
	if errs := held.Stats().Errors; len(errs) > 0 {
		t.Errorf("%s: %v", path, errs)
	}
	cancel()
	<-done
}

// TestADamagedArchiveTellsWhatItHolds: cut off anywhere, the lines that are there are read
// and what is missing is said.
func TestADamagedArchiveTellsWhatItHolds(t *testing.T) {
	text := strings.Repeat("2026-01-29T12:00:00Z INFO line\n", 200)
	members := []packed{{"a.log", text}, {"b.log", text}, {"c.log", text}}
	tarred := tarOf(t, members)
	for _, cut := range []int{600, 4000, len(tarred) / 2, len(tarred) - 3000} {
		path := write(t, "logs.tar", []byte(tarred[:cut]))
		sources, err := Config{Archives: true}.Resolve(t.Context(), []string{path})
		if err != nil {
			t.Fatal(err)
		}
		_, texts, failed := toldBy(t, sources)
		lines := 0
		for _, is := range texts {
			lines += strings.Count(is, "\n")
		}
		if there := strings.Count(tarred[:cut], "\n"); lines != there || len(failed) == 0 {
			t.Errorf("cut at %d: %d lines of %d; %q", cut, lines, there, failed)
		}
	}
}

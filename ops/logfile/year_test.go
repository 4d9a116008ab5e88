package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
)

// TestADateWithoutAYearLiesBeforeItsFileWasWrittenTo: the year is the latest in which the
// day exists and is before the file's modification time, also around new year.
func TestADateWithoutAYearLiesBeforeItsFileWasWrittenTo(t *testing.T) {
	now := time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text, written, want string
	}{
		{"Nov 20 09:23:38 h app[1]: a\nFeb  3 09:23:38 h app[1]: b\n", "2026-02-03", "2025-11-20 2026-02-03"},
		{"Nov 20 09:23:38 h app[1]: a\nNov 28 09:23:38 h app[1]: b\n", "2026-11-28", "2026-11-20 2026-11-28"},
		{"Feb 29 09:23:38 h app[1]: a\nMar  1 09:23:38 h app[1]: b\n", "2024-03-01", "2024-02-29 2024-03-01"},
		{"Feb 28 09:23:38 h app[1]: a\nFeb 29 09:23:38 h app[1]: b\n", "2026-11-29", "2024-02-28 2024-02-29"},
		// Copied or touched: lines pass the day after the last writing, and the year stays.
		{
			"Jun 14 15:16:01 h app[1]: a\nJun 15 02:04:59 h app[1]: b\nJul 27 14:41:57 h app[1]: c\n", "2025-06-13",
			"2024-06-14 2024-06-15 2024-07-27",
		},
		{"06-14 12:00:00 ERROR a\n06-16 12:00:00 ERROR b\n  at x\n", "2026-06-14", "2025-06-14 2025-06-16"},
		{"Dec 31 23:59:59 h app[1]: a\nJan  1 00:00:01 h app[1]: b\n", "2021-01-01", "2020-12-31 2021-01-01"},
		{"01-29 12:00:00 ERROR a\n12-24 12:00:00 ERROR b\n", "2023-12-24", "2023-01-29 2023-12-24"},
		// More than twelve months: the year turns where the dates fall back.
		{
			"Dec 30 10:00:00 h app[1]: a\nJan  5 00:00:01 h app[1]: b\nFeb 10 00:00:01 h app[1]: c\n" +
				"Dec 29 23:59:59 h app[1]: d\nJan  2 00:00:01 h app[1]: e\n", "2026-01-02",
			"2024-12-30 2025-01-05 2025-02-10 2025-12-29 2026-01-02",
		},
		{
			"Nov  3 09:23:38 h app[1]: a\nFeb 29 09:23:38 h app[1]: b\nNov  3 09:23:38 h app[1]: c\n" +
				"Feb  3 09:23:38 h app[1]: d\nNov  4 09:23:38 h app[1]: e\n", "2025-11-04",
			"2023-11-03 2024-02-29 2024-11-03 2025-02-03 2025-11-04",
		},
		// A machine that starts with its clock at the epoch, and lines out of order: no turn.
		{
			"Nov  3 09:23:38 h app[1]: a\nJan  1 00:00:03 h kernel: b\nNov  3 09:25:00 h app[1]: c\n" +
				"Nov  2 23:59:59 h app[1]: d\n", "2026-11-04",
			"2026-11-03 2026-01-01 2026-11-03 2026-11-02",
		},
		{"Nov 20 09:23:38 h app[1]: a\n", "2030-01-01", "2026-11-20"}, // a clock that was ahead
		{"Nov 20 09:23:38 h app[1]: a\n", "1970-01-01", "2026-11-20"}, // no time at all
	} {
		written, _ := time.Parse(time.DateOnly, c.written)
		written = written.Add(23 * time.Hour)
		dir := t.TempDir()
		plain, packed := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log.1.gz")
		for path, data := range map[string][]byte{plain: []byte(c.text), packed: gzipped(t, c.text)} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, written, written); err != nil {
				t.Fatal(err)
			}
			var got []string
			s := index.Scan{Query: &query.Query{}, Zone: time.UTC, Now: now}
			p := line.NewParser(time.UTC, now)
			err := s.Each(t.Context(), Group([]string{path}), func(h *index.Hit) error {
				e, err := s.Event(p, h)
				got = append(got, e.Time.Format(time.DateOnly))
				return err
			})
			if all := strings.Join(got, " "); err != nil || all != c.want {
				t.Errorf("%s, written %s: %q, %v, want %q", filepath.Base(path), c.written, all, err, c.want)
			}
		}
	}
}

// TestTheTabGivesADateTheYearOfItsFile is the same for what the console shows.
func TestTheTabGivesADateTheYearOfItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	text := "Nov 20 09:23:38 h app[1]: a\nFeb  3 09:23:38 h app[1]: b\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	written := time.Date(2025, 2, 3, 10, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	file, err := NewFile(path).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := store.NewStore(time.UTC, func() time.Time { return time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC) })
	defer s.Close()
	s.Add("a", path, file, false, false)
	for {
		w := s.Window(store.Place{}, 10, 10)
		if len(w.Rows) < 2 {
			<-s.Changed()
			continue
		}
		if a, b := w.Rows[0].Event.Time, w.Rows[1].Event.Time; a.Year() != 2024 || b.Year() != 2025 {
			t.Errorf("shown as %v and %v", a, b)
		}
		return
	}
}

// TestTheHeadOfAW3CLogTellsItsZoneAndDay: IIS writes UTC, and IIS 4 no day in its lines; text
// of another kind after it is read in the zone of the source. The lines are of lnav's samples.
func TestTheHeadOfAW3CLogTellsItsZoneAndDay(t *testing.T) {
	const (
		newer = "#Software: Microsoft Internet Information Services 8.5\n#Version: 1.0\n#Date: 2015-01-13 00:32:17\n" +
			"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip\n" +
			"2015-01-13 00:32:17 100.79.192.81 GET /robots.txt - 80 - 157.55.39.146 x - 404 0 2 1405 242 283\n"
		four = "#Software: Microsoft Internet Information Server 4.0\r\n#Version: 1.0\r\n#Date: 2000-10-09 16:44:49\r\n" +
			"#Fields: time c-ip cs-method cs-uri-stem sc-status\r\n16:44:49 1.1.1.1 [2]USER anonymous 331\r\n" +
			"17:48:05 1.1.1.1 [2]QUIT - 226\r\n"
		local = "#Fields:   date-local time-local   s-ip   cs-method cs-uri-stem\n" +
			"2012-08-15 17:00:00.363 1.2.3.4 GET /Products/theProduct - 80 - \"70.95.0.0\" \"Mozilla/5.0\" 200 0 0 109\n"
		clock = "16:44:49 1.1.1.1 [2]USER anonymous 331\n"
	)
	zone := time.FixedZone("", 8*3600)
	dir := t.TempDir()
	var paths []string
	for i, text := range []string{newer, four, local, clock} {
		paths = append(paths, filepath.Join(dir, string(rune('a'+i))+".log"))
		if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := index.Scan{Query: parsed(""), Zone: zone}
	p := line.NewParser(zone, time.Now())
	got := map[string]string{}
	err := s.Each(t.Context(), Group(paths), func(h *index.Hit) error {
		e, err := s.Event(p, h)
		if name := filepath.Base(e.Source); !strings.HasPrefix(e.Raw, "#") && e.Time.IsZero() {
			got[name] += "none "
		} else if !e.Time.IsZero() {
			got[name] += e.Time.UTC().Format("2006-01-02T15:04:05 ")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"a.log": "2015-01-13T00:32:17 ", "b.log": "2000-10-09T16:44:49 2000-10-09T17:48:05 ", "c.log": "2012-08-15T09:00:00 ",
		"d.log": "none ",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	st := store.NewStore(zone, time.Now)
	defer st.Close()
	text, err := NewFile(paths[1]).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st.Add("b", paths[1], text, false, false)
	rest(st)
	w := st.Window(store.Place{}, 9, 0)
	last := w.Rows[len(w.Rows)-1]
	if at := last.Event.Time.UTC().Format(time.DateTime); at != "2000-10-09 17:48:05" {
		t.Errorf("in the tab: %s, %+v", at, last.Event)
	}
}

package watch

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"
	"time"

	"opsdeck/internal/crontab"
)

var elapse = regexp.MustCompile(`(?:Next elapse|Iter\. #\d+): \w+ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// TestSystemdComesDueWhenCronDoes asks the real systemd-analyze for the next
// twelve moments of each schedule.
func TestSystemdComesDueWhenCronDoes(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("OPSDECK_REAL") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	from := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for _, spec := range []string{"0 2 * * *", "0 4 * * 0", "0 4 * * 7", "30 1-3 * jan *", "*/15 */6 * * *",
		"0 5 1 1,4,7,10 *", "0 2 1 * 0", "59 23 31 12 *", "0 0 29 2 *", "5 4 * * mon-fri"} {
		plan, err := crontab.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		times, err := onCalendar(spec)
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Time
		for _, calendar := range times {
			cmd := exec.Command(tool, "calendar", "--iterations=12", "--base-time=2026-11-25 00:00:00", calendar)
			cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", calendar, err, out)
			}
			for _, m := range elapse.FindAllStringSubmatch(string(out), -1) {
				at, err := time.Parse(time.DateTime, m[1])
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, at)
			}
		}
		slices.SortFunc(got, time.Time.Compare)
		got = slices.CompactFunc(got, time.Time.Equal)
		if len(got) < 12 {
			t.Fatalf("%s: systemd names %d moments", spec, len(got))
		}
		next := from
		for _, at := range got[:12] {
			if next = plan.Next(next); !next.Equal(at) {
				t.Errorf("%s: cron at %v, systemd at %v", spec, next, at)
			}
		}
	}
}

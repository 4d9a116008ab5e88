package stat

import (
	"math/rand"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
)

// TestPercentilesAreValuesThatWereSeen: the nearest rank, as a sorted list of all values has it.
func TestPercentilesAreValuesThatWereSeen(t *testing.T) {
	for seed := range int64(20) {
		r := rand.New(rand.NewSource(seed))
		var n Numbers
		var all []float64
		for range 1 + r.Intn(300) {
			v := float64(r.Intn(50)) / 2
			n.Add(v)
			all = append(all, v)
		}
		slices.Sort(all)
		for _, p := range []int64{1, 50, 95, 99, 100} {
			want := all[max(1, (int64(len(all))*p+99)/100)-1]
			if got := n.Percentile(p); got != want {
				t.Fatalf("seed %d: p%d of %d is %v, want %v", seed, p, len(all), got, want)
			}
		}
	}
	var none Numbers
	if none.Percentile(95) != 0 || none.Mean() != 0 {
		t.Error("nothing has a percentile")
	}
}

// TestManyDifferentNumbersAreRoundedAndSaidToBe: memory stays bounded, the error under half a percent.
func TestManyDifferentNumbersAreRoundedAndSaidToBe(t *testing.T) {
	var n Numbers
	const many = maxDistinct + 50_000
	for i := range many {
		n.Add(float64(i+1) + 0.5)
	}
	if !n.Rounded || len(n.of) > 10_000 || n.Count != many {
		t.Fatalf("rounded %v, %d values kept of %d", n.Rounded, len(n.of), n.Count)
	}
	for _, p := range []int64{50, 95, 99} {
		want := float64(many) * float64(p) / 100
		if got := n.Percentile(p); got < want*0.995 || got > want*1.005 {
			t.Errorf("p%d is %v, want about %v", p, got, want)
		}
	}
}

func TestFieldsAreFoundWhereverTheyAre(t *testing.T) {
	event := logs.Event{
		Level: logs.LevelWarn, Context: "Orders", Source: "app.log",
		Raw:    `WARN [Orders] orderId=45 "user": "张伟", shop='a b' took 1500ms xorderId=9`,
		Fields: []logs.Field{{Key: "meta", Value: `{"tenant":{"id":7}}`, JSON: true}, {Key: "n", Value: "12"}},
	}
	for name, want := range map[string]string{
		"level": "WARN", "context": "Orders", "source": "app.log", "orderId": "45", "user": "张伟", "shop": "a b",
		"took": "1500", "meta.tenant.id": "7", "tenant.id": "7", "n": "12", `/took (\d)/`: "1", `/\bto+k/`: "took",
		"orderid": "", "id=": "", "derId": "",
	} {
		f, err := ParseField(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := f.of(&Event{Event: event}); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %v; want %q", name, got, ok, want)
		}
	}
}

// TestNumbersWithUnitsAreComparedByWhatTheyCount: 1.2s is more than 800ms.
func TestNumbersWithUnitsAreComparedByWhatTheyCount(t *testing.T) {
	of, _ := ParseField("elapsed")
	table := newTable(Ask{Of: &of})
	for _, v := range []string{"800ms", "1.2s", "250µs", "900", "3kB", "soon"} {
		table.Add(&logs.Event{Raw: "INFO x elapsed=" + v})
	}
	n := &table.All.Numbers
	if n.Count != 4 || n.Max != 1200 || n.Min != 0.25 || n.Percentile(50) != 800 {
		t.Errorf("%d numbers from %v to %v, p50 %v", n.Count, n.Min, n.Max, n.Percentile(50))
	}
	s := table.Sheet(lang.English(), ByCount, 0)
	if got := strings.Join(s.Rows[0].Cells, "|"); got != "6|800 ms|1.2 s|1.2 s|1.2 s" {
		t.Errorf("cells %s", got)
	}
	want := "6 events counted; 2 without a number in elapsed; 1 of them with a number of another unit; " +
		"1 without a unit, counted as ms"
	if got := strings.Join(s.Notes, "; "); got != want {
		t.Errorf("notes %q", got)
	}
	of, _ = ParseField("sent_bytes")
	table = newTable(Ask{Of: &of})
	table.Add(&logs.Event{Raw: "INFO x sent_bytes=2048"})
	s = table.Sheet(lang.English(), ByCount, 0)
	if got := strings.Join(s.Rows[0].Cells, "|"); got != "1|2.0 KiB|2.0 KiB|2.0 KiB|2.0 KiB" || len(s.Notes) != 1 {
		t.Errorf("cells %s, notes %q", got, s.Notes)
	}
}

// TestTablesFitTheirWidth: at every width, with wide letters and many columns.
func TestTablesFitTheirWidth(t *testing.T) {
	by, _ := ParseField("context")
	of, _ := ParseField("n")
	table := newTable(Ask{By: []Field{by}, Of: &of})
	for i := range 300 {
		e := logs.Event{Context: []string{"订单服务", "HttpLogger", "averylongname.of.something.that.has.no.end"}[i%3]}
		e.Fields = []logs.Field{{Key: "n", Value: "1234567.5"}}
		table.Add(&e)
	}
	for _, width := range []int{60, 80, 100, 120} {
		for _, l := range table.Sheet(lang.Chinese(), ByCount, 0).Lines(width, Glyphs{Full: "█", Bar: []rune("▁▂▃▄▅▆▇█")}) {
			if n := len([]rune(l.Text + l.Bar)); n > width {
				t.Errorf("%d cells: %d in %q %q", width, n, l.Text, l.Bar)
			}
		}
	}
}

// TestPatternsThatDifferInANameAreOne: five names make one pattern, four stay as they are; counts are kept.
func TestPatternsThatDifferInANameAreOne(t *testing.T) {
	for names, want := range map[int]int{4: 4, 5: 1} {
		by := map[[2]string]*Pattern{}
		for i := range names {
			text := "客户 " + []string{"张伟", "李娜", "王芳", "赵敏", "刘洋"}[i] + " 信用额度不足"
			by[[2]string{"Credit", text}] = &Pattern{Text: text, Context: "Credit", Good: 1, Bad: int64(i)}
		}
		other := &Pattern{Text: "client known", Context: "Credit", Good: 9}
		by[[2]string{"Credit", other.Text}] = other
		list := widened(by)
		good, bad := int64(0), int64(0)
		for _, p := range list {
			good += p.Good
			bad += p.Bad
		}
		if len(list) != want+1 || good != int64(names)+9 || bad != int64(names*(names-1)/2) {
			t.Errorf("%d names: %d patterns, %d and %d events", names, len(list), good, bad)
		}
	}
}

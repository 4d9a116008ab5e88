package store

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// regional are the locales with a region that print dates differently, found by asking
// Node 20 for every language with every region (which takes minutes).
const regional = `
af-NA af-ZA ak-GH am-ET ar-AE ar-BH ar-IL ar-MA as-IN az-AZ bem-ZM bg-BG bgc-IN bm-ML bn-BD bo-IN br-FR brx-IN
bs-BA ca-AD ccp-BD chr-US ckb-IQ ckb-IR cs-CZ csw-CA cv-RU da-DK doi-IN dsb-DE dz-BT ee-GH ee-TG el-CY en-AE
en-AG en-AS en-BI en-CA en-DK en-FI en-IL en-JP en-MV en-SE en-ZA es-AR es-BO es-CL es-CU es-PA eu-ES fa-AF
ff-GH fi-FI fr-CA fr-CH fr-DJ fy-NL ha-GH he-IL hr-BA hu-HU ja-JP kab-DZ kkj-CM ko-CN ko-KP kok-IN ks-IN ksh-DE
ku-IQ ky-KG lrc-IR mai-IN mi-NZ mk-MK mn-MN mni-IN mr-IN ms-BN my-MM naq-NA nds-DE ne-IN ne-NP nqo-GN nus-SS
oc-ES om-ET pa-PK ps-AF ps-PK qu-BO sat-IN scn-IT sd-PK shn-TH si-LK sl-SI smn-FI so-DJ sq-AL sr-BA sv-FI syr-IQ
th-TH ti-ER to-TO tr-CY ug-CN ur-IN ur-PK uz-AF vi-VN wo-SN xnr-IN yo-BJ yrl-CO yue-HK zh-CN zh-HK zh-MY zh-SG
zh-TW`

// nodeLocales prints, for every language of this Node's ICU and for the regional locales,
// Nest's timestamp of each moment, one a line: locale, moment in ms, text.
const nodeLocales = `
const options = {year:'numeric',hour:'numeric',minute:'numeric',second:'numeric',day:'2-digit',month:'2-digit',
  timeZone:'UTC'};
const moments = [[2026,10,28,22,20,4],[2026,0,5,0,7,9],[2026,6,9,12,3,5],[2026,6,31,9,3,5],[2024,1,29,23,59,59]]
  .map(m => Date.UTC(...m));
const letters = 'abcdefghijklmnopqrstuvwxyz', tags = process.argv[1].trim().split(/\s+/);
for (const a of letters) for (const b of letters) for (const c of ['', ...letters])
  if (Intl.DateTimeFormat.supportedLocalesOf(a+b+c).length > 0) tags.push(a+b+c);
const seen = new Set();
for (const tag of tags) {
  const f = new Intl.DateTimeFormat(tag, options);
  const texts = moments.map(m => f.format(m)), key = texts.join('|');
  if (seen.has(key)) continue;
  seen.add(key);
  moments.forEach((m, i) => console.log([tag, m, texts[i]].join('\t')));
}`

// unreadable are the locales whose dates say less than the moment: es-AR prints 12
// hours without their half.
var unreadable = map[string]bool{"es-AR": true}

// TestNestIsReadInEveryLocaleOfNode: the locales and what they print come from the Node
// on this machine.
func TestNestIsReadInEveryLocaleOfNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("OPSDECK_REAL") == "required" {
			t.Fatal(err)
		}
		t.Skip("no Node on this machine")
	}
	out, err := exec.CommandContext(t.Context(), node, "-e", nodeLocales, regional).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	texts := map[string]*bytes.Buffer{}
	moments := map[string][]string{}
	var order []string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.SplitN(lines.Text(), "\t", 3)
		if texts[f[0]] == nil {
			texts[f[0]] = &bytes.Buffer{}
			order = append(order, f[0])
		}
		texts[f[0]].WriteString("[Nest] 8126  - " + f[2] + "   ERROR [OrderService] Failed to create order +3ms\n")
		moments[f[0]] = append(moments[f[0]], f[1])
	}
	if len(order) < 100 {
		t.Fatalf("only %d forms: Node has no full ICU", len(order))
	}
	for _, locale := range order {
		if unreadable[locale] {
			continue
		}
		text := texts[locale].String()
		for i, e := range eventsOf(t, text) {
			if e.Level != logs.LevelError || e.Context != "OrderService" || e.Message != "Failed to create order" {
				t.Errorf("%s: %+v", locale, e)
			}
			if got, want := e.Time.UnixMilli(), moments[locale][i]; millisText(got) != want {
				t.Errorf("%s: %q is read as %s, want %s ms", locale, strings.Split(text, "\n")[i], e.Time, want)
			}
		}
	}
}

// TestADateWithTheDaySecondIsOneOnlyInALogThatTells: 2026-11-12 is in Kyrgyz the eleventh
// of December where another line shows the order, or where it would else lie in the future.
func TestADateWithTheDaySecondIsOneOnlyInALogThatTells(t *testing.T) {
	for other, want := range map[string]time.Month{
		"2026-29-01": time.December, "2026-01-29": time.November, "2026-10-10": time.November,
		"2027-02-01": time.December, "2027-02-02": time.November,
	} {
		text := ""
		for _, day := range []string{"2026-11-12", other} {
			text += "[Nest] 8126  - " + day + " 11:00:00   ERROR [OrderService] Failed to create order +3ms\n"
		}
		if at := eventsOf(t, text)[0].Time; at.Month() != want {
			t.Errorf("beside %s it is %s", other, at)
		}
	}
}

func millisText(ms int64) string { return strconv.FormatInt(ms, 10) }

// eventsOf reads a text as the commands do: its manner first, then every line, by the
// shapes; the slow way must say the same.
func eventsOf(t *testing.T, text string) []logs.Event {
	t.Helper()
	scan := logindex.Scan{Query: &query.Query{}, Zone: time.UTC, Now: lateNow}
	p := line.NewParser(time.UTC, lateNow)
	logindex.Learn(p, inMemory(text), int64(len(text)))
	var events []logs.Event
	err := scan.Each(t.Context(), []logs.Source{{Name: "m", Parts: []logs.Part{memPart{"m", text}}}},
		func(h *logindex.Hit) error {
			if h.Off != h.Head {
				return nil
			}
			e, err := scan.Event(p, h)
			events = append(events, e)
			slow := line.NewParser(time.UTC, lateNow)
			slow.Like(p)
			if first, _ := slow.Parse([]byte(strings.Split(e.Raw, "\n")[0])); !first.Time.Equal(e.Time) {
				t.Errorf("%s: %s by its shape, %s when parsed", e.Raw, e.Time, first.Time)
			}
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// lateNow lies after all times of these tests.
var lateNow = time.Date(2027, 1, 2, 12, 0, 0, 0, time.UTC)

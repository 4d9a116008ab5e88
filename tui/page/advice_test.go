package page

import (
	"testing"

	"opsdeck/internal/lang"
)

func adviser(program, at string) *Env {
	e := &Env{Advice: NewAdvice(program, map[string]string{"status": "1", "logs": "2", "backups": "4", "restore": "5"})}
	e.Advice.At(at)
	e.Speak(lang.English())
	return e
}

// TestAdviceNamesKeysInTheConsole holds that what is advised works where it is read:
// a key of the page in front, of another page, or a command that works when typed.
func TestAdviceNamesKeysInTheConsole(t *testing.T) {
	const program = "opsdeck --config /etc/x.yaml"
	for _, c := range []struct{ at, said, want string }{
		{"status", "Do not start anything by hand; watch it: opsdeck restore attach.",
			"Do not start anything by hand; watch it: press 5."},
		{"restore", "Do not start anything by hand; watch it: opsdeck restore attach.",
			"Do not start anything by hand; watch it here."},
		{"restore", "resume it: opsdeck restore resume 20261129-132234-0a1b", "resume it: press R"},
		{"status", "Restore the missing tables alone: opsdeck restore --tables orders,order_items --plan",
			"Restore the missing tables alone: press 5, then t"},
		{"logs", "resume it: opsdeck restore resume 20261129-132234-0a1b.", "resume it: press 5, then R."},
		{
			"status",
			"Resume it: opsdeck restore resume; or abort it: opsdeck restore abort.",
			"Resume it: press 5, then R; or abort it: press 5, then X.",
		},
		{"backups", "Verify it: opsdeck backup verify --all", "Verify it: press V"},
		{"backups", "Verify it again: opsdeck backup verify", "Verify it again: press V"},
		{"status", "See it: opsdeck backup show 'new one.sql.gz'", "See it: press 4"},
		{"status", "See it: opsdeck backup show a_2026.sql.gz.", "See it: press 4."},
		{
			"backups",
			"removed only by opsdeck backup prune --foreign",
			"removed only by " + program + " backup prune --foreign",
		},
		{"status", "what to do: `opsdeck runbook mysql-down`", "what to do: `" + program + " runbook mysql-down`"},
		{"status", "make one: `opsdeck backup create`", "make one: press 4, then b"},
		{"status", "make one: " + program + " backup create", "make one: press 4, then b"},
		{"status", "more: opsdeck --config /etc/x.yaml runbook x", "more: opsdeck --config /etc/x.yaml runbook x"},
		{"status", "use the opsdeck that made the backup", "use the opsdeck that made the backup"},
		{"status", "/usr/bin/opsdeck status was run", "/usr/bin/opsdeck status was run"},
		{
			"restore",
			"choose another backup: --from; exclude the table: --tables; lose it anyway: --accept-missing a,b",
			"choose another backup: press b; exclude the table: press t; lose it anyway: press A",
		},
		{"backups", "by loading it (verify --deep)", "by loading it (press d)"},
		{"status", "run it again without --read-only", "run it again without --read-only"},
	} {
		e := adviser(program, c.at)
		if got := e.Lang.Msg(lang.M("%s", lang.Msg{Key: c.said})); got != c.want {
			t.Errorf("in %s, %q\n is said %q\n    want %q", c.at, c.said, got, c.want)
		}
	}
}

func TestAdviceLeavesTextFromOutsideAlone(t *testing.T) {
	e := adviser("opsdeck --config x", "status")
	const line = "sudo opsdeck restore attach"
	if got := e.Lang.Msg(lang.Raw(line)); got != line {
		t.Errorf("a log line reads %q", got)
	}
	if got := e.Command("mysql -e opsdeck"); got != "mysql -e opsdeck" {
		t.Errorf("another program's command reads %q", got)
	}
	if got := e.Command("opsdeck restore --plan"); got != "opsdeck --config x restore --plan" {
		t.Errorf("the command reads %q", got)
	}
}

func TestAdviceSpeaksTheLanguageOfTheConsole(t *testing.T) {
	e := adviser("opsdeck", "status")
	e.Speak(lang.Chinese())
	if got := e.T("Answer it: opsdeck restore attach."); got != "请答复：按 5。" {
		t.Errorf("it reads %q", got)
	}
	e.Advice.At("restore")
	if got := e.T("Resume it: opsdeck restore resume; or abort it: opsdeck restore abort."); got != "续接：按 R；中止并还原：按 X。" {
		t.Errorf("it reads %q", got)
	}
	if e.Lang.Code() != "zh" {
		t.Error("the printer has another language")
	}
}

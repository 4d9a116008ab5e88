package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoFormOfADeploymentShowsASecret: those in the commands of a plan, in the remote's URL
// and in .env, in the plan, in what a run prints, in its journal, report and logs.
func TestNoFormOfADeploymentShowsASecret(t *testing.T) {
	t.Parallel()
	s := newDeploySite(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2X9"
	from := strings.Index(string(text), "            - {name: install")
	own := string(text)[:from] + `            - name: urls
              run: "true https://bot:` + secret + `@git.example/x; TOKEN=` + secret + ` true; true --password=` +
		secret + `"
              undo: "true --password ` + secret + `"
              check: "false TOKEN=` + secret + `"
            - {name: echoed, run: "cat .env; echo said envS3cret+x; mysql -p` + secret + ` 2>/dev/null; exit 7"}
state_dir: ` + s.dir + "/state\n"
	if err := os.WriteFile(s.config, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	s.sh(`printf 'DB_PASSWORD=envS3cret+x\nDATABASE_URL=mysql://u:urlS3cret@h/d\n' >app/.env; echo .env >>app/.git/info/exclude`)
	said := map[string]string{}
	both := func(name string, want int, args ...string) {
		out, errs := s.run(want, args...)
		said[name] = out + errs
	}
	both("plan", 0, "plan")
	both("plan --json", 0, "plan", "--json")
	both("run", 1, "run", "--confirm", "shop")
	both("run --json", 1, "run", "--confirm", "shop", "--json")
	both("status", 0, "status")
	both("status --json", 0, "status", "--json")
	kept, err := filepath.Glob(s.dir + "/state/deploys/*/*")
	if err != nil || len(kept) < 8 {
		t.Fatalf("%v %v", kept, err)
	}
	kept = append(kept, s.dir+"/state/operations.jsonl")
	for _, path := range kept {
		if filepath.Base(path) == "plan.json" { // it holds what is run, as the configuration does
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		said[path] = string(text)
	}
	for where, text := range said {
		for _, hidden := range []string{secret, "envS3cret", "urlS3cret"} {
			if at := strings.Index(text, hidden); at >= 0 {
				t.Errorf("%s shows %s: …%s…", where, hidden, text[max(0, at-60):min(len(text), at+30)])
			}
		}
	}
	if !strings.Contains(said["plan"], "--password=••••••") || !strings.Contains(said["run"], "said ••••••") {
		t.Errorf("the rest is not shown:\n%s\n%s", said["plan"], said["run"])
	}
}

// TestThePlanNamesWhatIsNotFinished, in both forms; its times are milliseconds.
func TestThePlanNamesWhatIsNotFinished(t *testing.T) {
	t.Parallel()
	s := newDeploySite(t)
	type document struct {
		Steps []struct {
			Name      string `json:"name"`
			Timeout   *int64 `json:"timeout"`
			TimeoutMS int64  `json:"timeout_ms"`
		} `json:"steps"`
		Blocked *blockedJSON `json:"blocked_by"`
	}
	plan := func() (d document, text string) {
		out, _ := s.run(0, "plan", "--json")
		if err := json.Unmarshal([]byte(out), &d); err != nil {
			t.Fatal(err)
		}
		out, errs := s.run(0, "plan")
		return d, out + errs
	}
	d, text := plan()
	if d.Blocked != nil || strings.Contains(text, "not finished") {
		t.Errorf("nothing is unfinished: %+v %s", d.Blocked, text)
	}
	if one := d.Steps[2]; one.Name != "install" || one.Timeout != nil || one.TimeoutMS != 60_000 {
		t.Errorf("%+v", one)
	}
	killed, wait := s.start("run", "--confirm", "shop")
	s.installs(1)
	killed.Process.Kill()
	wait()
	d, text = plan()
	if d.Blocked == nil || d.Blocked.Result != "" || !strings.Contains(d.Blocked.Next, "deploy run --resume") {
		t.Errorf("%+v", d.Blocked)
	}
	if !strings.Contains(text, "is not finished") || !strings.Contains(text, "deploy run --resume") {
		t.Errorf("%s", text)
	}
	out, _ := s.run(0, "status", d.Blocked.ID)
	for _, want := range []string{"stop       done", "pull       done", "install    interrupted",
		"start      not begun"} {
		if !strings.Contains(out, want) {
			t.Errorf("status lacks %q:\n%s", want, out)
		}
	}
	s.run(0, "undo", "--confirm", "shop")
}

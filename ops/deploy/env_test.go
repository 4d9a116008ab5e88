package deploy

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

// TestEnvReadsAsDotenvDoes compares with what dotenv 16.6.1 on Node 20 made of the
// same texts.
func TestEnvReadsAsDotenvDoes(t *testing.T) {
	data, err := os.ReadFile("testdata/dotenv.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Text string
		Vars map[string]string
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 30 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		got := map[string]string{}
		for _, v := range ParseEnv(c.Text).Vars {
			got[v.Key] = v.Value
		}
		if !maps.Equal(got, c.Vars) {
			t.Errorf("%q: %q, dotenv reads %q", c.Text, got, c.Vars)
		}
	}
}

func TestEnvNamesLinesThatDotenvSkips(t *testing.T) {
	e := ParseEnv("# 注释\nA=1\noops\n\nB=\"two\nlines\"\n密码=1\nC:x\nA=2\n")
	if !slices.Equal(e.Odd, []int{3, 7, 8}) {
		t.Errorf("skipped lines %v", e.Odd)
	}
	if v, is := e.Get("A"); !is || v != "2" || e.Vars[2].Line != 9 || e.Vars[1].Line != 5 {
		t.Errorf("%q, %+v", v, e.Vars)
	}
	if !slices.Equal(e.Keys(), []string{"A", "B"}) {
		t.Errorf("keys %v", e.Keys())
	}
}

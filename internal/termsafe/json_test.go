package termsafe

import (
	"encoding/json"
	"testing"
)

func TestJSONMeansTheSame(t *testing.T) {
	in := "a\x1b[31m\u009b\u202e\U000e0041客\u007f"
	text, _ := json.Marshal(in)
	safe := JSON(text)
	if i := firstUnsafe(string(safe), false); i >= 0 {
		t.Fatalf("unsafe at %d: %q", i, safe)
	}
	var out string
	if err := json.Unmarshal(safe, &out); err != nil || out != in {
		t.Fatalf("%q, %v", out, err)
	}
}

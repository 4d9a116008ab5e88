package jsonout

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestNoArrayIsNull prints values with nil slices in every place where JSON may have one.
func TestNoArrayIsNull(t *testing.T) {
	type inner struct {
		Names []string          `json:"names"`
		Raw   json.RawMessage   `json:"raw"`
		Data  []byte            `json:"data"`
		Of    map[string][]int  `json:"of"`
		None  map[string]string `json:"none"`
	}
	type outer struct {
		inner
		List []inner   `json:"list"`
		Ptr  *inner    `json:"ptr"`
		Gone *inner    `json:"gone"`
		Any  any       `json:"any"`
		Left []string  `json:"left,omitempty"`
		At   time.Time `json:"at"`
	}
	in := outer{
		inner: inner{Of: map[string][]int{"a": nil}},
		Ptr:   &inner{},
		Any:   map[string]any{"deep": []inner(nil), "no": nil},
	}
	var b bytes.Buffer
	if err := Write(&b, in, ""); err != nil {
		t.Fatal(err)
	}
	const want = `{"names":[],"raw":null,"data":null,"of":{"a":[]},"none":null,"list":[],` +
		`"ptr":{"names":[],"raw":null,"data":null,"of":null,"none":null},"gone":null,` +
		`"any":{"deep":[],"no":null},"at":"0001-01-01T00:00:00Z"}`
	if got := strings.TrimSpace(b.String()); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if in.List != nil || in.Ptr.Names != nil {
		t.Error("the value itself was changed")
	}
}

package main

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/config"
)

// TestTheTemplateNamesEveryKey: what can be configured is in the file that `config init`
// writes.
func TestTheTemplateNamesEveryKey(t *testing.T) {
	t.Parallel()
	var missing []string
	for key := range keysOf(reflect.TypeFor[config.Config]()) {
		if !regexp.MustCompile(`(?m)(^|[\s{#])` + regexp.QuoteMeta(key) + `:`).Match(configTemplate) {
			missing = append(missing, key)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("config_template.yaml does not name: %s", strings.Join(missing, " "))
	}
}

// keysOf are the keys that a type of the configuration reads, at any depth.
func keysOf(t reflect.Type) map[string]bool {
	keys := map[string]bool{}
	var walk func(t reflect.Type)
	seen := map[reflect.Type]bool{}
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[t] || !strings.HasPrefix(t.PkgPath(), "opsdeck/") {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if name != "" && name != "-" {
				keys[name] = true
			}
			walk(f.Type)
		}
	}
	walk(t)
	return keys
}

package config

import (
	"fmt"
	"reflect"

	"opsdeck/internal/redact"
)

// Setting is one effective value.
type Setting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Source string `json:"source"` // "file:line" or "default"
}

// Settings lists the effective values in the order of the types, each with the
// place it came from. Secrets never are in the configuration; what looks like
// one (a password in a URL) is masked all the same.
func (l *Loaded) Settings() []Setting {
	var out []Setting
	l.settings("", reflect.ValueOf(*l.Config), &out)
	return out
}

func (l *Loaded) settings(at string, v reflect.Value, out *[]Setting) {
	if l, ok := v.Interface().(LogSources); ok && l.plain() {
		v = reflect.ValueOf(l.Paths())
	}
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			l.settings(join(at, v.Type().Field(i).Tag.Get("yaml")), v.Field(i), out)
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
		for i := range v.Len() {
			l.settings(fmt.Sprintf("%s[%d]", at, i), v.Index(i), out)
		}
	default:
		*out = append(*out, Setting{Key: at, Value: shown(v), Source: l.source(at)})
	}
}

func shown(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case fmt.Stringer:
		return x.String()
	case string:
		return redact.Text(x)
	case []string:
		masked := make([]string, len(x))
		for i, s := range x {
			masked[i] = redact.Text(s)
		}
		return masked
	}
	return v.Interface()
}

// source finds the line of a key, or of the mapping that set it as a whole.
func (l *Loaded) source(at string) string {
	if line, ok := l.Lines[at]; ok {
		return fmt.Sprintf("%s:%d", l.Path, line)
	}
	return "default"
}

// Service finds a service by name; "" means the first.
func (c *Config) Service(name string) (*Service, bool) {
	for i := range c.Services {
		if name == "" || c.Services[i].Name == name {
			return &c.Services[i], true
		}
	}
	return nil, false
}

// Names lists the services' names.
func (c *Config) Names() []string {
	var names []string
	for _, s := range c.Services {
		names = append(names, s.Name)
	}
	return names
}

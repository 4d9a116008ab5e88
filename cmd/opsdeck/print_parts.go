package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"

	"opsdeck/internal/termsafe"
)

// jsonPart is one key of a document that is printed while it is made.
type jsonPart struct {
	key   string
	value any
	each  func(take func(any) error) error // instead of a value: the members of an array
}

// jsonParts prints a document as json does, but holds only one member of an array at a time.
func (p *printer) jsonParts(parts ...jsonPart) error {
	p.closed = true
	out := bufio.NewWriterSize(p.out, 64<<10)
	write := func(before, indent string, v any) error {
		text, err := jsonText(v, indent)
		if err == nil {
			_, err = out.WriteString(before + text)
		}
		return err
	}
	before := "{\n  "
	for _, part := range parts {
		out.WriteString(before)
		before = ",\n  "
		if err := write("", "", part.key); err != nil {
			return err
		}
		if part.each == nil {
			if err := write(": ", "  ", part.value); err != nil {
				return err
			}
			continue
		}
		out.WriteString(": [")
		end := "]"
		comma := "\n    "
		err := part.each(func(v any) error {
			err := write(comma, "    ", v)
			comma = ",\n    "
			end = "\n  ]"
			return err
		})
		if err != nil {
			return err
		}
		out.WriteString(end)
	}
	out.WriteString("\n}\n")
	return out.Flush()
}

func jsonText(v any, prefix string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(withArrays(v)); err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	return string(termsafe.JSON(bytes.TrimRight(b.Bytes(), "\n"))), nil
}

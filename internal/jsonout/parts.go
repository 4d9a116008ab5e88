package jsonout

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"opsdeck/internal/termsafe"
)

// Part is one key of a document that is written while it is made.
type Part struct {
	Key   string
	Value any
	Each  func(take func(any) error) error // instead of a value: the members of an array
}

// WriteParts writes an indented document as Write does, but holds only one member of an array
// at a time.
func WriteParts(w io.Writer, parts ...Part) error {
	out := bufio.NewWriterSize(w, 64<<10)
	write := func(before, indent string, v any) error {
		written, err := text(v, indent)
		if err == nil {
			_, err = out.WriteString(before + written)
		}
		return err
	}
	before := "{\n  "
	for _, part := range parts {
		out.WriteString(before)
		before = ",\n  "
		if err := write("", "", part.Key); err != nil {
			return err
		}
		if part.Each == nil {
			if err := write(": ", "  ", part.Value); err != nil {
				return err
			}
			continue
		}
		out.WriteString(": [")
		end := "]"
		comma := "\n    "
		err := part.Each(func(v any) error {
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

func text(v any, prefix string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(withArrays(v)); err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	return string(termsafe.JSON(bytes.TrimRight(b.Bytes(), "\n"))), nil
}

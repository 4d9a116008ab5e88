// Package jsonout writes JSON for programs: safe for a terminal, without nil arrays, and large
// documents without holding them.
package jsonout

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"opsdeck/internal/termsafe"
	"reflect"
	"unsafe"
)

// Write writes a value as one document, or with no indent as one line. Nothing is written when
// the value cannot be encoded.
func Write(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(withArrays(v)); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := w.Write(termsafe.JSON(b.Bytes()))
	return err
}

// withArrays is a value whose JSON has an empty array wherever a slice is nil: who reads a
// key as an array gets one. Slices of bytes, and what writes its own JSON, stay as they are.
func withArrays(v any) any {
	if v == nil {
		return nil
	}
	return arraysIn(reflect.ValueOf(v)).Interface()
}

var (
	ownJSON = reflect.TypeFor[json.Marshaler]()
	ownText = reflect.TypeFor[encoding.TextMarshaler]()
)

// own tells whether a type writes its own JSON.
func own(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(ownJSON) || t.Implements(ownText) || p.Implements(ownJSON) || p.Implements(ownText)
}

// arraysIn is a copy of a value with its nil slices made; the value itself is not changed.
func arraysIn(v reflect.Value) reflect.Value {
	if !v.IsValid() || own(v.Type()) {
		return v
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(arraysIn(v.Elem()))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type()).Elem()
		out.Set(arraysIn(v.Elem()))
		return out
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			f := out.Field(i)
			if v.Type().Field(i).Anonymous && !f.CanSet() { // its own fields are keys of the JSON
				f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
			}
			if f.CanSet() {
				f.Set(arraysIn(f))
			}
		}
		return out
	case reflect.Slice:
		return arrayOf(v)
	case reflect.Map:
		return mapOf(v)
	}
	return v
}

func arrayOf(v reflect.Value) reflect.Value {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return v
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(arraysIn(v.Index(i)))
	}
	return out
}

func mapOf(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for each := v.MapRange(); each.Next(); {
		out.SetMapIndex(each.Key(), arraysIn(each.Value()))
	}
	return out
}

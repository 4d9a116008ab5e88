package main

import (
	"reflect"
	"slices"
	"strings"
)

// wholeGrammar are the commands that speak about all the others.
var wholeGrammar = []string{"completion", "man"}

// grammar is the part of the command line that a run needs, and where its global
// flags are put. A command that is named stands alone in it: to build the whole
// takes longer than most commands do. asked tells that a shell wants completion.
func grammar(args []string, asked bool) (root any, flags *globals) {
	verb := verbOf(args)
	if field, ok := commandField(verb); ok && !asked && !slices.Contains(wholeGrammar, verb) {
		one := reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "Globals", Type: reflect.TypeFor[globals](), Tag: `embed:""`}, field}))
		return one.Interface(), one.Elem().Field(0).Addr().Interface().(*globals)
	}
	c := &cli{}
	return c, &c.globals
}

// commandField is the field of cli that a command's name stands for.
func commandField(verb string) (reflect.StructField, bool) {
	of := reflect.TypeFor[cli]()
	field, ok := of.FieldByNameFunc(func(name string) bool { return verb != "" && strings.ToLower(name) == verb })
	return field, ok && len(field.Index) == 1 // the others are global flags
}

// verbOf is the first word that is no flag and no flag's value: "console" where
// there is none, and "" where all commands have to be known, as for --help.
func verbOf(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; arg {
		case "--config", "--lang", "--service", "--timeout":
			i++
		case "--help", "-h", "--":
			return ""
		default:
			if !strings.HasPrefix(arg, "-") {
				return arg
			}
		}
	}
	return "console"
}

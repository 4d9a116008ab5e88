// Command testreport reads what "go test -json" writes on standard input and prints what
// "go test" would have printed: a line for each package, and the output of what failed.
// Then it compares the run with the pages named on its command line: each test that a
// guarantee there links to must have passed, with all its subtests. One that was skipped,
// in whole or in part, or that did not run, proves nothing: the exit code is 1.
//
// Where OPSDECK_REAL is not "required", the servers of some tests may be absent. Then
// what was skipped is named, and is not an error.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	os.Exit(run(os.Stdin, os.Stdout, os.Args[1:], os.Getenv("OPSDECK_REAL") == "required"))
}

// run reports on the run whose events come from in. strict makes a skipped guarantee an error.
func run(in io.Reader, out io.Writer, pages []string, strict bool) (code int) {
	promised, err := promises(pages)
	if err != nil {
		fmt.Fprintln(out, "testreport:", err)
		return 1
	}
	r := newReport(out)
	if err := r.read(in); err != nil {
		fmt.Fprintln(out, "testreport:", err)
		return 1
	}
	r.summary()
	if r.failed || !r.keeps(promised, strict) {
		return 1
	}
	return 0
}

var link = regexp.MustCompile("\\[`(Test\\w+)`\\]\\(([^)]+)/[^/)]+\\)")

// test is a test without its subtests.
type test struct{ pkg, name string }

// promises are the tests that the pages link to. Links are relative to the top of the
// module, as README's are.
func promises(pages []string) (promised []test, err error) {
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		found := link.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			return nil, fmt.Errorf("%s links to no test", page)
		}
		for _, f := range found {
			promised = append(promised, test{pkg: "opsdeck/" + f[2], name: f[1]})
		}
	}
	slices.SortFunc(promised, func(a, b test) int { return strings.Compare(a.pkg+a.name, b.pkg+b.name) })
	return slices.Compact(promised), nil
}

// event is a line of "go test -json" (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64 // seconds
}

// outcome is what became of a test and of its subtests.
type outcome struct {
	passed  bool
	skipped []string // the names of what was skipped, itself included
	seconds float64
}

type report struct {
	out    io.Writer
	tests  map[test]*outcome
	output map[string][]string // of what is not over: package, or package and test
	failed bool
}

func newReport(out io.Writer) *report {
	return &report{out: out, tests: map[test]*outcome{}, output: map[string][]string{}}
}

// read takes all events. A line that is none, which a broken build writes, is printed.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(r.out, line)
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = true
	case "output":
		key := e.Package + " " + e.Test
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		r.end(e)
	}
}

// end takes the end of a package, a test or a subtest.
func (r *report) end(e event) {
	key := e.Package + " " + e.Test
	output := r.output[key]
	delete(r.output, key)
	if e.Action == "fail" {
		r.failed = true
	}
	if e.Test == "" {
		r.endPackage(e, output)
		return
	}
	if e.Action == "fail" {
		fmt.Fprintf(r.out, "%s: %s", e.Package, strings.Join(output, ""))
	}
	top, _, sub := strings.Cut(e.Test, "/")
	o := r.tests[test{e.Package, top}]
	if o == nil {
		o = &outcome{}
		r.tests[test{e.Package, top}] = o
	}
	if e.Action == "skip" {
		o.skipped = append(o.skipped, e.Test)
	}
	if !sub {
		o.passed = e.Action == "pass"
		o.seconds = e.Elapsed
	}
}

// endPackage prints a package's last line; all that it wrote, where it failed. So a panic
// and what the race detector says is read too, which belong to no test that ended.
func (r *report) endPackage(e event, output []string) {
	if e.Action == "fail" {
		for key, rest := range r.output {
			if strings.HasPrefix(key, e.Package+" ") {
				fmt.Fprint(r.out, strings.Join(rest, ""))
			}
		}
		fmt.Fprint(r.out, strings.Join(output, ""))
		if len(output) == 0 {
			fmt.Fprintf(r.out, "FAIL\t%s\n", e.Package)
		}
		return
	}
	if len(output) > 0 {
		fmt.Fprint(r.out, output[len(output)-1])
	}
}

// slowest is how many tests the summary names.
const slowest = 10

// summary names the tests that took longest, which is where a slow run is mended.
func (r *report) summary() {
	all := make([]test, 0, len(r.tests))
	skipped := 0
	for name, o := range r.tests {
		all = append(all, name)
		skipped += len(o.skipped)
	}
	slices.SortFunc(all, func(a, b test) int {
		if r.tests[a].seconds != r.tests[b].seconds {
			return int(1000 * (r.tests[b].seconds - r.tests[a].seconds))
		}
		return strings.Compare(a.pkg+a.name, b.pkg+b.name)
	})
	fmt.Fprintf(r.out, "%d tests, %d skipped in whole or in part; the slowest:\n", len(all), skipped)
	for _, name := range all[:min(slowest, len(all))] {
		fmt.Fprintf(r.out, "  %6.1f s  %s %s\n", r.tests[name].seconds, name.pkg, name.name)
	}
}

// keeps tells whether each promised test passed whole, and names those that did not.
func (r *report) keeps(promised []test, strict bool) bool {
	kept, broken := 0, false
	for _, p := range promised {
		o := r.tests[p]
		switch {
		case o == nil:
			fmt.Fprintf(r.out, "guarantee not proven: %s of %s did not run\n", p.name, p.pkg)
			broken = true
		case len(o.skipped) > 0:
			fmt.Fprintf(r.out, "guarantee not proven: %s of %s was skipped: %s\n", p.name, p.pkg,
				strings.Join(o.skipped, ", "))
			broken = broken || strict
		case !o.passed:
			fmt.Fprintf(r.out, "guarantee not proven: %s of %s did not pass\n", p.name, p.pkg)
			broken = true
		default:
			kept++
		}
	}
	if len(promised) > 0 {
		fmt.Fprintf(r.out, "guarantees: %d of %d linked tests ran and passed\n", kept, len(promised))
	}
	return !broken
}

// Package ops is the vocabulary that the domains, the adapters, the console and
// the commands share. It does no I/O.
package ops

import (
	"context"
	"errors"

	"opsdeck/internal/lang"
)

// Code tells a program what kind of end an error is. Its value is the exit
// code of the contract.
type Code int

// The codes of the contract. Status and doctor have codes of their own.
const (
	OK          Code = 0
	Failed      Code = 1
	Usage       Code = 64 // the words of the command line are off
	Busy        Code = 75 // a lock is held, a server cannot be reached: try again
	Config      Code = 78 // the configuration has to change first
	Interrupted Code = 130
)

// Error is an error with a sentence for people (what happened and why) and a
// hint (what to do next), apart from the code for programs and the cause.
type Error struct {
	Code Code
	What lang.Msg
	Hint lang.Msg // may be empty
	Err  error    // the cause; may be nil
}

// E makes an Error with no cause.
func E(code Code, what lang.Msg) *Error { return &Error{Code: code, What: what} }

// Wrap makes an Error with a cause; it keeps a nil cause nil-safe, but never
// returns nil itself.
func Wrap(err error, code Code, what lang.Msg) *Error {
	return &Error{Code: code, What: what, Err: err}
}

// WithHint adds what to do next.
func (e *Error) WithHint(hint lang.Msg) *Error {
	e.Hint = hint
	return e
}

// Error is the English sentence with its cause, for programs and logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.What.String() + ": " + e.Err.Error()
	}
	return e.What.String()
}

// InBoth is an error in both languages, for a record that is read later. An error without a
// sentence of its own is the same in both.
func InBoth(err error) lang.Both {
	var e *Error
	if !errors.As(err, &e) || e.Error() != err.Error() {
		return lang.Both{EN: err.Error()}
	}
	return lang.BothBy(e.In)
}

// In is the sentence with its cause in a printer's language: an error may be an
// argument of another sentence.
func (e *Error) In(p *lang.Printer) string {
	text := p.Msg(e.What)
	if e.Err != nil {
		text = p.Msg(lang.M("%s: %s", text, e.Err))
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the exit code of any error: that of the outermost Error in its
// chain, Interrupted for a cancelled context, else Failed.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Failed
}

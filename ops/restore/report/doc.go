// Package report tells people and programs what a restore did, and prints its plan
// to keep on paper.
package report

// Package report describes what a restore did, for people and programs, and prints its
// plan for paper.
package report

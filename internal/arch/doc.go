// Package arch holds no code, only tests: who may import whom, what the top
// level of the repository holds, and what the program must not be linked with.
package arch

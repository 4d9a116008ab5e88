package lang

import (
	"regexp"
	"strings"
	"testing"
)

// The console says the key instead of a command that a key does as well: "press 4, then
// b", "按 4，再按 b". So such a command is a clause of its own, after a colon, and never
// the object of a sentence ("make one with opsdeck backup create").
var (
	keyed = regexp.MustCompile("opsdeck (?:backup (?:create|verify|prune|sync|drill|show|list)|restore (?:attach|status|" +
		"--plan|resume|abort|undo|drop-old|report)|logs --critical|status)\\b")
	clause  = regexp.MustCompile("(?:^|[:;,] |[：；，。、（]|then )`?$")
	flagged = regexp.MustCompile(`^(?: \S+)? --`)
	whole   = regexp.MustCompile("^(?:Run |请运行 )opsdeck backup create[.。]$") // Status has its own in the console
)

func TestACommandThatAKeyDoesIsAClauseOfItsOwn(t *testing.T) {
	for _, pair := range pairs {
		for _, text := range pair {
			for _, at := range keyed.FindAllStringIndex(text, -1) {
				if flagged.MatchString(text[at[1]:]) || whole.MatchString(text) {
					continue
				}
				if head := text[:at[0]]; !clause.MatchString(head) || strings.HasSuffix(head, "with: ") {
					t.Errorf("%q: the command is not a clause", text)
				}
			}
		}
	}
}
